import { closeSync, existsSync, openSync, readFileSync, readSync, symlinkSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { SnapError } from '../host/error.ts';
import { makeFolders } from '../host/folder.ts';
import { fuseOptions } from '../host/fuse.ts';
import { ownFile } from '../host/own.ts';
import { attempt, type Outcome } from '../host/program.ts';
import { writeFile } from '../host/write.ts';
import { type Bounds, makeBounds, PROCESS_LIMIT, processBound } from './cgroup.ts';
import { seccompFilter } from './seccomp.ts';

/** What a step sees beside the view: `from` of the host at `to`, read-only unless it is `writable`. */
export type Bind = { readonly from: string; readonly to: string; readonly writable?: boolean };

export type Step = {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly binds: readonly Bind[];
  readonly network: boolean;
  /** bwrap's arguments that make the root; the view is in `root`. Without them the view is the root. */
  readonly mounts?: readonly string[];
};

export type SandboxRequest = {
  /** A work folder of the store; `upper` in it holds afterwards what the steps wrote. */
  readonly folder: string;
  /** Absolute paths of the trees below, the topmost first. */
  readonly lower: readonly string[];
  /** A folder of the store: those trees that lie in it have short names, and are mounted by them. */
  readonly names?: string;
  readonly steps: readonly Step[];
  /** Whether `checkpoint` beside `upper` holds afterwards what `upper` held when the first step had succeeded; only then there is a file `copied`. */
  readonly copiesUpper?: boolean;
  /** Of /dev/fuse: a filesystem with the folders `above` and `below`, put among at least two trees below the topmost and below all, if the host can. */
  readonly notes?: number | undefined;
  /** Seconds for all steps. */
  readonly timeout: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** Whether a Ctrl-C on the caller's terminal is the caller's alone: only `signal` ends the steps. */
  readonly apart?: boolean;
};

export type Ending = {
  /** 0: every step succeeded. Undefined: a signal ended it. */
  readonly exitCode: number | undefined;
  readonly timedOut: boolean;
  /** Whether a process was killed since the layer needed more memory than it may have. */
  readonly shortOfMemory: boolean;
  /** Whether `notes` was part of the overlay. */
  readonly isNoted: boolean;
  /** Number of the last step that was begun, from 1. */
  readonly step: number;
  /** What the prelude reported on its descriptor 3. */
  readonly report: string;
};

/** Bytes of a layer's log that are kept. */
const LOG_LIMIT = 16 * 1024 * 1024;
/** Bytes of a step's report that are read. */
const REPORT_LIMIT = 65_536;
/** Trees in one mount. */
export const STACK_LIMIT = 500;

/**
 * No mount, no device, no module, no clock, no raw network: what maintainer scripts need to own and place files. DAC_READ_SEARCH is
 * not among them: DAC_OVERRIDE does for files, and what it has beyond that is opening files of the host by their handles.
 */
const CAPABILITIES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'SETFCAP',
  'SETUID',
  'SETGID',
  'SETPCAP',
  'KILL',
  'SYS_CHROOT',
  'AUDIT_WRITE',
];

/**
 * Runs steps as root in an overlay over `lower`, in mount, pid, ipc, uts and (but for `network`) net namespaces of their own. When
 * it returns, no process of theirs and no mount is left.
 */
export async function runSandboxed(request: SandboxRequest): Promise<Ending> {
  const { folder, steps, copiesUpper = false, notes, signal, timeout, apart = false } = request;
  const stack = makeStack(request);
  writeFile(join(folder, 'report'), '');
  const filtered = writeFilter(folder);
  const bounds = makeBounds(basename(folder));
  try {
    const entering = { stack, bounds, logBytes: LOG_LIMIT, copiesUpper, notes };
    const command = enter(
      entering,
      steps.map((step) => bubblewrap(step, filtered)),
    );
    const outcome = await attempt(command, { cwd: folder, signal, timeout, apart, third: notes });
    refuseUnbegun(folder, outcome);
    return {
      exitCode: outcome.exitCode,
      timedOut: outcome.timedOut,
      shortOfMemory: bounds.wasShortOfMemory(),
      isNoted: notes !== undefined && !existsSync(join(folder, 'unnoted')),
      step: existsSync(join(folder, 'step')) ? Number(readFileSync(join(folder, 'step'), 'utf8')) : 0,
      report: headOf(join(folder, 'report'), REPORT_LIMIT),
    };
  } finally {
    await bounds.release();
  }
}

export type EnterRequest = Pick<SandboxRequest, 'folder' | 'lower' | 'names' | 'signal'> & {
  readonly step: Step;
};

/** Runs one step on the caller's terminal, in an overlay over `lower` that is thrown away. Returns its exit code. */
export async function enterSandbox(request: EnterRequest): Promise<number> {
  const { folder, step, signal } = request;
  const stack = makeStack(request);
  const words = bubblewrap(step, writeFilter(folder)).filter((word) => word !== '--new-session');
  const outcome = await attempt(enter({ stack }, [words]), { cwd: folder, terminal: true, signal });
  refuseUnbegun(folder, outcome);
  return outcome.exitCode ?? 1;
}

const ENTER = ownFile('src/layers/enter.sh');

type Entering = {
  readonly stack: Stack;
  readonly bounds?: Bounds;
  readonly logBytes?: number;
  readonly copiesUpper?: boolean;
  readonly notes?: number | undefined;
};

/** The command line that mounts a stack and runs commands on it, each the child of a process that dies with this one. */
function enter(
  { stack, bounds, logBytes, copiesUpper, notes }: Entering,
  commands: readonly (readonly string[])[],
): string[] {
  return [
    ...[
      'setpriv',
      '--pdeathsig',
      'KILL',
      'unshare',
      '--mount',
      '--propagation',
      'private',
      '/bin/bash',
      ENTER,
    ],
    ...[String(process.pid), stack.from, stack.back, stack.lower, stack.below],
    ...[
      bounds?.join.join('\n') ?? '',
      bounds ? pidsOf(bounds.processes) : '',
      String(logBytes ?? ''),
      copiesUpper ? 'copy' : '',
      notes === undefined ? '' : fuseOptions(3),
    ],
    ...commands.flatMap((command) => [...command, ';;']),
  ];
}

/** @throws SnapError HOST when no step was begun. */
function refuseUnbegun(folder: string, { exitCode, stderr }: Outcome): void {
  const failed = { 120: 'Cannot join a control group for', 121: 'Cannot mount an overlay in' }[exitCode ?? 0];
  if (failed === undefined || existsSync(join(folder, 'step'))) return;
  throw new SnapError('HOST', `${failed} "${folder}"`, {
    lines: stderr.trim().split('\n'),
    hint: 'see what the host lacks: snap doctor',
  });
}

/** False where there is no filter for this machine. */
function writeFilter(folder: string): boolean {
  const filter = seccompFilter(process.arch);
  writeFile(join(folder, 'seccomp'), filter ?? '');
  return filter !== undefined;
}

/** The number of processes that a namespace of process numbers has to bound, where no group does. */
function pidsOf(boundByGroup: boolean): string {
  return !boundByGroup && processBound() === 'namespace' ? String(PROCESS_LIMIT) : '';
}

function headOf(file: string, bytes: number): string {
  const fd = openSync(file, 'r');
  try {
    const head = Buffer.alloc(bytes);
    return head.toString('latin1', 0, readSync(fd, head));
  } finally {
    closeSync(fd);
  }
}

/** Names of trees as a mount takes them in the folder `from`, the topmost first. */
type Stack = {
  /** Seen from the work folder. */
  readonly from: string;
  /** The work folder, seen from there. */
  readonly back: string;
  readonly lower: string;
  /** What is mounted as one filesystem beneath them, since one overlay does not take all; else empty. */
  readonly below: string;
};

/**
 * Makes the folders of an overlay, and in `lower` short names for the trees below that have none, as the options of a mount end at 4,096 bytes.
 * The kernel nests overlays once. Only the lowest trees can be nested: a whiteout hides nothing outside of its own overlay.
 */
function makeStack({
  folder,
  lower: trees,
  names,
}: Pick<SandboxRequest, 'folder' | 'lower' | 'names'>): Stack {
  if (trees.length > 2 * STACK_LIMIT - 1) {
    throw new SnapError(
      'RUN',
      `Cannot show ${trees.length} layers at once: the kernel takes ${2 * STACK_LIMIT - 1}`,
      {
        hint: 'join scriptlets that belong together',
      },
    );
  }
  for (const name of ['lower', 'below', 'notes', 'upper', 'work', 'root'])
    makeFolders(join(folder, name), 0o755);
  const links = join(folder, 'lower');
  const from = names ?? links;
  const all = trees.map((tree, number) => {
    if (dirname(tree) === names) return basename(tree);
    symlinkSync(tree, join(links, String(number)));
    return join(relative(from, links), String(number));
  });
  const direct = trees.length > STACK_LIMIT ? STACK_LIMIT - 1 : trees.length;
  return {
    from: relative(folder, from),
    back: relative(from, folder),
    lower: all.slice(0, direct).join(':'),
    below: all.slice(direct).join(':'),
  };
}

/** bwrap's arguments for a /proc in which nothing can be set: root may set the host's kernel there without any capability. */
export function readOnlyProc(path: string): string[] {
  return ['--proc', path, '--remount-ro', path];
}

const VIEW_AS_ROOT = [
  ...['--bind', 'root', '/', ...readOnlyProc('/proc'), '--dev', '/dev'],
  ...['--tmpfs', '/run', '--perms', '1777', '--tmpfs', '/tmp'],
];

/** Nothing of the host's processes is in sight, and all ends with whoever started it. The network is another matter. */
export const OWN_NAMESPACES = [
  '--die-with-parent',
  '--new-session',
  '--unshare-pid',
  '--unshare-ipc',
  '--unshare-uts',
  '--unshare-cgroup-try',
];

function bubblewrap(step: Step, filtered: boolean): string[] {
  return [
    'bwrap',
    ...OWN_NAMESPACES,
    ...(step.network ? [] : ['--unshare-net']),
    ...['--hostname', 'localhost'],
    ...(step.mounts ?? VIEW_AS_ROOT),
    ...step.binds.flatMap(({ from, to, writable }) => [writable ? '--bind' : '--ro-bind', from, to]),
    ...['--cap-drop', 'ALL', ...CAPABILITIES.flatMap((name) => ['--cap-add', `CAP_${name}`])],
    ...(filtered ? ['--seccomp', '5'] : []),
    '--clearenv',
    ...Object.entries(step.env).flatMap(([name, value]) => ['--setenv', name, value]),
    ...['--chdir', '/', '--', ...step.command],
  ];
}
