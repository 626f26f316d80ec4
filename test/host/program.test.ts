import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SnapError } from '../../src/host/error.ts';
import { attempt, run } from '../../src/host/program.ts';

test('a program gets its input, and what it prints on either way out is returned with its exit code', async () => {
  const outcome = await attempt(['sh', '-c', 'cat; echo trouble >&2; exit 3'], { input: 'däta\n' });
  assert.deepEqual(outcome, {
    exitCode: 3,
    signal: undefined,
    timedOut: false,
    stdout: 'däta\n',
    stderr: 'trouble\n',
  });
});

test('a program that ends before it has read its input is no failure', async () => {
  const { exitCode } = await attempt(['true'], { input: Buffer.alloc(1 << 22) });
  assert.equal(exitCode, 0);
});

test('a program sees nothing of the environment but what it is given, unless it inherits', async () => {
  process.env.SNAP_TEST = 'inherited';
  const print = ['sh', '-c', 'echo "$' + '{SNAP_TEST-unset} $GIVEN $LC_ALL"'];
  assert.equal(await run(print, { env: { GIVEN: 'given' } }), 'unset given C.UTF-8\n');
  assert.equal(await run(print, { env: { GIVEN: 'given' }, inherit: true }), 'inherited given C.UTF-8\n');
});

test('a program that takes longer than it may is killed', async () => {
  const { exitCode, signal, timedOut } = await attempt(['sleep', '1000'], { timeout: 0.1 });
  assert.deepEqual([exitCode, signal, timedOut], [undefined, 'SIGKILL', true]);
});

test('a program that another process kills has not run out of time', async () => {
  const { exitCode, signal, timedOut } = await attempt(['sh', '-c', 'kill -TERM $$'], { timeout: 1000 });
  assert.deepEqual([exitCode, signal, timedOut], [undefined, 'SIGTERM', false]);
});

test('a program is killed when it is to be stopped, and not begun when that was before', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const running = attempt(['sh', '-c', 'echo up >&2; exec sleep 1000'], { signal });
  setTimeout(() => controller.abort(), 50);
  const interrupted = { code: 'INTERRUPTED', message: 'Stopped while "sh" was running' };
  await assert.rejects(running, interrupted);
  await assert.rejects(attempt(['sh', '-c', 'exit 0'], { signal }), interrupted);
});

test('a program that runs apart is killed with all that it started', async () => {
  const script = 'sleep 1000 & sleep 1000 | cat & echo up >&2; ';
  for (const last of ['wait', 'true']) {
    const controller = new AbortController();
    const running = attempt(['sh', '-c', script + last], { signal: controller.signal, apart: true });
    setTimeout(() => controller.abort(), 50);
    // It would wait for those who hold its output.
    await assert.rejects(running, { code: 'INTERRUPTED' });
  }
});

test('a program that is not there, or gets more words than the kernel takes, is named', async () => {
  await assert.rejects(attempt(['echo', 'x'.repeat(1 << 20)]), { message: /^Cannot start "echo": .*E2BIG/ });
  await assert.rejects(attempt(['no-such-program', 'x']), (error) => {
    assert.ok(error instanceof SnapError);
    assert.match(error.message, /^Cannot start "no-such-program": .*ENOENT/);
    return error.code === 'HOST';
  });
});

test('a program that fails is told as a person would type it, with the end of what it said', async () => {
  await assert.rejects(run(['sh', '-c', 'echo one; echo two >&2; exit 4']), (error) => {
    assert.ok(error instanceof SnapError);
    assert.equal(error.message, 'Cannot go on: "sh" exited with 4');
    assert.deepEqual(error.lines, [`$ sh -c 'echo one; echo two >&2; exit 4'`, 'two']);
    return true;
  });
});
