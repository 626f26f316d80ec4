import assert from 'node:assert/strict';
import { test } from 'node:test';
import { table } from '../../src/report/table.ts';

const LAYOUT = [{ title: 'layer' }, { title: 'took', align: 'right' }, { title: 'why' }] as const;

test('columns are aligned, numbers to the right, without space at the ends of lines', () => {
  const rows = [
    ['bluez', '1.2 s', 'data changed'],
    ['日本', '12.4 s', ''],
  ];
  assert.deepEqual(table(LAYOUT, rows), [
    'layer    took  why',
    'bluez   1.2 s  data changed',
    '日本   12.4 s',
  ]);
});

test('no rows print nothing, not even titles', () => {
  assert.deepEqual(table(LAYOUT, []), []);
});

test('a cell cannot bring escape sequences to the terminal', () => {
  assert.deepEqual(table([{ title: 'a' }], [['\x1b[2Jx']]), ['a', 'x']);
});

test('a table has as many rows as there are', () => {
  const rows = Array.from({ length: 200_000 }, (_, at) => [String(at)]);
  assert.equal(table([{ title: 'n', align: 'right' }], rows).at(-1), '199999');
});
