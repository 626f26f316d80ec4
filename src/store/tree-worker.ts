/** A thread that makes folders and links: what `TreeHelper` asks for. */
import { linkSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { parentOf, type TreePath } from './manifest.ts';
import { at, makeEntry } from './tree.ts';
import type { TreeReply, TreeTask } from './tree-helper.ts';

export type WorkerData = { readonly targets: readonly string[] };

const { targets } = workerData as WorkerData;
const failed = new Set<TreePath>();
const nothing = Buffer.alloc(0);

parentPort?.on('message', (tasks: readonly TreeTask[] | 'end') => {
  if (tasks !== 'end') for (const task of tasks) make(task);
  parentPort?.postMessage((tasks === 'end' ? failed : 'done') satisfies TreeReply);
});

/** What lies in a folder that could not be made as it should be is not begun. */
function make([path, what]: TreeTask): void {
  try {
    if (failed.has(parentOf(path))) throw new Error('no folder');
    for (const target of targets) {
      if (typeof what === 'string') linkSync(at(what, path), at(target, path));
      else makeEntry(what.entry, at(target, path), nothing, what.inherits);
    }
  } catch {
    failed.add(path);
  }
}
