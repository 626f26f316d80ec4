import assert from 'node:assert/strict';
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { lookUp } from '../../src/debian/listing.ts';
import {
  allNames,
  findStanzas,
  openPackages,
  packagesInMemory,
  unknownNames,
} from '../../src/debian/packages-file.ts';

const folder = await mkdtemp(join(tmpdir(), 'snap-packages-'));
after(() => rm(folder, { recursive: true, force: true }));
const file = join(folder, 'Packages');
const place = { kept: join(folder, 'kept'), scratch: join(folder, 'scratch') };

/** Caf\xc3\xa9 is two bytes: what follows it is found by bytes, not by characters. */
const TEXT = 'Package: a\nVersion: 1\nDescription: Café\n\nPackage: b\nVersion: 2\n';

function stanzasOf(name: string): string[] {
  using packages = openPackages(file, { archive: 'debian', arch: 'amd64' }, place);
  return packages.stanzas(lookUp(packages.listing, name).offers);
}

test('stanzas are found by name, version and architecture, from the first file that has them', () => {
  const main = packagesInMemory({
    archive: 'debian',
    text: 'Package: libc6\nArchitecture: amd64\nVersion: 2.36\n\nPackage: bash\nVersion: 5.2\nProvides: sh\n',
  });
  const security = packagesInMemory({
    archive: 'security',
    text: 'Package: libc6\nArchitecture: amd64\nVersion: 2.37\n\nPackage: bash\nVersion: 5.2\n',
  });
  const foreign = packagesInMemory({
    archive: 'debian',
    text: 'Package: libc6\nArchitecture: i386\nVersion: 2.37\n\nPackage: wine32\nVersion: 8\n',
  });
  const files = [foreign, main, security];
  const keys = ['libc6 2.37 amd64', 'libc6 2.37 i386', 'bash 5.2 amd64', 'mount 9 amd64', 'sh 5.2 amd64'];
  const found = findStanzas(files, new Set(keys));
  assert.deepEqual([...found.keys()], keys.slice(0, 3));
  assert.deepEqual(found.get(keys[0]!), {
    archive: 'security',
    text: 'Package: libc6\nArchitecture: amd64\nVersion: 2.37',
  });
  assert.match(found.get(keys[1]!)?.text ?? '', /i386/);
  assert.equal(found.get(keys[2]!)?.archive, 'debian');
  assert.deepEqual(unknownNames(files, ['sh', 'bash', 'zsh']), ['zsh']);
  assert.deepEqual(unknownNames(files, ['wine32:i386', 'bash:i386', 'wine32:amd64']), [
    'bash:i386',
    'wine32:amd64',
  ]);
  assert.deepEqual([...allNames(files)].sort(), ['bash', 'libc6', 'wine32']);
});

test('the listing of a file is made once, and again when it is another file or what is kept is damaged', async () => {
  await writeFile(file, TEXT);
  assert.deepEqual(stanzasOf('b'), ['Package: b\nVersion: 2']);
  assert.equal(Buffer.from(stanzasOf('a')[0] ?? '', 'latin1').toString(), TEXT.split('\n\n')[0]);
  const made = await stat(place.kept);
  assert.equal(stanzasOf('a').length, 1);
  assert.equal((await stat(place.kept)).ino, made.ino, 'kept as it is');

  const times = await stat(file);
  await writeFile(`${file}.new`, TEXT.replace('a\nVersion: 1', 'c\nVersion: 3'));
  await rename(`${file}.new`, file);
  assert.equal((await stat(file)).size, times.size);
  assert.deepEqual([stanzasOf('a').length, stanzasOf('c').length], [0, 1]);

  const whole = await readFile(place.kept);
  for (const damaged of [
    whole.subarray(0, -1),
    Buffer.from(whole).fill(0, whole.length - 9),
    Buffer.alloc(0),
    Buffer.alloc(9),
  ]) {
    await writeFile(place.kept, damaged);
    assert.deepEqual(stanzasOf('b'), ['Package: b\nVersion: 2']);
    assert.deepEqual(await readFile(place.kept), whole);
  }
});

test('what was opened is read, also when apt has replaced it since', async () => {
  await writeFile(file, TEXT);
  using packages = openPackages(file, { archive: 'debian', arch: 'amd64' }, place);
  await writeFile(`${file}.new`, 'Package: other\nVersion: 1\n');
  await rename(`${file}.new`, file);
  assert.deepEqual(packages.stanzas(lookUp(packages.listing, 'b').offers), ['Package: b\nVersion: 2']);
});
