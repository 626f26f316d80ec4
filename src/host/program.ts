import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { errno, SnapError } from './error.ts';

export type RunOptions = {
  readonly cwd?: string;
  /** The whole environment of the program: nothing is inherited but PATH unless `inherit` is set. */
  readonly env?: Readonly<Record<string, string>>;
  readonly inherit?: boolean;
  /** What the program reads on its standard input; nothing when absent. */
  readonly input?: string | Uint8Array;
  readonly signal?: AbortSignal | undefined;
  /** Seconds after which the program is killed. */
  readonly timeout?: number | undefined;
  /** The program has the caller's terminal, and nothing of what it prints is returned. */
  readonly terminal?: boolean;
  /** The program and all that it starts are killed together, and a Ctrl-C on the caller's terminal does not reach them. */
  readonly apart?: boolean;
  /** Takes what the program prints on its standard output as it comes; nothing of it is returned. */
  readonly onOutput?: (bytes: Buffer) => void;
  /** What is open in this process and becomes descriptor 3 of the program. */
  readonly third?: number | undefined;
};

export type Outcome = {
  /** Undefined when a signal ended the program. */
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
};

const HOST_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Runs a program of the host to its end and returns what it printed, whatever its exit code. It is killed when `signal` says so.
 * @throws SnapError HOST when it cannot be started, INTERRUPTED when it was stopped.
 */
export async function attempt(command: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const [file = ''] = command;
  const { signal } = options;
  if (signal?.aborted) throw stopped(file);
  const child = start(command, options);
  const stdout = collect(child.stdout, options.onOutput);
  const stderr = collect(child.stderr);
  const stop = (): void => (options.apart ? killGroup(child) : void child.kill('SIGKILL'));
  signal?.addEventListener('abort', stop);
  try {
    const [exitCode, endedBy] = await once(child, 'close').catch((error) => {
      throw child.pid === undefined ? notStarted(file, error) : error;
    });
    if (signal?.aborted) throw stopped(file);
    return {
      exitCode: exitCode ?? undefined,
      signal: endedBy ?? undefined,
      timedOut: endedBy !== null && child.killed,
      stdout: stdout(),
      stderr: stderr(),
    };
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** Milliseconds: what Node's timers take for longer they take for nothing. */
const LONGEST = 2 ** 31 - 1;

/** Node kills it when its time is up. */
function start([file = '', ...args]: readonly string[], options: RunOptions): ChildProcess {
  const { cwd, env, inherit, input, timeout, terminal, apart, third } = options;
  try {
    const child = spawn(file, args, {
      cwd,
      env: { ...(inherit ? process.env : {}), PATH: HOST_PATH, LC_ALL: 'C.UTF-8', ...env },
      stdio: terminal
        ? 'inherit'
        : [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', ...(third === undefined ? [] : [third])],
      timeout: timeout === undefined ? undefined : Math.min(Math.ceil(timeout * 1000), LONGEST),
      killSignal: 'SIGKILL',
      detached: apart ?? false,
    });
    // A program may end before it has read everything.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
    return child;
  } catch (error) {
    throw notStarted(file, error);
  }
}

/** Also when the program itself has ended: what it left may still hold its output. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (errno(error) !== 'ESRCH') throw error;
  }
}

function collect(stream: Readable | null, take?: (bytes: Buffer) => void): () => string {
  const chunks: Buffer[] = [];
  stream?.on('data', take ?? ((chunk: Buffer) => chunks.push(chunk)));
  return () => Buffer.concat(chunks).toString();
}

function notStarted(file: string, cause: unknown): SnapError {
  const reason = cause instanceof Error ? cause.message : 'unknown reason';
  return new SnapError('HOST', `Cannot start "${file}": ${reason}`, {
    hint: 'see what is missing: snap doctor',
    cause,
  });
}

function stopped(file: string): SnapError {
  return new SnapError('INTERRUPTED', `Stopped while "${file}" was running`);
}

/**
 * Runs a program of the host and returns its standard output.
 * @throws SnapError HOST with the command, ready to be pasted into a shell, and its last lines when it fails.
 */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const outcome = await attempt(command, options);
  if (outcome.exitCode === 0) return outcome.stdout;
  const ending = outcome.signal ? `was ended by ${outcome.signal}` : `exited with ${outcome.exitCode}`;
  throw new SnapError('HOST', `Cannot go on: "${command[0]}" ${ending}`, {
    lines: [`$ ${quote(command)}`, ...lastLines(outcome.stderr || outcome.stdout, 20)],
  });
}

/** The command as a person would type it. */
export function quote(command: readonly string[]): string {
  return command
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}

export function lastLines(text: string, count: number): string[] {
  const trimmed = text.replace(/\n+$/, '');
  return trimmed === '' ? [] : trimmed.split('\n').slice(-count);
}
