import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ConsoleStep, consoleScript, plainText } from '../../src/machine/serial.ts';

function plain(...pieces: readonly (string | Uint8Array)[]): string {
  const take = plainText();
  return pieces.map((piece) => take(Buffer.from(piece))).join('');
}

const expect = (regex: RegExp): ConsoleStep => ({ kind: 'expect', regex });
const send = (text: string): ConsoleStep => ({ kind: 'send', text });

test('what a console writes becomes plain text: no colours, titles, clearing, bells and carriage returns', () => {
  const written =
    '\x1bc\x1b[2J\x1b[?7l[\x1b[0;32m  OK  \x1b[0m] up\r\r\n\x1b]0;title\x07\x1b(Blogin:\x07 \x1b[6n\tx\b\r\n';
  assert.equal(plain(written), '[  OK  ] up\nlogin: \tx\n');
});

test('where a piece ends makes no difference', () => {
  const text = 'a\x1b[0;1;31mré\x1b[0m\r\n\x1b]2;t\x1b\\b€ \x1b=c\r\n';
  const whole = plain(text);
  assert.equal(whole, 'aré\nb€ c\n');
  const bytes = Buffer.from(text);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length)), (cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const pieces = places.slice(1).map((end, at) => bytes.subarray(places[at], end));
      assert.equal(plain(...pieces), whole);
    }),
  );
});

test('an escape sequence that never ends does not swallow what comes after it', () => {
  assert.match(plain(`a\x1b]0;${'x'.repeat(300)}\nlogin:`), /^a.*x\nlogin:$/s);
  assert.equal(plain('a\x1b\nb'), 'a\nb');
});

test('steps are done in their order, and text is typed once what comes before it was seen', () => {
  const script = consoleScript([expect(/login:/), send('root'), expect(/# $/m), send('a'), send('b')]);
  assert.deepEqual([script.take('# not yet\nlog'), script.awaited?.source], [[], 'login:']);
  assert.deepEqual(script.take('in: '), ['root\r']);
  assert.deepEqual(script.take('# '), ['a\r', 'b\r']);
  assert.equal(script.awaited, undefined);
});

test('what one expression has seen the next one does not see again', () => {
  const script = consoleScript([expect(/a+/), expect(/a/), expect(/b/)]);
  script.take('aaab');
  assert.equal(script.awaited?.source, 'a');
  script.take('a');
  assert.equal(script.awaited?.source, 'b');
  script.take('b');
  assert.equal(script.awaited, undefined);
});
