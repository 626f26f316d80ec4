import { canonicalJson, digestOf } from '../../src/store/digest.ts';
import { type LayerKey, Store } from '../../src/store/layers.ts';
import { someFolder } from './some-folder.ts';
import { publish } from './some-store.ts';

/** A store of many layers with as many files of their own each, and ten that all of them share. */
export function makeMany(layers: number, files: number): { project: string; open: () => Store } {
  const project = someFolder();
  using store = new Store(project);
  for (let n = 1; n <= layers; n++) {
    const own = Array.from({ length: files }, (_, at) => [
      `usr/own/file-${at}`,
      `content${n} ${at}`.slice(0, 8),
    ]);
    const shared = Array.from({ length: 10 }, (_, at) => [`usr/shared/file-${at}`, `shared ${at}`]);
    const inputs = { n };
    const key = digestOf(canonicalJson(inputs)) as string as LayerKey;
    publish(store, Object.fromEntries([...own, ...shared]), { inputs, key });
  }
  store.settleDisk();
  return { project, open: () => new Store(project) };
}
