import assert from 'node:assert/strict';
import { test } from 'node:test';
import { field, folded, installedStanza } from '../../src/debian/packages.ts';

test('a field is read from its own line alone', () => {
  assert.equal(field('Package: a\nVersion: 1', 'Version'), '1');
  assert.equal(field('Package: a\nPre-Depends: x\nDepends: y\n', 'Depends'), 'y');
  assert.equal(field('Package: a', 'Version'), '');
});

test('a folded field is read to the end of its last line', () => {
  const stanza = 'Package: a\nPre-Depends: x,\n y\nDepends:\n z,\n\tb\nVersion: 1';
  assert.equal(folded(stanza, 'Pre-Depends'), 'x,\n y');
  assert.equal(folded(stanza, 'Depends'), 'z,\n\tb');
  assert.equal(folded(stanza, 'Version'), '1');
  assert.equal(folded(stanza, 'Breaks'), '');
});

test("a stanza gets the line that makes it one of dpkg's status", () => {
  assert.equal(
    installedStanza('Package: a\nVersion: 1'),
    'Package: a\nStatus: install ok installed\nVersion: 1',
  );
});
