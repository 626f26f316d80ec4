import { readFileSync, readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { parentPort, receiveMessageOnPort } from 'node:worker_threads';
import { databaseUse, isConfiguring, isDpkg, type Program } from '../debian/database-use.ts';
import { type Sought, soughtBy } from '../debian/name-search.ts';
import { errno } from '../host/error.ts';
import { type FolderServer, type FolderTree, folderServer, type Look, PLAIN } from '../host/fuse.ts';
import { pollFiles } from '../host/syscall.ts';
import type { Entry, TreePath } from '../store/manifest.ts';
import { hasHash, hashOfPath } from '../store/path-hash.ts';
import { SortedManifest } from '../store/sorted-manifest.ts';
import { DATABASE, mayWatch, type Trace } from './trace.ts';
import type { TraceMessage, TraceReply, TraceTask } from './tracer.ts';

/** A thread that notes what runs look for, several at a time. */

/** Who goes on into this folder has not read the list of packages beside it. */
const TRIGGERS = 'var/lib/dpkg/triggers';

/** Beyond these nobody looks for names, but makes them up. */
const MANY = 100_000;

/** Milliseconds until a new task is seen, and what has not been mounted is looked at again. */
const PATIENCE = 2;

type Session = {
  readonly server: FolderServer;
  isMounted: boolean;
  isEnded(): boolean;
  /** Undefined when there was too much to note. */
  trace(): Trace | undefined;
};

const sessions = new Set<Session>();

hurry();

parentPort!.on('message', (message: TraceMessage) => {
  hear(message);
  while (sessions.size > 0) serve();
});

function hear(message: TraceMessage): void {
  if ('fd' in message) sessions.add(begin(message));
  else for (const n of message.view) contentsOf(message.layers, n);
}

/** One round. */
function serve(): void {
  for (let next = receiveMessageOnPort(parentPort!); next; next = receiveMessageOnPort(parentPort!))
    hear(next.message as TraceMessage);
  const all = [...sessions];
  const states = pollFiles(
    all.map(({ server }) => server.fd),
    PATIENCE,
  );
  for (const [at, session] of all.entries()) {
    if (states[at] === 'readable') {
      session.isMounted = true;
      session.server.answer();
    } else if ((states[at] === 'broken' && session.isMounted) || session.isEnded()) {
      sessions.delete(session);
      const trace = session.isMounted ? session.trace() : undefined;
      parentPort!.postMessage({ fd: session.server.fd, trace } satisfies TraceReply);
    }
  }
  if (!states.includes('readable') && all.some(({ isMounted }) => !isMounted)) sleep(PATIENCE / 2);
}

/** A run waits for each answer, which takes microseconds: this thread comes before the others, where the host allows that. */
function hurry(): void {
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST); // of the thread that calls
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes(errno(error) ?? '')) throw error;
  }
}

function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

function begin({ fd, ended, layers, view, own }: TraceTask): Session {
  const contents = view.map((n) => contentsOf(layers, n));
  const absent = new Set<string>();
  const listed = new Set<string>();
  const searched = new Map<string, readonly [string, Sought]>();
  const importers = new Set<number>();
  const readers = watchReaders(own);
  const below: FolderTree = {
    lookOf: (path) => (contents.some(({ folders }) => folders.has(path)) ? PLAIN : undefined),
    missed(path) {
      if (absent.size <= MANY) absent.add(path);
    },
    listed(path, pid) {
      const program = programOf(pid);
      if (`${path}/`.startsWith(`${DATABASE}/`) && (isOwn(program, own) || isDpkg(program))) return;
      const sought = program && soughtBy(program, path);
      if (sought === undefined || importers.has(pid)) listed.add(path);
      else searched.set(`${sought} ${path}`, [path, sought]);
      if (sought === 'modules') importers.add(pid);
    },
    attended: new Set([DATABASE, TRIGGERS]),
    passed: (path, pid) => readers.count(pid, path === TRIGGERS ? -1 : 1),
  };
  const met = new Set<string>();
  const above: FolderTree = {
    // As the topmost layer has it, which is what an overlay shows. It is asked for only in folders that are here.
    lookOf(path) {
      const all = foldersAt(contents, path);
      if (all.length === 0 || !mayWatch(path, all)) return undefined;
      const hash = hashOfPath(path);
      return contents.some((layer) => layer.hasOther(path, hash)) ? undefined : all.at(-1);
    },
    missed(path) {
      if (met.size <= MANY) met.add(path);
    },
    listed: () => {},
    attended: new Set(),
    passed: () => {},
  };
  const flag = new Int32Array(ended);
  return {
    server: folderServer(fd, { above, below }),
    isMounted: false,
    isEnded: () => Atomics.load(flag, 0) !== 0,
    trace: () =>
      absent.size > MANY || met.size > MANY
        ? undefined
        : {
            absent: [...absent].sort(),
            listed: [...listed].sort(),
            searched: [...searched.keys()].sort().map((key) => searched.get(key)!),
            met: [...met].sort(),
            asked: readers.end(),
          },
  };
}

/** A folder of a layer. */
type Folder = Look & Pick<Entry, 'type' | 'xattrs'>;

type Contents = {
  readonly folders: ReadonlyMap<string, Folder>;
  /** Whether there is something else than a folder. */
  hasOther(path: string, hash: number): boolean;
};

const known = new Map<string, Contents>();

/** Layers that are held beyond their run: a snap that watches makes new ones all day. */
const HELD = 2000;

/** What a layer has. Of all that is no folder a digest of the path is kept, since there may be half a million of them. */
function contentsOf(layers: string, n: number): Contents {
  const file = join(layers, String(n), 'manifest');
  const there = known.get(file);
  if (there) return there;
  if (known.size >= HELD) known.clear();
  const manifest = new SortedManifest(readFileSync(file));
  const folders = new Map<string, Folder>();
  for (const { path, type, mode, uid, gid, mtime, xattrs } of manifest.folders())
    folders.set(path, { type, mode, uid, gid, mtime, xattrs });
  const others = new Uint32Array(manifest.size - folders.size);
  let next = 0;
  for (const { path, type } of manifest.outline()) if (type !== 'dir') others[next++] = hashOfPath(path);
  others.sort();
  const contents: Contents = {
    folders,
    hasOther: (path, hash) =>
      hasHash(others, hash) &&
      !folders.has(path) &&
      new SortedManifest(readFileSync(file)).get(path as TreePath) !== undefined,
  };
  known.set(file, contents);
  return contents;
}

function foldersAt(contents: readonly Contents[], path: string): Folder[] {
  const all: Folder[] = [];
  for (const { folders } of contents) {
    const one = folders.get(path);
    if (one) all.push(one);
  }
  return all;
}

type Reader = { readonly program: Program | undefined; times: number };

/** Milliseconds: the kernel gives no number of a process again that soon. */
const YOUNG = 500;

/** Who went into the folder of dpkg's database, how often, and what they may have read there. */
function watchReaders(own: readonly string[]) {
  const readers = new Map<string, Reader>();
  /** Processes of dpkg that configure, by number, and until when that counts: they go there thousands of times, and never become another program. */
  const configuring = new Map<number, number>();
  return {
    count(pid: number, times: number): void {
      const now = performance.now();
      if ((configuring.get(pid) ?? 0) > now) return;
      const program = programOf(pid);
      if (isOwn(program, own)) return;
      if (program && isConfiguring(program)) return void configuring.set(pid, now + YOUNG);
      const key = [isDpkg(program) ? '' : pid, program?.file, ...(program?.words ?? [])].join('\0');
      const reader = readers.get(key) ?? { program, times: 0 };
      reader.times += times;
      readers.set(key, reader);
    },
    end(): Trace['asked'] {
      const asked = new Set<string>();
      for (const { program, times } of readers.values()) {
        const use = times <= 0 ? [] : program ? databaseUse(program, times) : 'whole';
        if (use === 'whole') return 'whole';
        for (const name of use) asked.add(name);
      }
      return [...asked].sort();
    },
  };
}

/** The shell that snap has configure the packages: what it reads of the database follows from their names. */
function isOwn(program: Program | undefined, own: readonly string[]): boolean {
  return program?.words.length === own.length && own.every((word, at) => program.words[at] === word);
}

/** The process waits meanwhile for the answer that it asked for. */
function programOf(pid: number): Program | undefined {
  try {
    const file = readlinkSync(`/proc/${pid}/exe`);
    const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').slice(0, -1);
    return { file, words };
  } catch {
    return undefined;
  }
}
