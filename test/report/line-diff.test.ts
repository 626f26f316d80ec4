import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineDiff } from '../../src/report/line-diff.ts';

const lines = (...all: readonly (string | number)[]): string => all.map((line) => `${line}\n`).join('');

test('the lines that changed, with two lines around them', async () => {
  const told = await lineDiff(lines(1, 2, 3, 'old', 5, 6, 7), lines(1, 2, 3, 'new', 5, 6, 7));
  assert.deepEqual(told, [' 2', ' 3', '-old', '+new', ' 5', ' 6']);
});

test('what lies between two changes is left out', async () => {
  const told = await lineDiff(lines(1, 2, 3, 4, 5, 6, 7, 8), lines('a', 2, 3, 4, 5, 6, 7, 'b'));
  assert.deepEqual(told, ['-1', '+a', ' 2', ' 3', '...', ' 6', ' 7', '-8', '+b']);
});

test('equal texts have no lines, and an end without a newline is no line of its own', async () => {
  assert.deepEqual(await lineDiff('a\n', 'a\n'), []);
  assert.deepEqual(await lineDiff('a', 'b'), ['-a', '+b']);
});
