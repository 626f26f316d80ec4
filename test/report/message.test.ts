import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SnapError } from '../../src/host/error.ts';
import { message, messageValue } from '../../src/report/message.ts';

const failure = new SnapError('RUN', 'Cannot run scriptlet "bluez"', {
  lines: ['scriptlets/bluez.sh:7', '\x1b]0;gone\x07adduser: exited with 1'],
  hint: 'full log: store/logs/bluez',
});

test('a failure is its sentence, its lines indented and harmless, and the hint', () => {
  assert.deepEqual(message(failure), [
    'snap: Cannot run scriptlet "bluez"',
    '  scriptlets/bluez.sh:7',
    '  adduser: exited with 1',
    'hint: full log: store/logs/bluez',
  ]);
});

test('a failure shows no stack, a bug shows it and that of its cause', () => {
  assert.ok(!message(failure).join('\n').includes('message.test.ts'));
  const bug = new TypeError('x is undefined', { cause: new RangeError('too far') });
  const shown = message(bug).join('\n');
  assert.match(shown, /bug in snap/);
  assert.match(shown, /TypeError: x is undefined\n +at .*message\.test\.ts/);
  assert.match(shown, /because of:\n +RangeError: too far/);
  assert.match(message('a mere string').join('\n'), /a mere string/);
});

test('as a value it keeps code, sentence, lines and hint', () => {
  const { code, message: sentence, hint } = messageValue(failure);
  assert.deepEqual({ code, sentence, hint }, { code: 'RUN', sentence: failure.message, hint: failure.hint });
  assert.equal(messageValue(new Error('x')).code, 'BUG');
});
