/** Times of whole processes, and what they come to. */
import { spawnSync } from 'node:child_process';

export type Command = {
  readonly argv: readonly [string, ...string[]];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
};

export type Ran = { readonly seconds: number; readonly stdout: string };

export type Spread = { readonly median: number; readonly least: number; readonly most: number };

/**
 * Runs a command as a whole process: wall time from before fork to after exit.
 * @throws Error with its last lines when its exit code is not 0.
 */
export function run({ argv: [program, ...args], cwd, env }: Command): Ran {
  const begun = performance.now();
  const { status, signal, error, stdout, stderr } = spawnSync(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  const seconds = (performance.now() - begun) / 1000;
  if (status === 0) return { seconds, stdout };
  const lines = `${stdout ?? ''}\n${stderr ?? ''}`.trim().split('\n').slice(-20).join('\n');
  throw new Error(`${[program, ...args].join(' ')}: ${error ?? signal ?? `exit code ${status}`}\n${lines}`);
}

/** Of an even number of values the mean of the two in the middle. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return {
    median: (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2,
    least: sorted[0]!,
    most: sorted.at(-1)!,
  };
}
