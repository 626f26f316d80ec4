import { existsSync, readFileSync, rmdirSync } from 'node:fs';
import { release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { errno } from '../host/error.ts';
import { writeFile } from '../host/write.ts';
import { type HeldFolder, makeHeldFolder, sweepFolders } from '../store/locks.ts';

/** What bounds one layer's processes; a limit that this host cannot set is not there. */
export type Bounds = {
  /** Files that the first process, which has one thread, writes a 0 to. */
  readonly join: readonly string[];
  /** Whether the number of processes is bounded by a group. */
  readonly processes: boolean;
  /** Whether a process was killed since it needed more memory than the layer may have. */
  wasShortOfMemory(): boolean;
  /** Ends when the last process is gone. */
  release(): Promise<void>;
};

/** Processes and threads at once in one layer. */
export const PROCESS_LIMIT = 4096;

/** The part of the machine's memory, or of what snap itself may have, that one layer may use. */
const MEMORY_SHARE = 0.8;

const GROUP = /^snap-[0-9a-f]{16}(-\d+)?$/;

/** The folders that this process has swept. */
const swept = new Set<string>();

/** The name is 16 hex digits, unique on this host. */
export function makeBounds(name: string): Bounds {
  const groups = new Map<string, HeldFolder>();
  const made = CONTROLLERS.flatMap((controller) => {
    const parent = parentOf(controller);
    if (parent === undefined) return [];
    const group = groups.get(parent) ?? makeGroup(parent, name);
    if (group === undefined) return [];
    groups.set(parent, group);
    return bound(controller, group.path) ? [{ controller, group }] : [];
  });
  const memory = made.find(({ controller }) => controller.name === 'memory');
  return {
    join: [...new Set(made.map(({ group }) => entranceOf(group.path)))],
    processes: made.some(({ controller }) => controller.name === 'pids'),
    wasShortOfMemory: () => memory !== undefined && hasKilled(memory.group.path),
    release: async () => {
      for (const group of groups.values()) await removeGroup(group);
    },
  };
}

/** Where a process joins: cgroup v1 takes a single thread at once, a process only when all CPUs have been idle or switched (10 ms). */
function entranceOf(group: string): string {
  const threads = join(group, 'tasks');
  return existsSync(threads) ? threads : join(group, 'cgroup.procs');
}

/** What keeps a layer from forking without end on this host. A namespace of process numbers has a limit of its own from Linux 6.14 on. */
export function processBound(): 'cgroup' | 'namespace' | undefined {
  if (parentOf(PIDS) !== undefined) return 'cgroup';
  return hasOwnPidMax(release()) ? 'namespace' : undefined;
}

/** Before 6.14 there is one limit for the whole machine, and writing it would change the host. */
function hasOwnPidMax(version: string): boolean {
  const [major = 0, minor = 0] = version.split(/[.-]/).map(Number);
  return major > 6 || (major === 6 && minor >= 14);
}

type Controller = {
  readonly name: string;
  /** The file of a group that shows that the controller is on there, and the limit: cgroup v2 and v1. */
  readonly files: readonly string[];
  readonly limit: () => number;
};

const PIDS: Controller = { name: 'pids', files: ['pids.max'], limit: () => PROCESS_LIMIT };
const MEMORY: Controller = {
  name: 'memory',
  files: ['memory.max', 'memory.limit_in_bytes'],
  limit: () => Math.floor(Math.min(totalmem(), process.constrainedMemory() || totalmem()) * MEMORY_SHARE),
};
const CONTROLLERS = [PIDS, MEMORY];

const ROOT = '/sys/fs/cgroup';

/** The folder in which a group with this controller can be made: as near to snap's own group as can be, so that its limits hold too. */
function parentOf({ name }: Controller): string | undefined {
  const own = ownGroups();
  const legacy = join(ROOT, name);
  if (existsSync(join(legacy, 'cgroup.procs'))) {
    const folder = join(legacy, own.get(name) ?? '/');
    return existsSync(join(folder, 'cgroup.procs')) ? folder : legacy;
  }
  for (let folder = join(ROOT, own.get('') ?? '/'); folder.startsWith(ROOT); folder = dirname(folder)) {
    if (words(join(folder, 'cgroup.subtree_control')).includes(name)) return folder;
  }
  return undefined;
}

/** Controller -> path of snap's own group; '' for cgroup v2. */
function ownGroups(): Map<string, string> {
  const groups = new Map<string, string>();
  for (const line of readOr('/proc/self/cgroup').split('\n')) {
    const [, controllers = '', path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path !== undefined) for (const name of controllers.split(',')) groups.set(name, path);
  }
  return groups;
}

/** What dead builds left goes first. */
function makeGroup(parent: string, name: string): HeldFolder | undefined {
  try {
    if (!swept.has(parent)) sweepFolders(parent, GROUP, (group) => rmdirSync(group));
    swept.add(parent);
    // One that another build is about to sweep is still there: the next try needs a name of its own.
    let tries = 0;
    return makeHeldFolder(parent, () => `snap-${name}${tries++ === 0 ? '' : `-${tries}`}`);
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOSPC', 'EAGAIN'].includes(errno(error) ?? ''))
      return undefined;
    throw error;
  }
}

function bound({ files, limit }: Controller, group: string): boolean {
  const file = files.map((name) => join(group, name)).find((path) => existsSync(path));
  if (file === undefined) return false;
  try {
    writeFile(file, String(limit()));
    return true;
  } catch {
    return false;
  }
}

function hasKilled(group: string): boolean {
  const counts = readOr(join(group, 'memory.events')) || readOr(join(group, 'memory.oom_control'));
  return /^oom_kill [1-9]/m.test(counts);
}

/** The kernel needs a moment to bury the last processes of a group. */
async function removeGroup(group: HeldFolder): Promise<void> {
  for (let attempts = 0; attempts < 250; attempts++) {
    try {
      rmdirSync(group.path);
      break;
    } catch (error) {
      if (errno(error) !== 'EBUSY') break;
      await wait(Math.min(2 ** attempts, 20));
    }
  }
  group.release();
}

function words(file: string): string[] {
  return readOr(file).trim().split(/\s+/);
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
