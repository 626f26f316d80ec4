import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  allNames,
  field,
  findStanzas,
  installedStanza,
  requiredNames,
  unknownNames,
} from '../../src/debian/packages.ts';

const MAIN = {
  archive: 'debian',
  text: `Package: bash
Version: 5.2
Essential: yes
Depends: libc6

Package: libc6
Version: 2.36
Provides: libc, libc6-api (= 1)


Package: mount
Priority: required
Version: 2.38

Version: 1
Package: odd
Provides: g++-like`,
};
const SECURITY = {
  archive: 'security',
  text: 'Package: libc6\nVersion: 2.37\n\nPackage: bash\nVersion: 5.2\n',
};
const ALL = [MAIN, SECURITY];

test('required packages are found wherever the field stands', () => {
  assert.deepEqual(requiredNames(ALL), ['bash', 'mount']);
});

test('stanzas are found by name and version, from the first index that has them', () => {
  const found = findStanzas(ALL, new Set(['libc6 2.37', 'bash 5.2', 'odd 1', 'mount 9']));
  assert.deepEqual([...found.keys()].sort(), ['bash 5.2', 'libc6 2.37', 'odd 1']);
  assert.equal(found.get('bash 5.2')?.archive, 'debian');
  assert.equal(found.get('odd 1')?.text, 'Version: 1\nPackage: odd\nProvides: g++-like');
});

test('a name is known as a package or as what one provides, whole', () => {
  const names = ['bash', 'libc', 'libc6-api', 'g++-like', 'g++', 'lib', 'odd'];
  assert.deepEqual(unknownNames(ALL, names), ['g++', 'lib']);
  assert.deepEqual([...allNames(ALL)].sort(), ['bash', 'libc6', 'mount', 'odd']);
});

test('a field is read from its own line alone', () => {
  assert.equal(field('Package: a\nVersion: 1', 'Version'), '1');
  assert.equal(field('Package: a\nPre-Depends: x\nDepends: y\n', 'Depends'), 'y');
  assert.equal(field('Package: a', 'Version'), '');
  assert.equal(
    installedStanza('Package: a\nVersion: 1'),
    'Package: a\nStatus: install ok installed\nVersion: 1',
  );
});
