import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { printJson } from '../../src/commands/print.ts';

/** What `print` writes to standard output, and in how many pieces. */
function written(t: import('node:test').TestContext, print: () => void): { text: string; pieces: number } {
  const pieces: string[] = [];
  const mock = t.mock.method(process.stdout, 'write', (piece: string) => {
    pieces.push(piece);
    return true;
  });
  try {
    print();
  } finally {
    mock.mock.restore();
  }
  return { text: pieces.join(''), pieces: pieces.length };
}

test('a value is printed as JSON, whatever it is', (t) => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.equal(written(t, () => printJson(value)).text, `${JSON.stringify(value, undefined, 2)}\n`);
    }),
  );
});

test('iterables are printed as arrays, of properties too, and what is undefined is left out', (t) => {
  const elements = fc.array(fc.jsonValue());
  fc.assert(
    fc.property(elements, elements, fc.jsonValue(), (some, others, rest) => {
      const value = { rest, none: undefined, some: some.values(), others: new Set(others) };
      const right = { rest, some, others: [...new Set(others)] };
      assert.equal(written(t, () => printJson(value)).text, `${JSON.stringify(right, undefined, 2)}\n`);
      assert.equal(
        written(t, () => printJson(others.values())).text,
        `${JSON.stringify(others, undefined, 2)}\n`,
      );
    }),
  );
});

test('of many elements no more than a part is held at a time', (t) => {
  let made = 0;
  let printed = 0;
  let held = 0;
  const elements = function* () {
    for (; made < 100_000; made++) yield `element ${made}`;
  };
  t.mock.method(process.stdout, 'write', (piece: string) => {
    printed += piece.split('"').length >> 1;
    held = Math.max(held, made - printed);
    return true;
  });
  printJson(elements());
  t.mock.restoreAll();
  assert.equal(made, 100_000);
  assert.ok(held < 5_000, `${held}`);
});

test('a terminal gets nothing that it would obey', (t) => {
  const { text } = written(t, () => printJson({ name: '\u001b[2J\u009b2J', all: ['\u007f'] }));
  assert.ok(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(text), text);
  assert.deepEqual(JSON.parse(text), { name: '\u001b[2J\u009b2J', all: ['\u007f'] });
});
