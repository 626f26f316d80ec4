import { performance } from 'node:perf_hooks';
import type { Report } from './event.ts';
import { columns } from './printable.ts';
import { advance, beginProgress, keptLines, liveLines, plainLines, type Shape } from './progress.ts';

/** Where a build tells how it goes; closing it takes the changing lines off the screen. */
export type Screen = { readonly report: Report; readonly close: () => void };

type Stream = {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
};

/** The least time between two pictures, in milliseconds. */
const PERIOD = 100;

/** A screen on a terminal, plain lines on anything else. `title` stands before the total. */
export function openScreen(
  title: string,
  stream: Stream,
  environment: Readonly<Record<string, string | undefined>>,
): Screen {
  const live = stream.isTTY === true && environment.TERM !== 'dumb';
  return live ? openLive(title, stream, coloured(environment)) : openPlain(stream);
}

function coloured(environment: Readonly<Record<string, string | undefined>>): boolean {
  return (environment.NO_COLOR ?? '') === '';
}

function openPlain(stream: Stream): Screen {
  const report: Report = (event) => {
    for (const line of plainLines(event)) stream.write(`${line}\n`);
  };
  return { report, close: () => {} };
}

function openLive(title: string, stream: Stream, colour: boolean): Screen {
  let progress = beginProgress(title, performance.now());
  let drawn: readonly string[] = [];
  let last = performance.now();
  let kept: string[] = [];

  const shape = (): Shape => ({ columns: stream.columns || 80, rows: stream.rows || 24, colour });
  const paint = (lines: readonly string[]): void => {
    const above = kept.map((line) => `${line}\x1b[K\n`).join('');
    const picture = lines.map((line) => `${line}\x1b[K`).join('\n');
    stream.write(`${erase(drawn, shape().columns)}${above}${picture}`);
    kept = [];
    drawn = lines;
  };
  const draw = (): void => {
    last = performance.now();
    paint(liveLines(progress, last, shape()));
  };
  const close = (): void => {
    clearInterval(timer);
    process.off('exit', close);
    paint([]);
  };

  const timer = setInterval(draw, PERIOD).unref();
  process.on('exit', close);
  return {
    report: (event) => {
      progress = advance(progress, event, performance.now());
      kept.push(...keptLines(event, shape()));
      if (performance.now() - last >= PERIOD) draw();
    },
    close,
  };
}

/** Moves to where the changing lines begin and clears all from there, also when the terminal is narrower by now. */
function erase(drawn: readonly string[], width: number): string {
  if (drawn.length === 0) return '\r';
  const rows = drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(visible(line) / width)), 0);
  return `${rows > 1 ? `\x1b[${rows - 1}A` : ''}\r\x1b[J`;
}

function visible(line: string): number {
  return columns(line.replace(/\x1b\[\d+m/g, ''));
}
