import type { Look } from '../host/fuse.ts';
import type { Store } from '../store/layers.ts';
import { parentOf, type TreePath } from '../store/manifest.ts';
import type { View } from './view.ts';

/** Folders of a view, in byte order, and how they and all above them look. */
export type WatchedFolders = {
  readonly watched: readonly string[];
  readonly ways: ReadonlyMap<string, Look>;
};

/**
 * The folders in which the runs of a view's layers left something, debs and the base apart: that is what a person edits. It is told from
 * what debs brought by its time, which is SOURCE_DATE_EPOCH. Folders with attributes are left out, and what lies in them: FUSE would have to show those.
 */
export function watchedFolders(store: Store, view: View, epoch: number): WatchedFolders {
  const ways = new Map<string, Look>();
  const watched = new Set<string>();
  const add = (path: TreePath): boolean => {
    if (ways.has(path)) return true;
    const entry = view.get(path);
    if (entry?.type !== 'dir' || entry.xattrs !== '') return false;
    if (path !== '' && !add(parentOf(path))) return false;
    ways.set(path, { mode: entry.mode, uid: entry.uid, gid: entry.gid, mtime: entry.mtime });
    return true;
  };
  for (const { row } of view.layers.slice(1))
    for (const path of filledFolders(store, row.n, epoch)) if (add(path)) watched.add(path);
  return { watched: [...watched].sort(), ways };
}

const known = new WeakMap<Store, Map<number, ReadonlySet<TreePath>>>();

/** All layers that see one ask. */
function filledFolders(store: Store, n: number, epoch: number): ReadonlySet<TreePath> {
  const folders = known.get(store) ?? new Map<number, ReadonlySet<TreePath>>();
  known.set(store, folders);
  const there = folders.get(n);
  if (there) return there;
  const filled = new Set<TreePath>();
  for (const { type, path, mtime } of store.manifestOf(n).values())
    if (type !== 'dir' && mtime === epoch && isWorthWatching(path)) filled.add(parentOf(path));
  folders.set(n, filled);
  return filled;
}

/** What dpkg and Python note for themselves nobody edits. */
function isWorthWatching(path: string): boolean {
  return !path.startsWith('var/lib/dpkg/') && !path.includes('/__pycache__/');
}
