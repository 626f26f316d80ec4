import {
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { diskFailure, errno, naming } from '../host/error.ts';
import { randomName } from '../host/random.ts';
import {
  makeNode,
  nextData,
  nextHole,
  readXattrs,
  removeXattr,
  splitDevice,
  writeXattr,
} from '../host/syscall.ts';
import { type Digest, digestOf, startDigest } from './digest.ts';
import type { Entry, File, TreePath } from './manifest.ts';

/** A path under a folder of the host as bytes; `root` is a path of the host, `path` one of a tree. */
export function at(root: string, path: string): Buffer {
  return path === ''
    ? Buffer.from(root)
    : Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')]);
}

export type Found = { readonly path: TreePath; readonly stat: BigIntStats };

/**
/**
 * Everything below `root` and `root` itself, in byte order of the paths, so parents first. Nothing is opened or followed. What the
 * caller removes or adds in a folder while it looks at that folder is left out or met. A folder is looked into where `enters` says so.
 */
export function* walk(
  root: string,
  skip: (path: TreePath) => boolean = () => false,
  enters: (folder: Found) => boolean = () => true,
): Generator<Found> {
  /** The next one is the last. */
  const pending: TreePath[] = ['' as TreePath];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const stat = lstatSync(at(root, path), { bigint: true });
    yield { path, stat };
    if (!stat.isDirectory() || !enters({ path, stat })) continue;
    const start = path === '' ? '' : `${path}/`;
    /** `a-` comes after `a`, but before `a/b`. */
    const before: TreePath[] = [];
    while (pending.length > 0 && pending.at(-1)! < start) before.push(pending.pop()!);
    for (const name of namesIn(at(root, path)).sort().reverse()) {
      const child = `${start}${name}` as TreePath;
      if (!skip(child)) pending.push(child);
    }
    for (const sibling of before.reverse()) pending.push(sibling);
  }
}

function namesIn(folder: Buffer): string[] {
  try {
    return readdirSync(folder, { encoding: 'latin1' });
  } catch (error) {
    if (errno(error) === 'ENOENT') return [];
    throw error;
  }
}

const chunk = Buffer.alloc(1 << 20);
const zeros = Buffer.alloc(1 << 20);

/** The digest of a regular file's content; a larger one is read in parts. A symlink in its place is refused. */
export function digestFile(file: Buffer, size: bigint): Digest {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const whole = size < chunk.length ? wholeOf(fd) : undefined;
    if (whole) return digestOf(whole);
    const digest = startDigest();
    for (const part of contentOf(fd, Number(size))) digest.update(part ?? zeros);
    return digest.end();
  } catch (error) {
    throw diskFailure(error, file.toString()) ?? error;
  } finally {
    closeSync(fd);
  }
}

/** What a file holds, until something else is read: undefined where it is longer than a chunk. */
function wholeOf(fd: number): Buffer | undefined {
  for (let length = 0; length < chunk.length; ) {
    const more = readSync(fd, chunk, length, chunk.length - length, length);
    if (more === 0) return chunk.subarray(0, length);
    length += more;
  }
  return undefined;
}

/** The content of a file in parts, each of which the next one overwrites. A hole of a chunk's length is not read: undefined. */
function* contentOf(fd: number, size: number): Generator<Buffer | undefined> {
  let data = nextData(fd, 0) ?? size;
  for (let position = 0; ; ) {
    if (data - position >= zeros.length) {
      yield undefined;
      position += zeros.length;
      continue;
    }
    const length = readSync(fd, chunk, 0, chunk.length, position);
    if (length === 0) return;
    yield chunk.subarray(0, length);
    position += length;
    if (position > data) data = nextData(fd, position) ?? size;
  }
}

/** The extended attributes of a path in the canonical form of a manifest, without overlayfs's own. */
export function xattrsOf(file: Buffer): string {
  return readXattrs(file)
    .filter(([name]) => !name.startsWith('trusted.overlay.'))
    .map(([name, value]) => `${encodeURIComponent(name)}=${value.toString('hex')}`)
    .join(',');
}

export function decodeXattrs(xattrs: string): [name: string, value: Buffer][] {
  if (xattrs === '') return [];
  return xattrs.split(',').map((pair) => {
    const [name = '', value = ''] = pair.split('=');
    return [decodeURIComponent(name), Buffer.from(value, 'hex')];
  });
}

export type ScanOptions = {
  /** mtime in whole seconds of an entry that is found with the given stat. */
  readonly mtime: (stat: BigIntStats) => number;
  readonly skip?: (path: TreePath) => boolean;
};

/** The entries of a tree on disk, content hashed. Sockets are left out: no archive holds them. */
export function scanTree(root: string, options: ScanOptions): Map<TreePath, Entry> {
  const entries = new Map<TreePath, Entry>();
  const links = new Map<bigint, TreePath>();
  for (const { path, stat } of walk(root, options.skip)) {
    const entry = readEntry(root, path, stat, options.mtime(stat), links);
    if (entry) entries.set(path, entry);
  }
  return entries;
}

/**
 * `links` holds the first path of every inode with several links that was met in this tree. `digest` gives that of a file, where it is not to be
 * read.
 */
export function readEntry(
  root: string,
  path: TreePath,
  stat: BigIntStats,
  mtime: number,
  links: Map<bigint, TreePath>,
  digest = digestFile,
): Entry | undefined {
  const file = at(root, path);
  const isLink = stat.isSymbolicLink();
  const common = {
    path,
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtime,
    xattrs: isLink ? '' : xattrsOf(file),
  };
  if (stat.isFile()) {
    const first = stat.nlink > 1n ? links.get(stat.ino) : undefined;
    if (stat.nlink > 1n && first === undefined) links.set(stat.ino, path);
    const size = Number(stat.size);
    return { ...common, type: 'file', size, digest: digest(file, stat.size), link: first };
  }
  if (stat.isDirectory()) return { ...common, type: 'dir' };
  if (isLink) {
    return { ...common, type: 'symlink', target: readlinkSync(file, { encoding: 'latin1' }) };
  }
  if (stat.isFIFO()) return { ...common, type: 'fifo' };
  if (!stat.isCharacterDevice() && !stat.isBlockDevice()) return undefined;
  const device = splitDevice(stat.rdev);
  if (stat.isCharacterDevice() && stat.rdev === 0n) return whiteout(path);
  return { ...common, type: stat.isCharacterDevice() ? 'char' : 'block', ...device };
}

export function whiteout(path: TreePath): Entry {
  return { path, type: 'whiteout', mode: 0, uid: 0, gid: 0, mtime: 0, xattrs: '' };
}

/** Paths that are longer are brought near before they grow beyond what the kernel takes: PATH_MAX less a name. */
const LONG_PATH = 3500;

/**
 * Removes whatever lies at the path, a folder with all that is in it, however deep; nothing there is success. Symlinks are not
 * followed.
 */
export function removeTree(file: Buffer, top: Buffer = file): void {
  try {
    unlinkSync(file);
  } catch (error) {
    const code = errno(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return;
    if (code !== 'EISDIR' && code !== 'EPERM') throw error;
    for (const name of readdirSync(file, { encoding: 'buffer' })) {
      const child = Buffer.concat([file, Buffer.from('/'), name]);
      if (child.length > LONG_PATH && file !== top) removeFarAway(child, top);
      else removeTree(child, top);
    }
    rmdirSync(file);
  }
}

function removeFarAway(file: Buffer, top: Buffer): void {
  const near = Buffer.concat([top, Buffer.from(`/.${randomName()}`)]);
  renameSync(file, near);
  removeTree(near);
}

/**
 * Makes one entry anew at a path where nothing lies, `from` being the file with its content. A folder is made with its owner
 * and mode; its time is the caller's, once its children are there. `inherits`: whether the folder that it is made in may hand an ACL
 * down to it.
 */
export function makeEntry(entry: Entry, file: Buffer, from: Buffer, inherits = true): void {
  const isPlain = !inherits && entry.xattrs === '';
  switch (entry.type) {
    case 'file':
      if (isPlain && entry.size <= SMALL && copySmall(entry, file, from)) return;
      copyFile(from, file);
      break;
    case 'dir':
      mkdirSync(file, { mode: isPlain ? entry.mode & 0o755 : 0o700 });
      if (isPlain) settleFolder(entry, file);
      else settleAttributes(entry, file);
      return;
    case 'symlink':
      symlinkSync(Buffer.from(entry.target, 'latin1'), file);
      lchownSync(file, entry.uid, entry.gid);
      setTime(file, entry.mtime);
      return;
    case 'char':
    case 'block':
      makeNode(file, entry.type, 0o600, entry.major, entry.minor);
      break;
    case 'fifo':
      makeNode(file, 'fifo', 0o600);
      break;
    case 'whiteout':
      makeNode(file, 'char', 0);
      return;
    default:
      entry satisfies never;
  }
  setMetadata(entry, file);
}

/** Whether a folder hands an ACL down to what is made in it. */
export function handsDown(folder: Entry): boolean {
  return folder.xattrs.includes('system.posix_acl_default');
}

/** A folder that inherited no ACL: a call that changes nothing is a write to the filesystem's journal nevertheless. */
function settleFolder({ mode, uid, gid }: Entry, file: Buffer): void {
  const made = lstatSync(file);
  const isOwned = made.uid === uid && made.gid === gid;
  if (!isOwned) lchownSync(file, uid, gid);
  if (!isOwned || (made.mode & 0o7777) !== mode) chmodSync(file, mode);
}

/** Bytes of a file that is copied by a read and a write: most are far smaller, and a copy by the kernel takes twice as many calls. */
const SMALL = 16_384;

/** Makes a small file without attributes. False when `from` is not what it should be, or has holes; then nothing is made. */
function copySmall({ size, mode, uid, gid, mtime }: File, file: Buffer, from: Buffer): boolean {
  const source = openSync(from, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const found = fstatSync(source);
    if (found.size !== size || found.blocks * 512 < size) return false;
    if (size > 0 && readSync(source, chunk, 0, size, 0) !== size) return false;
  } finally {
    closeSync(source);
  }
  const target = openSync(file, 'wx', mode & 0o755);
  try {
    naming(file.toString(), () => {
      if (size > 0) writeAll(target, chunk.subarray(0, size));
      const made = fstatSync(target);
      const isOwned = made.uid === uid && made.gid === gid;
      if (!isOwned) fchownSync(target, uid, gid);
      if (!isOwned || (made.mode & 0o7777) !== mode) fchmodSync(target, mode);
      futimesSync(target, mtime, mtime);
    });
  } finally {
    closeSync(target);
  }
  return true;
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
}

/** Copies the content of a regular file to a new one, holes as holes. */
export function copyFile(from: Buffer, to: Buffer): void {
  const { size, blocks } = lstatSync(from);
  if (blocks * 512 >= size) copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  else naming(to.toString(), () => copySparse(from, to, size));
}

function copySparse(from: Buffer, to: Buffer, size: number): void {
  const source = openSync(from, constants.O_RDONLY | constants.O_NOFOLLOW);
  const target = openSync(to, 'wx', 0o600);
  try {
    for (let start = nextData(source, 0); start !== undefined; ) {
      const end = nextHole(source, start);
      for (let position = start; position < end; ) {
        const length = readSync(source, chunk, 0, Math.min(chunk.length, end - position), position);
        if (length === 0) break;
        position += writeSync(target, chunk, 0, length, position);
      }
      start = nextData(source, end);
    }
    ftruncateSync(target, size);
  } finally {
    closeSync(source);
    closeSync(target);
  }
}

/** Attributes that are not the tree's own: overlayfs's, and labels that the host gives every file. */
const FOREIGN = /^(trusted\.overlay\.|security\.(?!capability$))/;

/**
 * Owner, mode, extended attributes and time of anything but a symlink. The mode comes after the owner, since chown clears setuid.
 * What is not named goes: a new file inherits the ACL of its folder.
 */
export function setMetadata(entry: Entry, file: Buffer): void {
  settleAttributes(entry, file);
  setTime(file, entry.mtime);
}

function settleAttributes(entry: Entry, file: Buffer): void {
  lchownSync(file, entry.uid, entry.gid);
  const attributes = new Map(decodeXattrs(entry.xattrs));
  for (const [name] of readXattrs(file)) {
    if (!attributes.has(name) && !FOREIGN.test(name)) removeXattr(file, name);
  }
  chmodSync(file, entry.mode);
  for (const [name, value] of attributes) writeXattr(file, name, value);
}

/** Access and modification time, whole seconds. */
export function setTime(file: Buffer, seconds: number): void {
  lutimesSync(file, seconds, seconds);
}

/**
 * Puts a file of a layer at a new path by a link; where that cannot be (another filesystem, too many links, links forbidden)
 * by a copy.
 */
export function linkEntry(entry: Entry, file: Buffer, from: Buffer, inherits = true): void {
  try {
    linkSync(from, file);
  } catch (error) {
    if (!['EXDEV', 'EMLINK', 'EPERM'].includes(errno(error) ?? '')) throw error;
    makeEntry(entry, file, from, inherits);
  }
}
