import {
  type BigIntStats,
  chmodSync,
  lchownSync,
  lstatSync,
  readFileSync,
  renameSync,
  rmdirSync,
} from 'node:fs';
import { fateOf } from '../debian/fate.ts';
import { parseRecords, type Records } from '../debian/records.ts';
import type { Span } from '../host/clock.ts';
import { errno } from '../host/error.ts';
import { readXattrs, removeXattr, writeXattr } from '../host/syscall.ts';
import { writeFile } from '../host/write.ts';
import type { RecordChange, RecordPatches } from '../store/layers.ts';
import {
  type Entry,
  identity,
  type Manifest,
  parentOf,
  startManifest,
  type TreePath,
} from '../store/manifest.ts';
import { SortedManifest } from '../store/sorted-manifest.ts';
import { at, makeEntry, readEntry, removeTree, setMetadata, setTime, walk, whiteout } from '../store/tree.ts';
import { newNames } from './ids.ts';
import { encodeFileItself, FILE_ITSELF, type RecordFile, type View } from './view.ts';

export type CaptureOptions = {
  /** SOURCE_DATE_EPOCH. */
  readonly epoch: number;
  /** How the clock stood during the run: a time in between is the run's own. */
  readonly ran: Span;
  /** Whether the layer keeps the linker's cache: one of settle's, and the base. */
  readonly settling: boolean;
  readonly uids: ReadonlyMap<number, number>;
  readonly gids: ReadonlyMap<number, number>;
  /**
   * What is known of a path that the run did not touch: something of another layer, where the view has nothing. It may be the other
   * layer's own inode, and is not to be changed in place.
   */
  readonly brought?: (path: TreePath) => Entry | undefined;
  /** The view's database files with what debs brought beside the run, which counts where the run did not write such a file itself. */
  readonly given?: ReadonlyMap<string, RecordFile>;
};

export type Captured = { readonly manifest: Manifest; readonly records: RecordPatches };

type Folder = { readonly path: TreePath; readonly isChanged: boolean };

type Names = { readonly uids: Map<string, number>; readonly gids: Map<string, number> };

/** The users and groups that a run created, with the ids that it gave them. */
export function createdNames(upper: string, view: View): Names {
  const created = (path: string): Map<string, number> => {
    const text = readIfThere(upper, path);
    return text === undefined ? new Map() : newNames(recordsOf(view, path), parseRecords(path, text));
  };
  return { uids: created('etc/passwd'), gids: created('etc/group') };
}

function recordsOf(view: View, path: string): Records {
  return view.records.get(path)?.records ?? new Map();
}

/** The content of a regular file of a tree; a symlink on the way, which would lead to the host, counts as nothing there. */
function readIfThere(root: string, path: string): string | undefined {
  const parts = path.split('/');
  for (let depth = 1; depth <= parts.length; depth++) {
    const stat = lstatSync(at(root, parts.slice(0, depth).join('/')), { throwIfNoEntry: false });
    if (!(depth < parts.length ? stat?.isDirectory() : stat?.isFile())) return undefined;
  }
  return readFileSync(at(root, path), 'latin1');
}

/**
 * Turns what a run left in the upper folder of its overlay into a layer, in place: what equals the view, traces of the build and
 * record files go; ids, times and overlayfs's own attributes are settled. Afterwards the folder holds the layer's tree, with
 * whiteouts but no opaque folder, and folders that only lead to something in it look as the view has them.
 */
export function capture(upper: string, view: View, options: CaptureOptions): Captured {
  const manifest = startManifest();
  const records: Record<string, readonly RecordChange[]> = {};
  const links = new Map<bigint, TreePath>();
  const folders: Folder[] = [];
  /** Folders with something else than folders in them. */
  const filled = new Set<TreePath>();
  const opaque = new Set<TreePath>();
  /** Folders that the view does not have. */
  const fresh = new Set<TreePath>();
  for (const [path, file] of options.given ?? []) {
    const isOld = file === view.records.get(path);
    if (!isOld && !lstatSync(at(upper, path), { throwIfNoEntry: false }))
      records[path] = patchOf(path, file, view);
  }
  for (const path of goneRecords(upper, view)) records[path] = patchOf(path, undefined, view);
  for (const { path, stat: found } of walk(upper)) {
    const file = at(upper, path);
    const fate = fateOf(path, found.isFile(), Number(found.size), options.settling);
    const stat = fate === 'empty' ? emptied(file, found, options.epoch) : found;
    if (fate === 'drop') {
      removeTree(file);
      continue;
    }
    const isGone = isWhiteout(stat);
    if (fate === 'record' || (isGone && view.records.has(path))) {
      const patch = patchOf(path, isGone ? undefined : readRecordFile(upper, path, stat, options), view);
      if (patch.length > 0) records[path] = patch;
      removeTree(file);
      continue;
    }
    const brought = fate === 'keep' ? options.brought?.(path) : undefined;
    if (brought) {
      manifest.add(linked(brought, stat, links));
      filled.add(parentOf(path));
      continue;
    }
    const entry = settleEntry(upper, path, stat, links, options);
    const below = fresh.has(parentOf(path)) ? undefined : view.get(path);
    if (entry === undefined || (entry.type === 'whiteout' && below === undefined)) {
      removeTree(file);
    } else if (entry.type === 'dir') {
      const isChanged = below === undefined || identity(below) !== identity(entry);
      folders.push({ path, isChanged });
      if (below === undefined && path !== '') fresh.add(path);
      if (isChanged) manifest.add(entry);
      if (opaque.has(parentOf(path)) || isOpaque(file)) {
        if (path !== '') opaque.add(path);
        if (below?.type === 'dir') expandOpaque(upper, path, view);
      }
      stripOverlay(file);
    } else if (below !== undefined && identity(below) === identity(entry)) {
      removeTree(file);
    } else {
      manifest.add(entry);
      filled.add(parentOf(path));
    }
  }
  settleFolders(upper, folders, filled, options.epoch);
  return { manifest: new SortedManifest(manifest.end()), records: sortedRecords(records) };
}

function sortedRecords(records: RecordPatches): RecordPatches {
  return Object.fromEntries(Object.entries(records).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * The database files of the view that a run took away with a folder above them, or of which it made something else, such as a link.
 * What leads nowhere in the upper folder is as it was.
 */
function goneRecords(upper: string, view: View): string[] {
  return [...view.records.keys()].filter((path) => {
    const parts = path.split('/');
    let hidden = false;
    for (let depth = 1; depth <= parts.length; depth++) {
      const file = at(upper, parts.slice(0, depth).join('/'));
      const stat = lstatSync(file, { bigint: true, throwIfNoEntry: false });
      if (stat === undefined) return hidden;
      if (depth === parts.length) return !stat.isFile() && !isWhiteout(stat);
      if (!stat.isDirectory()) return true;
      hidden ||= isOpaque(file);
    }
    return false;
  });
}

function isWhiteout(stat: BigIntStats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0n;
}

/**
 * Puts an empty file in the place of one, whose inode may be another layer's. Its time is settled here: capture may come long after the run, when
 * it has waited for other layers' ids.
 */
function emptied(file: Buffer, { mode, uid, gid }: BigIntStats, epoch: number): BigIntStats {
  const beside = Buffer.concat([file, Buffer.from('.snap-own')]);
  writeFile(beside, '', { flag: 'wx' });
  lchownSync(beside, Number(uid), Number(gid));
  chmodSync(beside, Number(mode & 0o7777n));
  for (const [name, value] of readXattrs(file)) writeXattr(beside, name, value);
  setTime(beside, epoch);
  renameSync(beside, file);
  return lstatSync(file, { bigint: true });
}

/** Settles owner, time and attributes of one entry on disk, and returns it as it is then. Sockets have no entry. */
function settleEntry(
  upper: string,
  path: TreePath,
  stat: BigIntStats,
  links: Map<bigint, TreePath>,
  options: CaptureOptions,
): Entry | undefined {
  const mtime = stat.isDirectory() ? options.epoch : settledTime(stat, options);
  const found = readEntry(upper, path, stat, mtime, links);
  if (found === undefined || found.type === 'whiteout') return found;
  const uid = options.uids.get(found.uid) ?? found.uid;
  const gid = options.gids.get(found.gid) ?? found.gid;
  const entry = { ...found, uid, gid, xattrs: renumberAcls(found.xattrs, options) };
  const file = at(upper, path);
  if (entry.type === 'symlink') {
    if (stat.nlink > 1n) separate(entry, file);
    else if (uid !== found.uid || gid !== found.gid) lchownSync(file, uid, gid);
  } else if (uid !== found.uid || gid !== found.gid || entry.xattrs !== found.xattrs) {
    setMetadata(entry, file);
  }
  if (entry.type !== 'dir') {
    if (entry.type !== 'symlink') stripOverlay(file);
    if (stat.mtimeNs !== BigInt(mtime) * 1_000_000_000n) setTime(file, mtime);
  }
  return entry;
}

/** An entry as one of the hard links that it is found to be. */
function linked(entry: Entry, { nlink, ino }: BigIntStats, links: Map<bigint, TreePath>): Entry {
  if (entry.type !== 'file') return entry;
  const link = nlink > 1n ? links.get(ino) : undefined;
  if (nlink > 1n && link === undefined) links.set(ino, entry.path);
  return { ...entry, link };
}

/** A symlink that is a hard link to another one becomes one of its own: a manifest says of files alone what they are linked to. */
function separate(entry: Entry, file: Buffer): void {
  removeTree(file);
  makeEntry(entry, file, Buffer.alloc(0));
}

function settledTime(stat: BigIntStats, { ran, epoch }: CaptureOptions): number {
  const seconds = Number(stat.mtimeNs / 1_000_000_000n);
  return seconds >= ran.from && seconds <= ran.to ? epoch : seconds;
}

const ACL_USER = 2;
const ACL_GROUP = 8;

/** POSIX ACLs hold ids as well: a 4-byte header, then entries of tag, permissions and id (acl(5), linux/posix_acl_xattr.h). */
function renumberAcls(xattrs: string, { uids, gids }: CaptureOptions): string {
  if (!xattrs.includes('system.posix_acl_') || (uids.size === 0 && gids.size === 0)) return xattrs;
  return xattrs
    .split(',')
    .map((pair) => {
      const [name = '', value = ''] = pair.split('=');
      if (!name.startsWith('system.posix_acl_')) return pair;
      const acl = Buffer.from(value, 'hex');
      for (let offset = 4; offset + 8 <= acl.length; offset += 8) {
        const tag = acl.readUInt16LE(offset);
        const id = acl.readUInt32LE(offset + 4);
        const moves = tag === ACL_USER ? uids : tag === ACL_GROUP ? gids : undefined;
        acl.writeUInt32LE(moves?.get(id) ?? id, offset + 4);
      }
      return `${name}=${acl.toString('hex')}`;
    })
    .join(',');
}

export function isOpaque(folder: Buffer): boolean {
  return readXattrs(folder).some(
    ([name, value]) => name === 'trusted.overlay.opaque' && value.toString() === 'y',
  );
}

function stripOverlay(file: Buffer): void {
  for (const [name] of readXattrs(file)) if (name.startsWith('trusted.overlay.')) removeXattr(file, name);
}

/**
 * An opaque folder hides all that lies beneath it, and so do the folders in it: said by a whiteout for each name that is not there
 * any more. The walk meets them next.
 */
function expandOpaque(upper: string, folder: TreePath, view: View): void {
  const prefix = `${folder}/`;
  const names = view.namesIn(folder);
  for (const name of names) {
    const path = `${prefix}${name}` as TreePath;
    if (lstatSync(at(upper, path), { throwIfNoEntry: false })) continue;
    makeEntry(whiteout(path), at(upper, path), Buffer.alloc(0));
  }
}

/** Folders that hold nothing of the layer go; the others get their time, children first. `filled` has those in which something else than a folder stayed. */
function settleFolders(
  upper: string,
  folders: readonly Folder[],
  filled: Set<TreePath>,
  epoch: number,
): void {
  for (const { path, isChanged } of folders.toReversed()) {
    const folder = at(upper, path);
    if (path !== '' && !isChanged && !filled.has(path) && removeIfEmpty(folder)) continue;
    filled.add(parentOf(path));
    setTime(folder, epoch);
  }
}

function removeIfEmpty(folder: Buffer): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    if (errno(error) === 'ENOTEMPTY') return false;
    throw error;
  }
}

function readRecordFile(
  upper: string,
  path: TreePath,
  stat: BigIntStats,
  options: CaptureOptions,
): RecordFile {
  const records = parseRecords(path, readFileSync(at(upper, path), 'latin1'));
  for (const [key, value] of records) records.set(key, settleRecord(path, value, options));
  return {
    mode: Number(stat.mode & 0o7777n),
    uid: options.uids.get(Number(stat.uid)) ?? Number(stat.uid),
    gid: options.gids.get(Number(stat.gid)) ?? Number(stat.gid),
    records,
  };
}

/** A record with the ids of the ledger, and without the day of the build. */
function settleRecord(path: string, value: string, { uids, gids, epoch }: CaptureOptions): string {
  const fields = value.split(':');
  const renumber = (index: number, moves: ReadonlyMap<number, number>): void => {
    const to = moves.get(Number(fields[index]));
    if (to !== undefined) fields[index] = String(to);
  };
  if (path === 'etc/passwd') {
    renumber(2, uids);
    renumber(3, gids);
  } else if (path === 'etc/group' && fields.length > 1) {
    renumber(2, gids);
  } else if (path === 'etc/shadow') {
    const today = Math.floor(epoch / 86_400);
    if (Number(fields[2]) > today) fields[2] = String(today);
  } else {
    return value;
  }
  return fields.join(':');
}

/** The changes from the view's file to the layer's; undefined: the layer removed the file. */
function patchOf(path: string, file: RecordFile | undefined, view: View): RecordChange[] {
  const before = view.records.get(path);
  const old = withItself(before);
  const now = withItself(file);
  const changes: RecordChange[] = [];
  for (const [key, value] of now) if (old.get(key) !== value) changes.push([key, value]);
  for (const key of old.keys()) if (!now.has(key)) changes.push([key, null]);
  return changes;
}

function withItself(file: RecordFile | undefined): Records {
  return file ? new Map([[FILE_ITSELF, encodeFileItself(file)], ...file.records]) : new Map();
}
