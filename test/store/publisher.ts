/** Publishes layers into the store of a project as fast as it can, then prints the numbers that they got: PROJECT KEY... */
import type { LayerKey } from '../../src/store/layers.ts';
import { Store } from '../../src/store/layers.ts';
import { someLayer } from './some-layer.ts';

const [project = '', ...keys] = process.argv.slice(2);
using store = new Store(project);
const numbers = keys.map((key) => {
  const { folder, layer } = someLayer(store, { 'a/file': key }, { key: key as LayerKey });
  const { n } = store.publish(folder, layer);
  store.dropWorkDir(folder);
  return n;
});
store.settleDisk();
process.stdout.write(numbers.join(' '));
