import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Inputs } from '../../src/layers/key.ts';
import { reasonOf } from '../../src/layers/reason.ts';
import type { ViewLayer } from '../../src/layers/view.ts';
import { addLayer, someStore } from './some-layers.ts';

const BEFORE: Inputs = {
  format: 1,
  arch: 'amd64',
  epoch: 5,
  debs: ['bluez 5.66-1 amd64 aa', 'dbus 1.14 amd64 bb'],
  view: ['digest'],
  prelude: 'p',
  functions: 'do_run () \n{ \n    true\n}\nhelper () \n{ \n    echo one\n}\n',
  vars: { NAME: 'x' },
  variables: 'declare -- NAME="x"\n',
  data: { 'main.conf': 'f aa', sub: 'd' },
  files: { 'src/a': 'f aa' },
  sources: ['a.tar aa'],
  network: false,
};

/** The reason why a layer that was made with these inputs runs again with others. */
function reason(change: { readonly [name: string]: Inputs[string] | undefined }): string {
  const store = someStore();
  const base = addLayer(store, [], 'echo base >base', { name: 'base' });
  addLayer(store, [base], 'true', { name: 'one', inputs: BEFORE });
  const inputs = Object.fromEntries(
    Object.entries({ ...BEFORE, ...change }).filter(([, value]) => value !== undefined),
  ) as Inputs;
  return reasonOf(store, 'conf', 'one', inputs, [base]);
}

test('the first build of a layer', () => {
  assert.equal(reasonOf(someStore(), 'conf', 'one', BEFORE, []), 'first build');
});

test('a layer is gone that had the same inputs', () => {
  assert.equal(reason({}), 'the layer was removed from the store');
});

const CASES: [what: string, change: Parameters<typeof reason>[0], told: string][] = [
  [
    'a deb of another version',
    { debs: ['bluez 5.66-1+deb12u1 amd64 cc', 'dbus 1.14 amd64 bb'] },
    'deb bluez 5.66-1 -> 5.66-1+deb12u1',
  ],
  ['a deb more', { debs: [...(BEFORE.debs as string[]), 'cron 3 amd64 dd'] }, 'deb cron 3 is new'],
  ['a deb less', { debs: ['dbus 1.14 amd64 bb'] }, 'deb bluez is gone'],
  [
    'other bytes under one version',
    { debs: ['bluez 5.66-1 amd64 ee', 'dbus 1.14 amd64 bb'] },
    'deb bluez 5.66-1 has other content',
  ],
  ['the order of debs', { debs: (BEFORE.debs as string[]).toReversed() }, 'the order of the debs changed'],
  ['a data file', { data: { 'main.conf': 'f bb', sub: 'd' } }, 'data file main.conf changed'],
  [
    'a data file more',
    { data: { 'main.conf': 'f aa', sub: 'd', 'sub/x': 'f aa' } },
    'data file sub/x is new',
  ],
  ['a data file less', { data: { sub: 'd' } }, 'data file main.conf is gone'],
  ['a file of the project', { files: { 'src/a': 'x aa' } }, 'file src/a changed'],
  ['a variable', { vars: { NAME: 'y' }, variables: 'declare -- NAME="y"\n' }, 'variable NAME changed'],
  [
    'a variable of its own',
    { variables: 'declare -- NAME="x"\ndeclare -- own="1"\n' },
    "the scriptlet's own variables changed",
  ],
  ['a source', { sources: ['a.tar bb'] }, 'a fetched source changed'],
  [
    'a function',
    { functions: 'do_run () \n{ \n    true\n}\nhelper () \n{ \n    echo two\n}\n' },
    'helper changed',
  ],
  ['a function more', { functions: `another () \n{ \n    :\n}\n${BEFORE.functions}` }, 'another is new'],
  ['a function less', { functions: 'do_run () \n{ \n    true\n}\n' }, 'a function is gone'],
  ['another prelude', { prelude: 'q' }, 'another version of snap'],
  ['the epoch', { epoch: 6 }, 'epoch changed'],
  ['an input that was not', { bootstrap: 'x' }, 'bootstrap is new'],
  ['an input that is not any more', { network: undefined }, 'network is gone'],
];

for (const [what, change, told] of CASES) {
  test(`${what}: "${told}"`, () => assert.equal(reason(change), told));
}

test('what a layer sees: a need that is new, one that differs, one that is gone, another base', () => {
  const store = someStore();
  const add = (name: string, script: string, below: readonly ViewLayer[] = []): ViewLayer =>
    addLayer(store, below, script, { name, inputs: { script } });
  const base = add('base', 'echo base >base');
  const [dbus, user] = [add('dbus', 'echo 1 >d', [base]), add('user', 'echo 1 >u', [base])];
  addLayer(store, [base, dbus], 'true', { name: 'one', inputs: { view: ['before'] } });
  const seen = (...view: readonly ViewLayer[]): string =>
    reasonOf(store, 'conf', 'one', { view: ['now'] }, view);
  assert.equal(seen(base, dbus, user), 'user is seen now');
  assert.equal(seen(base), 'dbus is not seen any more');
  assert.equal(seen(base, add('dbus', 'echo 2 >d', [base])), 'need dbus differs');
  assert.equal(seen(add('base', 'echo other >base'), dbus), 'the base differs');
  assert.equal(seen(dbus, base), 'the order of the needs changed');
  assert.equal(
    seen(base, { ...dbus, row: { ...dbus.row, n: 99 } }),
    'the order of the needs changed',
    'the same content anew is no difference',
  );
});
