import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Box, squarify } from '../../src/page/squarify.ts';

const weights = fc
  .array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 60 })
  .map((all) => all.sort((a, b) => b - a));
const box = fc.record({
  x: fc.integer({ min: 0, max: 50 }),
  y: fc.integer({ min: 0, max: 50 }),
  width: fc.integer({ min: 10, max: 900 }),
  height: fc.integer({ min: 10, max: 900 }),
});

function near(a: number, b: number): boolean {
  return Math.abs(a - b) < 1e-6 * Math.max(1, Math.abs(a), Math.abs(b));
}

function overlap(a: Box, b: Box): number {
  const length = (one: number, size: number, other: number, most: number) =>
    Math.min(one + size, other + most) - Math.max(one, other);
  return Math.max(0, length(a.x, a.width, b.x, b.width)) * Math.max(0, length(a.y, a.height, b.y, b.height));
}

test('areas are in proportion to their weights, lie in the box, and do not lie on each other', () => {
  fc.assert(
    fc.property(weights, box, (all, whole) => {
      const boxes = squarify(all, whole);
      const sum = all.reduce((a, b) => a + b, 0);
      assert.equal(boxes.length, all.length);
      for (const [at, { x, y, width, height }] of boxes.entries()) {
        assert.ok(near(width * height, (all[at]! / sum) * whole.width * whole.height));
        assert.ok(x >= whole.x - 1e-6 && y >= whole.y - 1e-6);
        assert.ok(x + width <= whole.x + whole.width + 1e-6 && y + height <= whole.y + whole.height + 1e-6);
        for (const other of boxes.slice(at + 1)) assert.ok(overlap(boxes[at]!, other) < 1e-3);
      }
    }),
  );
});

test('the example of the paper comes out as in the paper', () => {
  const shapes = squarify([6, 6, 4, 3, 2, 2, 1], { x: 0, y: 0, width: 6, height: 4 });
  assert.deepEqual(
    shapes.map(({ x, y, width, height }) => [x, y, width, height].map((value) => Number(value.toFixed(2)))),
    [
      [0, 0, 3, 2],
      [0, 2, 3, 2],
      [3, 0, 1.71, 2.33],
      [4.71, 0, 1.29, 2.33],
      [3, 2.33, 1.2, 1.67],
      [4.2, 2.33, 1.2, 1.67],
      [5.4, 2.33, 0.6, 1.67],
    ],
  );
});
