import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, statSync } from 'node:fs';
import { SnapError } from '../host/error.ts';
import { lastLines } from '../host/program.ts';
import { OWN_NAMESPACES } from '../layers/sandbox.ts';
import { type Hardware, type Machine, qemuCommand } from './machine.ts';
import { type ConsoleStep, consoleScript, plainText } from './serial.ts';

/** Open files: what happens to their names meanwhile is no matter. */
export type OpenMedia = {
  /** The root filesystem. */
  readonly disk: number;
  readonly kernel: number;
  readonly initrd: number | undefined;
};

export type StartRequest = {
  readonly machine: Machine;
  readonly hardware: Hardware;
  readonly media: OpenMedia;
  readonly commandLine: string;
  /** What is done on the console; without any the caller's standard input is the keyboard. */
  readonly steps: readonly ConsoleStep[];
  /** Seconds after which the machine is switched off. */
  readonly timeout: number | undefined;
  /** Takes what the console writes, as bytes and as plain text; without it the console is the caller's terminal. */
  readonly write: ((bytes: Uint8Array, plain: string) => void) | undefined;
  readonly signal: AbortSignal;
};

/** How it came to an end. */
export type Ending =
  /** All that was expected was seen. */
  | { readonly kind: 'seen' }
  /** The device switched itself off, or started anew; or somebody ended qemu at the terminal. */
  | { readonly kind: 'off' }
  | { readonly kind: 'panic' }
  | { readonly kind: 'time' };

export type Started = {
  readonly ending: Ending;
  /** The expression that was waited for in vain. */
  readonly awaited: RegExp | undefined;
  /** The last lines of the console, where it was looked at. */
  readonly lines: readonly string[];
};

/**
 * Starts a machine and returns when it has ended. qemu runs as nobody, without capabilities, sees /usr and its own inputs and nothing else of
 * the host, and no network where the device has none.
 * @throws SnapError HOST when qemu cannot start it.
 */
export async function startMachine(request: StartRequest): Promise<Started> {
  request.signal.throwIfAborted();
  return request.write ? watched(request) : onTerminal(request);
}

/** Lines of the console that are told when something went wrong. */
const TOLD = 20;
/** Characters of the console that are kept for that. */
const KEPT = 16_384;

/** Node itself gives the terminal back as it found it, also where qemu was killed. */
async function onTerminal(request: StartRequest): Promise<Started> {
  const child = launch(request, ['inherit', 'inherit', 'pipe']);
  return { ending: await endOf(child, request, () => undefined), awaited: undefined, lines: [] };
}

async function watched(request: StartRequest): Promise<Started> {
  const { steps, write } = request;
  const script = consoleScript(steps);
  const plain = plainText();
  const child = launch(request, [steps.length > 0 ? 'pipe' : 'inherit', 'pipe', 'pipe']);
  child.stdin?.on('error', () => {}); // the machine may end before it has read everything
  const endsWithExpect = steps.at(-1)?.kind === 'expect';
  let kept = '';
  let isSeen = false;
  child.stdout?.on('data', (bytes: Buffer) => {
    if (isSeen) return;
    const text = plain(bytes);
    kept = (kept + text).slice(-KEPT);
    write?.(bytes, text);
    for (const typed of script.take(text)) child.stdin?.write(typed);
    isSeen = endsWithExpect && script.awaited === undefined;
    if (isSeen) kill(child);
  });
  const ending = await endOf(child, request, () => {
    if (isSeen) return { kind: 'seen' };
    return /^(?:\[[ .\d]+\] )?Kernel panic - not syncing/m.test(kept) ? { kind: 'panic' } : undefined;
  });
  return { ending, awaited: script.awaited, lines: lastLines(kept, TOLD) };
}

/** `known` tells more of an end than the process does. */
async function endOf(
  child: ChildProcess,
  { timeout, signal, machine }: StartRequest,
  known: () => Ending | undefined,
): Promise<Ending> {
  const complaints: Buffer[] = [];
  child.stderr?.on('data', (chunk: Buffer) => void complaints.push(chunk));
  let isLate = false;
  const late = (): void => {
    isLate = true;
    kill(child);
  };
  const timer = timeout === undefined ? undefined : setTimeout(late, Math.min(timeout * 1000, LONGEST));
  const stop = (): void => kill(child);
  signal.addEventListener('abort', stop);
  try {
    const [exitCode] = await once(child, 'close').catch((error) => {
      throw notStarted(machine, [String(error)]);
    });
    signal.throwIfAborted();
    const ending = known();
    if (ending) return ending;
    if (isLate) return { kind: 'time' };
    if (exitCode === 0) return { kind: 'off' };
    throw notStarted(machine, lastLines(Buffer.concat(complaints).toString(), TOLD));
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

/** Milliseconds: what Node's timers take for longer they take for nothing. */
const LONGEST = 2 ** 31 - 1;

function notStarted({ program }: Machine, lines: readonly string[]): SnapError {
  return new SnapError('HOST', `Cannot run a machine: "${program}" failed`, {
    lines,
    hint: 'with --no-kvm the processor is emulated; snap doctor tells what is missing',
  });
}

function kill(child: ChildProcess): void {
  child.kill('SIGKILL');
}

type Streams = readonly ['inherit' | 'pipe', 'inherit' | 'pipe', 'pipe'];

/** The descriptors that qemu's sandbox begins with, beside the three of every program. */
const DISK = 3;
const KERNEL = 4;
const INITRD = 5;

function launch(request: StartRequest, streams: Streams): ChildProcess {
  const { machine, hardware, commandLine } = request;
  const { disk, kernel, initrd } = request.media;
  const media = {
    kernel: '/run/kernel',
    ...(initrd === undefined ? {} : { initrd: '/run/initrd' }),
    diskDescriptor: DISK,
    commandLine,
  };
  const command = qemuCommand(machine, hardware, media, request.write === undefined);
  const args = [
    ...OWN_NAMESPACES,
    ...(hardware.network.kind === 'none' ? ['--unshare-net'] : []),
    ...['--ro-bind', '/usr', '/usr', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--dir', '/run'],
    ...['bin', 'sbin', 'lib', 'lib64'].flatMap((name) => ['--symlink', `usr/${name}`, `/${name}`]),
    ...SETTINGS.flatMap((file) => ['--ro-bind-try', file, file]),
    ...['--perms', '0444', '--file', String(KERNEL), media.kernel],
    ...(media.initrd === undefined ? [] : ['--perms', '0444', '--file', String(INITRD), media.initrd]),
    ...(hardware.kvm ? ['--dev-bind', '/dev/kvm', '/dev/kvm'] : []),
    ...[
      '--cap-drop',
      'ALL',
      ...['SETUID', 'SETGID', 'SETPCAP'].flatMap((name) => ['--cap-add', `CAP_${name}`]),
    ],
    ...['--clearenv', '--setenv', 'PATH', '/usr/bin:/usr/sbin', '--chdir', '/tmp', '--'],
    ...asNobody(hardware.kvm),
    ...(request.write ? THROUGH_PIPE : []),
    ...command,
  ];
  // Opened once more: of a shared opening the next machine would find the end.
  const copied = [kernel, ...(initrd === undefined ? [] : [initrd])].map((fd) =>
    openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY),
  );
  try {
    return spawn('bwrap', args, {
      cwd: '/',
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
      stdio: [...streams, disk, ...copied],
    });
  } finally {
    for (const fd of copied) closeSync(fd);
  }
}

/**
 * Node's pipes are sockets, and qemu writes byte by byte: not two hundred bytes fill one, and Linux waits 10 ms for its serial line. So what
 * the console writes would be lost whenever Node is slower.
 */
const THROUGH_PIPE = ['bash', '--norc', '-o', 'pipefail', '-c', '"$@" | cat', 'bash'];

/** Where names lead, which the device's own network asks through qemu; and how Debian finds libraries. */
const SETTINGS = ['/etc/ld.so.cache', '/etc/alternatives', '/etc/resolv.conf'];

const NOBODY = '65534';

/** With the group that may use KVM, where that is wanted. */
function asNobody(kvm: boolean): string[] {
  const groups = kvm ? ['--groups', String(statSync('/dev/kvm').gid)] : ['--clear-groups'];
  const none = ['--inh-caps', '-all', '--ambient-caps', '-all', '--bounding-set', '-all', '--no-new-privs'];
  return ['setpriv', '--reuid', NOBODY, '--regid', NOBODY, ...groups, ...none, '--'];
}
