import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { asDigest, canonicalJson, digestOf, type Json, startDigest } from '../../src/store/digest.ts';

test('digests are BLAKE3', () => {
  assert.equal(digestOf(''), 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262');
  assert.equal(digestOf('abc'), '6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85');
  assert.equal(digestOf('ä'), digestOf(Buffer.from('ä')));
});

test('a digest of parts is that of the whole', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 3000 })), (parts) => {
      const digest = startDigest();
      for (const part of parts) digest.update(part);
      assert.equal(digest.end(), digestOf(Buffer.concat(parts)));
    }),
  );
});

test('only 64 hex digits are a digest', () => {
  assert.equal(asDigest('ab'.repeat(32)), 'ab'.repeat(32));
  for (const text of ['', 'ab', 'AB'.repeat(32), `${'ab'.repeat(32)}\n`, 'zz'.repeat(32)])
    assert.equal(asDigest(text), undefined);
});

test('equal values have one text, members in byte order', () => {
  assert.equal(
    canonicalJson({ b: [1, null, 'ä"\n'], a: { d: true, c: 0.5 }, Z: '' }),
    '{"Z":"","a":{"c":0.5,"d":true},"b":[1,null,"ä\\"\\n"]}',
  );
});

test('a value comes back from its text, and the order of its members does not matter', () => {
  const turned = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(turned);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([name, member]) => [name, turned(member)]),
    );
  };
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
      const text = canonicalJson(value as Json);
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
      assert.equal(canonicalJson(turned(value as Json)), text);
    }),
  );
});
