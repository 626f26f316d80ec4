/** Opens the store of a project, takes its lock, and prints that it waits for it and then how many layers there are: PROJECT */
import { hearNotices } from '../../src/host/notice.ts';
import { Store } from '../../src/store/layers.ts';

const [project = ''] = process.argv.slice(2);
hearNotices(() => {});
using store = new Store(project);
using _held = await store.hold(store.layout.lock, 'shared', () => process.stdout.write('waiting\n'));
process.stdout.write(`${store.inventory().rows.length}\n`);
