/** Opens the store of a project when its standard input ends, and prints what it had to say and how many layers it has: PROJECT */
import { readFileSync } from 'node:fs';
import { hearNotices } from '../../src/host/notice.ts';
import { Store } from '../../src/store/layers.ts';

const [project = ''] = process.argv.slice(2);
const notices: string[] = [];
hearNotices((text) => {
  notices.push(text);
  process.stderr.write(`${text}\n`);
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {}); // as snap itself listens
process.stdout.write('ready\n');
readFileSync(0);
using store = new Store(project);
process.stdout.write(`${JSON.stringify({ notices, layers: store.inventory().rows.length })}\n`);
