import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lock } from '../../src/debian/lock.ts';
import { keyOf } from '../../src/layers/key.ts';
import { settlements, unsettled, withActivated, withTriggers } from '../../src/layers/settle.ts';
import { mergeView, recordBytes, type ViewLayer } from '../../src/layers/view.ts';
import type { Store } from '../../src/store/layers.ts';
import { addLayer, EPOCH, someStore } from './some-layers.ts';

const LOCK = { arch: 'amd64', epoch: EPOCH } as Lock;

const stanza = (name: string, more = ''): string =>
  `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n${more}\n`;

/** A base with libc-bin, whose trigger is explicit, and dbus, which looks at a folder. */
const BASE = `
mkdir -p var/lib/dpkg/info var/lib/dpkg/triggers usr/share/dbus-1/services usr/lib etc
printf '${stanza('libc-bin')}${stanza('dbus')}' >var/lib/dpkg/status
echo '/usr/share/dbus-1 dbus' >var/lib/dpkg/triggers/File; echo libc-bin >var/lib/dpkg/triggers/ldconfig
echo 'script 1' >var/lib/dpkg/info/libc-bin.postinst; echo service >usr/share/dbus-1/services/base
ln -s usr/lib lib
`;

/** What a layer does that brings a library: its package activates ldconfig. */
const library = (name: string): string =>
  `
mkdir -p usr/lib var/lib/dpkg/info; echo ${name} >usr/lib/${name}.so.1; echo 'activate-noawait ldconfig' >var/lib/dpkg/info/${name}:amd64.triggers
printf '${stanza('libc-bin')}${stanza('dbus')}${stanza('NAME')}' >var/lib/dpkg/status; sed -i 's/NAME/${name}/' var/lib/dpkg/status
`;

function settled(
  store: Store,
  layers: readonly ViewLayer[],
): Map<string, { triggers: readonly string[]; key: string }> {
  const due = settlements(store, mergeView(store, layers), LOCK);
  return new Map(due.map((one) => [one.package, { triggers: one.triggers, key: keyOf(one.inputs) }]));
}

function some(): { store: Store; base: ViewLayer; add: (script: string) => ViewLayer } {
  const store = someStore();
  const base = addLayer(store, [], BASE, { name: 'base', kind: 'base' });
  let number = 0;
  return { store, base, add: (script) => addLayer(store, [base], script, { name: `layer-${number++}` }) };
}

test('the base alone has nothing to settle, nor has a layer that touches no interest', () => {
  const { store, base, add } = some();
  assert.deepEqual([...settled(store, [base])], []);
  assert.deepEqual(
    [
      ...settled(store, [
        base,
        add('mkdir -p etc usr/share/dbus-10; echo x >etc/x; echo y >usr/share/dbus-10/x'),
      ]),
    ],
    [],
  );
});

test('a file under an interest, or a package that activates a trigger, has its package settle', () => {
  const { store, base, add } = some();
  const service = add('mkdir -p usr/share/dbus-1/services; echo x >usr/share/dbus-1/services/x');
  assert.deepEqual(
    [...settled(store, [base, service])].map(([name, { triggers }]) => [name, triggers]),
    [['dbus', ['/usr/share/dbus-1']]],
  );
  const both = settled(store, [base, service, add(library('libx'))]);
  assert.deepEqual(
    [...both].map(([name, { triggers }]) => [name, triggers]),
    [
      ['dbus', ['/usr/share/dbus-1']],
      ['libc-bin', ['ldconfig']],
    ],
  );
});

test('an interest in a folder that a link leads to is met where it really lies', () => {
  const { store, base, add } = some();
  const interest = add(
    "mkdir -p var/lib/dpkg/triggers; printf '/usr/share/dbus-1 dbus\\n/lib/udev/rules.d dbus\\n' >var/lib/dpkg/triggers/File",
  );
  const rule = add('mkdir -p usr/lib/udev/rules.d; echo x >usr/lib/udev/rules.d/x');
  assert.deepEqual(settled(store, [base, interest, rule]).get('dbus')?.triggers, ['/lib/udev/rules.d']);
});

test('a settle has another key when what its trigger sees changes, and only then', () => {
  const { store, base, add } = some();
  const [lib, conf, service] = [
    add(library('libx')),
    add('mkdir etc; echo x >etc/x'),
    add('mkdir -p usr/share/dbus-1; echo x >usr/share/dbus-1/x'),
  ];
  const keyWith = (...layers: readonly ViewLayer[]) => settled(store, [base, ...layers]).get('libc-bin')?.key;
  const key = keyWith(lib);
  assert.ok(key);
  assert.equal(keyWith(lib, conf), key, 'a config file');
  assert.equal(keyWith(lib, service), key, "another package's files");
  assert.notEqual(keyWith(lib, add('mkdir -p usr/lib; echo y >usr/lib/own.so.2')), key, 'one more library');
  assert.notEqual(
    keyWith(lib, add('mkdir -p etc/ld.so.conf.d; echo /opt >etc/ld.so.conf.d/x.conf')),
    key,
    'one more folder of libraries',
  );
  assert.notEqual(
    keyWith(lib, add("mkdir -p var/lib/dpkg/info; echo 'script 2' >var/lib/dpkg/info/libc-bin.postinst")),
    key,
    'another script',
  );
  const other = settled(store, [base, service]).get('dbus')?.key;
  assert.ok(other);
  assert.equal(settled(store, [base, service, lib, conf]).get('dbus')?.key, other, 'a library');
});

test('the order of layers is no difference', () => {
  const { store, base, add } = some();
  const [one, two] = [add(library('libx')), add('mkdir -p usr/lib; echo y >usr/lib/own.so.2')];
  assert.deepEqual(settled(store, [base, one, two]), settled(store, [base, two, one]));
});

test('triggers that are pending in a layer count, and a view shows dpkg just those of one package', () => {
  const { store, base, add } = some();
  const waiting = `${stanza('libc-bin', 'Triggers-Pending: ldconfig\n').replace('ok installed', 'ok triggers-pending')}${stanza('dbus')}`;
  const pending = add(`mkdir -p var/lib/dpkg; printf '${waiting}' >var/lib/dpkg/status`);
  const view = mergeView(store, [base, pending]);
  assert.deepEqual(unsettled(view), ['libc-bin:amd64']);
  const due = settlements(store, view, LOCK);
  assert.deepEqual(
    due.map((one) => one.package),
    ['libc-bin'],
  );
  const text = (settlement: (typeof due)[number] | undefined): string => {
    const { records } = withTriggers(view, settlement);
    return recordBytes('var/lib/dpkg/status', records.get('var/lib/dpkg/status')!).toString();
  };
  assert.match(
    text(due[0]),
    /Package: libc-bin\nStatus: install ok triggers-pending\n[\s\S]*Triggers-Pending: ldconfig\n\nPackage: dbus\nStatus: install ok installed/,
  );
  assert.doesNotMatch(text(undefined), /trigger/i);
  assert.deepEqual(unsettled(withTriggers(view, undefined)), []);
});

test('a trigger of a name may look at anything, unless snap knows what it makes', () => {
  const { store, base, add } = some();
  const kernel = add(
    `mkdir -p var/lib/dpkg/info var/lib/dpkg/triggers
    echo initramfs >var/lib/dpkg/triggers/update-initramfs; echo 'activate update-initramfs' >var/lib/dpkg/info/kernel.triggers
    printf '${stanza('libc-bin')}${stanza('dbus')}${stanza('initramfs')}' >var/lib/dpkg/status`,
  );
  const key = settled(store, [base, kernel]).get('initramfs')?.key;
  assert.ok(key);
  const hook = add('mkdir -p etc/initramfs-tools; echo x >etc/initramfs-tools/hook');
  assert.notEqual(settled(store, [base, kernel, hook]).get('initramfs')?.key, key);
});

test('a trigger that a settle activates waits, although its package was settled beside it', () => {
  const { store, base, add } = some();
  const activating = `${stanza('libc-bin')}${stanza('dbus', 'Triggers-Pending: again\n').replace('ok installed', 'ok triggers-pending')}`;
  const patch = store.recordsOf(
    add(`mkdir -p var/lib/dpkg; printf '${activating}' >var/lib/dpkg/status`).row.n,
  );
  const view = mergeView(store, [base]);
  assert.deepEqual(unsettled(view), []);
  assert.deepEqual(unsettled(withActivated(view, () => [patch])), ['dbus:amd64']);
  assert.deepEqual(unsettled(withActivated(view, () => [{}, store.recordsOf(base.row.n)])), []);
});
