import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { LayerKey, NewLayer, Store } from '../../src/store/layers.ts';
import { scanTree, setTime } from '../../src/store/tree.ts';

export const TIME = 1_700_000_000;

/** A work folder of the store with a tree of these files, ready to be published. */
export function someLayer(
  store: Store,
  files: Readonly<Record<string, string>>,
  more: Partial<NewLayer> = {},
): { folder: string; tree: string; layer: NewLayer } {
  const folder = store.makeWorkDir();
  const tree = join(folder, 'tree');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
    setTime(Buffer.from(join(tree, path)), TIME);
  }
  mkdirSync(tree, { recursive: true });
  const manifest = scanTree(tree, { mtime: () => TIME });
  const layer: NewLayer = {
    name: 'one',
    kind: 'scriptlet',
    key: 'key' as LayerKey,
    inputs: { kind: 'scriptlet' },
    view: [],
    records: {},
    ids: { uids: {}, gids: {} },
    seconds: 1.5,
    manifest,
    ...more,
  };
  return { folder, tree, layer };
}
