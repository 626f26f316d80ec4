import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { errno, SnapError } from '../host/error.ts';
import { readXattrs, splitDevice } from '../host/syscall.ts';
import { digestFiles, type Sized } from './digest-files.ts';
import type { Entry, File, TreePath } from './manifest.ts';
import { at } from './tree.ts';

/** One path of a tree that is not what it should be. */
export type Fault = {
  readonly path: TreePath;
  /** In words, such as `mode 4755 instead of 755`. */
  readonly what: string;
};

/** A folder of which the list of entries does not tell: it is there as the way to something. */
export type Way = Pick<Entry, 'path' | 'mode' | 'uid' | 'gid' | 'xattrs'>;

export type TreeCheck = {
  /** Whether the content of a file is to be read; all else is told by lstat. */
  readonly reads: (entry: File, stat: Stats) => boolean;
  /** Takes the folders that only lead to something; without it there must be none. */
  readonly onWay?: (way: Way) => void;
};

/**
 * Compares what lies below a folder with the entries that should, which come in byte order: nothing more, nothing less, and all of
 * type, mode, owner, time, attributes, size and hard links. Never follows a link, never opens what is no regular file. What cannot
 * be read is a fault, not an error.
 */
export function checkTree(root: string, entries: Iterable<Entry>, check: TreeCheck): Fault[] {
  const expected = entries[Symbol.iterator]();
  const step = (): Entry | undefined => {
    const { done, value } = expected.next();
    return done ? undefined : value;
  };
  const faults: Fault[] = [];
  const inodes = new Set<number>();
  const contents = contentCheck();
  let next = step();
  const isExpected = (path: TreePath, stat: Stats): boolean => {
    for (; next && next.path < path; next = step()) faults.push({ path: next.path, what: 'is missing' });
    if (next?.path !== path) return false;
    const what = differences(root, next, stat, inodes);
    if (what.length > 0) faults.push({ path, what: what.join(', ') });
    if (next.type === 'file' && stat.isFile() && stat.size === next.size && check.reads(next, stat))
      contents.add({ entry: next, file: at(root, path), size: stat.size });
    next = step();
    return true;
  };
  /** The number of entries that were found in a folder, or below it. */
  const visit = (path: TreePath): number => {
    let found = 0;
    const ways = new Set<string>();
    for (const { name, child, isInside } of inByteOrder(root, path, faults)) {
      const below = (path === '' ? name : `${path}/${name}`) as TreePath;
      if (isInside) {
        const inside = visit(below);
        if (ways.has(name)) leadsTo(below, child, inside);
        found += inside;
      } else if (isExpected(below, child)) {
        found++;
      } else if (child.isDirectory()) {
        ways.add(name);
      } else {
        faults.push({ path: below, what: 'does not belong here' });
      }
    }
    return found;
  };
  const leadsTo = (path: TreePath, stat: Stats, found: number): void => {
    if (found === 0 || !check.onWay) faults.push({ path, what: 'does not belong here' });
    else check.onWay(wayOf(root, path, stat));
  };
  const top = lstatSync(root, { throwIfNoEntry: false });
  if (!top?.isDirectory()) return [{ path: '' as TreePath, what: 'is no folder' }];
  const isListed = isExpected('' as TreePath, top);
  visit('' as TreePath);
  if (!isListed && check.onWay) check.onWay(wayOf(root, '' as TreePath, top));
  for (; next; next = step()) faults.push({ path: next.path, what: 'is missing' });
  return together([...faults, ...contents.end()]);
}

/** A file whose content is looked at together with others. */
type Unread = Sized & { readonly entry: File };

/** So many are read at a time. */
const TOGETHER = 10_000;

function contentCheck() {
  const wrong: Fault[] = [];
  let unread: Unread[] = [];
  const read = (): void => {
    for (const [index, digest] of digestFiles(unread).entries()) {
      const { path, digest: expected } = unread[index]!.entry;
      if (digest === expected) continue;
      wrong.push({ path, what: digest instanceof Error ? unreadable(digest) : 'other content' });
    }
    unread = [];
  };
  return {
    add(one: Unread): void {
      unread.push(one);
      if (unread.length >= TOGETHER) read();
    },
    end(): readonly Fault[] {
      read();
      return wrong;
    },
  };
}

/** Each path once, in byte order. */
function together(faults: readonly Fault[]): Fault[] {
  const byPath = new Map<TreePath, string[]>();
  for (const { path, what } of faults) byPath.set(path, [...(byPath.get(path) ?? []), what]);
  return [...byPath]
    .map(([path, whats]) => ({ path, what: whats.join(', ') }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

function wayOf(root: string, path: TreePath, stat: Stats): Way {
  const { uid, gid, mode } = stat;
  return { path, mode: mode & 0o7777, uid, gid, xattrs: attributesOf(at(root, path)) };
}

type Item = {
  readonly key: string;
  readonly name: string;
  readonly child: Stats;
  /** What lies in the folder, which comes after `name-1` where the folder itself comes before. */
  readonly isInside: boolean;
};

/** What is in a folder, so that whole paths come in byte order. */
function inByteOrder(root: string, folder: TreePath, faults: Fault[]): Item[] {
  const items: Item[] = [];
  try {
    for (const name of readdirSync(at(root, folder), { encoding: 'latin1' })) {
      const child = lstatSync(at(root, folder === '' ? name : `${folder}/${name}`), {
        throwIfNoEntry: false,
      });
      if (!child) continue;
      items.push({ key: name, name, child, isInside: false });
      if (child.isDirectory()) items.push({ key: `${name}/`, name, child, isInside: true });
    }
  } catch (error) {
    faults.push({ path: folder, what: unreadable(error) });
  }
  return items.sort((a, b) => (a.key < b.key ? -1 : 1));
}

function unreadable(error: unknown): string {
  const code = errno(error instanceof SnapError ? error.cause : error);
  if (code === undefined) throw error;
  return `cannot be read: ${code}`;
}

function typeOf(stat: Stats): Entry['type'] | 'socket' {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'dir';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isCharacterDevice()) return stat.rdev === 0 ? 'whiteout' : 'char';
  if (stat.isBlockDevice()) return 'block';
  return stat.isFIFO() ? 'fifo' : 'socket';
}

const WORDS: Readonly<Record<Entry['type'] | 'socket', string>> = {
  file: 'a file',
  dir: 'a folder',
  symlink: 'a link',
  char: 'a character device',
  block: 'a block device',
  fifo: 'a fifo',
  whiteout: 'a whiteout',
  socket: 'a socket',
};

function differences(root: string, entry: Entry, stat: Stats, inodes: Set<number>): string[] {
  const type = typeOf(stat);
  if (type !== entry.type) return [`is ${WORDS[type]} instead of ${WORDS[entry.type]}`];
  if (entry.type === 'whiteout') return [];
  try {
    return [...metadataDifferences(root, entry, stat), ...ownDifferences(root, entry, stat, inodes)];
  } catch (error) {
    return [unreadable(error)];
  }
}

function metadataDifferences(root: string, entry: Entry, stat: Stats): string[] {
  const found: string[] = [];
  const mode = stat.mode & 0o7777;
  const isLink = entry.type === 'symlink';
  if (!isLink && mode !== entry.mode)
    found.push(`mode ${mode.toString(8)} instead of ${entry.mode.toString(8)}`);
  if (stat.uid !== entry.uid || stat.gid !== entry.gid)
    found.push(`owner ${stat.uid}:${stat.gid} instead of ${entry.uid}:${entry.gid}`);
  if (stat.mtimeMs !== entry.mtime * 1000)
    found.push(`time ${stat.mtimeMs / 1000} instead of ${entry.mtime}`);
  if (!isLink && attributesOf(at(root, entry.path)) !== entry.xattrs) found.push('other extended attributes');
  return found;
}

function ownDifferences(root: string, entry: Entry, stat: Stats, inodes: Set<number>): string[] {
  switch (entry.type) {
    case 'file':
      return [
        ...(stat.size === entry.size ? [] : [`size ${stat.size} instead of ${entry.size}`]),
        ...linkDifferences(root, entry, stat, inodes),
      ];
    case 'symlink':
      return readlinkSync(at(root, entry.path), { encoding: 'latin1' }) === entry.target
        ? []
        : ['another target'];
    case 'char':
    case 'block': {
      const { major, minor } = splitDevice(BigInt(stat.rdev));
      return major === entry.major && minor === entry.minor
        ? []
        : [`device ${major}:${minor} instead of ${entry.major}:${entry.minor}`];
    }
    case 'dir':
    case 'fifo':
    case 'whiteout':
      return [];
    default:
      return entry satisfies never;
  }
}

/** `inodes` holds those of the files that are none of several links, as far as they may have some elsewhere. */
function linkDifferences(root: string, entry: File, stat: Stats, inodes: Set<number>): string[] {
  if (entry.link !== undefined) {
    const first = lstatSync(at(root, entry.link), { throwIfNoEntry: false });
    return first?.ino === stat.ino ? [] : [`is no hard link of ${entry.link}`];
  }
  if (stat.nlink < 2) return [];
  if (inodes.has(stat.ino)) return ['is a hard link of another file'];
  inodes.add(stat.ino);
  return [];
}

/** As a manifest has them; overlayfs's own too, which may not be there. */
function attributesOf(file: Buffer): string {
  return readXattrs(file)
    .map(([name, value]) => `${encodeURIComponent(name)}=${value.toString('hex')}`)
    .join(',');
}
