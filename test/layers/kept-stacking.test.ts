import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recallStacking } from '../../src/layers/kept-stacking.ts';
import type { Stackable, Stacking } from '../../src/layers/unpacked.ts';
import { mergeView, type View } from '../../src/layers/view.ts';
import type { Store } from '../../src/store/layers.ts';
import { addLayer, someStore } from './some-layers.ts';

function deb(store: Store, name: string, path: string): Stackable {
  const list = `mkdir -p var/lib/dpkg/info usr/bin; echo /${path} >var/lib/dpkg/info/${name}.list; echo x >${path}`;
  return { name, row: addLayer(store, [], list, { name, kind: 'deb', inputs: { path } }).row };
}

function viewOf(store: Store, script: string): View {
  return mergeView(store, [addLayer(store, [], script, { name: 'base', inputs: { script } })]);
}

function told({ stacked, byDpkg }: Stacking): object {
  return { stacked: stacked.map(({ name }) => name), byDpkg: [...byDpkg] };
}

test('a plan is taken up for the same debs on the same content, and for nothing else', () => {
  const store = someStore();
  const [bare, full] = [
    viewOf(store, 'mkdir -p usr/bin'),
    viewOf(store, 'mkdir -p usr/bin; echo >usr/bin/a'),
  ];
  const [a, b] = [deb(store, 'a', 'usr/bin/a'), deb(store, 'b', 'usr/bin/a')];
  const plan = (view: View, debs: readonly Stackable[]): object =>
    told(recallStacking(store, 'conf x', view, debs));
  const [both, there] = ['"usr/bin/a" is in "b" as well', '"usr/bin/a" is there already'];
  assert.deepEqual(plan(bare, [a]), { stacked: ['a'], byDpkg: [] });
  assert.deepEqual(plan(full, [a]), { stacked: [], byDpkg: [['a', there]] });
  assert.deepEqual(plan(bare, [a]), { stacked: ['a'], byDpkg: [] });
  assert.deepEqual(plan(bare, [a, b]), {
    stacked: [],
    byDpkg: [
      ['b', '"usr/bin/a" is in "a" as well'],
      ['a', both],
    ],
  });
  const text = store.results.get('stacking conf x')!;
  store.results.set('stacking conf x', text.replace('as well', 'as was kept'));
  assert.match(JSON.stringify(plan(bare, [a, b])), /as was kept/);
  assert.deepEqual(plan(bare, [a]), { stacked: ['a'], byDpkg: [] });
});
