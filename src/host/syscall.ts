import { getSystemErrorName } from 'node:util';
import { loadKoffi } from './koffi.ts';

/**
 * The system calls that Node lacks, through koffi. Paths are bytes without a NUL. Each throws an Error with `code` (ENOENT, ...)
 * like those of node:fs. koffi is loaded by the first call.
 */
type Libc = {
  flock(fd: number, operation: number): number;
  syncfs(fd: number): number;
  llistxattr(path: Buffer, list: Buffer | null, size: number): number;
  lgetxattr(path: Buffer, name: Buffer, value: Buffer | null, size: number): number;
  lsetxattr(path: Buffer, name: Buffer, value: Buffer, size: number, flags: number): number;
  lremovexattr(path: Buffer, name: Buffer): number;
  mknod(path: Buffer, mode: number, dev: number): number;
  lseek(fd: number, offset: number, whence: number): number;
  poll(files: Buffer, count: number, timeout: number): number;
  errno(): number;
};

let loaded: Libc | undefined;

function libc(): Libc {
  if (loaded) return loaded;
  const koffi = loadKoffi();
  const library = koffi.load('libc.so.6');
  loaded = {
    flock: library.func('int flock(int, int)'),
    syncfs: library.func('int syncfs(int)'),
    llistxattr: library.func('int64_t llistxattr(const void *, void *, size_t)'),
    lgetxattr: library.func('int64_t lgetxattr(const void *, const void *, void *, size_t)'),
    lsetxattr: library.func('int lsetxattr(const void *, const void *, const void *, size_t, int)'),
    lremovexattr: library.func('int lremovexattr(const void *, const void *)'),
    mknod: library.func('int mknod(const void *, uint32_t, uint64_t)'),
    lseek: library.func('int64_t lseek(int, int64_t, int)'),
    poll: library.func('int poll(void *, unsigned long, int)'),
    errno: () => koffi.errno(),
  };
  return loaded;
}

/** `subject` is a path, or the descriptor of an open file. */
function fail(call: string, subject: Buffer | number): never {
  const number = libc().errno();
  const code = getSystemErrorName(-number);
  const about = { code, errno: -number, syscall: call };
  const path = typeof subject === 'number' ? {} : { path: subject.toString() };
  throw Object.assign(new Error(`${code}: ${call} '${subject}'`), about, path);
}

function terminated(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.from([0])]);
}

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;

/** Takes the lock of an open file without waiting; false when another process holds it. It ends with the file. */
export function tryLock(fd: number, exclusive: boolean): boolean {
  const result = libc().flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB);
  if (result === 0) return true;
  if (getSystemErrorName(-libc().errno()) === 'EAGAIN') return false;
  return fail('flock', fd);
}

const POLLIN = 1;

/** Of an open file: there is something to read, nothing yet, or there never may be. */
export type Readiness = 'readable' | 'nothing' | 'broken';

/** Waits, at most so many milliseconds, until one of these open files is anything but `nothing`. Holds the thread. */
export function pollFiles(fds: readonly number[], milliseconds: number): Readiness[] {
  const files = Buffer.alloc(8 * fds.length);
  fds.forEach((fd, at) => {
    files.writeInt32LE(fd, 8 * at);
    files.writeInt16LE(POLLIN, 8 * at + 4);
  });
  if (libc().poll(files, fds.length, milliseconds) < 0 && getSystemErrorName(-libc().errno()) !== 'EINTR')
    return fail('poll', fds[0]!);
  return fds.map((_, at) => {
    const events = files.readInt16LE(8 * at + 6);
    return events === 0 ? 'nothing' : (events & POLLIN) !== 0 ? 'readable' : 'broken';
  });
}

/** Writes everything of the filesystem that `fd` lies on to the disk. */
export function syncFilesystem(fd: number): void {
  if (libc().syncfs(fd) !== 0) fail('syncfs', fd);
}

const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/** Where the next bytes of an open file are that are no hole, from `offset` on; undefined when there are none. */
export function nextData(fd: number, offset: number): number | undefined {
  const found = libc().lseek(fd, offset, SEEK_DATA);
  if (found >= 0) return found;
  return getSystemErrorName(-libc().errno()) === 'ENXIO' ? undefined : fail('lseek', fd);
}

/** Where the next hole of an open file begins, from `offset` on, which lies before its end; the end at the latest. */
export function nextHole(fd: number, offset: number): number {
  const found = libc().lseek(fd, offset, SEEK_HOLE);
  return found >= 0 ? found : fail('lseek', fd);
}

/** The kernel's limits for the names of a file's attributes and for one value. */
const listBuffer = Buffer.alloc(65_536);
const valueBuffer = Buffer.alloc(65_536);

/** Names and values of all extended attributes of `path` itself, in byte order of the names. */
export function readXattrs(path: Buffer): [name: string, value: Buffer][] {
  const file = terminated(path);
  const size = libc().llistxattr(file, listBuffer, listBuffer.length);
  if (size === 0) return [];
  if (size < 0) return unsupported() ? [] : fail('llistxattr', path);
  const names = listBuffer.subarray(0, size).toString('latin1').split('\0').slice(0, -1).sort();
  return names.map((name) => [name, readXattr(file, name, path)]);
}

function readXattr(file: Buffer, name: string, path: Buffer): Buffer {
  const size = libc().lgetxattr(file, Buffer.from(`${name}\0`, 'latin1'), valueBuffer, valueBuffer.length);
  if (size < 0) fail('lgetxattr', path);
  return Buffer.from(valueBuffer.subarray(0, size));
}

function unsupported(): boolean {
  return getSystemErrorName(-libc().errno()) === 'EOPNOTSUPP';
}

/** Sets one extended attribute of `path` itself. */
export function writeXattr(path: Buffer, name: string, value: Buffer): void {
  const result = libc().lsetxattr(
    terminated(path),
    Buffer.from(`${name}\0`, 'latin1'),
    value,
    value.length,
    0,
  );
  if (result !== 0) fail('lsetxattr', path);
}

/** Removes one extended attribute of `path` itself. */
export function removeXattr(path: Buffer, name: string): void {
  if (libc().lremovexattr(terminated(path), Buffer.from(`${name}\0`, 'latin1')) !== 0) {
    fail('lremovexattr', path);
  }
}

const TYPE_BITS = { char: 0o020000, block: 0o060000, fifo: 0o010000 } as const;

/** Makes a device node or a fifo; `major` and `minor` are 0 for a fifo. The mode is subject to the umask. */
export function makeNode(
  path: Buffer,
  type: keyof typeof TYPE_BITS,
  mode: number,
  major = 0,
  minor = 0,
): void {
  if (libc().mknod(terminated(path), TYPE_BITS[type] | mode, deviceNumber(major, minor)) !== 0) {
    fail('mknod', path);
  }
}

/** Linux's 64-bit device number, as glibc's makedev composes it (here for majors and minors below 2^20). */
function deviceNumber(major: number, minor: number): number {
  return (minor & 0xff) + (major & 0xfff) * 0x100 + (minor >>> 8) * 0x100000;
}

/** The major and minor of a device number as stat returns it. */
export function splitDevice(dev: bigint): { major: number; minor: number } {
  return {
    major: Number((dev >> 8n) & 0xfffn),
    minor: Number((dev & 0xffn) | ((dev >> 12n) & 0xfff00n)),
  };
}
