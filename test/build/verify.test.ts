import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  lutimesSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { snap } from '../commands/launcher.ts';
import { build, edit, fillStore, layersOf, makeProject, write } from './small-project.ts';

const LIBRARY = 'usr/lib/x86_64-linux-gnu';

const SCRIPTLETS = {
  one: 'do_run() { mkdir -p /opt; echo text >/opt/one; echo conf >/etc/one.conf; }\n',
  library: 'install_debian_deb libyaml-0-2\n',
  two: 'need one\ndo_run() { echo two >/opt/two; }\n',
};

type Told = {
  readonly status: number | null;
  readonly stderr: string;
  readonly json: {
    readonly whole: boolean;
    readonly damages: readonly {
      readonly kind: string;
      readonly name: string;
      readonly path: string;
      readonly what: string;
      readonly sharing: readonly { readonly name: string }[];
      readonly images: readonly {
        readonly conf: string;
        readonly slot: string;
        readonly builds: readonly string[];
      }[];
      readonly elsewhere: number;
      readonly outcome: {
        readonly kind: string;
        readonly how: string;
        readonly why: string;
        readonly next: string;
      };
    }[];
    readonly left: readonly object[];
  };
};

function verify(project: string, ...args: readonly string[]): Told {
  const { status, stdout, stderr } = snap(['-C', project, 'verify', '--json', ...args]);
  return { status, stderr, json: JSON.parse(stdout) as Told['json'] };
}

function whole(project: string): void {
  const { status, stderr, json } = verify(project, '--deep');
  assert.deepEqual(json.damages, [], stderr);
  assert.equal(status, 0);
}

/** A project that was built, with a base whose files nobody else has. */
function built(scriptlets: Readonly<Record<string, string>> = SCRIPTLETS): string {
  const project = makeProject(scriptlets);
  const layers = join(project, 'store/layers');
  execFileSync('cp', ['-a', layers, `${layers}.own`]);
  rmSync(layers, { recursive: true });
  renameSync(`${layers}.own`, layers);
  build(project);
  return project;
}

/** Changes a file without a trace but its content. */
function harm(file: string): void {
  const { mtimeMs } = lstatSync(file);
  const bytes = readFileSync(file);
  bytes[0]! ^= 1;
  writeFileSync(file, bytes);
  lutimesSync(file, mtimeMs / 1000, mtimeMs / 1000);
}

function text(project: string, path: string): string {
  return readFileSync(join(project, 'images/a', path), 'utf8');
}

test('an edit in an image that reached the store is found with all that it reached, and its layer made again as it was', () => {
  const project = built();
  whole(project);
  appendFileSync(join(project, 'images/a/opt/one'), 'edited\n');
  const found = verify(project);
  assert.equal(found.status, 1);
  const [damage, ...more] = found.json.damages;
  assert.deepEqual(more, []);
  assert.deepEqual(
    [damage?.kind, damage?.name, damage?.path, damage?.elsewhere],
    ['path', 'one', 'opt/one', 0],
  );
  assert.match(damage?.what ?? '', /^time .*, size 12 instead of 5$/);
  assert.deepEqual(damage?.images, [
    { conf: 'a', slot: '.a.a', shown: true, builds: ['a@1'] },
    { conf: 'a', slot: '.a.b', shown: false, builds: ['a@1'] },
  ]);
  const words = snap(['-C', project, 'verify']);
  assert.equal(words.status, 1);
  assert.match(
    words.stdout,
    /^layer \d+ \(one\): "\/opt\/one" time .*\n {4}the same file in image a \(\.a\.a, a@1\).*\n$/s,
  );
  assert.match(words.stderr, /^1 damage: \d+ layers with .* mend: snap verify --repair\n$/);
  const numbers = readdirSync(join(project, 'store/layers')).sort();
  const mended = verify(project, '--repair');
  assert.equal(mended.status, 1, 'damage was found');
  assert.match(mended.json.damages[0]?.outcome.how ?? mended.stderr, /made again, and is the same/);
  assert.deepEqual(mended.json.left, []);
  whole(project);
  assert.equal(text(project, 'opt/one'), 'text\n');
  assert.deepEqual(readdirSync(join(project, 'store/layers')).sort(), numbers);
  assert.deepEqual(build(project).ran, []);
});

test("a person's own folder that held a damaged file is whole again once it is filled again", () => {
  const project = built();
  const folder = join(project, 'own');
  const fill = (): void => void build(project, ['--output', folder]);
  fill();
  appendFileSync(join(folder, 'opt/one'), 'edited\n');
  assert.equal(verify(project).json.damages[0]?.elsewhere, 1);
  assert.deepEqual(verify(project, '--repair').json.left, []);
  fill();
  assert.equal(readFileSync(join(folder, 'opt/one'), 'utf8'), 'text\n');
  whole(project);
});

test('a file comes back from a copy or from its deb, and no layer runs', () => {
  const project = built();
  const layers = layersOf(project);
  const library = readdirSync(join(layers.get('library')!.tree, LIBRARY)).find((name) =>
    /^libyaml-0\.so\.2\.0/.test(name),
  )!;
  const file = join(layers.get('library')!.tree, LIBRARY, library);
  const log = join(project, 'store/logs');
  const logs = readdirSync(log).map((name) => statSync(join(log, name)).mtimeMs);
  harm(file);
  harm(join(layers.get('one')!.tree, 'etc/one.conf'));
  assert.deepEqual(verify(project).json.damages, [], 'the content alone tells');
  const { json, stderr } = verify(project, '--deep', '--repair');
  assert.deepEqual(
    json.damages.map(({ name, path, outcome }) => [name, path, outcome.kind, outcome.how]).sort(),
    [
      ['deb/libyaml-0-2', `${LIBRARY}/${library}`, 'mended', 'put right in the layer'],
      ['one', 'etc/one.conf', 'mended', 'put right in the layer'],
    ],
    stderr,
  );
  assert.deepEqual(
    readdirSync(log).map((name) => statSync(join(log, name)).mtimeMs),
    logs,
    'nothing ran',
  );
  whole(project);
  const [ours, images] = [file, join(project, 'images/a', LIBRARY, library)].map(
    (path) => lstatSync(path).ino,
  );
  assert.equal(images, ours, 'the image has the mended file');
});

test('what is of the image alone is made anew beside it, and an edit stays to be looked at until the next build', () => {
  const project = built();
  writeFileSync(join(project, 'images/a/etc/one.conf'), 'mine\n');
  chmodSync(join(project, 'images/a/etc/passwd'), 0o600);
  writeFileSync(join(project, 'images/a/opt/more'), '');
  const { json } = verify(project);
  assert.deepEqual(
    json.damages.map(({ kind, path, what }) => `${kind} ${path} ${what.replace(/time \S+/, 'time')}`),
    [
      'image etc/one.conf time instead of 1700000000',
      'image etc/passwd mode 600 instead of 644',
      'image opt time instead of 1700000000',
      'image opt/more does not belong here',
    ],
  );
  const mended = verify(project, '--repair').json;
  assert.ok(mended.damages.every(({ outcome }) => outcome.how === 'the image was made anew beside it'));
  whole(project);
  assert.equal(text(project, 'etc/one.conf'), 'conf\n');
  assert.equal(readlinkSync(join(project, 'images/a')), '.a.b');
  assert.equal(readFileSync(join(project, 'images/.a.a/etc/one.conf'), 'utf8'), 'mine\n');
  assert.deepEqual(build(project).ran, []);
  whole(project);
});

test("the slot that is not shown is looked at too, and the content of an image's own files with --deep", () => {
  const project = built();
  edit(project, 'scriptlets/two.sh', (before) => before.replace('echo two', 'echo three'));
  build(project);
  const [hidden, shown] =
    readlinkSync(join(project, 'images/a')) === '.a.a' ? ['.a.b', '.a.a'] : ['.a.a', '.a.b'];
  harm(join(project, 'images', hidden, 'etc/one.conf'));
  harm(join(project, 'images', shown, 'etc/passwd'));
  assert.deepEqual(verify(project).json.damages, []);
  const { json } = verify(project, '--deep', '--repair');
  assert.deepEqual(json.damages.map(({ path, what }) => `${path} ${what}`).sort(), [
    'etc/one.conf other content',
    'etc/passwd other content',
  ]);
  whole(project);
  edit(project, 'scriptlets/two.sh', (before) => before.replace('echo three', 'echo four'));
  build(project);
  whole(project);
});

test('what cannot be mended is told with the reason and what to do, and mended once the cause is gone', () => {
  const project = built();
  appendFileSync(join(project, 'images/a/opt/one'), 'edited\n');
  const scriptlet = readFileSync(join(project, 'scriptlets/one.sh'), 'utf8');
  write(project, { 'scriptlets/one.sh': 'do_run() { false; }\n' });
  const { status, json } = verify(project, '--repair');
  assert.equal(status, 1);
  const [damage] = json.damages;
  assert.equal(damage?.outcome.kind, 'open');
  assert.match(damage?.outcome.why ?? '', /Cannot build "a": "one" failed/);
  assert.match(damage?.outcome.next ?? '', /full log: snap log one/);
  const words = snap(['-C', project, 'verify']);
  assert.equal(words.status, 1, 'still told');
  assert.match(words.stdout, /are gone/);
  write(project, { 'scriptlets/one.sh': scriptlet });
  assert.deepEqual(build(project).ran, ['one']);
  assert.equal(text(project, 'opt/one'), 'text\n');
  whole(project);
});

test('a layer that comes out otherwise is another layer, and the image is made of it', () => {
  const project = built({
    ...SCRIPTLETS,
    random: 'do_run() { mkdir -p /opt; head -c 8 /dev/urandom | od >/opt/random; }\n',
  });
  const before = text(project, 'opt/random');
  truncateSync(join(layersOf(project).get('random')!.tree, '../manifest'), 10);
  const { json, stderr } = verify(project, '--repair');
  assert.match(
    json.damages?.[0]?.outcome.how ?? stderr,
    /^the layer was made again, with other content: it is layer \d+$/,
  );
  assert.notEqual(text(project, 'opt/random'), before);
  const after = verify(project, '--deep');
  assert.deepEqual(
    after.json.damages.map(({ kind, what }) => `${kind} ${what.replace(/\d+/, 'N')}`),
    ['build its layers N (random) are gone'],
  );
  assert.deepEqual(build(project).ran, []);
});

test('a damaged deb is found, by its size or by its content, and fetched again', () => {
  const project = built();
  const debs = join(project, 'store/debs');
  const pins = [...readFileSync(join(project, 'conf/a.lock'), 'utf8').matchAll(/\b[0-9a-f]{64}\b/g)].map(
    ([sha]) => sha,
  );
  const [short, changed] = pins
    .filter((sha) => existsSync(join(debs, `${sha}.deb`)))
    .sort((a, b) => statSync(join(debs, `${a}.deb`)).size - statSync(join(debs, `${b}.deb`)).size);
  for (const sha of [short, changed]) {
    const file = join(debs, `${sha}.deb`);
    const bytes = readFileSync(file);
    rmSync(file); // other projects have it too
    if (sha === changed) bytes[100]! ^= 1;
    writeFileSync(file, sha === short ? bytes.subarray(1) : bytes);
  }
  assert.deepEqual(
    verify(project).json.damages.map(({ what }) => what.replace(/\d+/g, 'N')),
    ['has N bytes instead of N'],
  );
  const { json, stderr } = verify(project, '--deep', '--repair');
  assert.deepEqual(
    json.damages.map(({ outcome }) => outcome.how),
    ['fetched again', 'fetched again'],
    stderr,
  );
  whole(project);
});

test('a build after the index was lost runs nothing and leaves the image as it is', () => {
  const project = built();
  const image = join(project, 'images/a');
  const before = [
    readlinkSync(image),
    statSync(image).ino,
    readFileSync(join(project, 'store/builds/a/1.json'), 'utf8'),
  ];
  for (const end of ['', '-wal', '-shm']) rmSync(join(project, `store/index.db${end}`), { force: true });
  const { ran, stderr } = build(project);
  assert.deepEqual(ran, []);
  assert.match(stderr, /snap: the index ".*" is gone: made anew from \d+ layers\n/);
  const after = [
    readlinkSync(image),
    statSync(image).ino,
    readFileSync(join(project, 'store/builds/a/1.json'), 'utf8'),
  ];
  assert.deepEqual(after, before);
  assert.deepEqual(readdirSync(join(project, 'store/builds/a')), ['1.json']);
  whole(project);
  writeFileSync(join(project, 'store/index.db'), 'noise '.repeat(5000));
  assert.deepEqual(build(project).ran, []);
  assert.ok(existsSync(join(project, 'store/index.db.damaged-1')));
  const asked = snap(['-C', project, 'verify', '--rebuild-index']);
  assert.equal(asked.status, 0, asked.stderr);
  assert.match(asked.stderr, /^snap: the index was made anew from \d+ layers and 1 build\nwhole: \d+ layers/);
});

test('an image that outlives its store is known by the layers of the new one, whose numbers were those of others', () => {
  const project = makeProject({
    one: 'do_run() { echo 1 >/opt/one; }\n',
    two: 'do_run() { echo 2 >/opt/two; }\n',
    other: 'do_run() { echo other >/opt/other; }\n',
    more: 'do_run() { echo more >/opt/more; }\n',
  });
  const conf = (...names: readonly string[]): string =>
    readFileSync(join(project, 'conf/a.toml'), 'utf8').replace(
      /scriptlets = \[[\s\S]*?\]/,
      `scriptlets = ${JSON.stringify(names)}`,
    );
  write(project, {
    'conf/b.toml': conf('other', 'more'),
    'conf/b.lock': readFileSync(join(project, 'conf/a.lock'), 'utf8'),
    'conf/a.toml': conf('one', 'two'),
  });
  build(project);
  const before = slotLayers(project);
  rmSync(join(project, 'store'), { recursive: true });
  fillStore(project, 'prepared', false);
  build(project, [], { conf: 'b' });
  assert.deepEqual(build(project).ran, ['one', 'two']);
  const { layers } = JSON.parse(readFileSync(join(project, 'store/builds/a/1.json'), 'utf8'));
  assert.notDeepEqual(before, layers);
  assert.deepEqual(slotLayers(project), layers);
  whole(project);
});

/** What is kept of the layers that the image was made from. */
function slotLayers(project: string): unknown {
  const slot = join(project, 'images', readlinkSync(join(project, 'images/a')));
  return JSON.parse(readFileSync(`${slot}.json`, 'utf8')).layers;
}

test('a store that was copied file by file, without its hard links, works and is whole', () => {
  const project = built();
  const copy = `${project}-copy`;
  try {
    execFileSync('cp', ['-a', '--no-preserve=links', project, copy]);
    // No hard link of a layer survives such a copy: that much of it is damage, and told.
    const { json } = verify(copy, '--deep');
    assert.deepEqual(
      json.damages.filter(({ what }) => !/^is no hard link of/.test(what)),
      [],
    );
    rmSync(copy, { recursive: true });
    execFileSync('cp', ['-a', project, copy]);
    whole(copy);
    assert.deepEqual(build(copy).ran, []);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
});
