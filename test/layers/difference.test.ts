import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Difference, differenceAt, differencesBetween } from '../../src/layers/difference.ts';
import { HeldDifferences } from '../../src/layers/held-differences.ts';
import { movesAmong } from '../../src/layers/moves.ts';
import type { Digest } from '../../src/store/digest.ts';
import { type Entry, identity, sorted, type TreePath } from '../../src/store/manifest.ts';

const METADATA = { mode: 0o644, uid: 0, gid: 0, mtime: 5, xattrs: '' };

function file(path: string, content = 'a', more: Partial<Entry> = {}): Entry {
  const digest = content.repeat(64).slice(0, 64) as Digest;
  const plain = { ...METADATA, path: path as TreePath, type: 'file', size: 1, digest, link: undefined };
  return { ...plain, ...more } as Entry;
}

function other(path: string, type: string, more: object = {}): Entry {
  return { ...METADATA, path: path as TreePath, type, ...more } as Entry;
}

const CASES: [what: string, a: Entry | undefined, b: Entry | undefined, expected: string | undefined][] = [
  ['nothing and a file', undefined, file('x'), '+'],
  ['a file and nothing', file('x'), undefined, '-'],
  ['the same file', file('x'), file('x'), undefined],
  ['other content of one size', file('x'), file('x', 'b'), 'M content'],
  ['another size', file('x'), file('x', 'a', { size: 2 }), 'M content'],
  ['other content and mode', file('x'), file('x', 'b', { mode: 0o600 }), 'M content mode'],
  ['another mode', file('x'), file('x', 'a', { mode: 0o4755 }), 'U mode'],
  ['another owner', file('x'), file('x', 'a', { uid: 1 }), 'U owner'],
  ['another group', file('x'), file('x', 'a', { gid: 1 }), 'U owner'],
  ['another attribute', file('x'), file('x', 'a', { xattrs: 'user.a=00' }), 'U attributes'],
  ['a link more', file('x'), file('x', 'a', { link: 'a' as TreePath } as Partial<Entry>), 'U links'],
  ['another time', file('x'), file('x', 'a', { mtime: 6 }), 'U time'],
  ['a file and a folder', file('x'), other('x', 'dir'), 'T type'],
  [
    'other targets',
    other('x', 'symlink', { target: 'a' }),
    other('x', 'symlink', { target: 'b' }),
    'M target',
  ],
  [
    'modes of symlinks',
    other('x', 'symlink', { target: 'a' }),
    other('x', 'symlink', { target: 'a', mode: 0o777 }),
    undefined,
  ],
  [
    'other devices',
    other('x', 'char', { major: 1, minor: 3 }),
    other('x', 'char', { major: 1, minor: 5 }),
    'M device',
  ],
  [
    'devices of two kinds',
    other('x', 'char', { major: 1, minor: 3 }),
    other('x', 'block', { major: 1, minor: 3 }),
    'T type',
  ],
  ['a fifo of another mode', other('x', 'fifo'), other('x', 'fifo', { mode: 0o600 }), 'U mode'],
];

for (const [what, a, b, expected] of CASES) {
  test(`${what}: ${expected ?? 'the same'}`, () => {
    assert.equal(words(differenceAt('x' as TreePath, a, b)), expected);
  });
}

function words(difference: Difference | undefined): string | undefined {
  return difference && [difference.modifier, ...difference.aspects].join(' ');
}

test('sizes that differ ask for no content; where they are equal it is asked for', () => {
  const other = { ...file('x'), size: 2 } as Entry;
  assert.equal(differenceAt('x' as TreePath, other, file('x'), () => assert.fail('read'))?.modifier, 'M');
  assert.equal(differenceAt('x' as TreePath, file('x'), file('x'), () => false)?.modifier, 'M');
});

const entry = fc.record({
  path: fc.constantFrom('', 'a', 'a/b', 'a.b', 'b', 'b\n', '\xff'),
  content: fc.constantFrom('a', 'b'),
  mode: fc.constantFrom(0o644, 0o600),
  mtime: fc.constantFrom(1, 2),
  isFolder: fc.boolean(),
});
const tree = fc
  .uniqueArray(entry, { selector: ({ path }) => path })
  .map((all) =>
    sorted(
      all.map(({ path, content, isFolder, ...more }) =>
        isFolder ? other(path, 'dir', more) : file(path, content, more),
      ),
    ),
  );

test('two lists differ just where their entries are not the same, and the other way round they differ the other way', () => {
  const turned: Readonly<Record<string, string>> = { '+': '-', '-': '+', M: 'M', U: 'U', T: 'T' };
  fc.assert(
    fc.property(tree, tree, (a, b) => {
      const there = [...differencesBetween(a, b)];
      const paths = [...new Set([...a, ...b].map(({ path }) => path))].sort();
      const lines = (list: readonly Entry[], path: string) =>
        list
          .filter((one) => one.path === path)
          .map((one) => `${identity(one)} ${one.mtime}`)
          .join();
      assert.deepEqual(
        there.map(({ path }) => path),
        paths.filter((path) => lines(a, path) !== lines(b, path)),
      );
      const back = [...differencesBetween(b, a)];
      assert.deepEqual(
        back,
        there.map(({ modifier, before, after, ...rest }) => ({
          ...rest,
          modifier: turned[modifier],
          before: after,
          after: before,
        })),
      );
    }),
  );
});

function held(differences: Iterable<Difference>): HeldDifferences {
  const list = new HeldDifferences();
  for (const one of differences) list.add(one);
  return list;
}

test('differences that are held as text are what they were, one by one, by number and by path', () => {
  fc.assert(
    fc.property(tree, tree, fc.integer({ min: 0, max: 1500 }), (a, b, more) => {
      const many = Array.from({ length: more }, (_, at) => file(`c${String(at).padStart(50, '0')}`));
      const differences = [...differencesBetween(a, sorted([...b, ...many]))];
      const list = held(differences);
      assert.equal(list.length, differences.length);
      assert.deepEqual([...list], differences);
      assert.deepEqual(
        [...list.paths()],
        differences.map(({ path }) => path),
      );
      for (const [number, one] of differences.entries()) {
        assert.deepEqual(list.at(number), one);
        assert.equal(list.numberOf(one.path), number);
      }
      for (const path of ['', 'a-', 'b', 'c', '\xff\xff'] as TreePath[])
        if (!differences.some((one) => one.path === path)) assert.equal(list.numberOf(path), undefined);
      assert.equal(
        list.somePath((path) => path === ''),
        differences.some(({ path }) => path === ''),
      );
    }),
    { numRuns: 40 },
  );
});

test('differences go on being added after some were asked for', () => {
  const list = held([...differencesBetween([], [file('a')])]);
  assert.equal(list.at(0).path, 'a');
  for (const one of differencesBetween([file('b')], [])) list.add(one);
  assert.deepEqual([...list.paths()], ['a', 'b']);
  assert.equal(list.numberOf('b' as TreePath), 1);
});

test('a file that went and came with its content alone has moved; of several nobody knows', () => {
  const asked: string[] = [];
  const digestOf = (one: Entry): Digest => {
    asked.push(one.path);
    return one.type === 'file' ? one.digest : assert.fail();
  };
  const size = (bytes: number) => ({ size: bytes }) as Partial<Entry>;
  const differences = held(
    differencesBetween(
      sorted([
        file('old', 'a'),
        file('one', 'b'),
        file('two', 'b'),
        file('empty', 'c', size(0)),
        file('alone', 'd', size(2)),
        file('twin-1', 'e', size(3)),
        file('twin-2', 'e', size(3)),
      ]),
      sorted([
        file('new', 'a'),
        file('three', 'b'),
        file('void', 'c', size(0)),
        file('other', 'd', size(4)),
        file('unlike', 'f', size(3)),
      ]),
    ),
  );
  const moves = movesAmong(differences, { before: digestOf, after: digestOf });
  const names = [...differences.paths()];
  assert.deepEqual(
    [...moves].flatMap((other, number) => (other < 0 ? [] : [[names[number], names[other]]])),
    [
      ['new', 'old'],
      ['old', 'new'],
    ],
  );
  assert.deepEqual(asked.sort(), ['new', 'old', 'one', 'three', 'twin-1', 'twin-2', 'two', 'unlike']);
});
