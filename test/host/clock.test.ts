import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { watchClock } from '../../src/host/clock.ts';

const HOUR = 3600;

test('a clock that nobody sets gives the span of what ran', async () => {
  const before = Math.floor(Date.now() / 1000);
  const clock = watchClock();
  await wait(20);
  const { from, to } = clock.end();
  assert.ok(
    from <= before && from >= before - 2 && to >= before && to <= before + 3,
    `${before}: ${from} to ${to}`,
  );
});

/** Sets the clock as this process reads it. */
function setClock(t: { mock: { method: typeof import('node:test').mock.method } }, seconds: number): void {
  const now = Date.now.bind(Date);
  t.mock.method(Date, 'now', () => now() + seconds * 1000);
}

for (const [what, seconds] of [
  ['back', -HOUR],
  ['ahead', HOUR],
] as const) {
  test(`a clock that is set ${what} meanwhile widens the span to both times`, (t) => {
    const before = Math.floor(Date.now() / 1000);
    const clock = watchClock();
    setClock(t, seconds);
    const { from, to } = clock.end();
    assert.ok(from <= Math.min(before, before + seconds) && to >= Math.max(before, before + seconds));
  });
}

test('a clock that is set back and ahead again is seen in between', async (t) => {
  const before = Math.floor(Date.now() / 1000);
  const clock = watchClock();
  setClock(t, -HOUR);
  await wait(700);
  t.mock.restoreAll();
  const { from } = clock.end();
  assert.ok(from <= before - HOUR, `${from}`);
});
