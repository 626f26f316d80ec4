import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Lock } from '../../src/debian/lock.ts';
import { keepSettling, recallSettling } from '../../src/layers/kept-settling.ts';
import { keyOf } from '../../src/layers/key.ts';
import { questionsOf, settlements, settlingRules } from '../../src/layers/settle.ts';
import { mergeView, type ViewLayer } from '../../src/layers/view.ts';
import type { Store } from '../../src/store/layers.ts';
import { addLayer, EPOCH, someStore } from './some-layers.ts';

const LOCK = { arch: 'amd64', epoch: EPOCH } as Lock;

const stanza = (name: string): string =>
  `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n`;
const STATUS = `printf '${stanza('libc-bin')}${stanza('dbus')}${stanza('udev')}' >var/lib/dpkg/status`;

/** libc-bin makes a file from libraries, dbus looks at a folder, udev at one that a link leads to. */
const BASE = `
mkdir -p var/lib/dpkg/info var/lib/dpkg/triggers usr/share/dbus-1 usr/lib/udev etc; ${STATUS}
printf '/usr/share/dbus-1 dbus\\n/lib/udev udev\\n' >var/lib/dpkg/triggers/File; echo libc-bin >var/lib/dpkg/triggers/ldconfig
for name in libc-bin dbus udev; do echo script >var/lib/dpkg/info/$name.postinst; done
ln -s usr/lib lib
`;

/** What a layer may do, with a number that makes it another one. */
const DEEDS: Readonly<Record<string, (n: number) => string>> = {
  plain: (n) => `mkdir -p etc; echo ${n} >etc/plain`,
  deep: (n) => `mkdir -p usr/share/own/a; echo ${n} >usr/share/own/a/b`,
  service: (n) => `mkdir -p usr/share/dbus-1; echo ${n} >usr/share/dbus-1/x`,
  beside: (n) => `mkdir -p usr/share/dbus-10; echo ${n} >usr/share/dbus-10/x`,
  rule: (n) => `mkdir -p usr/lib/udev; echo ${n} >usr/lib/udev/rule`,
  library: (n) => `mkdir -p usr/lib; echo ${n} >usr/lib/libx.so.1`,
  activating: (n) =>
    `mkdir -p var/lib/dpkg/info; printf 'activate-noawait ldconfig\\n#${n}\\n' >var/lib/dpkg/info/x.triggers`,
  script: (n) => `mkdir -p var/lib/dpkg/info; echo ${n} >var/lib/dpkg/info/dbus.postinst`,
  link: (n) => `ln -s usr/lib${n} lib`,
  gone: () => 'mkdir -p usr/share; mknod usr/share/dbus-1 c 0 0',
  version: (n) =>
    `mkdir -p var/lib/dpkg; ${STATUS}; sed -i 's/Version: 1/Version: ${n}/' var/lib/dpkg/status`,
  interest: (n) =>
    `mkdir -p var/lib/dpkg/triggers; echo /etc dbus >var/lib/dpkg/triggers/File; echo ${n} >etc-${n}`,
};
const NAMES = Object.keys(DEEDS);

function keysOf(store: Store, layers: readonly ViewLayer[]): [string, string][] {
  return settlements(store, mergeView(store, layers), LOCK).map((one) => [one.package, keyOf(one.inputs)]);
}

function keep(store: Store, layers: readonly ViewLayer[]): void {
  const questions = questionsOf(mergeView(store, layers));
  keepSettling(store, 'a', LOCK, { layers, rounds: 1, last: 0 }, { own: layers.length, questions });
}

test('what is known of settling is known again only where settling would come to the same', () => {
  const store = someStore();
  const base = addLayer(store, [], BASE, { name: 'base', kind: 'base' });
  let number = 0;
  const layerOf = (name: string, deed: string, n: number): ViewLayer =>
    addLayer(store, [base], DEEDS[deed]!(n), { name, inputs: { number: number++ } });
  const deed = fc.record({ deed: fc.constantFrom(...NAMES), n: fc.integer({ min: 1, max: 2 }) });
  let known = 0;
  let unknown = 0;
  fc.assert(
    fc.property(
      fc.array(deed, { minLength: 1, maxLength: 3 }),
      fc.nat(2),
      deed,
      fc.boolean(),
      (deeds, place, other, isSame) => {
        const layers = deeds.map((one, at) => layerOf(`l${at}`, one.deed, one.n));
        keep(store, [base, ...layers]);
        const at = place % layers.length;
        const changed = { ...deeds[at]!, n: isSame ? deeds[at]!.n : 3 };
        const now = layers.with(at, layerOf(`l${at}`, isSame ? other.deed : changed.deed, changed.n));
        const recalled = recallSettling(store, 'a', LOCK, [base, ...now]);
        if (!recalled) return void unknown++;
        known++;
        assert.deepEqual(recalled.layers, [base, ...now]);
        assert.deepEqual(keysOf(store, [base, ...now]), keysOf(store, [base, ...layers]));
      },
    ),
    { numRuns: 60 },
  );
  assert.ok(known > 5 && unknown > 5, `${known} known, ${unknown} not`);
});

test('what is known stays known when the layers are gone from which it was known first', () => {
  const store = someStore();
  const base = addLayer(store, [], BASE, { name: 'base', kind: 'base' });
  const [one, two, three] = [1, 2, 3].map((n) =>
    addLayer(store, [base], DEEDS.plain!(n), { name: 'a', inputs: { n } }),
  ) as [ViewLayer, ViewLayer, ViewLayer];
  keep(store, [base, one]);
  assert.ok(recallSettling(store, 'a', LOCK, [base, two]));
  store.retire(one.row.n);
  assert.ok(recallSettling(store, 'a', LOCK, [base, three]));
});

test('nothing is known of other layers, of layers in another order, or for another time', () => {
  const store = someStore();
  const base = addLayer(store, [], BASE, { name: 'base', kind: 'base' });
  const [a, b] = ['a', 'b'].map((name) => addLayer(store, [base], DEEDS.plain!(1), { name })) as [
    ViewLayer,
    ViewLayer,
  ];
  keep(store, [base, a, b]);
  const isKnown = (layers: readonly ViewLayer[], lock = LOCK, conf = 'a'): boolean =>
    recallSettling(store, conf, lock, layers) !== undefined;
  assert.ok(isKnown([base, a, b]));
  assert.ok(!isKnown([base, b, a]));
  assert.ok(!isKnown([base, a]));
  assert.ok(!isKnown([base, a, { ...b, name: 'c' }]));
  assert.ok(!isKnown([base, a, { ...b, sees: new Set(['base', 'a']) }]));
  assert.ok(!isKnown([base, a, b], { ...LOCK, epoch: EPOCH + 1 }));
  assert.ok(!isKnown([base, a, b], { ...LOCK, arch: 'arm64' }));
  assert.ok(!isKnown([base, a, b], LOCK, 'other'));
  const text = store.results.get('settling a')!;
  store.results.set('settling a', text.replace(settlingRules(), 'those of another snap'));
  assert.ok(!isKnown([base, a, b]), 'what was worked out by other rules');
});
