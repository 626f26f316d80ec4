import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { planOfBuild } from '../../src/named-build.ts';
import { readBuild, writePin, writeTag } from '../../src/store/builds.ts';
import { Store } from '../../src/store/layers.ts';
import { holdLock } from '../../src/store/locks.ts';
import { resultKeys } from '../../src/store/rows.ts';
import { recallUnchanged } from '../../src/unchanged.ts';
import { snap } from '../commands/launcher.ts';
import { faultsOf } from '../store/collected.ts';
import { build, edit, lockText, makeProject } from './small-project.ts';

type Report = {
  readonly frees: number;
  readonly layers: readonly { readonly name: string; readonly number: number }[];
  readonly builds: readonly string[];
  readonly kinds: readonly { readonly kind: string; readonly count: number; readonly frees: number }[];
  readonly missing?: { readonly bytes: number; readonly keptBy: readonly string[] };
  readonly notes: readonly string[];
};

/** A project with so many builds, each with another layer "one". */
function builtProject(builds: number, more = ''): string {
  const project = makeProject(
    {
      one: 'do_run() {\n  mkdir -p /opt/one\n  echo 1 >/opt/one/file\n}\n',
      two: 'need one\ndo_run() { cp /opt/one/file /opt/two; }\n',
    },
    more === '' ? {} : { vars: `\n${more}` },
  );
  for (let at = 1; at <= builds; at++) {
    if (at > 1) edit(project, 'scriptlets/one.sh', (text) => text.replace(/echo \d+/, `echo ${at}`));
    build(project);
  }
  return project;
}

function gc(project: string, ...args: readonly string[]): Report {
  const { status, stdout, stderr } = snap(['-C', project, 'gc', '--json', ...args]);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as Report;
}

/** Without the one that the prepared store has besides the base. */
function namesOf({ layers }: Report): string[] {
  return layers
    .map(({ name }) => name)
    .filter((name) => name !== 'nothing')
    .sort();
}

/** What an image holds: names, metadata and content. */
function imageState(project: string): string {
  const tar = [
    '--sort=name',
    '--xattrs',
    '--pax-option=delete=atime,delete=ctime',
    '-C',
    join(project, 'images', 'a'),
    '-cf',
    '-',
    '.',
  ];
  return execFileSync('sh', ['-c', 'tar "$@" | sha256sum', 'sh', ...tar], { encoding: 'utf8' });
}

test('gc keeps the last builds, the image and the next build, and removes what is older; a second one removes nothing', () => {
  const project = builtProject(5);
  const image = imageState(project);
  assert.ok(recallUnchanged(project, 'a'));
  const planned = gc(project, '-n');
  assert.deepEqual(planned.builds, ['a@2', 'a@1']);
  const going = new Set(planned.layers.map(({ number }) => String(number)));
  const names = readdirSync(join(project, 'store', 'names'));
  assert.ok(names.some((name) => going.has(name)));
  assert.deepEqual(namesOf(planned), ['one', 'one', 'two', 'two']);
  const done = gc(project);
  assert.deepEqual({ ...done, dryRun: true }, planned, 'a dry run tells the same');
  assert.ok(done.frees > 0);
  assert.deepEqual(
    readdirSync(join(project, 'store', 'names')),
    names.filter((name) => !going.has(name)),
    'no name of a layer that is gone',
  );
  assert.deepEqual(faultsOf(project), []);
  assert.equal(imageState(project), image);
  assert.ok(recallUnchanged(project, 'a'), 'an unchanged build is still answered at once');
  {
    using store = new Store(project);
    for (const number of [3, 4, 5]) {
      const note = readBuild(store.layout, { conf: 'a', number })!;
      assert.ok(planOfBuild(store, note).at('opt/two' as never));
    }
    assert.equal(readBuild(store.layout, { conf: 'a', number: 2 }), undefined);
  }
  assert.equal(gc(project).kinds.length, 0);
  assert.match(snap(['-C', project, 'gc']).stderr, /^nothing to remove$/m);
  edit(project, 'scriptlets/one.sh', (text) => text.replace('echo 5', 'echo 3'));
  assert.deepEqual(build(project).ran, [], 'a build that was kept is there again');
  edit(project, 'scriptlets/one.sh', (text) => text.replace('echo 3', 'echo 1'));
  assert.deepEqual(build(project).ran, ['one', 'two'], 'one that was not kept is made again');
});

test('what was worked out for a conf goes with the conf, and what is known of layers with the layers', () => {
  const project = builtProject(5);
  const kept = (): Map<string, string[]> => {
    using store = new Store(project);
    return Map.groupBy(resultKeys(store.index), (key) => key.split(' ')[0]!);
  };
  const before = kept();
  for (const kind of ['settling', 'view', 'slot', 'unchanged', 'contribution', 'links']) {
    assert.ok((before.get(kind)?.length ?? 0) > 0, kind);
  }
  gc(project);
  const after = kept();
  assert.deepEqual(after.get('settling'), ['settling a']);
  assert.deepEqual(after.get('unchanged'), ['unchanged a']);
  assert.ok(after.get('links')!.length < before.get('links')!.length);
  assert.ok(after.get('contribution')!.length < before.get('contribution')!.length);
  for (const end of ['toml', 'lock'])
    renameSync(join(project, `conf/a.${end}`), join(project, `conf/b.${end}`));
  rmSync(join(project, 'images'), { recursive: true });
  gc(project);
  const left = kept();
  for (const kind of ['settling', 'view', 'slot', 'unchanged']) assert.equal(left.get(kind), undefined, kind);
});

test('what is known of data and files goes when no scriptlet names them any more', () => {
  const project = makeProject(
    { one: 'use_file shared\ndo_run() { cp "$RUN_HOME/shared" /opt/; }\n' },
    { files: { shared: 'x', 'scriptlets/one/data': 'y' } },
  );
  build(project);
  const kept = (): string[] => {
    gc(project);
    using store = new Store(project);
    return resultKeys(store.index).filter((key) => key.startsWith('content '));
  };
  assert.deepEqual(kept().sort(), ['content scriptlets/one', 'content shared']);
  edit(project, 'scriptlets/one.sh', () => 'do_run() { echo x >/opt/x; }\n');
  assert.deepEqual(kept(), ['content scriptlets/one']);
});

test('tags and pins keep builds; --why tells all that keeps a layer', () => {
  const project = builtProject(4);
  {
    using store = new Store(project);
    writeTag(store.layout, 'shipped', { conf: 'a', number: 1 });
    writePin(store.layout, { conf: 'a', number: 2 });
  }
  const [newest, third, second, first] = JSON.parse(
    snap(['-C', project, 'gc', '--why', 'two', '--keep-builds', '1', '--json']).stdout,
  ) as { keptBy: { root: string; because: string }[] }[];
  assert.deepEqual(
    newest?.keptBy.map(({ root }) => root),
    ['image a', 'build a@4'],
  );
  assert.deepEqual(
    third?.keptBy.map(({ root }) => root),
    ['slot a'],
  );
  assert.deepEqual(second?.keptBy, [{ root: 'pin a@2', because: 'it is pinned' }]);
  assert.deepEqual(first?.keptBy, [{ root: 'tag shipped', because: 'it names a@1' }]);
  assert.match(snap(['-C', project, 'gc', '--why', 'three']).stderr, /There is no|has no layer "three"/);
  assert.deepEqual(gc(project, '--keep-builds', '1').builds, ['a@3']);
  using store = new Store(project);
  for (const number of [1, 2, 4]) planOfBuild(store, readBuild(store.layout, { conf: 'a', number })!);
});

test('what the conf would use is kept though no build has used it for long', () => {
  const project = builtProject(5);
  edit(project, 'scriptlets/one.sh', (text) => text.replace('echo 5', 'echo 1'));
  assert.deepEqual(gc(project).builds, ['a@2', 'a@1']);
  assert.deepEqual(build(project).ran, [], 'its layers are still there');
});

test('a conf that cannot be read costs nothing that it may need, and is told', () => {
  const project = builtProject(1);
  writeFileSync(join(project, 'store/sources', 'ab'.repeat(32)), 'source');
  edit(project, 'scriptlets/one.sh', (text) => `${text}\nneed nothing-of-this-name\n`);
  const report = gc(project);
  assert.match(report.notes.join('\n'), /what conf "a" would use is not known/);
  assert.ok(existsSync(join(project, 'store/sources', 'ab'.repeat(32))));
  assert.deepEqual([namesOf(report), faultsOf(project)], [[], []]);
});

test('debs, sources, logs, failed trees, parts and notes of folders go when nothing asks for them', () => {
  const project = builtProject(1);
  const store = join(project, 'store');
  const foreign = 'cd'.repeat(32);
  const made = [
    `debs/${foreign}.deb`,
    `debs/${foreign}.deb.part`,
    `sources/${foreign}`,
    'logs/gone.log',
    'trash/something',
    'tmp/failed.one/upper/file',
    'tmp/0123456789abcdef/left',
    'layers/99/tree/lost',
  ];
  for (const path of made) {
    mkdirSync(join(store, path, '..'), { recursive: true });
    writeFileSync(join(store, path), 'x'.repeat(10_000));
  }
  const wanted = `${/ ([0-9a-f]{64})/.exec(lockText(project))?.[1]}.deb`;
  writeFileSync(join(store, 'debs', `${wanted}.part`), 'x');
  const output = join(project, 'out');
  build(project, ['--output', output]);
  assert.equal(
    gc(project, '-n').kinds.some(({ kind }) => kind === 'note'),
    false,
  );
  rmSync(output, { recursive: true });
  const { kinds } = gc(project);
  for (const path of made) assert.equal(existsSync(join(store, path)), false, path);
  assert.ok(kinds.some(({ kind }) => kind === 'note'));
  assert.ok(existsSync(join(store, 'debs', `${wanted}.part`)), 'a download that goes on later');
  assert.equal(existsSync(join(store, 'logs/one.log')), true);
  const pinned = [...lockText(project).matchAll(/^deb .* ([0-9a-f]{64}) /gm)].map(
    ([, sha256]) => `${sha256}.deb`,
  );
  const there = new Set(readdirSync(join(store, 'debs')));
  assert.ok(
    pinned.length > 20 && pinned.every((deb) => there.has(deb)),
    'the debs that the lock pins are there',
  );
});

test('a file that an image outside still links to frees nothing', () => {
  const project = builtProject(2);
  const large = (text: string): void =>
    edit(
      project,
      'scriptlets/one.sh',
      () => `do_run() {\n  ${text} >/opt/large\n  mkdir /opt/one\n  echo 1 >/opt/one/file\n}\n`,
    );
  large('head -c 4000000 /dev/urandom');
  build(project);
  execFileSync('cp', ['-al', join(project, 'images/a/'), join(project, 'copy')]);
  for (const text of ['x', 'y']) {
    edit(
      project,
      'scriptlets/one.sh',
      () => `do_run() { echo ${text} >/opt/large; mkdir /opt/one; echo 1 >/opt/one/file; }\n`,
    );
    build(project);
  }
  assert.ok(gc(project, '-n', '--keep-builds', '1').frees < 3_000_000);
  rmSync(join(project, 'copy'), { recursive: true });
  const { frees } = gc(project, '-n', '--keep-builds', '1');
  assert.ok(frees > 4_000_000);
});

test('an index that knows of no layer is no reason to remove all', () => {
  const project = builtProject(1);
  rmSync(join(project, 'store/index.db'));
  const { status, stderr } = snap(['-C', project, 'gc']);
  const layers = readdirSync(join(project, 'store/layers'));
  assert.ok(layers.length >= 3, stderr);
  if (status !== 0) assert.match(stderr, /^hint: make the index anew: snap verify --rebuild-index$/m);
});

test('max_size in the conf is kept after a build, and a build never fails for it', () => {
  const project = builtProject(1);
  edit(project, 'conf/a.toml', (text) => `${text}\n[store]\nmax_size = "1MB"\n`);
  edit(project, 'scriptlets/one.sh', (text) => text.replace('echo 1', 'echo 2'));
  const { status, stderr } = snap(['-C', project, 'build', 'a', '--offline']);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /store is larger than 1MB: .*too much are kept/);
  assert.ok(recallUnchanged(project, 'a'));
  edit(project, 'conf/a.toml', (text) => text.replace('1MB', '1TB'));
  edit(project, 'scriptlets/one.sh', (text) => text.replace('echo 2', 'echo 3'));
  assert.doesNotMatch(snap(['-C', project, 'build', 'a', '--offline']).stderr, /larger than/);
  assert.deepEqual(faultsOf(project), []);
  assert.ok(readFileSync(join(project, 'images/a/opt/two'), 'utf8') === '3\n');
});

test('clean removes images and nothing else; the next build has them again at once', async () => {
  const project = builtProject(2);
  const image = imageState(project);
  const busy = await holdLock(join(project, 'images/.a.busy'), 'exclusive');
  const refused = snap(['-C', project, 'clean', 'a']);
  assert.deepEqual([refused.status, refused.stdout], [1, '']);
  assert.match(refused.stderr, /^snap: Cannot clean "a": a build of it is running$/m);
  assert.equal(imageState(project), image);
  busy.release();
  assert.match(snap(['-C', project, 'clean', 'b']).stderr, /There is no image "b"/);
  const { status, stdout } = snap(['-C', project, 'clean', '--json']);
  assert.equal(status, 0);
  assert.ok((JSON.parse(stdout) as { freed: number }).freed > 0);
  assert.deepEqual(readdirSync(join(project, 'images')), ['.a.busy']);
  assert.match(snap(['-C', project, 'clean']).stderr, /there is no image/);
  assert.deepEqual(build(project).ran, []);
  assert.equal(imageState(project), image);
});

test('du tells the blocks of store and images, what they share counted once', () => {
  const project = builtProject(2);
  const { status, stdout } = snap(['-C', project, 'du', '--json']);
  assert.equal(status, 0);
  type Report = {
    store: number;
    total: number;
    kinds: { kind: string; bytes: number }[];
    images: { own: number; shared: number }[];
  };
  const { store, total, kinds, images } = JSON.parse(stdout) as Report;
  const du = (...folders: readonly string[]): number => {
    const paths = folders.map((folder) => join(project, folder));
    const lines = execFileSync('du', ['-s', '--block-size=1', ...paths], { encoding: 'utf8' })
      .trim()
      .split('\n');
    return lines.reduce((sum, line) => sum + Number(line.split('\t')[0]), 0);
  };
  const near = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 200_000, `${a} and ${b}`);
  near(store, du('store'));
  near(total, du('store', 'images'));
  near(kinds.find(({ kind }) => kind === 'layer')!.bytes, du('store/layers'));
  assert.equal(images.length, 1);
  near(images[0]!.own, total - store);
  assert.ok(images[0]!.shared > images[0]!.own);
  for (const name of ['store', 'images']) {
    const elsewhere = mkdtempSync(`${project}-${name}-`);
    renameSync(join(project, name), join(elsewhere, name));
    symlinkSync(join(elsewhere, name), join(project, name));
  }
  const moved = JSON.parse(snap(['-C', relative(process.cwd(), project), 'du', '--json']).stdout) as Report;
  assert.deepEqual(moved.images, images, 'both may be links to where there is room');
  for (const name of ['store', 'images'])
    rmSync(dirname(readlinkSync(join(project, name))), { recursive: true });
});
