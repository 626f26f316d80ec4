import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { SNAP } from '../commands/launcher.ts';
import { until } from '../faults/fixture/traces.ts';
import type { Built } from './small-project.ts';

/** What `snap build --watch --json` printed so far, and how to wait for more of it. */
export type Watcher = {
  /** One value a build. */
  readonly builds: () => readonly Built['json'][];
  /** All lines of stderr. */
  readonly lines: () => readonly string[];
  /** Waits for so many lines that match. */
  readonly line: (pattern: RegExp, times?: number) => Promise<void>;
  /** Waits until it is idle for the time-th time. */
  readonly idle: (times: number) => Promise<void>;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly ended: Promise<number | null>;
};

export function startWatch(project: string, args: readonly string[] = []): Watcher {
  const words = ['-C', project, 'build', 'a', '--watch', '--json', '--offline', ...args];
  const env = { PATH: process.env.PATH ?? '', TERM: 'dumb' };
  const child = spawn(SNAP, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  after(() => child.kill('SIGKILL'));
  const text = { out: '', err: '' };
  child.stdout.on('data', (bytes: Buffer) => {
    text.out += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    text.err += bytes.toString();
  });
  const { promise: ended, resolve } = Promise.withResolvers<number | null>();
  child.on('close', resolve);
  const lines = (): string[] => text.err.split('\n').slice(0, -1);
  const line = async (pattern: RegExp, times = 1): Promise<void> => {
    const seen = (): boolean => lines().filter((one) => pattern.test(one)).length >= times;
    await until(`${times} times ${pattern}`, seen).catch((error: Error) => {
      throw new Error(`${error.message}\n${text.err}`);
    });
  };
  return {
    builds: () =>
      text.out
        .split('\n')
        .slice(0, -1)
        .map((one) => JSON.parse(one) as Built['json']),
    lines,
    line,
    idle: (times) => line(/^watching \d+ files?, /, times),
    kill: (signal) => void child.kill(signal),
    ended,
  };
}

/** The layers that ran in a build. */
export function ranIn(build: Built['json'] | undefined): string[] {
  return (build?.layers ?? []).filter(({ state }) => state === 'run').map(({ name }) => name);
}

/** The command that waits until somebody ends it; told by its number, and from those of other runs of the tests. */
export function sleepOf(number: number): string {
  return `sleep ${number}.${process.pid}`;
}

/** The process that sleeps under this number, in whatever namespace. */
export function sleeper(number: number): number | undefined {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => commandOf(pid) === sleepOf(number));
}

/** Lets the scriptlet go on that sleeps under this number. */
export function wake(number: number): void {
  const pid = sleeper(number);
  if (pid === undefined) throw new Error(`nobody sleeps under ${number}`);
  process.kill(pid);
}

function commandOf(pid: number): string {
  try {
    return readFileSync(join('/proc', String(pid), 'cmdline'), 'latin1')
      .split('\0')
      .slice(0, -1)
      .join(' ');
  } catch {
    return '';
  }
}
