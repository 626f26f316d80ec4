import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseRecords } from '../../src/debian/records.ts';
import {
  adopt,
  fits,
  giveIds,
  idsOf,
  knows,
  type Ledger,
  newNames,
  renumbering,
} from '../../src/layers/ids.ts';

const passwd = (text: string) => parseRecords('etc/passwd', text);
const ledger = (uids: Record<string, number> = {}, gids: Record<string, number> = {}): Ledger => ({
  uids: new Map(Object.entries(uids)),
  gids: new Map(Object.entries(gids)),
});

test('ids are read from passwd and group, members of groups aside', () => {
  assert.deepEqual(
    [...idsOf(passwd('root:x:0:0::/:/bin/sh\nalpha:x:104:110::/:/bin/sh\n'))],
    [
      ['root', 0],
      ['alpha', 104],
    ],
  );
  assert.deepEqual([...idsOf(parseRecords('etc/group', 'audio:x:29:alpha,beta\n'))], [['audio', 29]]);
});

test('new names are those that were not there; ids that policy fixes and those of nobody are left alone', () => {
  const before = passwd('root:x:0:0::/:\nold:x:100:100::/:\n');
  const after = passwd(
    'root:x:0:0::/:\nold:x:107:100::/:\nfixed:x:77:77::/:\nnew:x:101:101::/:\nlast:x:65534:1::/:\n',
  );
  assert.deepEqual([...newNames(before, after)], [['new', 101]]);
});

test("a name gets the ledger's id, else the one the run gave, else the next free one of its kind", () => {
  const uids = new Map([
    ['known', 120],
    ['other', 101],
    ['person', 1000],
  ]);
  const created = new Map([
    ['known', 100],
    ['free', 102],
    ['taken', 101],
    ['second', 1000],
  ]);
  assert.deepEqual(giveIds(uids, created), { known: 120, free: 102, taken: 100, second: 1001 });
  assert.deepEqual([...uids].slice(3), [
    ['free', 102],
    ['taken', 100],
    ['second', 1001],
  ]);
});

test('only what moves is renumbered, also when two change places', () => {
  const created = new Map([
    ['a', 100],
    ['b', 101],
    ['c', 102],
  ]);
  assert.deepEqual(
    [...renumbering(created, { a: 101, b: 100, c: 102 })],
    [
      [100, 101],
      [101, 100],
    ],
  );
});

test('a layer fits when none of its names has another id, and none of its ids another name', () => {
  const book = ledger({ a: 100 }, { a: 100 });
  assert.ok(fits(book, { uids: { a: 100, b: 101 }, gids: {} }));
  assert.ok(!fits(book, { uids: { a: 101 }, gids: {} }));
  assert.ok(!fits(book, { uids: { b: 100 }, gids: {} }));
  assert.ok(!fits(book, { uids: {}, gids: { b: 100 } }));
});

test('whether all names are known', () => {
  const book = ledger({ a: 100 }, { a: 100 });
  assert.ok(knows(book, { uids: new Map([['a', 7]]), gids: new Map() }));
  assert.ok(!knows(book, { uids: new Map([['a', 7]]), gids: new Map([['b', 7]]) }));
});

test('whatever layers are made in whatever order, no id moves, no two names share one, and every layer fits afterwards', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
  const id = fc.oneof(fc.integer({ min: 100, max: 105 }), fc.integer({ min: 1000, max: 1003 }));
  const created = fc
    .uniqueArray(fc.tuple(name, id), { selector: ([one]) => one })
    .map((pairs) => new Map(pairs));
  fc.assert(
    fc.property(fc.array(created, { maxLength: 6 }), (runs) => {
      const uids = new Map<string, number>();
      const layers = runs.map((run) => {
        const before = new Map(uids);
        const given = giveIds(uids, run);
        for (const [known, was] of before) assert.equal(uids.get(known), was);
        assert.deepEqual(Object.keys(given), [...run.keys()]);
        return given;
      });
      assert.equal(new Set(uids.values()).size, uids.size);
      const other = ledger();
      for (const given of layers) {
        assert.ok(fits({ uids, gids: new Map() }, { uids: given, gids: {} }));
        adopt(other, { uids: given, gids: {} });
      }
      assert.deepEqual(new Map([...other.uids].sort()), new Map([...uids].sort()));
    }),
  );
});
