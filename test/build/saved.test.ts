import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SNAP } from '../commands/launcher.ts';
import { until } from '../faults/fixture/traces.ts';
import { build, makeProject, write } from './small-project.ts';
import { sleeper, sleepOf, wake } from './watching.ts';

const COPIES = 'do_run() { echo old >/etc/text; copy_file note etc/note; }\n';
const ADDED = { 'scriptlets/copies/note': 'old\n' };

/** A build in which the second layer waits for a slot; `save` is called when its key is known and it has not begun. */
async function saveWhileItWaits(number: number, save: (project: string) => void) {
  const project = makeProject(
    { first: `do_run() { ${sleepOf(number)} || true; }\n`, copies: COPIES },
    { files: ADDED },
  );
  const child = spawn(SNAP, ['-C', project, 'build', 'a', '--offline', '-j', '1'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  await until('the first runs', () => sleeper(number) !== undefined);
  save(project);
  wake(number);
  const [status] = await once(child, 'close');
  return { project, status, stderr };
}

function inImage(project: string, path: string): string {
  return readFileSync(join(project, 'images/a', path), 'utf8');
}

test('data saved between key and run is in no layer of that key', async () => {
  const { project, status, stderr } = await saveWhileItWaits(100011, (folder) =>
    write(folder, { 'scriptlets/copies/note': 'new\n' }),
  );
  assert.equal(status, 1);
  assert.match(stderr, /files of scriptlet "copies" changed while snap read them/);
  assert.deepEqual(build(project).ran, ['copies']);
  assert.equal(inImage(project, 'etc/note'), 'new\n');
  write(project, ADDED);
  build(project);
  assert.equal(inImage(project, 'etc/note'), 'old\n');
});

test('a scriptlet saved between evaluation and run runs as it was evaluated', async () => {
  const { project, status, stderr } = await saveWhileItWaits(100012, (folder) =>
    write(folder, { 'scriptlets/copies.sh': COPIES.replace('old', 'new') }),
  );
  assert.equal(status, 0, stderr);
  assert.equal(inImage(project, 'etc/text'), 'old\n');
  assert.deepEqual(build(project).ran, ['copies']);
  assert.equal(inImage(project, 'etc/text'), 'new\n');
});
