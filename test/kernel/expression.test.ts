import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExpression, type Token, tellExpression, truthOf } from '../../src/kernel/expression.ts';

/** `A` is y, `M` is m, `N` is n, `NUM` is 8; other words are constants. */
const VALUES: Readonly<Record<string, string>> = { A: 'y', M: 'm', N: 'n', NUM: '8' };

test('expressions are as true as the kernel has it', () => {
  const cases: readonly (readonly [string, 0 | 1 | 2])[] = [
    ['A', 2],
    ['! A', 0],
    ['! M', 1],
    ['A && M', 1],
    ['N || M', 1],
    ['N && A || A', 2],
    ['N && ( A || A )', 0],
    ['! ( A && N )', 2],
    ['M = m', 2],
    ['M != m', 0],
    ['NUM >= 8', 2],
    ['NUM < 10', 2],
    ['NUM > 10', 0],
    ['A = n || NUM = 8', 2],
    ['', 2],
  ];
  for (const [text, truth] of cases) assert.equal(truthOf(parseExpression(tokens(text))), truth, text);
});

test('the choice around a symbol stands for what lets it be made', () => {
  const member = parseExpression(['<choice>', ' && ', ['A', 'y']]);
  assert.equal(truthOf(member), 2);
  assert.equal(truthOf(member, parseExpression([['N', 'n']])), 0);
});

test('an expression is told with the values of its symbols', () => {
  const told = (text: string): string => tellExpression(parseExpression(tokens(text)));
  assert.equal(told('N && ! A && ( M || NUM >= 9 )'), 'N=n && !A (A=y) && (M=m || NUM>=9 (NUM=8))');
  assert.equal(tellExpression(parseExpression([[''], ' != ', ['arm-']])), '""!=arm-');
});

test('what is no expression is refused', () => {
  assert.throws(() => parseExpression(tokens('A A')), /goes on/);
  assert.throws(() => parseExpression(tokens('( A')), /parenthesis/);
  assert.throws(() => parseExpression(tokens('A &&')), /unknown part/);
});

function tokens(text: string): Token[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word): Token => {
      const value = VALUES[word];
      if (value !== undefined) return [word, value];
      return /^\w+$/.test(word) ? [word] : ` ${word} `;
    });
}
