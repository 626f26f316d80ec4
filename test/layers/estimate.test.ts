import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectedSeconds, type Timed } from '../../src/layers/estimate.ts';

const layer = (name: string, seconds: number | undefined, ...sees: readonly string[]): Timed => ({
  name,
  seconds,
  sees,
});
const LAYERS = [
  layer('base', 10),
  layer('a', 4, 'base'),
  layer('b', 3, 'base'),
  layer('c', 2, 'base'),
  layer('d', 1, 'base', 'a'),
];

function expected(jobs: number, ...run: readonly string[]): number {
  return expectedSeconds(LAYERS, jobs, new Set(run));
}

test('with one job the times add up, with more the longest way counts', () => {
  assert.equal(expected(1, 'a', 'b', 'c', 'd'), 10);
  assert.equal(expected(2, 'a', 'b', 'c', 'd'), 5);
  assert.equal(expected(9, 'base', 'a', 'b', 'c', 'd'), 15);
});

test('what does not run takes no time and keeps nothing waiting', () => {
  assert.equal(expected(2), 0);
  assert.equal(expected(2, 'd'), 1);
  assert.equal(expected(2, 'a', 'd'), 5);
});

test('a layer of unknown time counts as nothing, and one that sees what is not in the plan does not wait for it', () => {
  assert.equal(expectedSeconds([layer('a', undefined), layer('b', 2, 'a')], 1, new Set(['a', 'b'])), 2);
  assert.equal(expectedSeconds([layer('a', 3, 'elsewhere')], 1, new Set(['a'])), 3);
});
