import { existsSync, mkdirSync, readFileSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SnapError } from '../host/error.ts';
import { attempt } from '../host/program.ts';

/** What a step sees beside the view: `from` of the host, read-only at `to`. */
export type Bind = { readonly from: string; readonly to: string };

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
  readonly steps: readonly Step[];
  /** Seconds for all steps. */
  readonly timeout: number | undefined;
  readonly signal: AbortSignal | undefined;
};

export type Ending = {
  /** 0: every step succeeded. Undefined: a signal ended it. */
  readonly exitCode: number | undefined;
  readonly timedOut: boolean;
  /** Number of the last step that was begun, from 1. */
  readonly step: number;
  /** What the prelude reported on its descriptor 3. */
  readonly report: string;
};

/** Bytes of a layer's log that are kept. */
const LOG_LIMIT = 16 * 1024 * 1024;
/** Processes and threads at once in one layer. */
const PROCESS_LIMIT = 4096;
/** Layers that overlayfs stacks in one mount. */
export const STACK_LIMIT = 450;

/** No mount, no device, no module, no clock, no raw network: what maintainer scripts need to own and place files. */
const CAPABILITIES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
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
  const { folder, lower } = request;
  const names = stack(folder, lower);
  writeFileSync(join(folder, 'report'), '');
  const cgroup = makeCgroup(basename(folder));
  try {
    const outcome = await attempt(
      [
        ...['setpriv', '--pdeathsig', 'KILL', 'unshare', '--mount', '--propagation', 'private', '/bin/bash'],
        ...[fileURLToPath(new URL('../../src/layers/enter.sh', import.meta.url))],
        ...[names, cgroup ?? '', String(LOG_LIMIT)],
        ...request.steps.flatMap((step) => [...bubblewrap(step), ';;']),
      ],
      {
        cwd: folder,
        ...(request.signal ? { signal: request.signal } : {}),
        ...(request.timeout === undefined ? {} : { timeout: request.timeout }),
      },
    );
    if (outcome.exitCode === 121) {
      throw new SnapError('HOST', `Cannot mount an overlay in "${folder}"`, {
        lines: outcome.stderr.trim().split('\n'),
        hint: 'see what the host lacks: snap doctor',
      });
    }
    return {
      exitCode: outcome.exitCode,
      timedOut: outcome.timedOut,
      step: existsSync(join(folder, 'step')) ? Number(readFileSync(join(folder, 'step'), 'utf8')) : 0,
      report: readFileSync(join(folder, 'report'), 'latin1').slice(0, 65_536),
    };
  } finally {
    if (cgroup) await removeCgroup(cgroup);
  }
}

export type EnterRequest = Pick<SandboxRequest, 'folder' | 'lower' | 'signal'> & { readonly step: Step };

/** Runs one step on the caller's terminal, in an overlay over `lower` that is thrown away. Returns its exit code. */
export async function enterSandbox({ folder, lower, step, signal }: EnterRequest): Promise<number> {
  const names = stack(folder, lower);
  const mount = `mount -n -t overlay overlay -o "$1",upperdir=upper,workdir=work,volatile root || exit 121; shift; exec "$@"`;
  const outcome = await attempt(
    [
      ...['setpriv', '--pdeathsig', 'KILL', 'unshare', '--mount', '--propagation', 'private'],
      ...['/bin/bash', '-c', `umask 022; ${mount}`, 'bash', `lowerdir=${names}`],
      ...bubblewrap(step).filter((word) => word !== '--new-session'),
    ],
    { cwd: folder, terminal: true, ...(signal ? { signal } : {}) },
  );
  return outcome.exitCode ?? 1;
}

/** Makes the folders of an overlay and short names for the trees below; returns them as the mount takes them. */
function stack(folder: string, lower: readonly string[]): string {
  for (const name of ['lower', 'upper', 'work', 'root'])
    mkdirSync(join(folder, name), { recursive: true, mode: 0o755 });
  lower.forEach((tree, number) => {
    symlinkSync(tree, join(folder, 'lower', String(number)));
  });
  return lower.map((_, number) => `lower/${number}`).join(':');
}

const VIEW_AS_ROOT = [
  ...['--bind', 'root', '/', '--proc', '/proc', '--dev', '/dev'],
  ...['--tmpfs', '/run', '--perms', '1777', '--tmpfs', '/tmp'],
];

function bubblewrap(step: Step): string[] {
  return [
    'bwrap',
    ...[
      '--die-with-parent',
      '--new-session',
      '--unshare-pid',
      '--unshare-ipc',
      '--unshare-uts',
      '--unshare-cgroup-try',
    ],
    ...(step.network ? [] : ['--unshare-net']),
    ...['--hostname', 'localhost'],
    ...(step.mounts ?? VIEW_AS_ROOT),
    ...step.binds.flatMap(({ from, to }) => ['--ro-bind', from, to]),
    ...['--cap-drop', 'ALL', ...CAPABILITIES.flatMap((name) => ['--cap-add', `CAP_${name}`])],
    '--clearenv',
    ...Object.entries(step.env).flatMap(([name, value]) => ['--setenv', name, value]),
    ...['--chdir', '/', '--', ...step.command],
  ];
}

/** Where this host counts processes: the pids controller of cgroup v1 or v2; undefined where neither can be used. */
function makeCgroup(name: string): string | undefined {
  for (const root of ['/sys/fs/cgroup/pids', '/sys/fs/cgroup']) {
    if (!existsSync(join(root, 'cgroup.procs'))) continue;
    const group = join(root, `snap-${name}`);
    try {
      mkdirSync(group);
    } catch {
      continue;
    }
    try {
      writeFileSync(join(group, 'pids.max'), String(PROCESS_LIMIT));
      return group;
    } catch {
      rmdirSync(group);
    }
  }
  return undefined;
}

/** The kernel needs a moment to bury the last processes of a group. */
async function removeCgroup(group: string): Promise<void> {
  const { setTimeout: wait } = await import('node:timers/promises');
  for (let attempts = 0; attempts < 100; attempts++) {
    try {
      rmdirSync(group);
      return;
    } catch {
      await wait(20);
    }
  }
}

/** Layers at once when nobody says otherwise. */
export function defaultJobs(): number {
  return availableParallelism();
}
