import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Inputs } from '../../src/layers/key.ts';
import { decidedOf, differences, reasonOf, wordsOf } from '../../src/layers/reason.ts';
import { type ViewLayer, viewDigests } from '../../src/layers/view.ts';
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
  patches: ['patches/a.patch -p1 aa', 'patches/b.patch -p1 bb'],
  kconfig: 'CONFIG_A=y\n# CONFIG_B is not set\n',
  modules: { greeting: { Makefile: 'f aa' } },
};

/** The reason why a layer that was made with these inputs runs again with others. */
function reason(change: { readonly [name: string]: Inputs[string] | undefined }): string {
  const store = someStore();
  const base = addLayer(store, [], 'echo base >base', { name: 'base' });
  addLayer(store, [base], 'true', { name: 'one', inputs: BEFORE });
  const inputs = Object.fromEntries(
    Object.entries({ ...BEFORE, ...change }).filter(([, value]) => value !== undefined),
  ) as Inputs;
  return wordsOf(reasonOf(store, 'conf', 'one', inputs, [base]));
}

test('the first build of a layer', () => {
  assert.deepEqual(reasonOf(someStore(), 'conf', 'one', BEFORE, []), { kind: 'first' });
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
  [
    'a patch',
    { patches: ['patches/a.patch -p1 aa', 'patches/b.patch -p1 cc'] },
    'patch patches/b.patch changed',
  ],
  ['a patch less', { patches: ['patches/b.patch -p1 bb'] }, 'patch patches/a.patch is gone'],
  [
    'patches in another order',
    { patches: ['patches/b.patch -p1 bb', 'patches/a.patch -p1 aa'] },
    'the order of the patches changed',
  ],
  ['a symbol', { kconfig: 'CONFIG_A=y\nCONFIG_B=m\n' }, 'CONFIG_B changed'],
  ['a symbol more', { kconfig: `${BEFORE.kconfig}CONFIG_C=y\n` }, 'CONFIG_C is new'],
  ['a module', { modules: { greeting: { Makefile: 'f bb' } } }, 'module greeting changed'],
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
    'own variable own is new',
  ],
  ['a source', { sources: ['a.tar bb'] }, 'source a.tar changed'],
  [
    'a function',
    { functions: 'do_run () \n{ \n    true\n}\nhelper () \n{ \n    echo two\n}\n' },
    'helper changed',
  ],
  ['a function more', { functions: `another () \n{ \n    :\n}\n${BEFORE.functions}` }, 'another is new'],
  ['a function less', { functions: 'do_run () \n{ \n    true\n}\n' }, 'helper is gone'],
  ['another prelude', { prelude: 'q' }, 'another version of snap'],
  ['the epoch', { epoch: 6 }, 'epoch changed'],
  ['an input that was not', { bootstrap: 'x' }, 'bootstrap is new'],
  ['an input that is not any more', { network: undefined }, 'network is gone'],
];

for (const [what, change, told] of CASES) {
  test(`${what}: "${told}"`, () => assert.equal(reason(change), told));
}

type Add = (name: string, script: string, below?: readonly ViewLayer[], key?: string) => ViewLayer;

/** A store with a base; a layer that has no key of its own has that of its name and script. */
function seeing(): { readonly add: Add; readonly told: (...view: readonly ViewLayer[]) => string } {
  const store = someStore();
  const add: Add = (name, script, below = []) =>
    addLayer(store, below, script, { name, inputs: { script, view: viewDigests(below) } });
  const told = (...view: readonly ViewLayer[]): string =>
    wordsOf(reasonOf(store, 'conf', 'one', { script: 'true', view: viewDigests(view) }, view));
  return { add, told };
}

test('what a layer sees: a need that is new, one that differs, one that is gone, another base', () => {
  const { add, told } = seeing();
  const base = add('base', 'echo base >base');
  const [dbus, user] = [add('dbus', 'echo 1 >d', [base]), add('user', 'echo 1 >u', [base])];
  add('one', 'true', [base, dbus]);
  assert.equal(told(base, dbus, user), 'need user is new');
  assert.equal(told(base), 'need dbus is gone');
  assert.equal(told(base, add('dbus', 'echo 2 >d', [base])), 'need dbus: d differs');
  assert.equal(told(add('base', 'echo other >base'), dbus), 'base: base differs');
  assert.equal(told(dbus, base), 'the order of the needs changed');
  const again = add('dbus', 'true; echo 1 >d', [base]);
  assert.notEqual(again.row.n, dbus.row.n);
  assert.equal(
    told(base, again),
    'the layer was removed from the store',
    'the same content is no difference',
  );
});

test('the paths of a need are those that differ, what was made from others last, folders by what is in them', () => {
  const { add, told } = seeing();
  const base = add('base', 'true');
  const make = (content: string, folder: string) =>
    `mkdir -p etc/ssl/certs ${folder}; echo ${content} >etc/ssl/certs/ca; echo same >etc/same; echo x >${folder}/x`;
  add('one', 'true', [base, add('user', make('1', 'usr/old'), [base])]);
  assert.equal(
    told(base, add('user', make('2', 'usr/new'), [base])),
    'need user: usr/new/x and 2 more differ',
  );
});

test('a record file of a need differs where its patch does', () => {
  const { add, told } = seeing();
  const base = add('base', 'true');
  const passwd = (name: string) => `mkdir etc; echo ${name}:x:5:5::/:/bin/sh >etc/passwd`;
  add('one', 'true', [base, add('user', passwd('a'), [base])]);
  assert.equal(told(base, add('user', passwd('b'), [base])), 'need user: etc/passwd differs');
});

test('all differences are told, in the order of the key', () => {
  const store = someStore();
  const base = addLayer(store, [], 'true', { name: 'base' });
  const one = addLayer(store, [base], 'true', { name: 'one', inputs: BEFORE });
  const now = {
    ...BEFORE,
    debs: ['bluez 6 amd64 cc', 'cron 3 amd64 dd'],
    functions: String(BEFORE.functions).replace('echo one', 'echo two'),
    vars: { NAME: 'y', MORE: '1' },
    variables: 'declare -- MORE="1"\ndeclare -- NAME="y"\nshopt -s extglob\n',
    data: { sub: 'd' },
  };
  const told = [...differences(store, decidedOf(store, one.row.n), { inputs: now, view: [['base', 1]] })];
  assert.deepEqual(told.map(wordsOf), [
    'deb bluez 5.66-1 -> 6',
    'deb cron 3 is new',
    'deb dbus is gone',
    'helper changed',
    'variable NAME changed',
    'variable MORE is new',
    'own variable shopt extglob is new',
    'data file main.conf is gone',
  ]);
});

test('what triggers see differs: the paths under their interests, and nothing else', () => {
  const store = someStore();
  const add = (name: string, script: string): ViewLayer =>
    addLayer(store, [], script, { name, inputs: { script } });
  const lib = (path: string) =>
    `mkdir -p usr/lib usr/share/icons; echo ${path} >${path}; echo ${path} >etc-of-all`;
  const before = [add('base', 'true'), add('a', lib('usr/lib/libold.so.1')), add('b', 'echo >other')];
  const now = [before[0]!, add('a', lib('usr/lib/libnew.so.1')), before[2]!];
  const inputs = (sees: string): Inputs => ({
    kind: 'settle',
    package: 'libc-bin',
    version: '1',
    triggers: ['ldconfig'],
    sees,
  });
  addLayer(store, before, 'true', { name: 'settle/libc-bin', kind: 'settle', inputs: inputs('x') });
  const told = (view: readonly ViewLayer[], to: Inputs): string =>
    wordsOf(reasonOf(store, 'conf', 'settle/libc-bin', to, view));
  assert.equal(told(now, inputs('y')), 'usr/lib/libnew.so.1 and 1 more differ');
  assert.equal(told(before, { ...inputs('x'), version: '2' }), 'deb libc-bin 1 -> 2');
  const udev = (sees: string): Inputs => ({ ...inputs(sees), package: 'udev', triggers: ['/lib'] });
  addLayer(store, before, 'true', { name: 'settle/udev', kind: 'settle', inputs: udev('x') });
  assert.equal(
    wordsOf(reasonOf(store, 'conf', 'settle/udev', udev('y'), now)),
    'usr/lib/libnew.so.1 and 1 more differ',
    'through the link that /lib is',
  );
});
