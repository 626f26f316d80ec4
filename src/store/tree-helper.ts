import { Worker } from 'node:worker_threads';
import { threadFile } from '../host/own.ts';
import type { Dir, TreePath } from './manifest.ts';
import type { WorkerData } from './tree-worker.ts';

/** A folder to make, and whether the one that it lies in may hand an ACL down to it; or the tree from which the file of that path is to be linked. */
export type TreeTask = readonly [
  path: TreePath,
  what: string | { readonly entry: Dir; readonly inherits: boolean },
];

/** A thread that makes folders and links in some folders, all alike. */
export type TreeHelper = AsyncDisposable & {
  /** The folder in which it lies must be there, or be one that was given before. Who is given something to wait for has given a lot. */
  give(...task: TreeTask): Promise<unknown> | undefined;
  /** Waits for all that was given, and tells what of it could not be made, or not as it should be: who gave it makes it then, and learns why. */
  end(): Promise<ReadonlySet<TreePath>>;
};

/** Tasks that are handed over at once: a message costs as much as some of them. */
const BATCH = 256;
/** Batches that may wait: those of an image of half a million paths would take 200 MiB. */
const CROWD = 32;

/** What the thread answers: that a batch is done, or in the end what could not be made. */
export type TreeReply = 'done' | ReadonlySet<TreePath>;

export function startTreeHelper(targets: readonly string[]): TreeHelper {
  const workerData: WorkerData = { targets };
  const worker = new Worker(threadFile('store/tree-worker'), { workerData });
  const ended = Promise.withResolvers<ReadonlySet<TreePath>>();
  ended.promise.catch(() => undefined); // until somebody waits for it
  let waiting = 0;
  let room = Promise.withResolvers<void>();
  worker.on('message', (reply: TreeReply) => {
    if (reply !== 'done') return ended.resolve(reply);
    waiting--;
    room.resolve();
    room = Promise.withResolvers();
  });
  worker.once('error', ended.reject);
  worker.once('exit', () =>
    ended.reject(new Error('The thread that made folders and links ended before they were made')),
  );
  let batch: TreeTask[] = [];
  const handOver = (): void => {
    worker.postMessage(batch);
    waiting++;
    batch = [];
  };
  return {
    give(...task) {
      if (batch.push(task) < BATCH) return undefined;
      handOver();
      return waiting < CROWD ? undefined : Promise.race([room.promise, ended.promise]);
    },
    end() {
      handOver();
      worker.postMessage('end');
      return ended.promise;
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}
