import assert from 'node:assert/strict';
import { test } from 'node:test';
import { obsolete, type Wants, wantFor, wantsOf } from '../../src/layers/relay.ts';

const OWN = { base: 'bookworm', low: 1, middle: 2, top: 3, alone: 4 };
const SEES = { low: [], middle: ['low'], top: ['low', 'middle'], alone: [] };

function wants(
  own: Readonly<Record<string, string | number>> = OWN,
  sees: Record<string, string[]> = SEES,
): Wants {
  return wantsOf(
    new Map(Object.entries(own)),
    new Map(Object.entries(sees).map(([name, seen]) => [name, new Set(seen)])),
  );
}

/** What of all layers, begun under `before`, is obsolete under `after`. */
function stopped(after: Wants, before = wants()): string[] {
  const names = ['base', 'low', 'middle', 'top', 'alone', 'settle/libc-bin'];
  return obsolete(
    names.map((name) => [name, { want: wantFor(before, name) }]),
    after,
  );
}

test('nothing is obsolete while nothing changes', () => {
  assert.deepEqual(stopped(wants()), []);
});

test('a change makes its layer obsolete, all that see it, and what settles the whole', () => {
  assert.deepEqual(stopped(wants({ ...OWN, middle: 0 })), ['middle', 'top', 'settle/libc-bin']);
  assert.deepEqual(stopped(wants({ ...OWN, alone: 0 })), ['alone', 'settle/libc-bin']);
  assert.deepEqual(stopped(wants({ ...OWN, base: 'trixie' })).length, 6);
});

test('a layer that is not in the conf any more is obsolete, and so is one that sees something else', () => {
  const { alone, ...rest } = OWN;
  assert.ok(stopped(wants(rest)).includes('alone'), `${alone} is gone`);
  assert.deepEqual(stopped(wants(OWN, { ...SEES, alone: ['low'] })), ['alone']);
});

test('the order in which the conf lists scriptlets makes nothing obsolete', () => {
  const turned = Object.fromEntries(Object.entries(OWN).reverse());
  assert.deepEqual(stopped(wants(turned, { ...SEES, top: ['middle', 'low'] })), []);
});
