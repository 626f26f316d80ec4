import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readBuild, removeBuild } from '../../src/store/builds.ts';
import { openIndex } from '../../src/store/database.ts';
import { contentDigest, type LayerKey, Store } from '../../src/store/layers.ts';
import type { TreePath } from '../../src/store/manifest.ts';
import { scanTree, setTime } from '../../src/store/tree.ts';
import { someBuild } from './some-build.ts';
import { someFolder } from './some-folder.ts';
import { someLayer, TIME } from './some-layer.ts';
import { someStore } from './some-store.ts';

const key = (text: string): LayerKey => text as LayerKey;

test('a layer that is published is found by its key, whole, now and by whoever opens the store later', () => {
  const project = someFolder();
  const records = {
    'etc/passwd': [
      ['a', 'a:x:100'],
      ['b', null],
    ] as const,
  };
  {
    using store = new Store(project);
    const { folder, layer } = someLayer(
      store,
      { 'usr/bin/x': 'program', 'etc/y': '' },
      { records, ids: { uids: { a: 100 }, gids: {} } },
    );
    const row = store.publish(folder, layer);
    assert.deepEqual(
      [row.n, row.name, row.paths, row.bytes, row.digest],
      [1, 'one', 6, 7, contentDigest(layer.manifest, records)],
    );
    assert.ok(!existsSync(folder));
  }
  using store = new Store(project);
  const [row] = store.withKey(key('key'));
  assert.ok(row);
  assert.equal(readFileSync(join(store.treeOf(row.n), 'usr/bin/x'), 'utf8'), 'program');
  assert.deepEqual(
    [...store.manifestOf(row.n).values()],
    [...scanTree(store.treeOf(row.n), { mtime: () => TIME }).values()],
  );
  const { made, ...note } = store.noteOf(row.n);
  assert.ok(made > TIME);
  assert.deepEqual(note, {
    name: 'one',
    kind: 'scriptlet',
    key: 'key',
    inputs: { kind: 'scriptlet' },
    view: [],
    records: {
      'etc/passwd': [
        ['a', 'a:x:100'],
        ['b', null],
      ],
    },
    ids: { uids: { a: 100 }, gids: {} },
    seconds: 1.5,
    format: 1,
    digest: row.digest,
  });
  assert.deepEqual(store.withKey(key('other')), []);
  assert.equal(store.layerNumbered(1)?.key, 'key');
});

test("a content's digest is that of its manifest and its records, whatever time it took", () => {
  using store = new Store(someFolder());
  const { layer } = someLayer(store, { a: '1' });
  const digest = contentDigest(layer.manifest, {});
  assert.equal(
    contentDigest(new Map([...layer.manifest.values()].map((entry) => [entry.path, entry])), {}),
    digest,
  );
  assert.notEqual(contentDigest(layer.manifest, { 'etc/group': [['x', 'x:x:1']] }), digest);
  assert.notEqual(contentDigest(someLayer(store, { a: '2' }).layer.manifest, {}), digest);
});

test('publishing a key again is success and changes nothing; with other ids it is another layer', () => {
  using store = new Store(someFolder());
  const first = someLayer(store, { a: '1' });
  const again = someLayer(store, { a: '1' });
  const renumbered = someLayer(store, { a: '1' }, { ids: { uids: { x: 105 }, gids: {} } });
  assert.equal(store.publish(first.folder, first.layer).n, 1);
  assert.equal(store.publish(again.folder, again.layer).n, 1);
  assert.ok(existsSync(again.folder));
  assert.equal(store.publish(renumbered.folder, renumbered.layer).n, 2);
  assert.deepEqual(
    store.withKey(key('key')).map(({ n }) => n),
    [1, 2],
  );
});

/** Starts a process that publishes these keys once its input ends; returns the numbers that it prints. */
function startPublisher(project: string, keys: readonly string[]) {
  const program = fileURLToPath(new URL('publisher.ts', import.meta.url));
  const args = ['--disable-warning=ExperimentalWarning', program, project, ...keys];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ready: () => lines.next(),
    publish: () => child.stdin.end(),
    numbers: async () =>
      String((await lines.next()).value)
        .split(' ')
        .map(Number),
  };
}

test('a layer that was run again stands beside the one that was there, unless it came out the same', () => {
  using store = new Store(someFolder());
  const publish = (text: string): number => {
    const { folder, layer } = someLayer(store, { a: text });
    return store.publish(folder, layer, { again: true }).n;
  };
  assert.deepEqual([publish('1'), publish('1'), publish('2'), publish('2'), publish('1')], [1, 1, 2, 2, 3]);
  const { folder, layer } = someLayer(store, { a: '4' });
  assert.equal(store.publish(folder, layer).n, 3);
});

test('who comes second with another content goes on with that of the first', () => {
  using store = new Store(someFolder());
  const [first, second] = [someLayer(store, { a: 'first' }), someLayer(store, { b: 'second' })];
  store.publish(first.folder, first.layer);
  const row = store.publish(second.folder, second.layer);
  assert.deepEqual([...store.manifestOf(row.n).values()], [...first.layer.manifest.values()]);
  assert.equal(store.noteOf(row.n).digest, row.digest);
});

test('processes that publish the same keys at the same moment agree on one layer for each', async () => {
  const project = someFolder();
  const keys = Array.from({ length: 25 }, (_, number) => `key-${number}`);
  const publishers = [keys, keys, keys.toReversed(), keys.toReversed()].map((order) =>
    startPublisher(project, order),
  );
  await Promise.all(publishers.map(({ ready }) => ready()));
  for (const { publish } of publishers) publish();
  const [one, two, three, four] = await Promise.all(publishers.map(({ numbers }) => numbers()));
  assert.deepEqual(two, one);
  assert.deepEqual([three?.toReversed(), four?.toReversed()], [one, one]);
  assert.deepEqual(
    [...(one ?? [])].sort((a, b) => a - b),
    keys.map((_, number) => number + 1),
  );
  using store = new Store(project);
  for (const text of keys) {
    const [row, ...others] = store.withKey(key(text));
    assert.deepEqual(others, []);
    assert.equal(readFileSync(join(store.treeOf(row!.n), 'a/file'), 'utf8'), text);
  }
  assert.deepEqual(readdirSync(store.layout.tmp), []);
});

test('a number that a folder without a row has is not given again', () => {
  using store = new Store(someFolder());
  mkdirSync(join(store.layout.layers, '1'));
  const { folder, layer } = someLayer(store, { a: '1' });
  assert.equal(store.publish(folder, layer).n, 2);
});

test('a file that an earlier layer holds too, with path, content and metadata, becomes one with it; folders keep their times', () => {
  using store = new Store(someFolder());
  const files = {
    'usr/same': 'same',
    'usr/other': 'one',
    'usr/mode': 'mode',
    'usr/moved': 'moved',
    'usr/empty': '',
    'usr/time': 'time',
  };
  const first = someLayer(store, files);
  store.publish(first.folder, first.layer);
  const second = someLayer(store, { ...files, 'usr/other': 'two', 'usr/elsewhere': 'moved' });
  const { tree } = second;
  setTime(Buffer.from(join(tree, 'usr')), TIME - 50);
  const manifest = new Map(
    [...second.layer.manifest.values()]
      .map((entry) => [entry.path, entry] as const)
      .map(([path, entry]) => [
        path,
        path === 'usr/mode'
          ? { ...entry, mode: 0o4755 }
          : path === 'usr/time'
            ? { ...entry, mtime: 5 }
            : entry,
      ]),
  );
  store.shareFiles(tree, manifest, 'one');
  const shared = Object.keys({ ...files, 'usr/elsewhere': '' }).filter(
    (path) => lstatSync(join(tree, path)).nlink > 1,
  );
  assert.deepEqual(shared.sort(), ['usr/moved', 'usr/same']);
  assert.equal(lstatSync(join(tree, 'usr/same')).ino, lstatSync(join(store.treeOf(1), 'usr/same')).ino);
  assert.equal(lstatSync(join(tree, 'usr')).mtimeMs / 1000, TIME - 50);
  assert.deepEqual(
    readdirSync(join(tree, 'usr')).sort(),
    Object.keys({ ...files, 'usr/elsewhere': '' })
      .map((path) => path.slice(4))
      .sort(),
  );
});

test('a file is shared with the newest layers of its own name, and with the newest of another name that has it', () => {
  using store = new Store(someFolder());
  const publish = (name: string, files: Readonly<Record<string, string>>): number => {
    const given = { name, key: key(`${name} ${Math.random()}`) };
    const { folder, tree, layer } = someLayer(store, files, given);
    store.shareFiles(tree, layer.manifest, name);
    return store.publish(folder, layer).n;
  };
  const inode = (n: number, path: string): number => lstatSync(join(store.treeOf(n), path)).ino;
  const own = { 'usr/a': 'one', 'usr/b': 'two' };
  const first = publish('own', own);
  const edited = publish('own', { ...own, 'usr/b': 'three' });
  const back = publish('own', own);
  assert.equal(inode(edited, 'usr/a'), inode(first, 'usr/a'));
  for (const path of Object.keys(own)) assert.equal(inode(back, path), inode(first, path));
  const older = publish('other', { 'usr/a': 'four' });
  const other = publish('other', { 'usr/a': 'one' });
  assert.equal(inode(other, 'usr/a'), inode(first, 'usr/a'));
  assert.equal(inode(publish('third', { 'usr/a': 'one' }), 'usr/a'), inode(first, 'usr/a'));
  assert.notEqual(inode(publish('third', { 'usr/a': 'four' }), 'usr/a'), inode(older, 'usr/a'));

  for (const [n, text] of [
    [back, 'no lines'],
    [other, 'no\nmanifest\n'],
  ] as const)
    writeFileSync(join(store.treeOf(n), '../manifest'), text);
  using again = new Store(join(store.layout.root, '..'));
  const { folder, tree, layer } = someLayer(again, own, { key: key('again') });
  again.shareFiles(tree, layer.manifest, 'own');
  const { n } = again.publish(folder, layer);
  assert.equal(inode(n, 'usr/a'), inode(first, 'usr/a'), 'a damaged one is passed over');
});

test('one more layer of a name adds to the index what none of them had, and it goes with the last that had it', () => {
  using store = new Store(someFolder());
  const rows = (): string[] =>
    store.index
      .prepare<[], { path: string; name: string }>("SELECT path, name FROM holders WHERE path LIKE 'usr/%'")
      .all()
      .map(({ path, name }) => `${name} ${path}`);
  const publish = (name: string, path: string): number => {
    const files = { 'usr/same': name, [path]: 'text' };
    const { folder, layer } = someLayer(store, files, { name, key: key(`${name} ${path}`) });
    return store.publish(folder, layer).n;
  };
  const numbers = ['usr/one', 'usr/two', 'usr/three'].map((path) => publish('some', path));
  publish('other', 'usr/one');
  assert.deepEqual(rows().sort(), [
    ...['other usr/one', 'other usr/same'],
    ...['some usr/one', 'some usr/same', 'some usr/three', 'some usr/two'],
  ]);
  assert.deepEqual(store.holdersOf('usr/two' as TreePath).sort(), numbers);
  store.index.exec("DELETE FROM layers WHERE n = 2 OR name = 'other'");
  store.renewHolders(new Set(['some', 'other']));
  assert.deepEqual(rows().sort(), ['some usr/one', 'some usr/same', 'some usr/three']);
  writeFileSync(join(store.treeOf(3), '../manifest'), 'damaged');
  store.index.exec('DELETE FROM layers WHERE n = 1');
  using again = new Store(join(store.layout.root, '..'));
  again.renewHolders(new Set(['some']));
  assert.deepEqual(rows().sort(), ['some usr/one', 'some usr/same', 'some usr/three'], 'nobody can tell');
});

test('hard links of a layer stay what they are: none is shared, and nothing is shared with them', () => {
  using store = new Store(someFolder());
  const make = (): { folder: string; tree: string } => {
    const { folder, tree } = someLayer(store, { a: 'text' });
    linkSync(join(tree, 'a'), join(tree, 'b'));
    return { folder, tree };
  };
  const publish = ({ folder, tree }: { folder: string; tree: string }, name: string): void => {
    const manifest = scanTree(tree, { mtime: () => TIME });
    store.shareFiles(tree, manifest, 'one');
    const { layer } = someLayer(store, {}, { manifest, key: key(name) });
    store.publish(folder, layer);
  };
  publish(make(), 'linked');
  publish(make(), 'linked too');
  publish(someLayer(store, { a: 'text' }), 'single');
  const inodes = [1, 2, 3].map((n) => lstatSync(join(store.treeOf(n), 'a')).ino);
  assert.equal(new Set(inodes).size, 3);
  for (const n of [1, 2]) assert.equal(lstatSync(join(store.treeOf(n), 'b')).ino, inodes[n - 1]);
});

test('a layer of which it was noted that it is on the disk is kept after another boot, whatever became of its row', () => {
  const project = someFolder();
  {
    using store = new Store(project);
    const { folder, layer } = someLayer(store, { a: '1' });
    const { n } = store.publish(folder, layer);
    store.settleDisk();
    store.index.exec("UPDATE layers SET boot = 'another'");
    assert.ok(store.hasFreshLayers() && n === 1);
  }
  using store = new Store(project);
  assert.equal(store.withKey(key('key')).length, 1);
  assert.equal(store.hasFreshLayers(), false);
});

test('layers looked for ahead are those of the last build, with what this process publishes and retires afterwards', () => {
  using store = new Store(someFolder());
  const publish = (...[of, id]: [string, number]): number => {
    const given = { key: key(of), ids: { uids: { x: id }, gids: {} } };
    const { folder, layer } = someLayer(store, { a: of }, given);
    return store.publish(folder, layer).n;
  };
  const numbers = (of: string): number[] => store.withKey(key(of)).map(({ n }) => n);
  for (const id of [100, 101]) publish('built', id);
  publish('other', 100);
  store.addBuild(someBuild('some')); // of layer 1
  store.lookAhead('some');
  assert.deepEqual(['built', 'other', 'none'].map(numbers), [[1, 2], [3], []]);
  using second = new Store(join(store.layout.root, '..'));
  const { folder, layer } = someLayer(second, { a: 'later' }, { key: key('other') });
  second.publish(folder, layer);
  assert.deepEqual(numbers('other'), [3, 4], 'what is of no key that the build had is not kept');
  publish('built', 102);
  assert.deepEqual(numbers('built'), [1, 2, 5]);
  store.lookAhead('some');
  store.retire(2);
  assert.deepEqual(numbers('built'), [1, 5]);
});

test('a layer that is not known to have reached the disk is not trusted after another boot', () => {
  const project = someFolder();
  {
    using store = new Store(project);
    const settled = someLayer(store, { a: '1' }, { key: key('settled') });
    store.publish(settled.folder, settled.layer);
    store.settleDisk();
    const { folder, layer } = someLayer(store, { a: '2' }, { key: key('fresh') });
    store.publish(folder, layer);
  }
  {
    using store = new Store(project);
    assert.equal(store.withKey(key('fresh')).length, 1);
    forgetBoot(store.layout.index);
  }
  using store = new Store(project);
  assert.equal(store.withKey(key('fresh')).length, 0);
  assert.equal(store.withKey(key('settled')).length, 1);
  const { folder, tree, layer } = someLayer(store, { a: '2' }, { key: key('fresh') });
  store.shareFiles(tree, layer.manifest, layer.name);
  assert.equal(lstatSync(join(tree, 'a')).nlink, 1, 'nothing of it is shared');
  assert.equal(store.publish(folder, layer).n, 3);
});

/** As if the machine had been started anew since. */
function forgetBoot(index: string): void {
  const database = openIndex(index);
  database.prepare("UPDATE layers SET boot = 'another' WHERE boot IS NOT NULL").run();
  database.close();
}

test('the last layer of a name is that of the last build of the conf, else the newest', () => {
  using store = new Store(someFolder());
  for (const text of ['1', '2', '3']) {
    const { folder, layer } = someLayer(store, { a: text }, { key: key(text) });
    store.publish(folder, layer);
  }
  assert.equal(store.lastOf('one', 'a')?.n, 3);
  store.addBuild({
    ...someBuild('a'),
    layers: [
      ['base', 1, []],
      ['one', 2, [0]],
    ],
  });
  assert.equal(store.lastOf('one', 'a')?.n, 2);
  assert.equal(store.lastOf('one', 'b')?.n, 3);
  assert.equal(store.lastOf('two', 'a'), undefined);
});

test('builds are numbered for each conf, and results of functions kept', () => {
  const project = someFolder();
  {
    using store = new Store(project);
    assert.equal(store.lastBuild('a'), undefined);
    assert.equal(store.addBuild(someBuild('a')), 1);
    assert.equal(store.addBuild({ ...someBuild('a'), paths: 5 }), 2);
    assert.equal(store.addBuild(someBuild('b')), 1);
    store.results.set('key', 'one');
    store.results.set('key', 'two');
  }
  using store = new Store(project);
  const { conf, made, seconds, digest } = someBuild('a');
  const row = { conf, number: 2, made, seconds, digest, paths: 5, bytes: 3, layers: '[["base",1]]' };
  assert.deepEqual({ ...store.lastBuild('a') }, row);
  assert.equal(readBuild(store.layout, { conf: 'a', number: 2 })?.paths, 5);
  assert.equal(store.results.get('key'), 'two');
  assert.equal(store.results.get('other'), undefined);
});

test('builds whose note was written or removed when snap was killed are what their notes say', () => {
  const project = someFolder();
  {
    using store = new Store(project);
    for (const paths of [1, 2, 3]) store.addBuild({ ...someBuild('a'), paths });
    removeBuild(store.layout, { conf: 'a', number: 1 });
    store.index.exec('DELETE FROM builds WHERE number = 3');
  }
  using store = new Store(project);
  assert.deepEqual(
    store.buildsOf('a').map(({ number, paths }) => [number, paths]),
    [
      [3, 3],
      [2, 2],
    ],
  );
});

test("a layer's tree has a short name, which is made once, and made right where it leads elsewhere", () => {
  const { project, open, tree } = someStore();
  const names = join(project, 'store', 'names');
  const nameOf = (n: number): string => {
    using store = open();
    return store.shortTreeOf(n);
  };
  assert.equal(nameOf(1), join(names, '1'));
  const { ino } = lstatSync(join(names, '1'));
  nameOf(2);
  assert.deepEqual(readdirSync(names), ['1', '2']);
  for (const n of [1, 2]) assert.equal(realpathSync(nameOf(n)), realpathSync(tree(n)));
  assert.equal(lstatSync(join(names, '1')).ino, ino);
  rmSync(join(names, '1'));
  symlinkSync('../layers/2/tree', join(names, '1'));
  rmSync(join(names, '2'));
  writeFileSync(join(names, '2'), '');
  for (const n of [1, 2]) assert.equal(realpathSync(nameOf(n)), realpathSync(tree(n)));
});

test('a store that was moved works', async () => {
  const project = someFolder();
  {
    using store = new Store(project);
    const { folder, layer } = someLayer(store, { a: '1' });
    store.publish(folder, layer);
  }
  const moved = join(someFolder(), 'moved');
  await promisify(execFile)('mv', [project, moved]);
  using store = new Store(moved);
  assert.equal(readFileSync(join(store.treeOf(store.withKey(key('key'))[0]!.n), 'a'), 'utf8'), '1');
});

test('no other user reaches what lies in a store, and a newer one is refused', () => {
  const project = someFolder();
  {
    using store = new Store(project);
    for (const folder of [store.layout.root, store.layout.images, store.layout.layers])
      assert.equal(statSync(folder).mode & 0o777, 0o700);
  }
  writeFileSync(join(project, 'store', 'format'), '2\n');
  assert.throws(() => new Store(project), { name: 'SnapError', message: /has format 2, this snap knows 1/ });
});
