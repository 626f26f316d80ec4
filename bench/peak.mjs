// Loaded into snap by NODE_OPTIONS=--import: writes the process's own peak of resident memory, in kB, as it leaves. The kernel's figure
// for a process that was waited for would hold its children's, and that of the process which started it.
import { readFileSync, writeFileSync } from 'node:fs';

process.on('exit', () => {
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
  writeFileSync(process.env.SNAP_BENCH_PEAK, `${peak}\n`);
});
