import { linkSync, lstatSync, renameSync } from 'node:fs';
import { SnapError } from '../host/error.ts';
import { removeFile, removeIfPossible } from '../host/remove.ts';
import { readXattrs, removeXattr } from '../host/syscall.ts';
import type { Store } from './layers.ts';
import { type Entry, type File, isEqual, parentOf, type TreePath } from './manifest.ts';
import { at, copyFile, digestFile, makeEntry, removeTree, setMetadata, setTime } from './tree.ts';

/** Files that may hold what a damaged one should, for its place in a layer; the likeliest first. */
export type Sources = (n: number, entry: File) => Iterable<Buffer>;

/**
 * Makes one path of a layer's tree what its manifest says, and gives the same file to the layers that shared it. What it was is gone.
 * False: the content is nowhere to be found, and nothing was changed. Needs the store's lock, exclusive.
 */
export function mendPath(store: Store, n: number, path: TreePath, sources: Sources): boolean {
  const tree = store.treeOf(n);
  const entry = store.manifestOf(n).get(path);
  if (path !== '' && entry && lstatAt(tree, parentOf(path))?.isDirectory() !== true) return false;
  if (entry?.type === 'file') return mendFile(store, n, entry, sources);
  const parent = path === '' ? undefined : lstatAt(tree, parentOf(path));
  if (entry) mendOther(tree, entry);
  else mendUnlisted(store, n, path);
  if (parent) setTime(at(tree, parentOf(path)), parent.mtimeMs / 1000);
  return true;
}

/** What a layer says of a path; undefined where it says nothing, or nothing that can be read. */
export function entryAt(store: Store, n: number, path: TreePath): Entry | undefined {
  try {
    return store.manifestOf(n).get(path);
  } catch (error) {
    if (error instanceof SnapError) return undefined;
    throw error;
  }
}

function lstatAt(tree: string, path: TreePath) {
  return lstatSync(at(tree, path), { throwIfNoEntry: false });
}

/** All but files: nothing is needed but the entry. */
function mendOther(tree: string, entry: Entry): void {
  const file = at(tree, entry.path);
  const stat = lstatAt(tree, entry.path);
  if (entry.type === 'dir' && stat?.isDirectory()) {
    settle(entry, file);
    return;
  }
  removeTree(file);
  makeEntry(entry, file, file);
  if (entry.type === 'dir') setTime(file, entry.mtime);
}

/** What the manifest does not name: a folder that leads to something gets the look of the view, all else goes. */
function mendUnlisted(store: Store, n: number, path: TreePath): void {
  const file = at(store.treeOf(n), path);
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (!stat?.isDirectory() || !leadsToSomething(store, n, path)) {
    removeTree(file);
    return;
  }
  const like = store
    .noteOf(n)
    .view.toReversed()
    .map(([, below]) => (store.layerNumbered(below) ? entryAt(store, below, path) : undefined))
    .find((entry) => entry?.type === 'dir');
  if (like) settle({ ...like, mtime: stat.mtimeMs / 1000 }, file);
}

/** All of its metadata, and nothing of overlayfs. */
function settle(entry: Entry, file: Buffer): void {
  for (const [name] of readXattrs(file)) if (name.startsWith('trusted.overlay.')) removeXattr(file, name);
  setMetadata(entry, file);
}

function leadsToSomething(store: Store, n: number, path: TreePath): boolean {
  const prefix = path === '' ? '' : `${path}/`;
  for (const entry of store.manifestOf(n).values()) if (entry.path.startsWith(prefix)) return true;
  return false;
}

function mendFile(store: Store, n: number, entry: File, sources: Sources): boolean {
  const tree = store.treeOf(n);
  const file = at(tree, entry.path);
  const first = entry.link === undefined ? undefined : at(tree, entry.link);
  if (first) {
    if (!holds(first, entry)) return false;
    replace(tree, entry.path, (beside) => linkSync(first, beside));
    return true;
  }
  const stat = lstatSync(file, { throwIfNoEntry: false });
  const isOwn = stat?.isFile() && isAlone(store, n, entry, stat.ino);
  if (isOwn && holds(file, entry)) {
    settle(entry, file);
    return true;
  }
  const from = [...(stat?.isFile() ? [file] : []), ...sources(n, entry)].find((one) => holds(one, entry));
  if (!from) return false;
  const sharing = stat?.isFile() ? othersWith(store, n, entry, stat.ino) : [];
  replace(tree, entry.path, (beside) => {
    copyFile(from, beside);
    setMetadata(entry, beside);
  });
  for (const [other, path] of sharing) replace(other, path, (beside) => linkSync(file, beside));
  return true;
}

/** Whether a regular file has the content. */
export function holds(file: Buffer, entry: File): boolean {
  const stat = lstatSync(file, { throwIfNoEntry: false, bigint: true });
  if (!stat?.isFile() || stat.size !== BigInt(entry.size)) return false;
  try {
    return digestFile(file, stat.size) === entry.digest;
  } catch {
    return false; // cannot be read
  }
}

/** False where the same layer has another path with the same inode that should have its own. */
function isAlone(store: Store, n: number, entry: File, ino: number): boolean {
  for (const other of store.manifestOf(n).values()) {
    if (other.type !== 'file' || other.path === entry.path || other.link === entry.path) continue;
    if (other.size === entry.size && lstatAt(store.treeOf(n), other.path)?.ino === ino) return false;
  }
  return true;
}

/** The names of the damaged file that should be the same: hard links of the layer, and what other layers share. */
function othersWith(store: Store, n: number, entry: File, ino: number): [tree: string, path: TreePath][] {
  const tree = store.treeOf(n);
  const links = [...store.manifestOf(n).values()].flatMap((other): [string, TreePath][] =>
    other.type === 'file' && other.link === entry.path && lstatAt(tree, other.path)?.ino === ino
      ? [[tree, other.path]]
      : [],
  );
  const layers = store.holdersOf(entry.path).flatMap((other): [string, TreePath][] => {
    if (other === n || !store.layerNumbered(other)) return [];
    const same = entryAt(store, other, entry.path);
    const isSame = same && isEqual(same, entry);
    return isSame && lstatAt(store.treeOf(other), entry.path)?.ino === ino
      ? [[store.treeOf(other), entry.path]]
      : [];
  });
  return [...links, ...layers];
}

/** Puts something new at a path in one step; the folder keeps its time. */
function replace(tree: string, path: TreePath, make: (beside: Buffer) => void): void {
  const file = at(tree, path);
  const beside = at(tree, `${parentOf(path)}${parentOf(path) === '' ? '' : '/'}.snap-mended`);
  const folder = at(tree, parentOf(path));
  const { mtimeMs } = lstatSync(folder);
  removeFile(beside);
  try {
    make(beside);
    if (lstatSync(file, { throwIfNoEntry: false })?.isDirectory()) removeTree(file);
    renameSync(beside, file);
  } catch (error) {
    removeIfPossible(() => removeFile(beside));
    throw error;
  }
  setTime(folder, mtimeMs / 1000);
}
