import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeView, type ViewLayer } from '../../src/layers/view.ts';
import { addLayer, someStore } from './some-layers.ts';

const DPKG = 'mkdir -p var/lib/dpkg usr/bin';
const DIVERTS = `${DPKG}; printf '/bin/x\\n/bin/x.real\\ntool\\n' >var/lib/dpkg/diversions`;
const OVERRIDES = `${DPKG}; echo 'root adm 2755 /usr/bin/x' >var/lib/dpkg/statoverride`;
const BRINGS = 'mkdir -p usr/bin; echo x >usr/bin/x';

function conflicts(scripts: readonly string[], seen: readonly number[] = []): string[] {
  const store = someStore();
  const base = addLayer(store, [], DPKG, { name: 'base', kind: 'base' });
  const layers: ViewLayer[] = [base];
  for (const [number, script] of scripts.entries()) {
    const below = [base, ...seen.filter((one) => one < number).map((one) => layers[one + 1]!)];
    layers.push(addLayer(store, below, script, { name: `layer-${number}` }));
  }
  return mergeView(store, layers).conflicts.map(({ earlier, later, path }) => `${later} ${earlier} ${path}`);
}

test('a layer that diverts or overrides is in conflict with one beside it that brings the file', () => {
  assert.deepEqual(conflicts([DIVERTS, BRINGS]), ['layer-1 layer-0 usr/bin/x']);
  assert.deepEqual(conflicts([BRINGS, DIVERTS]), ['layer-1 layer-0 usr/bin/x']);
  assert.deepEqual(conflicts([BRINGS, OVERRIDES]), ['layer-1 layer-0 usr/bin/x']);
});

test('one that sees the other is not, nor one that brings no file there, or has the same diversion', () => {
  assert.deepEqual(conflicts([BRINGS, DIVERTS], [0]), []);
  assert.deepEqual(conflicts([DIVERTS, BRINGS], [0]), []);
  assert.deepEqual(conflicts([DIVERTS, 'mkdir -p usr/bin/x; echo y >usr/bin/y']), []);
  assert.deepEqual(conflicts([`${DIVERTS}; ${BRINGS}`, `${DIVERTS}; ${BRINGS}`]), []);
});
