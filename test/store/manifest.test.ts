import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Digest } from '../../src/store/digest.ts';
import {
  decodeManifest,
  type Entry,
  encodeManifest,
  identity,
  manifestDigest,
  parentOf,
  printable,
  sorted,
  type TreePath,
} from '../../src/store/manifest.ts';
import {
  differentEntries,
  outlineOf,
  SortedManifest,
  startingWith,
} from '../../src/store/sorted-manifest.ts';

const path = (text: string): TreePath => text as TreePath;
const DIGEST = 'ab'.repeat(32) as Digest;
const COMMON = { mode: 0o644, uid: 0, gid: 7, mtime: 1_700_000_000, xattrs: '' };

const EVERY_TYPE: Entry[] = [
  { ...COMMON, type: 'dir', path: path(''), mode: 0o755 },
  { ...COMMON, type: 'block', path: path('dev/sda'), mode: 0o660, major: 8, minor: 1048575 },
  { ...COMMON, type: 'char', path: path('dev/null'), mode: 0o666, major: 1, minor: 3 },
  { ...COMMON, type: 'fifo', path: path('fifo') },
  { ...COMMON, type: 'whiteout', path: path('gone'), mode: 0, gid: 0, mtime: 0 },
  { ...COMMON, type: 'symlink', path: path('link'), mode: 0o777, target: '../a\tb\\\n\xff' },
  {
    ...COMMON,
    type: 'file',
    path: path('odd\t\n\\\xe4'),
    mode: 0o4755,
    xattrs: 'security.capability=01ff,user.x=',
    size: 12,
    digest: DIGEST,
    link: undefined,
  },
  { ...COMMON, type: 'file', path: path('second'), size: 12, digest: DIGEST, link: path('odd\t\n\\\xe4') },
];

/** The format, byte for byte. It lies in every store: another one needs another version. */
const GOLDEN = [
  '\td\t755\t0\t7\t\t1700000000',
  'dev/sda\tb\t660\t0\t7\t\t8:1048575\t1700000000',
  'dev/null\tc\t666\t0\t7\t\t1:3\t1700000000',
  'fifo\tp\t644\t0\t7\t\t1700000000',
  'gone\tw\t0\t0\t0\t\t0',
  'link\tl\t777\t0\t7\t\t../a\\tb\\\\\\n\xff\t1700000000',
  `odd\\t\\n\\\\\xe4\tf\t4755\t0\t7\tsecurity.capability=01ff,user.x=\t12\t${DIGEST}\t\t1700000000`,
  `second\tf\t644\t0\t7\t\t12\t${DIGEST}\todd\\t\\n\\\\\xe4\t1700000000`,
  '',
].join('\n');

test('a manifest has these bytes, and this digest', () => {
  assert.equal(encodeManifest(EVERY_TYPE).toString('latin1'), GOLDEN);
  assert.equal(manifestDigest([]), 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262');
});

test('it is read as it was written', () => {
  const read = decodeManifest(Buffer.from(GOLDEN, 'latin1'));
  assert.deepEqual([...read.values()], EVERY_TYPE);
  assert.deepEqual(
    [...read.keys()],
    EVERY_TYPE.map((entry) => entry.path),
  );
});

const bytes = fc
  .uint8Array({ minLength: 1, maxLength: 12 })
  .map((array) => Buffer.from(array.map((byte) => (byte === 0 ? 1 : byte))).toString('latin1'));
const common = fc.record({
  path: bytes.map(path),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.nat(),
  gid: fc.nat(),
  mtime: fc.integer({ min: -2_000_000_000, max: 8_000_000_000 }),
  xattrs: fc.constantFrom('', 'user.a=', 'security.capability=0100,user.b%3D=00ff'),
});
const digest = fc.stringMatching(/^[0-9a-f]{64}$/);
const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc
    .record({
      size: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      digest,
      link: fc.option(bytes.map(path), { nil: undefined }),
    })
    .chain((file) =>
      common.map((rest) => ({ ...rest, ...file, type: 'file' as const, digest: file.digest as Digest })),
    ),
  fc.tuple(common, bytes).map(([rest, target]) => ({ ...rest, type: 'symlink' as const, target })),
  fc
    .tuple(common, fc.constantFrom('char' as const, 'block' as const), fc.nat(4095), fc.nat(1_048_575))
    .map(([rest, type, major, minor]) => ({ ...rest, type, major, minor })),
  fc
    .tuple(common, fc.constantFrom('dir' as const, 'fifo' as const, 'whiteout' as const))
    .map(([rest, type]) => ({ ...rest, type })),
);

test('whatever bytes names and targets hold, it is read as it was written', () => {
  fc.assert(
    fc.property(fc.uniqueArray(entry, { selector: (one) => one.path }), (entries) => {
      assert.deepEqual([...decodeManifest(encodeManifest(entries)).values()], entries);
    }),
  );
});

test('two entries have one identity if they differ in nothing but path and time', () => {
  fc.assert(
    fc.property(entry, entry, (a, b) => {
      const bare = (one: Entry): string =>
        JSON.stringify(Object.entries({ ...one, path: '', mtime: 0 }).sort());
      assert.equal(identity(a) === identity(b), bare(a) === bare(b));
      assert.equal(identity({ ...a, path: b.path, mtime: b.mtime }), identity(a));
    }),
  );
});

test('bytes that no manifest has are refused', () => {
  assert.throws(() => decodeManifest(Buffer.from(GOLDEN.slice(0, -4), 'latin1')), /ends within a line/);
  for (const line of [
    'a\tz\t644\t0\t0\t\t0',
    'a\td\t644\t0\t0\t0',
    'a\td\t644\t0\t0\t\t0\t0',
    'a',
    `a${'\t'.repeat(20)}`,
  ])
    assert.throws(() => decodeManifest(Buffer.from(`${line}\n`)), /a line that is none/);
});

test('entries are sorted by bytes, parents before children', () => {
  const names = ['b', 'a-', 'a', 'a/b', '', 'a.b', '\xff', 'Z'].map(
    (one) => ({ ...COMMON, type: 'dir', path: path(one) }) as const,
  );
  assert.deepEqual(
    sorted(names).map((one) => one.path),
    ['', 'Z', 'a', 'a-', 'a.b', 'a/b', 'b', '\xff'],
  );
});

test('the parent of a path; the root is its own', () => {
  assert.deepEqual(['a/b/c', 'a', ''].map(parentOf), ['a/b', '', '']);
});

test('a path is shown as UTF-8 where it is, and by escapes where it would not show', () => {
  const latin1 = (text: string): string => Buffer.from(text).toString('latin1');
  assert.equal(printable(latin1('etc/Grün')), 'etc/Grün');
  assert.equal(printable('a\xff\xfe'), 'a\\xff\\xfe');
  assert.equal(printable('a\nb\x1b[31m\\'), 'a\\x0ab\\x1b[31m\\\\');
});

const tree = fc
  .uniqueArray(entry, { selector: (one) => one.path, maxLength: 30 })
  .map((entries) => sorted(entries));

test('of two manifests the different lines are found, whichever of them has more', () => {
  fc.assert(
    fc.property(tree, tree, fc.array(fc.boolean(), { maxLength: 30 }), (entries, others, keeps) => {
      const kept = new Map(entries.flatMap((one, index) => (keeps[index] ? [[one.path, one] as const] : [])));
      const now = sorted([...kept.values(), ...others.filter((other) => !kept.has(other.path))]);
      const [a, b] = [entries, now].map((list) => new SortedManifest(encodeManifest(list)));
      const found = [...differentEntries(a!, b!)];
      const [was, is] = [entries, now].map((list) => new Map(list.map((one) => [one.path, one])));
      const paths = sorted([...entries, ...now]).map((one) => one.path);
      const expected = [...new Set(paths)].flatMap((one) => {
        const [before, after] = [was!.get(one), is!.get(one)];
        const text = (some: Entry | undefined) => (some ? encodeManifest([some]).toString('latin1') : '');
        return text(before) === text(after) ? [] : [[one, before, after]];
      });
      assert.deepEqual(found, expected);
    }),
  );
});

test('of two long manifests the few lines are found that differ, wherever they are', () => {
  const name = (index: number, more = ''): TreePath =>
    path(`usr/share/${String(index).padStart(4, '0')}${more}`);
  // What differs stands at the end of a long line, which a block may end in.
  const xattrs = `user.a=${'00'.repeat(150)}`;
  const line = (at: TreePath, mtime: number): Entry => ({ ...COMMON, type: 'fifo', path: at, mtime, xattrs });
  const numbers = Array.from({ length: 600 }, (_, index) => index);
  const change = fc.tuple(fc.nat(599), fc.constantFrom('gone', 'other', 'more'));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 5 }), (changes) => {
      const of = (index: number) => changes.filter(([at]) => at === index).map(([, what]) => what);
      const now = numbers.flatMap((index) => [
        ...(of(index).includes('gone') ? [] : [line(name(index), of(index).includes('other') ? 1 : 0)]),
        ...(of(index).includes('more') ? [line(name(index, '-more'), 0)] : []),
      ]);
      const before = numbers.map((index) => line(name(index), 0));
      const [a, b] = [before, now].map((list) => new SortedManifest(encodeManifest(list)));
      const expected = numbers.flatMap((index) => [
        ...(of(index).includes('gone') || of(index).includes('other') ? [name(index)] : []),
        ...(of(index).includes('more') ? [name(index, '-more')] : []),
      ]);
      assert.deepEqual(
        [...differentEntries(a!, b!)].map(([one]) => one),
        expected,
      );
      assert.deepEqual(
        [...differentEntries(b!, a!)].map(([one]) => one),
        expected,
      );
    }),
  );
});

test('a part of a manifest, and its paths with their types, are those of the whole', () => {
  fc.assert(
    fc.property(tree, bytes, (entries, prefix) => {
      const manifest = new SortedManifest(encodeManifest(entries));
      const part = entries.filter((one) => one.path.startsWith(prefix));
      assert.deepEqual([...startingWith(manifest, prefix)], part);
      const outlines = entries.map((one) => ({ path: one.path, type: one.type }));
      assert.deepEqual([...outlineOf(new Map(entries.map((one) => [one.path, one])))], outlines);
    }),
  );
});
