import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { snap } from '../commands/launcher.ts';
import { build, edit, makeProject, preparedProject, write } from './small-project.ts';

type Planned = {
  readonly name: string;
  readonly state: string;
  readonly reason: string;
  readonly why?: { readonly kind: string };
  readonly seconds?: number;
  readonly lines: readonly string[];
};
type Plan = { readonly layers: readonly Planned[]; readonly seconds: number; readonly atMost: number };

const SCRIPTLETS = {
  user: `use_var NAME
use_file shared/list
own=1
do_run() {
  copy_file main.conf etc/
  # nobody runs this
  echo "$NAME$own" >/etc/name
}
`,
  packages: 'install_debian_deb netbase\n',
  app: 'need user\ndo_run() { cat /etc/name /etc/twice >/etc/app 2>/dev/null || true; }\n',
  last: "need '*'\ndo_run() { ls /etc >/etc/all; }\n",
};
const FILES = { 'scriptlets/user/main.conf': 'one\n', 'shared/list': 'a\n' };

let project = '';
before(() => {
  project = makeProject(SCRIPTLETS, { vars: 'NAME = "x"', files: FILES });
  build(project);
});

function plan(...args: readonly string[]): Plan {
  const { status, stdout, stderr } = snap(['-C', project, 'plan', '--json', ...args]);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as Plan;
}

function layer(name: string, from: Plan = plan()): Planned {
  return from.layers.find((one) => one.name === name)!;
}

/** What `work` finds while a file of the project is another; afterwards it is as before. */
function changed<T>(path: string, change: (text: string) => string, work: () => T): T {
  const file = join(project, path);
  const text = readFileSync(file, 'utf8');
  try {
    edit(project, path, change);
    return work();
  } finally {
    writeFileSync(file, text);
  }
}

/** The version in every lock of these tests. */
const NETBASE =
  /^deb netbase all (\S+)/m.exec(readFileSync(join(preparedProject(), 'conf/all.lock'), 'utf8'))?.[1] ?? '';
const USER = 'scriptlets/user.sh';
const CASES: [path: string, change: (text: string) => string, name: string, why: object, words: string][] = [
  [
    'scriptlets/user/main.conf',
    () => 'two\n',
    'user',
    { kind: 'data', path: 'main.conf', change: 'changed' },
    'data file main.conf changed',
  ],
  [
    'shared/list',
    () => 'b\n',
    'user',
    { kind: 'file', path: 'shared/list', change: 'changed' },
    'file shared/list changed',
  ],
  [
    'conf/a.toml',
    (text) => text.replace('"x"', '"y"'),
    'user',
    { kind: 'variable', name: 'NAME', change: 'changed' },
    'variable NAME changed',
  ],
  [
    'conf/a.lock',
    (text) => text.replace(`deb netbase all ${NETBASE}`, 'deb netbase all 99'),
    'packages',
    { kind: 'deb', name: 'netbase', from: NETBASE, to: '99' },
    `deb netbase ${NETBASE} -> 99`,
  ],
  [
    'scriptlets/packages.sh',
    (text) => text.replace('netbase', 'netbase cron'),
    'packages',
    { kind: 'uncovered' },
    'the lock does not cover its packages yet',
  ],
];
for (const [path, change, name, why, words] of CASES) {
  test(`${path} is another: "${words}"`, () => {
    const found = changed(path, change, () => layer(name));
    assert.deepEqual([found.state, found.why, found.reason, found.lines], ['run', why, words, []]);
  });
}

test('when nothing changed, every layer is a hit and nothing is expected to take time', () => {
  const { layers, seconds, atMost } = plan();
  assert.deepEqual([...new Set(layers.map(({ state }) => state))], ['hit']);
  assert.deepEqual([seconds, atMost], [0, 0]);
  const text = snap(['-C', project, 'plan']);
  assert.match(text.stdout, /^layer +state\nbase +hit\nuser +hit\n/);
  assert.equal(text.stderr, `${layers.length} layers: 0 to run\n`);
});

test('a changed function is told with its changed lines; a comment is no change', () => {
  const found = changed(
    USER,
    (text) => text.replace('main.conf etc/', 'main.conf etc/other'),
    () => ({
      json: layer('user'),
      text: snap(['-C', project, 'plan']).stdout,
    }),
  );
  assert.equal(found.json.reason, 'do_run changed');
  assert.deepEqual(found.json.lines.slice(2, 4), [
    '-    copy_file main.conf etc/;',
    '+    copy_file main.conf etc/other;',
  ]);
  assert.match(
    found.text,
    /\nuser +run +\d.\d s +do_run changed\n.*\n.*\n {4}- {4}copy_file main.conf etc\/;\n {4}\+ {4}copy_file main.conf etc\/other;\n/,
  );
  assert.equal(
    changed(
      USER,
      (text) => text.replace('nobody', 'somebody'),
      () => layer('user').state,
    ),
    'hit',
  );
});

test("a changed variable of the scriptlet's own is told with its line, and not the conf's beside it", () => {
  const found = changed(
    USER,
    (text) => text.replace('own=1', 'own=2'),
    () => layer('user'),
  );
  assert.equal(found.reason, 'own variable own changed');
  assert.deepEqual(found.lines, ['-declare -- own="1"', '+declare -- own="2"']);
});

test('what sees a layer that will run is unknown, and says which; the times are those of the last runs', () => {
  const { layers, seconds, atMost } = changed(
    'shared/list',
    () => 'c\n',
    () => plan('-j', '1'),
  );
  const told = layers.map(({ name, state, reason }) => `${name} ${state} ${reason}`);
  assert.deepEqual(told.slice(0, 5), [
    'base hit ',
    'user run file shared/list changed',
    'packages hit ',
    'app unknown known when user has run',
    'last unknown known when user has run',
  ]);
  const took = (name: string): number => layers.find((one) => one.name === name)?.seconds ?? Number.NaN;
  assert.equal(seconds, took('user'));
  const may = ['user', 'app', 'last', 'settle'].map((name) => took(name) || 0);
  assert.ok(Math.abs(atMost - may.reduce((sum, one) => sum + one)) < 1e-9, `${atMost}: ${may}`);
});

test('a layer that is to run again is told as asked for', () => {
  assert.deepEqual(layer('app', plan('--rerun', 'app')).why, { kind: 'asked' });
  assert.equal(layer('last', plan('--rerun', 'app')).reason, 'known when app has run');
});

test('without a lock everything runs', () => {
  const file = join(project, 'conf/a.lock');
  const text = readFileSync(file, 'utf8');
  rmSync(file);
  try {
    assert.deepEqual([...new Set(plan().layers.map(({ reason }) => reason))], ['there is no lock yet']);
  } finally {
    writeFileSync(file, text);
  }
});

test('build --dry-run prints the same, and changes nothing', () => {
  const [planned, dry] = changed(
    'shared/list',
    () => 'd\n',
    () => [['plan'], ['build', '--dry-run']].map((args) => snap(['-C', project, ...args])),
  );
  assert.deepEqual(dry, planned);
  assert.equal(layer('user').state, 'hit');
});

test('a need that came out otherwise is told with the path that differs, by the plan and by the build', () => {
  write(project, { 'conf/b.toml': readFileSync(join(project, 'conf/a.toml'), 'utf8') });
  write(project, { 'conf/b.lock': readFileSync(join(project, 'conf/a.lock'), 'utf8') });
  build(project, [], { conf: 'b' });
  const twice = (text: string): string => text.replace('etc/name', 'etc/name; echo 2 >/etc/twice');
  const found = changed(USER, twice, () => {
    const built = build(project);
    return { built: built.json.layers.find(({ name }) => name === 'app'), planned: layer('app', plan('b')) };
  });
  assert.equal(found.built?.reason, 'need user: etc/twice differs');
  assert.equal(found.planned.state, 'hit', 'built for the one, and there for the other');
  const more = (text: string): string => twice(text).replace('own=1', 'own=5');
  const again = changed(USER, more, () => {
    const { ran } = build(project, ['--rerun', 'user']);
    const edited = changed(
      'scriptlets/app.sh',
      (text) => text.replace('cat', 'head'),
      () => layer('app', plan('b')),
    );
    return { ran, edited, why: snap(['-C', project, 'why', 'app', '--against', '1']).stdout };
  });
  assert.ok(again.ran.includes('app'));
  assert.match(again.why, /^need user: etc\/name and 1 more differ$/m);
  assert.equal(again.edited.reason, 'do_run changed', 'who works at it did that');
});
