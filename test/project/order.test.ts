import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkNeeds, closures, type LearnedOrder, type Needing, sequence } from '../../src/project/order.ts';
import { told } from './some-project.ts';

/** `a: b c` is a scriptlet a that needs b and c; `a: *` needs all. */
function scriptlets(text: string): Needing[] {
  return text
    .trim()
    .split(/\s*,\s*/)
    .map((one) => {
      const [name = '', rest = ''] = one.split(/:\s*/);
      const needs = rest.split(' ').filter((need) => need !== '' && need !== '*');
      const lines = Object.fromEntries(needs.map((need, index) => [`need ${need}`, index + 1]));
      return { name, needs, needsAll: rest.includes('*'), lines };
    });
}

function orders(text: string): LearnedOrder[] {
  return text.split(', ').map((one) => {
    const [later = '', earlier = ''] = one.split(' after ');
    return { later, earlier };
  });
}

const names = (result: readonly Needing[]) => result.map(({ name }) => name).join(' ');

function faultOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return told(error);
  }
  return assert.fail('nothing was thrown');
}

test('scriptlets keep the order of the conf but for needs and learned orders', () => {
  assert.equal(names(sequence(scriptlets('c, b, a'), [])), 'c b a');
  assert.equal(names(sequence(scriptlets('c: a, b, a'), [])), 'b a c');
  assert.equal(names(sequence(scriptlets('c, b, a'), orders('c after a'))), 'b a c');
  assert.equal(names(sequence(scriptlets('c, b'), orders('c after gone, gone after b'))), 'c b');
});

test("those that need '*' run last, in the order of the conf, and see all before them", () => {
  const some = scriptlets('rm: *, a, stamp: *, b: a');
  assert.equal(names(sequence(some, [])), 'a b rm stamp');
  const seen = closures(some, []);
  assert.deepEqual([...seen.get('stamp')!], ['a', 'b', 'rm']);
  assert.deepEqual([...seen.get('rm')!], ['a', 'b']);
  assert.deepEqual([...seen.get('b')!], ['a']);
  assert.equal(names(sequence(scriptlets('rm: * stamp, a, stamp: *'), [])), 'a stamp rm');
  assert.equal(names(sequence(scriptlets('rm: *, a, stamp: *'), orders('rm after stamp'))), 'a stamp rm');
});

test('a scriptlet sees what its needs see and what was learned, in running order', () => {
  const seen = closures(scriptlets('d: c, c: b, b, a, e'), orders('c after a'));
  assert.deepEqual([...seen.get('d')!], ['b', 'a', 'c']);
  assert.deepEqual([...seen.get('e')!], []);
});

test('a circle of needs is printed whole', () => {
  assert.equal(
    faultOf(() => sequence(scriptlets('x: a, a: x2 b, x2, b: c, c: a'), [])),
    'SCRIPTLET Cannot evaluate scriptlets/a.sh:2: its needs run in a circle: a -> b -> c -> a | take one of these needs out',
  );
  assert.match(
    faultOf(() => sequence(scriptlets('a: a'), [])),
    /needs itself: a -> a/,
  );
  assert.match(
    faultOf(() => sequence(scriptlets('a: rm, rm: *'), [])),
    /a -> rm -> a/,
  );
});

test('an order that would close a circle is refused naming its line of the lock', () => {
  const wrong = faultOf(() => sequence(scriptlets('a: b, b: c, c'), orders('c after a')));
  assert.equal(
    wrong,
    'LOCK Cannot keep "order c after a": c -> a -> b -> c | take the line "order c after a" out of the lock',
  );
  assert.match(
    faultOf(() => sequence(scriptlets('a, b'), orders('a after b, b after a'))),
    /"order b after a": b -> a -> b/,
  );
  assert.match(
    faultOf(() => sequence(scriptlets('a, b'), orders('a after a'))),
    /^LOCK .*a -> a/,
  );
  assert.match(
    faultOf(() => sequence(scriptlets('a, rm: *'), orders('a after rm'))),
    /^LOCK .*a -> rm -> a/,
  );
});

test('an unknown need is refused with the nearest names', () => {
  assert.match(
    faultOf(() => sequence(scriptlets('a: bluz, bluez'), [])),
    /a\.sh:1: it needs "bluz".* did you mean "bluez"/,
  );
  assert.match(
    faultOf(() => checkNeeds(scriptlets('a: b'), () => ['a', 'b'])),
    /scriptlets\/b\.sh is there: add "b"/,
  );
});

/** Some scriptlets in a random order with needs and orders that hold no circle. */
const graphs = fc
  .record({
    size: fc.integer({ min: 1, max: 12 }),
    edges: fc.array(fc.record({ a: fc.nat(11), b: fc.nat(11), learned: fc.boolean() }), { maxLength: 30 }),
    stars: fc.array(fc.nat(11), { maxLength: 3 }),
    shuffle: fc.array(fc.nat(1000), { minLength: 12, maxLength: 12 }),
  })
  .map(({ size, edges, stars, shuffle }) => {
    const star = (index: number) => stars.includes(index);
    const rank = (index: number) => (star(index) ? 100 : 0) + index;
    const kept = edges
      .filter(({ a, b }) => a < size && b < size && a !== b)
      .map(({ a, b, learned }) => ({
        later: rank(a) > rank(b) ? a : b,
        earlier: rank(a) > rank(b) ? b : a,
        learned,
      }));
    const all = Array.from({ length: size }, (_, index) => ({
      name: `s${index}`,
      needs: kept
        .filter(({ later, learned }) => later === index && !learned)
        .map(({ earlier }) => `s${earlier}`),
      needsAll: star(index),
    }));
    const given = all.toSorted(
      (x, y) => shuffle[Number(x.name.slice(1))]! - shuffle[Number(y.name.slice(1))]!,
    );
    const learned = kept.filter((edge) => edge.learned);
    return {
      given,
      orders: learned.map(({ later, earlier }) => ({ later: `s${later}`, earlier: `s${earlier}` })),
    };
  });

test('a sequence holds each scriptlet once, after all that it sees, and nothing moves without a reason', () => {
  fc.assert(
    fc.property(graphs, ({ given, orders }) => {
      const running = sequence(given, orders);
      const at = new Map(running.map(({ name }, index) => [name, index]));
      assert.deepEqual(names(running).split(' ').sort(), names(given).split(' ').sort());
      for (const { name, needs } of given) for (const need of needs) assert.ok(at.get(need)! < at.get(name)!);
      for (const { later, earlier } of orders) assert.ok(at.get(earlier)! < at.get(later)!);
      const firstStar = running.findIndex(({ needsAll }) => needsAll);
      if (firstStar >= 0) assert.ok(running.slice(firstStar).every(({ needsAll }) => needsAll));
      assert.deepEqual(sequence(running, orders), running, 'a second time changes nothing');
      const free = given.map((one) => ({ ...one, needs: [] }));
      if (!free.some(({ needsAll }) => needsAll)) assert.deepEqual(sequence(free, []), free);
    }),
  );
});

test('what a scriptlet sees is closed: it sees all that those see, and runs after them', () => {
  fc.assert(
    fc.property(graphs, ({ given, orders }) => {
      const seen = closures(given, orders);
      const running = sequence(given, orders).map(({ name }) => name);
      for (const { name, needs, needsAll } of given) {
        const mine = seen.get(name)!;
        assert.ok(!mine.has(name));
        for (const need of needs) assert.ok(mine.has(need));
        for (const { later, earlier } of orders) if (later === name) assert.ok(mine.has(earlier));
        for (const other of mine) for (const below of seen.get(other)!) assert.ok(mine.has(below));
        if (needsAll) assert.deepEqual([...mine], running.slice(0, running.indexOf(name)));
        assert.deepEqual(
          [...mine],
          running.filter((other) => mine.has(other)),
          'in running order',
        );
      }
    }),
  );
});
