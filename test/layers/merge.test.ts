import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Change, type Merged, mergeChanges, type Sees } from '../../src/layers/merge.ts';

const same = (a: string, b: string): boolean => a === b;

/** Merges changes given as `LAYER:VALUE` in order; `edges` name what a layer sees: '2>1' (closed under what those see). */
function merge(changes: string, edges = ''): string {
  const sees = closure(
    edges
      .split(' ')
      .filter(Boolean)
      .map((edge) => edge.split('>').map(Number) as [number, number]),
  );
  const given = changes.split(' ').map((change): Change<string> => {
    const [layer, value = ''] = change.split(':');
    return { layer: Number(layer), value };
  });
  return told(mergeChanges(given, sees, same));
}

function told(merged: Merged<string>): string {
  return merged.kind === 'conflict' ? `conflict ${merged.earlier} ${merged.later}` : merged.winner.value;
}

function closure(edges: readonly (readonly [number, number])[]): Sees {
  const below = new Map<number, Set<number>>();
  const add = (from: number, seen: Set<number>): Set<number> => {
    for (const [a, b] of edges) {
      if (a !== from || seen.has(b)) continue;
      seen.add(b);
      add(b, seen);
    }
    return seen;
  };
  for (const [a] of edges) below.set(a, add(a, new Set()));
  return (layer, other) => below.get(layer)?.has(other) ?? false;
}

test('a single change stands', () => {
  assert.equal(merge('3:a'), 'a');
});

test('a change on top of another wins, however far the order puts them apart', () => {
  assert.equal(merge('0:base 1:a', '1>0'), 'a');
  assert.equal(merge('0:base 1:a 2:b 3:c', '1>0 2>1 3>2'), 'c');
});

test('two changes side by side that are equal are one', () => {
  assert.equal(merge('0:base 1:a 2:a', '1>0 2>0'), 'a');
  assert.equal(merge('1:a 2:a'), 'a');
});

test('two changes side by side that differ are a conflict, named in order', () => {
  assert.equal(merge('0:base 1:a 2:b', '1>0 2>0'), 'conflict 1 2');
  assert.equal(merge('1:a 2:b'), 'conflict 1 2');
  assert.equal(merge('0:base 1:a 2:a 3:b', '1>0 2>0 3>0'), 'conflict 1 3');
});

test('one who changed something wins over one who left what both had found', () => {
  assert.equal(merge('0:base 1:base 2:b', '1>0 2>0'), 'b');
  assert.equal(merge('0:base 1:b 2:base', '1>0 2>0'), 'b');
});

test('one who undoes a change wins over those who did not see it', () => {
  assert.equal(merge('0:base 1:a 2:base 3:a', '1>0 2>1 2>0 3>0 3>1'), 'base');
  assert.equal(merge('0:base 1:a 2:base', '1>0 2>1'), 'base');
});

test('an order that was learned settles a conflict', () => {
  assert.equal(merge('0:base 1:a 2:b', '1>0 2>0'), 'conflict 1 2');
  assert.equal(merge('0:base 1:a 2:b', '1>0 2>1'), 'b');
});

/** A random graph of layers, each of which sees some of those before, and the values that some of them leave. */
const graph = fc.integer({ min: 1, max: 6 }).chain((count) =>
  fc.record({
    values: fc.array(fc.option(fc.constantFrom('a', 'b', 'c')), { minLength: count, maxLength: count }),
    edges: fc
      .array(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), { maxLength: 8 })
      .map((pairs) => pairs.filter(([a, b]) => a > b)),
    ranks: fc.array(fc.nat(100), { minLength: count, maxLength: count }),
  }),
);

/** Another order of the same layers in which each still comes after those that it sees. */
function otherOrder(count: number, sees: Sees, ranks: readonly number[]): number[] {
  const order: number[] = [];
  const open = new Set(Array.from({ length: count }, (_, layer) => layer));
  while (open.size > 0) {
    const ready = [...open].filter((layer) => [...open].every((other) => !sees(layer, other)));
    const [next = 0] = ready.sort((a, b) => ranks[a]! - ranks[b]! || b - a);
    order.push(next);
    open.delete(next);
  }
  return order;
}

test('the order of layers that do not see each other decides nothing', () => {
  fc.assert(
    fc.property(graph, ({ values, edges, ranks }) => {
      const sees = closure(edges);
      const changes = values.flatMap((value, layer) => (value === null ? [] : [{ layer, value }]));
      fc.pre(changes.length > 0);
      const one = mergeChanges(changes, sees, same);
      const order = otherOrder(values.length, sees, ranks);
      const place = new Map(order.map((layer, position) => [layer, position]));
      const moved = changes
        .map(({ layer, value }) => ({ layer: place.get(layer)!, value }))
        .sort((a, b) => a.layer - b.layer);
      const two = mergeChanges(moved, (a, b) => sees(order[a]!, order[b]!), same);
      assert.equal(two.kind, one.kind);
      if (one.kind === 'settled' && two.kind === 'settled') assert.equal(two.winner.value, one.winner.value);
      if (one.kind === 'conflict' && changes.length === 2 && two.kind === 'conflict') {
        assert.deepEqual(new Set([order[two.earlier], order[two.later]]), new Set([one.earlier, one.later]));
      }
    }),
  );
});

test('who saw all others decides; nobody wins whose change another one saw and changed; a conflict names two that do not see each other', () => {
  fc.assert(
    fc.property(graph, ({ values, edges }) => {
      const sees = closure(edges);
      const changes = values.flatMap((value, layer) => (value === null ? [] : [{ layer, value }]));
      fc.pre(changes.length > 0);
      const merged = mergeChanges(changes, sees, same);
      const top = changes.find(({ layer }) =>
        changes.every((other) => other.layer === layer || sees(layer, other.layer)),
      );
      if (top) assert.equal(told(merged), top.value);
      if (merged.kind === 'conflict') {
        assert.ok(!sees(merged.later, merged.earlier) && merged.earlier < merged.later);
        const value = (layer: number) => changes.find((change) => change.layer === layer)?.value;
        assert.notEqual(value(merged.earlier), value(merged.later));
      } else {
        assert.ok(!changes.some(({ layer }) => sees(layer, merged.winner.layer)));
        assert.equal(merged.top, changes.at(-1));
      }
    }),
  );
});
