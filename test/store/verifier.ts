/** Prints the damages of a project's store as JSON: PROJECT */
import { Store } from '../../src/store/layers.ts';
import { verifyStore } from '../../src/store/verify.ts';

const [project = ''] = process.argv.slice(2);
using store = new Store(project);
const { damages } = await verifyStore(store, { deep: true, signal: new AbortController().signal });
const words = damages.map((one) => (one.kind === 'path' ? `${one.n} ${one.path}: ${one.what}` : one.what));
process.stdout.write(JSON.stringify(words));
