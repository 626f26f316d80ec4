import { SnapError } from './error.ts';

export type RunOptions = {
  readonly cwd?: string;
  /** The whole environment of the program: nothing is inherited but PATH unless `inherit` is set. */
  readonly env?: Readonly<Record<string, string>>;
  readonly inherit?: boolean;
  /** What the program reads on its standard input; nothing when absent. */
  readonly input?: string | Uint8Array;
  readonly signal?: AbortSignal;
  /** Seconds after which the program is killed. */
  readonly timeout?: number;
  /** The program has the caller's terminal, and nothing of what it prints is returned. */
  readonly terminal?: boolean;
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
 * Runs a program of the host to its end and returns what it printed, whatever its exit code.
 * @throws SnapError HOST when it cannot be started.
 */
export async function attempt(command: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { execa } = await import('execa');
  const [file = '', ...args] = command;
  const result = await execa(file, args, {
    reject: false,
    stripFinalNewline: false,
    killSignal: 'SIGKILL',
    extendEnv: options.inherit ?? false,
    env: { PATH: HOST_PATH, LC_ALL: 'C.UTF-8', ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.terminal ? { stdio: 'inherit' as const } : inputOf(options)),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    ...(options.timeout === undefined ? {} : { timeout: options.timeout * 1000 }),
  });
  if (options.signal?.aborted) throw new SnapError('INTERRUPTED', `Stopped while "${file}" was running`);
  if (result.exitCode === undefined && result.signal === undefined && !result.timedOut) {
    throw new SnapError('HOST', `Cannot start "${file}": ${result.shortMessage ?? 'unknown reason'}`, {
      hint: 'see what is missing: snap doctor',
      cause: result,
    });
  }
  const { exitCode, signal, timedOut, stdout, stderr } = result;
  return { exitCode, signal, timedOut, stdout: stdout ?? '', stderr: stderr ?? '' };
}

function inputOf({ input }: RunOptions) {
  return input === undefined ? { stdin: 'ignore' as const } : { input };
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
