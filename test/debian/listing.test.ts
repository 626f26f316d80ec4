import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKnown, listingOf, lookUp, namesIn, reachable, requiredNames } from '../../src/debian/listing.ts';

const TEXT = `Package: bash
Version: 5.2
Essential: yes
Depends: libc6, base-files (>= 2.1.12) | bare:any,
 debianutils
Pre-Depends: libtinfo6 [amd64]

Package: libc6
Version: 2.36
Provides: libc, libc6-api (= 1)


Package: mount
Priority: required
Version: 2.38

Version: 1
Package: odd
Provides: g++-like, odd

Package: libc6
Version: 2.37
Depends: libc`;
const MAIN = listingOf(TEXT);

function stanza(name: string, version: string): string | undefined {
  const offer = lookUp(MAIN, name).offers.find((one) => one.version === version);
  return offer && TEXT.slice(offer.start, offer.start + offer.length);
}

test('a package is found with the place of its stanza, and all that it may need', () => {
  assert.deepEqual(
    lookUp(MAIN, 'bash').offers.map(({ version, needs }) => [version, needs]),
    [['5.2', ['libtinfo6', 'libc6', 'base-files', 'bare', 'debianutils']]],
  );
  assert.deepEqual(
    lookUp(MAIN, 'libc6').offers.map(({ version }) => version),
    ['2.36', '2.37'],
  );
  assert.equal(stanza('mount', '2.38'), 'Package: mount\nPriority: required\nVersion: 2.38');
  assert.equal(stanza('odd', '1'), 'Version: 1\nPackage: odd\nProvides: g++-like, odd');
  assert.equal(stanza('libc6', '2.37'), 'Package: libc6\nVersion: 2.37\nDepends: libc');
  for (const name of ['libc', 'lib', 'libc6-', '', 'zz', '!required'])
    assert.deepEqual(lookUp(MAIN, name).offers, []);
});

test('a name is known as a package or as what one provides, whole', () => {
  const names = ['bash', 'libc', 'libc6-api', 'g++-like', 'g++', 'lib', 'odd'];
  assert.deepEqual(
    names.filter((name) => !isKnown(MAIN, name)),
    ['g++', 'lib'],
  );
  assert.deepEqual(lookUp(MAIN, 'libc').providers, ['libc6']);
  assert.deepEqual([...namesIn(MAIN)].sort(), ['bash', 'libc6', 'mount', 'odd']);
  assert.deepEqual(requiredNames(MAIN), ['bash', 'mount']);
});

test('each of many packages is found', () => {
  const names = Array.from({ length: 1000 }, (_, n) => `p${(n * 7919) % 1000}`);
  const many = listingOf(names.map((name) => `Package: ${name}\nVersion: 1\n`).join('\n'));
  for (const name of names) assert.equal(lookUp(many, name).offers.length, 1, name);
});

test('what is reachable is every version, alternative and provider, and nothing else, in the order of each file', () => {
  const main = {
    listing: listingOf(`Package: z\nVersion: 1\nDepends: y | mta\n
Package: unrelated\nVersion: 1\nDepends: a, y\nRecommends: z\n
Package: mta-a\nVersion: 1\nProvides: mta\n
Package: y\nVersion: 2\nRecommends: unrelated\nConflicts: unrelated\n
Package: y\nVersion: 1\nPre-Depends: old\n`),
  };
  const more = {
    listing: listingOf('Package: old\nVersion: 3\n\nPackage: mta-a\nVersion: 2\nDepends: gone\n'),
  };
  const found = reachable([main, more], ['z']);
  const words = (file: typeof main) => found.get(file)?.map(({ name, version }) => `${name} ${version}`);
  assert.deepEqual(words(main), ['z 1', 'mta-a 1', 'y 2', 'y 1']);
  assert.deepEqual(words(more), ['old 3', 'mta-a 2']);
  assert.deepEqual(
    [...reachable([main], ['mta']).values()][0]?.map(({ name }) => name),
    ['mta-a'],
  );
});
