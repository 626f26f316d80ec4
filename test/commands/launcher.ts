import { type StdioOptions, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
export const SNAP = join(ROOT, 'bin', 'snap');

export type Outcome = {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

/** Makes dist/ if it is older than src/, for test files that are run by themselves. */
export function makeDist(): void {
  const { status, stderr } = spawnSync('sh', [join(ROOT, 'bin', 'build')], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

/** Runs a program to its end, as a person would, but for the environment, which holds nothing else. */
export function start(
  command: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Outcome {
  const [file = '', ...args] = command;
  const env = { PATH: process.env.PATH, TERM: 'dumb', ...options.env };
  // Not a pipe for input: Node's are sockets, on which bash reads ~/.bashrc.
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe'];
  const { status, stdout, stderr } = spawnSync(file, args, {
    cwd: ROOT,
    ...options,
    env,
    stdio,
    encoding: 'utf8',
    maxBuffer: 1 << 27,
  });
  return { status, stdout, stderr };
}

/** `snap ARGS...` */
export function snap(
  args: readonly string[],
  options?: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> },
): Outcome {
  return start([SNAP, ...args], options);
}

/** A folder that is gone when the test is over. Its name holds what breaks careless programs. */
export function folder(test: { after(then: () => void): void }, name = "snap it's: a, test-"): string {
  const path = mkdtempSync(join(tmpdir(), name));
  test.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
