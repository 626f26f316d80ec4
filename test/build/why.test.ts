import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { SNAP, snap, start } from '../commands/launcher.ts';
import { build, edit, layersOf, makeProject, write } from './small-project.ts';

const SCRIPTLETS = {
  lib: 'install_debian_deb libyaml-0-2\n',
  user: 'need lib\ndo_run() {\n  copy_file main.conf etc/\n  ln -s /usr/share /etc/share\n}\n',
  jobs: 'need user\ninstall_debian_deb cron\ndo_run() {\n  copy_file main.conf etc/cron.d/\n  echo x >>/etc/default/cron\n  echo 1 >/etc/own\n}\n',
  last: "need '*'\nexclude_path 'usr/share/doc/*'\ndo_run() {\n  echo last >>/etc/own\n  rm /etc/issue.net\n}\n",
};

let project = '';
/** Builds: 1 as above, 2 with another do_run of user, 3 with data of user changed and a line in that of jobs. */
before(() => {
  project = makeProject(SCRIPTLETS, {
    files: { 'scriptlets/user/main.conf': 'one\n', 'scriptlets/jobs/main.conf': 'jobs\n' },
  });
  build(project);
  edit(project, 'scriptlets/user.sh', (text) => text.replace('/etc/share', '/etc/shared'));
  build(project);
  write(project, { 'scriptlets/user/main.conf': 'two\n' });
  edit(project, 'scriptlets/jobs.sh', (text) => text.replace('echo x', 'echo y'));
  build(project);
});

type Why = {
  readonly now: { readonly build: number; readonly key: string };
  readonly before: { readonly build: number; readonly key: string } | null;
  readonly differences: readonly {
    readonly kind: string;
    readonly words: string;
    readonly lines: readonly string[];
  }[];
};

function json<T>(...args: readonly string[]): T {
  const { status, stdout, stderr } = snap(['-C', project, 'why', '--json', ...args]);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as T;
}

function failure(...args: readonly string[]): string {
  const { status, stdout, stderr } = snap(['-C', project, 'why', ...args]);
  assert.deepEqual([status, stdout], [2, '']);
  return stderr;
}

test('a layer that ran is held against the last build that had it with another key', () => {
  const { now, before, differences } = json<Why>('user');
  assert.deepEqual([now.build, before?.build], [3, 2]);
  assert.notEqual(now.key, before?.key);
  assert.deepEqual(
    differences.map(({ words }) => words),
    ['data file main.conf changed'],
  );
});

test('all that differs is told, what is its own first: the lines of a function, and what a need left', () => {
  const { differences } = json<Why>('jobs');
  assert.deepEqual(
    differences.map(({ words }) => words),
    ['do_run changed', 'need user: etc/main.conf differs'],
  );
  assert.ok(differences[0]?.lines.includes('+    echo y >> /etc/default/cron;'), `${differences[0]?.lines}`);
});

test('another build can be named, by its number or back from the last', () => {
  for (const against of ['1', '~2']) {
    const { before, differences } = json<Why>('user', 'a', '--against', against);
    assert.equal(before?.build, 1);
    assert.deepEqual(
      differences.map(({ words }) => words),
      ['do_run changed', 'data file main.conf changed'],
    );
  }
});

test('a layer that never had another key is the first build since it is there', () => {
  const { now, before, differences } = json<Why>('lib');
  assert.deepEqual([now.build, before, differences], [1, null, []]);
  assert.match(snap(['-C', project, 'why', 'base']).stdout, /first build: no other key in any build/);
  assert.match(snap(['-C', project, 'why', 'lib', '--against', '2']).stdout, /nothing differs/);
});

test("settle's layers have a reason too", () => {
  edit(
    project,
    'scriptlets/lib.sh',
    (text) => `${text}do_run() { cp /usr/lib/*/libyaml-0.so.2 /usr/local/lib/libown.so; }\n`,
  );
  build(project);
  const { differences } = json<Why>('settle/libc-bin');
  assert.deepEqual(
    differences.map(({ words }) => words),
    ['usr/local/lib/libown.so differs'],
  );
});

test('as text: both sides aligned, then the reasons with their lines', () => {
  const { stdout } = snap(['-C', project, 'why', 'user', 'a', '--against', '1']);
  const [title, heads, now, old, empty, ...reasons] = stdout.split('\n');
  assert.equal(title, 'user of a');
  assert.match(heads ?? '', /^ +build +when +layer +key +took$/);
  assert.match(now ?? '', /^now +\d+ +\d{4}-\d\d-\d\d \d\d:\d\d +\d+ +[0-9a-f]{12} +\d+\.\d s$/);
  assert.match(old ?? '', /^before +1 +/);
  assert.equal(empty, '');
  assert.ok(reasons.includes('    +    ln -s /usr/share /etc/shared'), reasons.join('\n'));
});

test('an unknown layer, build or conf is told, with the nearest', () => {
  assert.match(failure('usr'), /There is no layer "usr" in any build\nhint: did you mean "user"\?/);
  assert.match(failure('user', 'a', '--against', '77'), /There is no build "77"\nhint: builds: 1 to \d/);
  assert.match(failure('user', 'b'), /Unknown conf "b"/);
  assert.match(failure(), /Neither a layer nor a path is named/);
  assert.match(failure('a', 'b', '--path', '/x'), /nothing but an image may be named/);
});

test('a layer that only earlier builds had is told of; of one that is gone from the store, just that', () => {
  const own = makeProject({
    lib: 'install_debian_deb libyaml-0-2\n',
    user: 'do_run() { touch /etc/user; }\n',
  });
  build(own);
  edit(own, 'conf/a.toml', (text) => text.replace('"lib","user"', '"lib"'));
  build(own);
  assert.match(snap(['-C', own, 'why', 'user']).stdout, /^user of a\n.*^now +1 /ms);
  rmSync(join(layersOf(own).get('user')!.tree, '..'), { recursive: true });
  start([SNAP, '-C', own, 'gc', '--keep-builds', '9']);
  for (const args of [['user'], ['user', 'a']]) {
    const { status, stderr } = snap(['-C', own, 'why', ...args]);
    assert.equal(status, 1);
    assert.equal(
      stderr,
      'snap: Cannot tell why "user" ran: it is not in the store any more\nhint: layers that a build would run: snap plan a\n',
    );
  }
});

type Part = {
  readonly layer: string;
  readonly wins: boolean;
  readonly by: string;
  readonly package?: { readonly name: string };
  readonly copied?: string;
  readonly records?: readonly string[];
  readonly declared?: { readonly file: string; readonly line: number; readonly text: string };
  readonly chain?: readonly string[];
  readonly pinned?: { readonly file: string; readonly line: number };
};
type Origin = {
  readonly path: string;
  readonly removed: boolean;
  readonly excluded?: Part['declared'];
  readonly parts: readonly Part[];
};

function origin(path: string): Origin {
  return json<Origin>('--path', path);
}

test('the way from a file to the lines of scriptlet and lock, a package that came as a dependency with the chain', () => {
  const [part] = origin('/usr/sbin/cron').parts;
  assert.deepEqual(
    [part?.layer, part?.by, part?.package?.name, part?.chain],
    ['jobs', 'package', 'cron', ['cron']],
  );
  assert.deepEqual(part?.declared, { file: 'scriptlets/jobs.sh', line: 2, text: 'install_debian_deb cron' });
  const dependency = origin('usr/share/doc/cron-daemon-common/copyright').parts[0];
  assert.deepEqual(dependency?.chain, ['cron', 'cron-daemon-common']);
  const { file, line } = dependency?.pinned ?? { file: '', line: 0 };
  assert.match(
    readFileSync(join(project, file), 'utf8').split('\n')[line - 1] ?? '',
    /^deb cron-daemon-common all /,
  );
});

test('links on the way are followed, however the path is written; one at its end is not', () => {
  const [plain] = origin('usr/bin/ls').parts;
  assert.equal(plain?.package?.name, 'coreutils');
  for (const path of ['/bin/ls', 'bin/ls', '//bin//./ls', '/etc/../bin/ls'])
    assert.equal(origin(path).path, 'usr/bin/ls', path);
  assert.equal(origin('/etc/shared/base-files/').path, 'usr/share/base-files');
  assert.deepEqual(
    [origin('/etc/shared').path, origin('/etc/shared').parts[0]?.layer, origin('/etc/shared').parts[0]?.by],
    ['etc/shared', 'user', 'do_run'],
  );
});

test('a file that several layers wrote: all of them in order, and the one from which the image has it', () => {
  const { parts } = origin('/etc/own');
  assert.deepEqual(
    parts.map(({ layer, wins }) => [layer, wins]),
    [
      ['jobs', false],
      ['last', true],
    ],
  );
  const { stdout } = snap(['-C', project, 'why', '--path', '/etc/own']);
  assert.match(stdout, /\n +jobs .*\n\* +last .*\n\nlayer +last,/);
});

test("a file of a package that do_run changed, and one that it copied from the scriptlet's folder", () => {
  const edited = origin('/etc/default/cron').parts[0];
  assert.deepEqual([edited?.by, edited?.package?.name], ['do_run or scripts', 'cron']);
  const copied = origin('/etc/cron.d/main.conf').parts[0];
  assert.deepEqual([copied?.by, copied?.copied], ['do_run', 'scriptlets/jobs/main.conf']);
  assert.deepEqual(copied?.declared, { file: 'scriptlets/jobs.sh', line: 3, text: 'do_run' });
});

test('a database file has a part of every layer that changed records in it', () => {
  const parts = origin('/etc/group').parts;
  assert.deepEqual(
    parts.map(({ layer, wins }) => [layer, wins]),
    [
      ['base', true],
      ['jobs', true],
    ],
  );
  assert.deepEqual(parts[1]?.records, ['crontab']);
});

test('what a layer removed, what a declaration leaves out, what triggers made', () => {
  assert.deepEqual(
    [origin('/etc/issue.net').removed, origin('/etc/issue.net').parts.at(-1)?.layer],
    [true, 'last'],
  );
  assert.deepEqual(origin('/usr/share/doc/bash/copyright').excluded, {
    file: 'scriptlets/last.sh',
    line: 2,
    text: 'exclude_path usr/share/doc/*',
  });
  assert.equal(origin('/etc/ld.so.cache').parts.at(-1)?.by, 'triggers');
});

test('a path in no layer is told with the nearest names, there and elsewhere', () => {
  assert.match(
    failure('--path', '/usr/bin/grepp'),
    /No layer of "a@\d" has the path "\/usr\/bin\/grepp"\nhint: did you mean "\/usr\/bin\/grep"/,
  );
  assert.match(
    failure('--path', 'cron.service'),
    /hint: did you mean "\/usr\/lib\/systemd\/system\/cron.service"/,
  );
  assert.match(failure('--path', '/usr/bin/ls/x'), /No layer/);
});

test('plan, why and graph start no program', () => {
  for (const args of [
    ['plan'],
    ['why', 'user'],
    ['why', '--path', '/bin/ls'],
    ['ls', '-R'],
    ['cat', '/etc/passwd'],
    ['history'],
    ['pin', 'a'],
    ['graph', '--format', 'svg'],
  ]) {
    const trace = join(project, 'trace');
    const { status, stderr } = start([
      'strace',
      '-f',
      '-s',
      '300',
      '-e',
      'trace=execve,execveat',
      '-o',
      trace,
      SNAP,
      '-C',
      project,
      ...args,
    ]);
    assert.equal(status, 0, stderr);
    const started = readFileSync(trace, 'utf8')
      .split('\n')
      .filter((line) => /execve(at)?\(/.test(line) && !/ = -1 E/.test(line));
    assert.equal(started.length, 2, `${args}: ${started.join('\n')}`);
  }
});
