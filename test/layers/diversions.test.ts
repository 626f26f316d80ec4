import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimOn, type Diversion, diversionsOf } from '../../src/layers/diversions.ts';
import { addLayer, someStore } from './some-layers.ts';

const BY_DASH: Diversion = { from: 'bin/sh', to: 'bin/sh.distrib', by: 'dash' };
const LOCAL: Diversion = { from: 'usr/bin/yes', to: 'usr/bin/yes.real', by: undefined };
/** As with /bin a link to usr/bin. */
const namesOf = (path: string): string[] => [path, ...(path.startsWith('usr/bin/') ? [path.slice(4)] : [])];

/** Which of these packages' files would lie at a path, and under which names. */
function held(path: string): [holders: string[], names: readonly string[]] {
  const claim = claimOn(path, [BY_DASH, LOCAL], namesOf);
  return [['dash', 'bash', 'coreutils'].filter(claim.mayHold), claim.names];
}

test('a path that no diversion names may be of any package', () => {
  assert.deepEqual(held('usr/bin/ls'), [
    ['dash', 'bash', 'coreutils'],
    ['usr/bin/ls', 'bin/ls'],
  ]);
});

test('at a diverted path lies the file of the package that diverts it, and of no other', () => {
  assert.deepEqual(held('usr/bin/sh')[0], ['dash']);
  assert.deepEqual(held('usr/bin/yes')[0], [], 'one by hand is for all packages');
});

test('where it is diverted to lies the file of any other package, under the name that its archive has', () => {
  assert.deepEqual(held('usr/bin/sh.distrib'), [['bash', 'coreutils'], ['bin/sh']]);
  assert.deepEqual(held('usr/bin/yes.real'), [
    ['dash', 'bash', 'coreutils'],
    ['usr/bin/yes', 'bin/yes'],
  ]);
});

test('the diversions of layers are those of all of them, less what a later one took back', () => {
  const store = someStore();
  const file = (...lines: string[]): string =>
    `mkdir -p var/lib/dpkg; printf '${lines.join('\\n')}\\n' >var/lib/dpkg/diversions`;
  const dash = ['/bin/sh', '/bin/sh.distrib', 'dash'];
  const yes = ['/usr/bin/yes', '/usr/bin/yes.real', ':'];
  const base = addLayer(store, [], file(...dash), { name: 'base' });
  const adds = addLayer(store, [base], file(...dash, ...yes), { name: 'adds' });
  const drops = addLayer(store, [base], 'mkdir -p var/lib/dpkg; : >var/lib/dpkg/diversions', {
    name: 'drops',
  });
  assert.deepEqual(diversionsOf(store, [base, adds]), [BY_DASH, LOCAL]);
  assert.deepEqual(diversionsOf(store, [base, adds, drops]), [LOCAL]);
});
