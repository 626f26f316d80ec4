import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { columns, cut, printable, printablePath } from '../../src/report/printable.ts';

test('no escape sequence of a scriptlet is left in a line', () => {
  const lines = {
    '\x1b[31mred\x1b[0m': 'red',
    '\x1b]0;title\x07hi': 'hi',
    '\x1b]8;;link\x1b\\text\x1b]8;;\x1b\\': 'text',
    '\x1bPq#0;2\x1b\\sixel': 'sixel',
    '\x9b2Jcleared': 'cleared',
    '\x9d0;title\x9cC1': 'C1',
    '\x1b]0;never ended': '',
    '\x1b[12': '',
    '\x1b(0line': 'line',
    '\x1bcreset': 'reset',
    'back\b\b\x7f\x00bell\x07': 'backbell',
    'a\tb': 'a b',
    '10 %\r100 %': '100 %',
    'end\r\n': 'end',
    'right\u202eto left\u2066': 'rightto left',
    'größer — 日本': 'größer — 日本',
  };
  for (const [line, shown] of Object.entries(lines)) assert.equal(printable(line), shown);
});

test('whatever the text, what is printed holds no control character', () => {
  const text = fc.string({
    unit: fc.oneof(fc.constantFrom('\x1b', '[', ']', '\x9b', '\x07', '\r', 'm', '0'), fc.string()),
  });
  fc.assert(fc.property(text, (line) => !/[\p{Cc}\u202a-\u202e]/u.test(printable(line))));
});

test('a path of bytes is shown as UTF-8 where it is, and by its bytes where not', () => {
  assert.equal(printablePath('etc/caf\xc3\xa9'), 'etc/café');
  assert.equal(printablePath('etc/caf\xe9'), 'etc/caf\\xe9');
  assert.equal(printablePath('a\nb\x1b[2J'), 'a\\x0ab\\x1b[2J');
  assert.equal(printablePath('\xe2\x80\xae'), '\\xe2\\x80\\xae');
});

test('a cut text never takes more columns than it may', () => {
  assert.equal(cut('abcdef', 6), 'abcdef');
  assert.equal(cut('abcdef', 5), 'abcd…');
  assert.equal(cut('日本語', 5), '日本…');
  assert.equal(cut('日本語', 4), '日…');
  assert.equal(cut('abc', 0), '');
  assert.equal(columns('e\u0301'), 1);
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      fc.nat(40),
      (text, most) => columns(cut(text, most)) <= most,
    ),
  );
});
