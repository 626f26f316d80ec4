import { readSync, writeSync } from 'node:fs';
import { errno } from './error.ts';

/** How a folder looks; its time in seconds. */
export type Look = {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
};

/** Of a folder whose look other trees tell. */
export const PLAIN: Look = { mode: 0o755, uid: 0, gid: 0, mtime: 0 };

/**
 * A tree of folders in which no other name is found, to be one of an overlay's: it is asked for each name that no tree above it has, once, and for
 * each folder that is listed. Paths have one character a byte and no leading slash.
 */
export type FolderTree = {
  /** Undefined for whatever is no folder of this tree. */
  lookOf(path: string): Look | undefined;
  /** Asked for, and not a folder here. The kernel does not ask again. */
  missed(path: string): void;
  /** `pid` is a process of this process's namespace. */
  listed(path: string, pid: number): void;
  /** Folders on whose way through the kernel asks each time; `passed` is told before the process goes on. */
  readonly attended: ReadonlySet<string>;
  passed(path: string, pid: number): void;
};

/** linux/fuse.h */
const OPERATION = {
  LOOKUP: 1,
  FORGET: 2,
  GETATTR: 3,
  STATFS: 17,
  INIT: 26,
  OPENDIR: 27,
  READDIR: 28,
  RELEASEDIR: 29,
  INTERRUPT: 36,
  DESTROY: 38,
  BATCH_FORGET: 42,
  READDIRPLUS: 44,
} as const;

const HEADER = 40;
const ENOSYS = 38;
const PARALLEL_DIROPS = 1 << 18;
const FOREVER = 0xffff_ffff;
const NOTHING = Buffer.alloc(0);

/** The options of `mount -t fuse` for the descriptor `fd` of the program that mounts. */
export function fuseOptions(fd: number): string {
  return `fd=${fd},rootmode=40000,user_id=0,group_id=0`;
}

/** One filesystem, by its descriptor of /dev/fuse. */
export type FolderServer = {
  readonly fd: number;
  /** Answers one question of the kernel; there must be one, else the thread waits for it. */
  answer(): void;
};

const request = Buffer.alloc(65_536);

/** The filesystem has these trees, each in a folder of its name. */
export function folderServer(fd: number, trees: Readonly<Record<string, FolderTree>>): FolderServer {
  const answer = makeAnswer(trees);
  return {
    fd,
    answer() {
      const length = readRequest(fd);
      const body = length === undefined ? undefined : answer(request, length);
      if (body !== undefined) reply(fd, body);
    },
  };
}

/** Undefined where it was taken back meanwhile. */
function readRequest(fd: number): number | undefined {
  try {
    return readSync(fd, request, 0, request.length, null);
  } catch (error) {
    if (['ENOENT', 'EINTR', 'EAGAIN', 'ENODEV'].includes(errno(error) ?? '')) return undefined;
    throw error;
  }
}

function reply(fd: number, body: Buffer | number): void {
  const bytes = typeof body === 'number' ? NOTHING : body;
  const head = Buffer.allocUnsafe(16 + bytes.length);
  head.writeUInt32LE(head.length, 0);
  head.writeInt32LE(typeof body === 'number' ? -body : 0, 4);
  request.copy(head, 8, 8, 16);
  bytes.copy(head, 16);
  try {
    writeSync(fd, head);
  } catch (error) {
    // Who asked was killed meanwhile, or the filesystem is gone, which the next read tells.
    const code = errno(error);
    if (code !== 'ENOENT' && code !== 'ENODEV' && code !== 'EPERM') throw error;
  }
}

/** Undefined where no answer is expected; a number is that of an error. */
type Answer = (request: Buffer, length: number) => Buffer | number | undefined;

type Node = { readonly tree: FolderTree; readonly path: string };

function makeAnswer(trees: Readonly<Record<string, FolderTree>>): Answer {
  /** By number, which begin at 1: that of the filesystem's own root, which is of no tree. */
  const nodes: (Node | undefined)[] = [undefined, undefined];
  const known = new Map<FolderTree, Map<string, number>>();
  const numberOf = (tree: FolderTree, path: string): number => {
    const numbers = known.get(tree) ?? new Map<string, number>();
    known.set(tree, numbers);
    const number = numbers.get(path) ?? nodes.push({ tree, path }) - 1;
    numbers.set(path, number);
    return number;
  };
  const lookOf = (number: number): Look => {
    const node = nodes[number];
    return node?.tree.lookOf(node.path) ?? PLAIN;
  };
  const lookUp = (parent: number, name: string, pid: number): Buffer => {
    const above = nodes[parent];
    if (above === undefined) {
      const tree = trees[name];
      return tree ? entry(numberOf(tree, ''), FOREVER, tree.lookOf('') ?? PLAIN) : entry(0, FOREVER, PLAIN);
    }
    const { tree } = above;
    const path = above.path === '' ? name : `${above.path}/${name}`;
    const look = tree.lookOf(path);
    if (look === undefined) {
      tree.missed(path);
      return entry(0, FOREVER, PLAIN);
    }
    if (!tree.attended.has(path)) return entry(numberOf(tree, path), FOREVER, look);
    tree.passed(path, pid);
    return entry(numberOf(tree, path), 0, look);
  };
  return (request, length) => {
    const node = Number(request.readBigUInt64LE(16));
    const pid = request.readUInt32LE(32);
    switch (request.readUInt32LE(4)) {
      case OPERATION.LOOKUP:
        return lookUp(node, request.toString('latin1', HEADER, length - 1), pid);
      case OPERATION.GETATTR:
        return attributes(node, lookOf(node));
      case OPERATION.OPENDIR:
        nodes[node]?.tree.listed(nodes[node].path, pid);
        return Buffer.alloc(16);
      case OPERATION.READDIR:
      case OPERATION.READDIRPLUS:
      case OPERATION.RELEASEDIR:
        return NOTHING;
      case OPERATION.INIT:
        return started(request.subarray(HEADER, length));
      case OPERATION.STATFS:
        return Buffer.alloc(80);
      case OPERATION.FORGET:
      case OPERATION.BATCH_FORGET:
      case OPERATION.INTERRUPT:
        return undefined;
      case OPERATION.DESTROY:
        return NOTHING;
      default:
        return ENOSYS;
    }
  };
}

/** Of the flags that the kernel offers none is needed, but that it may ask several things at once. */
function started(offer: Buffer): Buffer {
  const answer = Buffer.alloc(64);
  answer.writeUInt32LE(7, 0);
  answer.writeUInt32LE(31, 4);
  answer.writeUInt32LE(offer.readUInt32LE(8), 8);
  answer.writeUInt32LE(offer.readUInt32LE(12) & PARALLEL_DIROPS, 12);
  answer.writeUInt16LE(16, 16);
  answer.writeUInt16LE(12, 18);
  answer.writeUInt32LE(4096, 20);
  answer.writeUInt32LE(1, 24);
  return answer;
}

/** Node 0 is one that is not there. */
function entry(node: number, seconds: number, look: Look): Buffer {
  const answer = Buffer.alloc(128);
  answer.writeUInt32LE(node, 0);
  answer.writeUInt32LE(seconds, 16);
  answer.writeUInt32LE(FOREVER, 24);
  if (node !== 0) writeFolder(answer, 40, node, look);
  return answer;
}

function attributes(node: number, look: Look): Buffer {
  const answer = Buffer.alloc(104);
  answer.writeUInt32LE(FOREVER, 0);
  writeFolder(answer, 16, node, look);
  return answer;
}

/** Bytes: what most filesystems give a folder of few names. */
const SIZE = 4096;

/** struct fuse_attr */
function writeFolder(answer: Buffer, at: number, node: number, { mode, uid, gid, mtime }: Look): void {
  answer.writeUInt32LE(node, at);
  answer.writeBigUInt64LE(BigInt(SIZE), at + 8);
  answer.writeBigUInt64LE(BigInt(SIZE / 512), at + 16);
  for (const time of [24, 32, 40]) answer.writeBigUInt64LE(BigInt(mtime), at + time);
  answer.writeUInt32LE(0o040000 | mode, at + 60);
  answer.writeUInt32LE(2, at + 64);
  answer.writeUInt32LE(uid, at + 68);
  answer.writeUInt32LE(gid, at + 72);
  answer.writeUInt32LE(4096, at + 80);
}
