import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findProgram } from '../../src/host/path.ts';
import { digestFiles } from '../../src/store/digest-files.ts';
import { digestFile } from '../../src/store/tree.ts';
import { someFolder } from './some-folder.ts';

const NAMES = ['plain', '-leading', 'with\nnewline', 'back\\slash', ' space ', 'größe'].map((name) =>
  Buffer.from(name),
);

/** More than is hashed without a program. */
function someFiles() {
  const folder = someFolder();
  return [...NAMES, Buffer.from([0x66, 0xff, 0xfe])].map((name, number) => {
    const file = Buffer.concat([Buffer.from(`${join(folder)}/`), name]);
    const content = Buffer.alloc(number === 0 ? 0 : 1_000_000 + number, `${number} `);
    writeFileSync(file, content);
    return { file, size: content.length };
  });
}

test('many files have the digests that each has, whatever they are called', {
  skip: !findProgram('b3sum'),
}, () => {
  const files = someFiles();
  const expected = files.map(({ file, size }) => digestFile(file, BigInt(size)));
  assert.deepEqual(digestFiles(files), expected);
  assert.equal(new Set(expected).size, files.length);
});

test('where one of them cannot be read the others have their digests all the same', () => {
  const files = someFiles();
  const expected = files.map(({ file, size }) => digestFile(file, BigInt(size)));
  rmSync(files[2]!.file);
  const found = digestFiles(files);
  assert.match(String(found[2]), /ENOENT/);
  assert.deepEqual(
    found.filter((_, at) => at !== 2),
    expected.filter((_, at) => at !== 2),
  );
});

test('without the program the digests are the same', () => {
  const files = someFiles();
  const path = process.env.PATH;
  const withIt = digestFiles(files);
  process.env.PATH = '/nowhere';
  try {
    assert.deepEqual(digestFiles(files), withIt);
  } finally {
    process.env.PATH = path;
  }
});
