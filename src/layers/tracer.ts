import { closeSync, openSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { threadFile } from '../host/own.ts';
import type { Trace } from './trace.ts';

/** The folder of the store's layers, and the numbers of those in a view. */
export type TracedView = { readonly layers: string; readonly view: readonly number[] };

/** What the thread is told to note: what is looked for on the filesystem that gets mounted with `fd`. */
export type TraceTask = TracedView & {
  readonly fd: number;
  /** Not 0 once the run has ended. */
  readonly ended: SharedArrayBuffer;
  /** The command that configures the packages; empty where there are none. */
  readonly own: readonly string[];
};

/** A view alone is that of a task to come: what its layers have is read before the run waits for it. */
export type TraceMessage = TraceTask | TracedView;

/** Of the task with that descriptor. */
export type TraceReply = { readonly fd: number; readonly trace: Trace | undefined };

/** A run that is watched. */
export type Watched = {
  /** Of /dev/fuse, to be mounted among the trees of the run's overlay. */
  readonly fd: number;
  /** To be called once the run has ended; undefined when nothing could be noted. */
  end(): Promise<Trace | undefined>;
  /** Whether what the run looked for got no answer any more: an error of its own is none. */
  hasFailed(): boolean;
};

type Waiting = { resolve(trace: Trace | undefined): void; fail(): void };

/** One for all runs: it is started when there is something to note, and does not keep the process alive. */
let thread: { readonly worker: Worker; readonly waiting: Map<number, Waiting> } | undefined;

/** Whether the thread is there, so that to watch one more run costs next to nothing. */
export function isWatching(): boolean {
  return thread !== undefined;
}

/** Starts the thread for a run that may be watched, and has it read the view, while that run is prepared. */
export function expectRun({ layers, view }: TracedView): void {
  const fd = openFuse();
  if (fd === undefined) return;
  closeSync(fd);
  thread ??= startThread();
  thread.worker.postMessage({ layers, view } satisfies TraceMessage);
}

/**
 * Has a thread note what a run on a view looks for, once the filesystem of `fd` is part of its overlay. The program that mounts it
 * must be started at once. Undefined where the host has no FUSE.
 */
export function watchRun(task: Omit<TraceTask, 'fd' | 'ended'>): Watched | undefined {
  const fd = openFuse();
  if (fd === undefined) return undefined;
  thread ??= startThread();
  const { worker, waiting } = thread;
  const ended = new Int32Array(new SharedArrayBuffer(4));
  const { promise, resolve } = Promise.withResolvers<Trace | undefined>();
  let isOpen = true;
  let hasFailed = false;
  const close = (): void => {
    if (isOpen) closeSync(fd);
    isOpen = false;
  };
  const fail = (): void => {
    hasFailed = true;
    close(); // and the kernel ends whatever waits for an answer
    resolve(undefined);
  };
  waiting.set(fd, { resolve, fail });
  worker.ref();
  worker.postMessage({ fd, ended: ended.buffer, ...task } satisfies TraceMessage);
  return {
    fd,
    async end() {
      Atomics.store(ended, 0, 1);
      const trace = await promise;
      waiting.delete(fd);
      if (waiting.size === 0) worker.unref();
      close();
      return trace;
    },
    hasFailed: () => hasFailed,
  };
}

function startThread(): NonNullable<typeof thread> {
  const started = {
    worker: new Worker(threadFile('layers/trace-thread')),
    waiting: new Map<number, Waiting>(),
  };
  const { worker, waiting } = started;
  worker.unref();
  worker.on('message', ({ fd, trace }: TraceReply) => waiting.get(fd)?.resolve(trace));
  const failed = (): void => {
    if (thread === started) thread = undefined;
    for (const one of waiting.values()) one.fail();
  };
  worker.on('error', failed).on('exit', failed);
  return started;
}

function openFuse(): number | undefined {
  try {
    return openSync('/dev/fuse', 'r+');
  } catch {
    return undefined;
  }
}
