import { SnapError } from '../host/error.ts';
import type { RootKind } from '../machine/kernel-config.ts';
import type { Forward, Network } from '../machine/machine.ts';
import type { ConsoleStep } from '../machine/serial.ts';
import { runImage } from '../run.ts';
import { chooseConf, chooseProject } from './choose.ts';
import { say } from './print.ts';
import type { Command } from './session.ts';

export type RunOptions = {
  readonly kernel?: string;
  readonly append?: readonly string[];
  readonly root?: RootKind;
  readonly memory: number;
  readonly cpus: number;
  readonly net?: boolean;
  readonly forward?: readonly string[];
  readonly kvm: boolean;
  readonly timeout?: number;
  /** In the order of the command line, `--send` among them. */
  readonly expect?: readonly AskedStep[];
  readonly send?: readonly AskedStep[];
};

/** One `--expect` or `--send`; `place` counts both. */
export type AskedStep = { readonly kind: 'expect' | 'send'; readonly text: string; readonly place: number };

/** Seconds that a script on the console may take where nobody says how many. */
const PATIENCE = 300;

/** `snap run [CONF]`: exit code 0 when all that was expected was seen, or the machine went off by itself. */
export const runCommand: Command<[conf?: string], RunOptions> = async (session, [name], options) => {
  const project = chooseProject(session);
  const steps = stepsOf([...(options.expect ?? []), ...(options.send ?? [])]);
  const isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const isOnTerminal = isTerminal && steps.length === 0;
  const timeout = options.timeout ?? (steps.length > 0 ? PATIENCE : undefined);
  const write = (bytes: Uint8Array, plain: string): void =>
    void process.stdout.write(process.stdout.isTTY ? bytes : plain);
  if (isOnTerminal) say('Ctrl-A x switches the machine off, Ctrl-A h tells what else there is');
  await runImage({
    project,
    conf: chooseConf(project, name),
    kernel: options.kernel,
    append: (options.append ?? []).join(' '),
    root: options.root,
    memory: options.memory,
    cpus: options.cpus,
    network: networkOf(options),
    kvm: options.kvm,
    steps,
    timeout,
    write: isOnTerminal ? undefined : write,
    signal: session.signal,
    tell: say,
  });
  return 0;
};

function stepsOf(asked: readonly AskedStep[]): ConsoleStep[] {
  const steps = asked.toSorted((a, b) => a.place - b.place);
  if (steps[0]?.kind === 'send') {
    throw new SnapError('USAGE', 'Cannot send anything before the device is ready for it', {
      hint: 'wait for something first: --expect "login:" --send root',
    });
  }
  return steps.map(({ kind, text }) => (kind === 'send' ? { kind, text } : { kind, regex: regexOf(text) }));
}

function regexOf(text: string): RegExp {
  try {
    return new RegExp(text, 'm');
  } catch (error) {
    throw new SnapError('USAGE', `Cannot read the expression "${text}"`, {
      lines: [(error as Error).message],
      cause: error,
    });
  }
}

function networkOf({ net = false, forward = [] }: RunOptions): Network {
  const forwards = forward.map(forwardOf);
  return { kind: net ? 'open' : forwards.length > 0 ? 'closed' : 'none', forwards };
}

function forwardOf(text: string): Forward {
  const [, host, guest] = /^(\d{1,5}):(\d{1,5})$/.exec(text) ?? [];
  const ports = { host: Number(host), guest: Number(guest) };
  if (Object.values(ports).every((port) => port >= 1 && port <= 65_535)) return ports;
  throw new SnapError('USAGE', `Cannot forward "${text}"`, {
    hint: "a port of this machine and one of the device's: --forward 2222:22",
  });
}
