/** A thread that checks layers: it is asked by their numbers, one after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { checkLayer, type LayerReport } from './check-layer.ts';
import { type Claims, claim } from './claims.ts';

export type WorkerData = { readonly layers: string; readonly deep: boolean; readonly claims: Claims };

const { layers, deep, claims } = workerData as WorkerData;

parentPort?.on('message', (n: number) => {
  const report: LayerReport = checkLayer(layers, n, {
    deep,
    claim: (entry, stat) => stat.nlink < 2 || claim(claims, stat.ino, entry.digest),
  });
  parentPort?.postMessage(report);
});
