import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count, counted, duration, localTime, size, sizeChange } from '../../src/report/quantity.ts';

test('sizes carry binary units and never four digits', () => {
  const expected = { 0: '0 B', 1023: '1023 B', 1024: '1.0 KiB', 10189: '10 KiB', 641728512: '612 MiB' };
  for (const [bytes, text] of Object.entries(expected)) assert.equal(size(Number(bytes)), text);
  assert.equal(size(1024 ** 2 - 1), '1.0 MiB');
  assert.equal(size(1.4 * 1024 ** 3), '1.4 GiB');
  assert.equal(size(5000 * 1024 ** 4), '5000 TiB');
});

test('durations turn into minutes and hours without sixty of anything', () => {
  const expected = { 0: '0.0 s', 12.44: '12.4 s', 59.94: '59.9 s', 59.96: '1 min 00 s', 185: '3 min 05 s' };
  for (const [seconds, text] of Object.entries(expected)) assert.equal(duration(Number(seconds)), text);
  assert.equal(duration(3599.6), '1 h 00 min');
  assert.equal(duration(7380), '2 h 03 min');
  assert.equal(duration(-1), '0.0 s');
});

test('numbers have their thousands apart and nouns their plural', () => {
  assert.equal(count(1234567), '1,234,567');
  assert.equal(counted(1, 'layer'), '1 layer');
  assert.equal(counted(12997, 'path'), '12,997 paths');
  assert.equal(counted(0, 'order'), '0 orders');
});

test('a time is shown to the minute, and what is no time as it is', () => {
  assert.match(localTime('2025-06-01T14:05:59Z'), /^2025-0[56]-\d\d \d\d:\d\d$/);
  assert.equal(localTime('yesterday'), 'yesterday');
});

test('a change of size has its sign and one digit after the point', () => {
  const expected = {
    0: '0 B',
    3: '+3 B',
    '-1023': '-1023 B',
    14234: '+13.9 KiB',
    '-1048576': '-1.0 MiB',
    1048575: '+1.0 MiB',
  };
  for (const [bytes, text] of Object.entries(expected)) assert.equal(sizeChange(Number(bytes)), text);
});
