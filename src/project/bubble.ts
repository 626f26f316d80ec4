import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { SnapError } from '../host/error.ts';
import { lastLines, quote } from '../host/program.ts';

/** A program to run in a bubble: a sandbox of bubblewrap for what a scriptlet does before anything is built. */
export type Bubble = {
  /** bubblewrap's arguments that make the file system; the root is an empty tmpfs. */
  readonly mounts: readonly string[];
  /** Files to be read, by their absolute path inside: they lie nowhere on the host, so that nothing is left there however snap ends. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly input?: Uint8Array;
  /** Time limit. */
  readonly seconds: number;
  /** Most bytes that each of stdout, stderr and file descriptor 3 may carry. */
  readonly bytes: number;
  /** Who runs it, seen from the host, when snap is root. Inside it is nobody. */
  readonly user: { readonly uid: number; readonly gid: number };
  /** Folders of the host that this user must be able to enter. */
  readonly reads: readonly string[];
  /** Ends it at once. */
  readonly signal?: AbortSignal;
};

export type BubbleOutcome = {
  readonly end: 'exit' | 'time' | 'output';
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** What it wrote to file descriptor 3. */
  readonly third: Buffer;
};

export const NOBODY = { uid: 65534, gid: 65534 };

const ISOLATION = [
  '--unshare-pid',
  '--unshare-net',
  '--unshare-ipc',
  '--unshare-uts',
  '--unshare-cgroup-try',
  '--cap-drop',
  'ALL',
  '--die-with-parent',
  '--new-session',
  '--as-pid-1',
  '--clearenv',
];
const USER_NAMESPACE = ['--unshare-user', '--uid', '65534', '--gid', '65534'];

/**
 * Runs a program in namespaces of its own, without network and capabilities; when it ends, all that it started ends.
 * @throws SnapError HOST when bubblewrap cannot make a sandbox here.
 */
export async function runInBubble(bubble: Bubble): Promise<BubbleOutcome> {
  const way = await workingWay(bubble);
  bubble.signal?.throwIfAborted();
  const env = Object.entries(bubble.env).flatMap(([name, value]) => ['--setenv', name, value]);
  const files = [...bubble.files.keys()].flatMap((path, at) => [
    '--ro-bind-data',
    String(FIRST_FILE + at),
    path,
  ]);
  return launch(way, [...files, ...bubble.mounts, ...env, '--', ...bubble.command], bubble);
}

/** How to enter a sandbox: as whom, and with which namespaces. */
type Way = { readonly user: Bubble['user'] | undefined; readonly flags: readonly string[] };

/**
 * A user namespace is the better way, as an unprivileged user of the host even when snap is root. Where those are forbidden (in
 * some containers, or for folders that this user cannot enter), root without any capability does.
 */
function ways(user: Bubble['user']): Way[] {
  if (process.getuid?.() !== 0) return [{ user: undefined, flags: USER_NAMESPACE }];
  return [
    { user, flags: USER_NAMESPACE },
    { user: undefined, flags: USER_NAMESPACE },
    { user: undefined, flags: [] },
  ];
}

async function workingWay(bubble: Bubble): Promise<Way> {
  const trial = { seconds: 10, bytes: 65536 };
  const enter = bubble.reads.map((folder) => `cd ${quote([folder])}`).join(' && ');
  let outcome: BubbleOutcome | undefined;
  for (const way of ways(bubble.user)) {
    outcome = await launch(way, ['--ro-bind', '/', '/', '--', '/bin/sh', '-c', enter || ':'], trial);
    if (outcome.exitCode === 0) return way;
  }
  throw new SnapError('HOST', 'Cannot make a sandbox: bubblewrap fails', {
    lines: lastLines(outcome?.stderr.toString() ?? '', 5),
    hint: 'see what the host lacks: snap doctor',
  });
}

/** The descriptor of the first file, after the standard ones and the third. */
const FIRST_FILE = 4;

type Limits = Pick<Bubble, 'input' | 'seconds' | 'bytes' | 'signal'> & Partial<Pick<Bubble, 'files'>>;

function launch(way: Way, args: readonly string[], limits: Limits): Promise<BubbleOutcome> {
  const { promise, resolve, reject } = Promise.withResolvers<BubbleOutcome>();
  const files = [...(limits.files?.values() ?? [])];
  const child = spawn('bwrap', [...ISOLATION, ...way.flags, ...args], {
    cwd: '/',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe', ...files.map(() => 'pipe' as const)],
    ...way.user,
  });
  const { signal } = limits;
  const kill = (): void => void child.kill('SIGKILL');
  signal?.addEventListener('abort', kill, { once: true });
  let end: BubbleOutcome['end'] = 'exit';
  const stop = (why: BubbleOutcome['end']) => {
    end = why;
    kill();
  };
  const timer = setTimeout(() => stop('time'), limits.seconds * 1000);
  const streams = [1, 2, 3].map((fd) => collect(child, fd, limits.bytes, () => stop('output')));
  child.on('error', (error) => {
    clearTimeout(timer);
    const hint = 'install it: apt-get install bubblewrap';
    reject(new SnapError('HOST', 'Cannot start "bwrap"', { hint, cause: error }));
  });
  child.on('close', (code) => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', kill);
    if (signal?.aborted) return reject(signal.reason);
    const [stdout, stderr, third] = streams.map((chunks) => Buffer.concat(chunks));
    resolve({ end, exitCode: code ?? undefined, stdout: stdout!, stderr: stderr!, third: third! });
  });
  give(child.stdin, limits.input ?? '');
  files.forEach((content, at) => {
    give(child.stdio[FIRST_FILE + at] as Writable | null, content);
  });
  return promise;
}

/** It may end without reading all of it. */
function give(stream: Writable | null, content: string | Uint8Array): void {
  stream?.on('error', () => {});
  stream?.end(content);
}

function collect(child: ChildProcess, fd: number, most: number, overflow: () => void): Buffer[] {
  const chunks: Buffer[] = [];
  let size = 0;
  child.stdio[fd]?.on('data', (chunk: Buffer) => {
    const kept = chunk.subarray(0, most - size);
    size += kept.length;
    if (kept.length > 0) chunks.push(kept);
    if (kept.length < chunk.length) overflow();
  });
  return chunks;
}
