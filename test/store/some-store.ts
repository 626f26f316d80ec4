import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson, digestOf, type Json } from '../../src/store/digest.ts';
import { type LayerKey, type LayerRow, type NewLayer, Store } from '../../src/store/layers.ts';
import { type Entry, type Manifest, sorted } from '../../src/store/manifest.ts';
import { makeEntry, scanTree, setTime } from '../../src/store/tree.ts';
import { someBuild } from './some-build.ts';
import { someFolder } from './some-folder.ts';
import { someLayer, TIME } from './some-layer.ts';

/** A layer of a true key, brought to the disk. */
export function publish(
  store: Store,
  files: Readonly<Record<string, string>>,
  more: Partial<NewLayer> = {},
  change: (tree: string) => void = () => {},
): LayerRow {
  const inputs: Json = { kind: 'scriptlet', files: { ...files }, name: more.name ?? 'one' };
  const key = digestOf(canonicalJson(inputs)) as string as LayerKey;
  const { folder, tree, layer } = someLayer(store, files, { inputs, key, ...more });
  change(tree);
  for (const { path } of [...scanTree(tree, { mtime: () => TIME }).values()].toReversed())
    setTime(Buffer.from(join(tree, path)), TIME);
  const manifest = inOrder(more.manifest ?? scanTree(tree, { mtime: () => TIME }));
  store.shareFiles(tree, manifest, layer.name);
  return store.publish(folder, { ...layer, manifest });
}

function inOrder(manifest: Manifest): Manifest {
  return new Map(sorted(manifest.values()).map((entry) => [entry.path, entry]));
}

/**
 * A project whose store holds two layers, of which the second shares `usr/same` with the first, has `usr` only as a way, and something
 * of every kind; and a build of both.
 */
export function someStore(): { project: string; open: () => Store; tree: (n: number) => string } {
  const project = someFolder();
  using store = new Store(project);
  const base = publish(
    store,
    { 'usr/same': 'same', 'usr/alone': 'alone', 'etc/x': 'x' },
    { name: 'base', kind: 'base' },
  );
  const tree = someTree(store);
  const two = publish(store, {}, { name: 'two', view: [['base', base.n]], ...tree.layer }, tree.fill);
  store.settleDisk();
  store.addBuild({
    ...someBuild('demo'),
    layers: [
      ['base', base.n, []],
      ['two', two.n, [0]],
    ],
  });
  const layers = join(project, 'store', 'layers');
  return { project, open: () => new Store(project), tree: (n) => join(layers, String(n), 'tree') };
}

/** A tree of all kinds, and the manifest without its folder `usr`. */
function someTree(store: Store) {
  const fill = (tree: string): void => {
    mkdirSync(join(tree, 'usr/dir'), { recursive: true });
    writeFileSync(join(tree, 'usr/same'), 'same');
    writeFileSync(join(tree, 'usr/dir/own'), 'own');
    writeFileSync(join(tree, 'usr/dir-more'), 'more');
    writeFileSync(join(tree, 'usr/first'), 'linked');
    linkSync(join(tree, 'usr/first'), join(tree, 'usr/second'));
    const common = { mode: 0o600, uid: 0, gid: 0, mtime: TIME, xattrs: '' };
    const entries = [
      { ...common, path: 'usr/link', type: 'symlink', target: '/etc/x', mode: 0o777 },
      { ...common, path: 'usr/fifo', type: 'fifo' },
      { ...common, path: 'usr/null', type: 'char', major: 1, minor: 3 },
      { ...common, path: 'usr/gone', type: 'whiteout' },
    ] as unknown as Entry[];
    for (const entry of entries) makeEntry(entry, Buffer.from(join(tree, entry.path)), Buffer.alloc(0));
    execFileSync('setfattr', ['-n', 'user.kept', '-v', 'yes', join(tree, 'usr/dir/own')]);
    setTime(Buffer.from(join(tree, 'usr/same')), TIME);
  };
  const scratch = store.makeWorkDir();
  fill(scratch);
  const manifest = scanTree(scratch, { mtime: () => TIME });
  store.dropWorkDir(scratch);
  for (const path of ['', 'usr']) manifest.delete(path as never);
  return { fill, layer: { manifest } };
}
