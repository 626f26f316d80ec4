import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { threadFile } from '../host/own.ts';
import { checkLayer, type LayerReport } from './check-layer.ts';
import { makeClaims } from './claims.ts';
import type { WorkerData } from './layer-worker.ts';

export type ChecksOptions = {
  readonly deep: boolean;
  /** How many paths all the layers have, at most. */
  readonly paths: number;
  readonly signal: AbortSignal;
};

/** Fewer paths than this are looked at before a thread has started. */
const FEW = 2000;

/** Checks these layers on all processors, and gives each report to `take` as it comes. Needs the store's lock, shared. */
export async function checkLayers(
  layers: string,
  numbers: readonly number[],
  { deep, paths, signal }: ChecksOptions,
  take: (report: LayerReport) => void,
): Promise<void> {
  signal.throwIfAborted();
  if (paths < FEW) {
    for (const n of numbers) take(checkLayer(layers, n, { deep }));
    return;
  }
  const data: WorkerData = { layers, deep, claims: makeClaims(deep ? paths : 0) };
  const queue = numbers.values();
  const count = Math.min(availableParallelism(), numbers.length);
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  try {
    await Promise.all(Array.from({ length: count }, () => work(data, queue, either, take)));
  } finally {
    stop.abort();
  }
}

/** One thread's life: it ends when the queue is empty, or somebody stops it. */
async function work(
  workerData: WorkerData,
  queue: Iterator<number>,
  signal: AbortSignal,
  take: (report: LayerReport) => void,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const worker = new Worker(threadFile('store/layer-worker'), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: 512 },
  });
  const stop = (): void => reject(signal.reason);
  const ask = (): void => {
    const { value, done } = queue.next();
    if (done) resolve();
    else worker.postMessage(value);
  };
  worker.on('message', (report: LayerReport) => {
    take(report);
    ask();
  });
  worker.on('error', reject);
  signal.addEventListener('abort', stop, { once: true });
  try {
    ask();
    await promise;
  } finally {
    signal.removeEventListener('abort', stop);
    await worker.terminate();
  }
}
