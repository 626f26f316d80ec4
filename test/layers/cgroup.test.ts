import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const start = promisify(execFile);

/** Sweeps, too, each time: a build does that with its first group. */
const MAKER = `
const { randomBytes } = await import('node:crypto');
for (let n = 0; n < 400; n++) {
  const { makeBounds } = await import(process.argv[1] + '?' + n);
  await makeBounds(randomBytes(8).toString('hex')).release();
}
`;

test('builds side by side make and sweep control groups without taking away what is another one’s', async () => {
  const module = fileURLToPath(new URL('../../src/layers/cgroup.ts', import.meta.url));
  const words = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', MAKER, module];
  const made = Array.from({ length: 4 }, () => start(process.execPath, words));
  for (const { stderr } of await Promise.all(made)) assert.equal(stderr, '');
});
