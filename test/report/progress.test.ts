import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { BuildEvent } from '../../src/report/event.ts';
import { columns } from '../../src/report/printable.ts';
import { advance, beginProgress, keptLines, liveLines, plainLines } from '../../src/report/progress.ts';

const SHAPE = { columns: 80, rows: 24, colour: false };

const start = (name: string): BuildEvent => ({ kind: 'layer-start', name, reason: 'scriptlet changed' });
const end = (name: string, state: 'hit' | 'run' | 'fail'): BuildEvent => ({
  kind: 'layer-end',
  name,
  state,
  seconds: 3.2,
  reason: 'scriptlet changed',
  lines: ['sh: \x1b[31mnot found'],
  log: 'store/logs/x',
});

/** Each event a second after the one before. */
function after(...events: BuildEvent[]) {
  return events.reduce(
    (state, event, at) => advance(state, event, (at + 1) * 1000),
    beginProgress('demo', 0),
  );
}

test('every running layer has a line with its step and time, and the total counts hits', () => {
  const progress = after(
    { kind: 'planned', layers: 9 },
    end('base', 'hit'),
    start('bluez'),
    start('wireless'),
    { kind: 'layer-step', name: 'bluez', step: '12 packages' },
  );
  assert.deepEqual(liveLines(progress, 65_000, SHAPE), [
    ' 1 min 02 s  bluez     12 packages',
    ' 1 min 01 s  wireless  scriptlet changed',
    ' 1 min 05 s  demo: 1 of 9 layers, 1 unchanged',
  ]);
});

test('a layer that ended has no line any more, and failures are counted', () => {
  const progress = after(
    { kind: 'planned', layers: 2 },
    start('a'),
    start('b'),
    end('a', 'run'),
    end('b', 'fail'),
  );
  assert.deepEqual(liveLines(progress, 9000, SHAPE), ['      9.0 s  demo: 2 of 2 layers, 1 failed']);
});

test('a download shows in the total until it is complete', () => {
  const download = { kind: 'download', total: 20, bytes: 2 ** 20, totalBytes: 2 ** 24 } as const;
  const during = after({ kind: 'stage', name: 'Downloading' }, { ...download, done: 3 });
  assert.match(liveLines(during, 0, SHAPE)[0]!, /downloading 3 of 20 files, 1\.0 MiB of 16 MiB$/);
  const complete = advance(during, { ...download, done: 20 }, 0);
  assert.match(liveLines(complete, 0, SHAPE)[0]!, /demo: Downloading$/);
});

test('no line is as wide as the terminal, and all together are lower than it', () => {
  const names = fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 30 });
  fc.assert(
    fc.property(
      names,
      fc.integer({ min: 10, max: 120 }),
      fc.integer({ min: 3, max: 40 }),
      (all, width, rows) => {
        const lines = liveLines(after(...all.map(start)), 1e6, { columns: width, rows, colour: false });
        return lines.length < rows && lines.every((line) => columns(line) < width);
      },
    ),
  );
});

test('colours stand around the text and change nothing in it', () => {
  const progress = after(start('bluez'));
  const coloured = liveLines(progress, 2000, { ...SHAPE, colour: true });
  assert.ok(coloured.every((line) => line.includes('\x1b[2m')));
  assert.deepEqual(
    coloured.map((line) => line.replace(/\x1b\[\d+m/g, '')),
    liveLines(progress, 2000, SHAPE),
  );
});

test('hits leave no line anywhere', () => {
  assert.deepEqual(keptLines(end('base', 'hit'), SHAPE), []);
  assert.deepEqual(plainLines(end('base', 'hit')), []);
});

test('a failure leaves its name, its harmless lines and the log', () => {
  const expected = ['x: failed after 3.2 s', '  sh: not found', '  full log: store/logs/x'];
  assert.deepEqual(plainLines(end('x', 'fail')), expected);
  assert.deepEqual(keptLines(end('x', 'fail'), SHAPE), expected);
});

test('without a terminal the start and the end of a layer, learned orders and notes are lines', () => {
  const learned = {
    kind: 'learned',
    later: 'bluez',
    earlier: 'systemd',
    path: 'etc/pam.d/common-session',
  } as const;
  const events: BuildEvent[] = [start('x'), end('x', 'run'), learned, { kind: 'note', text: 'one\ntwo' }];
  assert.deepEqual(events.flatMap(plainLines), [
    'x: started, scriptlet changed',
    'x: done in 3.2 s',
    'learned: bluez after systemd, since both write etc/pam.d/common-session',
    'one',
    'two',
  ]);
});
