import assert from 'node:assert/strict';
import { matchesGlob } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { globMatcher } from '../../src/layers/globs.ts';
import { parentOf, type TreePath } from '../../src/store/manifest.ts';

/** What excluding means, a path and a pattern at a time. */
function isExcluded(path: string, globs: readonly string[]): boolean {
  if (path === '') return false;
  const patterns = globs.map((glob) => glob.replace(/^\/+/, '').replace(/\/+$/, ''));
  return (
    isExcluded(parentOf(path), globs) ||
    patterns.some((pattern) => path === pattern || matchesGlob(path, pattern))
  );
}

const word = fc.constantFrom(
  'a',
  'b',
  'ab',
  '.a',
  'a.b',
  '[a]',
  '*',
  '!a',
  'a\n',
  '\xc3\xbc',
  '{a,b}',
  '#a',
  '~',
);
const path = fc.array(word, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/') as TreePath);
const piece = fc.constantFrom(
  ...[
    'a',
    'b',
    '.',
    '*',
    '?',
    '[',
    ']',
    '[a]',
    '[!a]',
    '[^a]',
    '[[:alpha:]]',
    '!',
    '+(a|b)',
    '!(a)',
    '@(a)',
    '(',
    ')',
  ],
  ...[
    '{a,b}',
    '{',
    '}',
    ',',
    '**',
    '/',
    '\\',
    '#',
    '-',
    '|',
    '~',
    '\xfc',
    '{a/b,c}',
    '{1..3}',
    '..',
    '\n',
    '//',
  ],
);
const anyGlob = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
const usualGlob = fc
  .array(
    fc.array(fc.constantFrom('a', 'b', '*', '?', '[!a]', '[ab]', '.', 'ü'), { minLength: 1, maxLength: 3 }),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map((parts) => parts.map((part) => part.join('')).join('/'));
const glob = fc.oneof(anyGlob, usualGlob, path.map(String)).filter(isTaken);

/** Node throws a SyntaxError for some. */
function isTaken(pattern: string): boolean {
  try {
    matchesGlob('a', Buffer.from(pattern).toString('latin1'));
    return true;
  } catch {
    return false;
  }
}

test('excludes leave out exactly the paths that node:path matches, and what lies below them', () => {
  fc.assert(
    fc.property(fc.array(glob, { maxLength: 5 }), fc.array(path, { maxLength: 12 }), (globs, paths) => {
      const excluded = globMatcher(globs);
      for (const one of paths) assert.equal(excluded(one), isExcluded(one, globs), `${one} by ${globs}`);
    }),
    { numRuns: 3000 },
  );
});
