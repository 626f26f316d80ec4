import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { threadFile } from '../host/own.ts';
import type { GivenIds, RecordPatches } from '../store/layers.ts';
import { SortedManifest } from '../store/sorted-manifest.ts';
import { NeedsDpkg, type Unpacked, unpackDeb } from './unpack.ts';

/** What a thread is told to unpack, and where. */
export type UnpackTask = { readonly file: string; readonly folder: string };

export type UnpackReply =
  | {
      readonly kind: 'unpacked';
      readonly manifest: Uint8Array;
      readonly records: RecordPatches;
      readonly ids: GivenIds;
    }
  | { readonly kind: 'dpkg'; readonly reason: string }
  | { readonly kind: 'failed'; readonly message: string; readonly code?: string };

/** Unpacks debs on all processors. */
export type Unpacker = {
  /** As `unpackDeb`; `size` is that of the deb in bytes. */
  unpack(task: UnpackTask, size: number): Promise<Unpacked>;
};

/** Bytes: to start a thread takes as long as to unpack this. */
const SMALL = 1 << 20;

type Waiting = {
  readonly task: UnpackTask;
  readonly resolve: (reply: UnpackReply) => void;
  readonly reject: (error: unknown) => void;
};

/** The threads are started when there is work for them, and none of them keeps the process alive once it is done. */
export function makeUnpacker(): Unpacker {
  const queue: Waiting[] = [];
  const idle: Thread[] = [];
  let threads = 0;
  const done = (thread: Thread): void => {
    const next = queue.shift();
    if (next) thread.take(next);
    else idle.push(thread);
  };
  const work = (waiting: Waiting): void => {
    const thread = idle.pop();
    if (thread) thread.take(waiting);
    else if (threads === availableParallelism()) queue.push(waiting);
    else {
      threads++;
      startThread(done, () => threads--).take(waiting);
    }
  };
  return {
    async unpack(task, size) {
      if (threads === 0 && size < SMALL && !busy) return unpackHere(task);
      return unpackedOf(await new Promise((resolve, reject) => work({ task, resolve, reject })));
    },
  };
}

type Thread = { take(waiting: Waiting): void };

function startThread(done: (thread: Thread) => void, gone: () => void): Thread {
  const worker = new Worker(threadFile('debian/unpack-worker'));
  let current: Waiting | undefined;
  const fail = (error: unknown): void => {
    const failed = current;
    current = undefined;
    if (failed) gone();
    failed?.reject(error);
  };
  const thread: Thread = {
    take(waiting) {
      current = waiting;
      worker.ref();
      worker.postMessage(waiting.task);
    },
  };
  worker.on('message', (reply: UnpackReply) => {
    const ended = current;
    current = undefined;
    worker.unref();
    done(thread);
    ended?.resolve(reply);
  });
  worker.on('error', fail);
  worker.on('exit', (code) =>
    fail(new Error(`The thread that unpacked "${current?.task.file}" ended with ${code}`)),
  );
  return thread;
}

let busy = false;

/** In this thread, one at a time. */
async function unpackHere({ file, folder }: UnpackTask): Promise<Unpacked> {
  busy = true;
  try {
    return await unpackDeb(file, folder);
  } finally {
    busy = false;
  }
}

function unpackedOf(reply: UnpackReply): Unpacked {
  switch (reply.kind) {
    case 'unpacked':
      return {
        manifest: new SortedManifest(Buffer.from(reply.manifest)),
        records: reply.records,
        ids: reply.ids,
      };
    case 'dpkg':
      throw new NeedsDpkg(reply.reason);
    case 'failed':
      throw Object.assign(new Error(reply.message), reply.code === undefined ? {} : { code: reply.code });
    default:
      return reply satisfies never;
  }
}
