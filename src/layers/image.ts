import {
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, matchesGlob } from 'node:path';
import { errno, SnapError } from '../host/error.ts';
import { syncFilesystem } from '../host/syscall.ts';
import { type Digest, digestOf } from '../store/digest.ts';
import type { Store } from '../store/layers.ts';
import { syncFolder } from '../store/layout.ts';
import {
  decodeManifest,
  type Entry,
  encodeManifest,
  identity,
  type Manifest,
  parentOf,
  sorted,
  type TreePath,
} from '../store/manifest.ts';
import { at, linkEntry, makeEntry, removeTree, setMetadata, setTime } from '../store/tree.ts';
import { recordBytes, type View } from './view.ts';

/** What an image holds: a manifest, and where the content of each file comes from. */
export type ImagePlan = {
  readonly manifest: Map<TreePath, Entry>;
  readonly digest: Digest;
  /** Bytes of all regular files, hard links counted once. */
  readonly bytes: number;
  /** The file of a layer that an entry is made from. */
  readonly sourceOf: (path: TreePath) => Buffer;
  /** Content of the database files, which lie in no layer. */
  readonly records: ReadonlyMap<string, Buffer>;
};

/** The manifest of a view as an image: record files written out, and what `excludes` name left out. */
export function planImage(store: Store, view: View, excludes: readonly string[], epoch: number): ImagePlan {
  const isExcluded = excluder(excludes);
  const layerOf = new Map<TreePath, number>();
  const entries: Entry[] = [];
  for (const { entry, layer } of view.entries()) {
    if (isExcluded(entry.path)) continue;
    layerOf.set(entry.path, layer);
    entries.push(entry);
  }
  const records = new Map<string, Buffer>();
  for (const [path, file] of view.records) {
    if (isExcluded(path as TreePath)) continue;
    const content = recordBytes(path, file);
    records.set(path, content);
    const { mode, uid, gid } = file;
    const metadata = { path: path as TreePath, mode, uid, gid, mtime: epoch, xattrs: '' };
    entries.push({
      ...metadata,
      type: 'file',
      size: content.length,
      digest: digestOf(content),
      link: undefined,
    });
  }
  const ordered = regroupLinks(sorted(entries), layerOf);
  const manifest = new Map(ordered.map((entry) => [entry.path, entry]));
  requireFolders(manifest);
  let bytes = 0;
  for (const entry of ordered) if (entry.type === 'file' && entry.link === undefined) bytes += entry.size;
  return {
    manifest,
    digest: digestOf(encodeManifest(ordered)),
    bytes,
    records,
    sourceOf: (path) => at(store.treeOf(view.layers[layerOf.get(path) ?? 0]!.row.n), path),
  };
}

/** Nothing lies below what is no folder: below a link it would be written to wherever on the host that leads. */
function requireFolders(manifest: Manifest): void {
  for (const { path } of manifest.values()) {
    if (path !== '' && manifest.get(parentOf(path))?.type !== 'dir') {
      throw new Error(`The image has "${path}" but no folder for it`);
    }
  }
}

/** Hard links of which a member came from another layer, or was left out, are grouped anew. */
function regroupLinks(entries: readonly Entry[], layerOf: ReadonlyMap<TreePath, number>): Entry[] {
  const first = new Map<string, TreePath>();
  return entries.map((entry) => {
    if (entry.type !== 'file') return entry;
    const group = `${layerOf.get(entry.path)} ${entry.link ?? entry.path}`;
    const link = first.get(group);
    if (link === undefined) first.set(group, entry.path);
    return link === entry.link ? entry : { ...entry, link };
  });
}

/** Globs as `exclude_path` takes them; what lies below a path that is left out is left out too. */
function excluder(globs: readonly string[]): (path: TreePath) => boolean {
  const patterns = globs
    .map((glob) => Buffer.from(glob).toString('latin1'))
    .map((glob) => glob.replace(/^\/+/, '').replace(/\/+$/, ''));
  const known = new Map<string, boolean>();
  const isExcluded = (path: TreePath): boolean => {
    if (path === '') return false;
    const before = known.get(path);
    if (before !== undefined) return before;
    const result =
      isExcluded(parentOf(path)) ||
      patterns.some((pattern) => path === pattern || matchesGlob(path, pattern));
    known.set(path, result);
    return result;
  };
  return patterns.length === 0 ? () => false : isExcluded;
}

/**
 * Files that people edit in place, or that programs write: never linked, so that such an edit cannot reach the store. Of hard links
 * all are, if one is. Each is named by the first path of its links.
 */
function copiedFiles(manifest: Manifest): Set<TreePath> {
  const copied = new Set<TreePath>();
  for (const entry of manifest.values()) {
    if (entry.type === 'file' && (entry.size === 0 || /^(etc|var)\//.test(entry.path))) {
      copied.add(entry.link ?? entry.path);
    }
  }
  return copied;
}

function firstLink(entry: Entry): TreePath {
  return entry.type === 'file' && entry.link !== undefined ? entry.link : entry.path;
}

/**
 * Makes the folder equal to the plan, `before` being the manifest that it equals now; only the paths that differ are touched.
 * @throws the system's error when the folder is not what `before` says; then it has to be made from nothing.
 */
export function applyPlan(folder: string, before: Manifest, plan: ImagePlan): void {
  const touched = new Set<string>();
  const real = new Set<string>(['']);
  const [copiedBefore, copied] = [copiedFiles(before), copiedFiles(plan.manifest)];
  const isKept = (old: Entry, now: Entry): boolean =>
    isEqual(old, now) && copiedBefore.has(firstLink(old)) === copied.has(firstLink(now));
  for (const old of [...before.values()].reverse()) {
    const now = plan.manifest.get(old.path);
    if (now && (isKept(old, now) || (old.type === 'dir' && now.type === 'dir'))) continue;
    requireRealFolder(folder, parentOf(old.path), real);
    removeTree(at(folder, old.path));
    touched.add(parentOf(old.path));
  }
  const folders: Entry[] = [];
  for (const entry of plan.manifest.values()) {
    const old = before.get(entry.path);
    if (entry.type === 'dir') folders.push(entry);
    if (old && isKept(old, entry)) continue;
    const file = at(folder, entry.path);
    requireRealFolder(
      folder,
      old?.type === 'dir' && entry.type === 'dir' ? entry.path : parentOf(entry.path),
      real,
    );
    if (old?.type === 'dir' && entry.type === 'dir') setMetadata(entry, file);
    else make(folder, entry, file, plan, copied.has(entry.path));
    if (entry.type === 'dir') real.add(entry.path);
    touched.add(entry.path).add(parentOf(entry.path));
  }
  for (const entry of folders.reverse())
    if (touched.has(entry.path)) setTime(at(folder, entry.path), entry.mtime);
}

/**
 * Somebody may have worked in the image since: where a folder has become a link, nothing is to be removed or made through it.
 * `real` holds the folders that are known to be folders.
 */
function requireRealFolder(root: string, path: TreePath, real: Set<string>): void {
  if (real.has(path)) return;
  requireRealFolder(root, parentOf(path), real);
  if (!lstatSync(at(root, path)).isDirectory()) {
    throw Object.assign(new Error(`ENOTDIR: "${path}" is no folder`), { code: 'ENOTDIR' });
  }
  real.add(path);
}

function isEqual(a: Entry, b: Entry): boolean {
  return a.mtime === b.mtime && identity(a) === identity(b);
}

function make(folder: string, entry: Entry, file: Buffer, plan: ImagePlan, isCopied: boolean): void {
  const record = plan.records.get(entry.path);
  if (record) {
    writeFileSync(file, record, { flag: 'wx' });
    setMetadata(entry, file);
  } else if (entry.type === 'file' && entry.link !== undefined) {
    linkSync(at(folder, entry.link), file);
  } else if (entry.type === 'file' && !isCopied) {
    linkEntry(entry, file, plan.sourceOf(entry.path));
  } else {
    makeEntry(entry, file, plan.sourceOf(entry.path));
  }
}

/** Where a conf's image lies: a link to one of two slots, of which the other one is changed and then takes its place. */
export type Slots = { readonly link: string; readonly slots: readonly [string, string] };

export function slotsOf(images: string, name: string): Slots {
  return { link: join(images, name), slots: [join(images, `.${name}.a`), join(images, `.${name}.b`)] };
}

/**
 * Brings a conf's image to the plan and returns its path. Whoever reads through the link sees the old image or the new one, whole;
 * on success the new one is on the disk. The caller holds the conf's image for itself.
 */
export function settleImage(slots: Slots, plan: ImagePlan): string {
  const current = currentSlot(slots);
  if (current !== undefined && readManifestBytes(current)?.equals(encodePlan(plan))) return slots.link;
  const target = current === slots.slots[0] ? slots.slots[1] : slots.slots[0];
  updateFolder(target, manifestFile(target), plan);
  const beside = `${slots.link}.new`;
  rmSync(beside, { force: true });
  symlinkSync(basename(target), beside);
  renameSync(beside, slots.link);
  syncFolder(dirname(slots.link));
  return slots.link;
}

/** Makes a folder of the caller's equal to the plan; `manifest` is where its manifest is kept between builds. */
export function updateFolder(folder: string, manifest: string, plan: ImagePlan): void {
  const before = existsSync(folder) ? readManifest(manifest) : undefined;
  rmSync(manifest, { force: true });
  if (before === undefined || !applied(folder, before, plan)) {
    removeTree(Buffer.from(folder));
    applyPlan(folder, new Map(), plan);
  }
  const fd = openSync(folder, 'r');
  try {
    syncFilesystem(fd);
  } finally {
    closeSync(fd);
  }
  writeFileSync(`${manifest}.new`, encodePlan(plan), { mode: 0o600 });
  renameSync(`${manifest}.new`, manifest);
}

/** False when the folder turned out not to be what its manifest says: somebody changed it by hand. */
function applied(folder: string, before: Manifest, plan: ImagePlan): boolean {
  try {
    applyPlan(folder, before, plan);
    return true;
  } catch (error) {
    if (['ENOENT', 'EEXIST', 'ENOTDIR', 'ENOTEMPTY', 'EISDIR'].includes(errno(error) ?? '')) return false;
    throw error;
  }
}

function encodePlan(plan: ImagePlan): Buffer {
  return encodeManifest(plan.manifest.values());
}

export function manifestFile(slot: string): string {
  return `${slot}.manifest`;
}

/** The slot that the link shows; undefined when there is no image yet. */
export function currentSlot({ link, slots }: Slots): string | undefined {
  const stat = lstatSync(link, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (!stat.isSymbolicLink()) {
    throw new SnapError('STORE', `Cannot put the image at "${link}": something else lies there`, {
      hint: 'move it away',
    });
  }
  const slot = join(dirname(link), readlinkSync(link));
  return slots.includes(slot) && existsSync(slot) ? slot : undefined;
}

function readManifestBytes(slot: string): Buffer | undefined {
  return readIfThere(manifestFile(slot));
}

function readManifest(file: string): Manifest | undefined {
  const bytes = readIfThere(file);
  return bytes && decodeManifest(bytes);
}

function readIfThere(file: string): Buffer | undefined {
  return existsSync(file) ? readFileSync(file) : undefined;
}
