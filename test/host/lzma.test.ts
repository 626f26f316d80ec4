import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decompressXz } from '../../src/host/lzma.ts';

/** Some of it can be compressed, some cannot; larger than the pieces in which it is read and comes out. */
const CONTENT = Buffer.concat([Buffer.alloc(700_000, 'line after line\n'), randomBytes(400_000)]);
const COMPRESSED = xz('--compress', CONTENT);

function xz(how: string, input: Buffer): Buffer {
  return execFileSync('xz', [how, '--stdout'], { input, maxBuffer: 1 << 30 });
}

function decompressed(archive: Buffer): Buffer {
  let at = 0;
  const pieces = decompressXz((into) => {
    const length = archive.copy(into, 0, at);
    at += length;
    return length;
  });
  return Buffer.concat(Array.from(pieces, (piece) => Buffer.from(piece)));
}

test('what xz compressed comes out again, of several streams one after the other', () => {
  assert.ok(decompressed(COMPRESSED).equals(CONTENT));
  const short = xz('--compress', Buffer.from('end\n'));
  assert.ok(
    decompressed(Buffer.concat([COMPRESSED, short])).equals(Buffer.concat([CONTENT, Buffer.from('end\n')])),
  );
});

test('what is damaged, cut short, or no xz file, is told, and the next archive comes out whole', () => {
  const damaged = Buffer.from(COMPRESSED);
  damaged[damaged.length >> 1]! ^= 1;
  assert.throws(() => decompressed(damaged), /damaged data/);
  assert.throws(() => decompressed(COMPRESSED.subarray(0, -100)), /cut short/);
  assert.throws(() => decompressed(CONTENT), /no xz file/);
  assert.ok(decompressed(COMPRESSED).equals(CONTENT));
});

test('a liblzma of this machine from before 5.6 is not what decompresses', (t) => {
  const version = /^liblzma (\d+)\.(\d+)/m.exec(execFileSync('xz', ['--version'], { encoding: 'utf8' }))!;
  if (process.arch !== 'x64') return t.skip('there is no other liblzma for this processor');
  const isFast = Number(version[1]) > 5 || Number(version[2]) >= 6;
  decompressed(COMPRESSED);
  assert.equal(readFileSync('/proc/self/maps', 'utf8').includes('node-liblzma'), !isFast);
});
