/** Makes layers for the store of a project, publishes them when its standard input ends, and prints their numbers: PROJECT KEY... */
import { readFileSync } from 'node:fs';
import { type LayerKey, Store } from '../../src/store/layers.ts';
import { someLayer } from './some-layer.ts';

const [project = '', ...keys] = process.argv.slice(2);
using store = new Store(project);
const made = keys.map((key) => someLayer(store, { 'a/file': key }, { key: key as LayerKey }));
process.stdout.write('ready\n');
readFileSync(0);
const numbers = made.map(({ folder, layer }) => store.publish(folder, layer).n);
for (const { folder } of made) store.dropWorkDir(folder);
store.settleDisk();
process.stdout.write(`${numbers.join(' ')}\n`);
