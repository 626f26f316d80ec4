import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { SnapError } from '../host/error.ts';
import { makeFolders } from '../host/folder.ts';
import { ownFile } from '../host/own.ts';
import { findProgram } from '../host/path.ts';
import { run } from '../host/program.ts';
import { digestOf } from '../store/digest.ts';
import { diskName, disksOf } from '../store/disks.ts';
import type { Store } from '../store/layers.ts';
import type { RootKind } from './kernel-config.ts';

export type DiskRequest = {
  readonly conf: string;
  /** The folder with the image, which nobody changes meanwhile. */
  readonly image: string;
  /** Of the image as it was built. */
  readonly digest: string;
  readonly kind: RootKind;
  readonly signal: AbortSignal;
  /** Called when the disk has to be made. */
  readonly onMake: () => void;
};

const INIT = ownFile('src/machine/init.sh');

/** Debian's package and the command line of each program; they run beside `root`, the image with the first program in it, and make `disk`. */
const MAKERS: Readonly<Record<RootKind, readonly [pack: string, ...command: string[]]>> = {
  // Nothing is compressed: every kernel reads it, it is made within a second or two and read without work.
  squashfs: [
    'squashfs-tools',
    ...[
      'mksquashfs',
      'root',
      'disk',
      '-noappend',
      '-no-progress',
      '-quiet',
      '-noI',
      '-noId',
      '-noD',
      '-noF',
      '-noX',
    ],
  ],
  erofs: ['erofs-utils', 'mkfs.erofs', '--quiet', '-x1', 'disk', 'root'],
};

/**
 * The image as a filesystem in one file: real owners, modes, attributes and devices, and beside them the first program, which lays an
 * overlay over it. Made once for an image; of each conf there is one. The caller holds the store's lock, shared at least.
 * @throws SnapError HOST when the program that makes it is missing.
 */
export async function rootDisk(store: Store, request: DiskRequest): Promise<string> {
  const { conf, kind, image, digest } = request;
  const { disks } = store.layout;
  const parts = [digest, digestOf(readFileSync(INIT)), await touched(image, request.signal)];
  const stamp = digestOf(parts.join('\n')).slice(0, 16);
  const file = join(disks, diskName({ conf, stamp, kind }));
  if (existsSync(file)) {
    const now = new Date();
    utimesSync(file, now, now);
    return file;
  }
  const [pack, program = '', ...args] = MAKERS[kind];
  if (!findProgram(program)) {
    throw new SnapError('HOST', `Cannot make a ${kind} of the image: there is no "${program}"`, {
      hint: `apt-get install ${pack}`,
    });
  }
  request.onMake();
  const folder = store.makeWorkDir();
  try {
    await make(folder, image, [program, ...args], request.signal);
    for (const old of disksOf(store.layout)) {
      if (old.conf === conf && old.kind === kind) rmSync(join(disks, diskName(old)), { force: true });
    }
    syncFile(join(folder, 'disk'));
    renameSync(join(folder, 'disk'), file);
  } finally {
    store.dropWorkDir(folder);
  }
  return file;
}

/** What lies under a disk's name is whole, also after a power cut. */
function syncFile(path: string): void {
  const fd = openSync(path, 'r+');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Changes with every change that somebody made in the image by hand. A file with further links is not looked at: the store and other
 * images have it too, whoever links it there changes its ctime, and nobody may write to it.
 */
async function touched(image: string, signal: AbortSignal): Promise<string> {
  const own = ['(', '-type', 'd', '-o', '-links', '1', ')', '-printf', '%i %C@\\n'];
  return digestOf(await run(['find', '.', ...own], { cwd: image, signal }));
}

/** Through an overlay that is gone with the program, so that nothing is written beside or into the image. */
const MAKE = `set -e
mount -n -t overlay overlay -o lowerdir=top:image,index=off,redirect_dir=off,metacopy=off root
exec "$@"`;

async function make(
  folder: string,
  image: string,
  command: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const own = join(folder, 'top', '.snap-run');
  for (const name of ['rw', 'root']) makeFolders(join(own, name), 0o755);
  mkdirSync(join(folder, 'root'));
  copyFileSync(INIT, join(own, 'init'));
  chmodSync(join(own, 'init'), 0o755);
  sameRoot(image, join(folder, 'top'));
  symlinkSync(image, join(folder, 'image'));
  const enter = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', MAKE, 'sh'];
  await run([...enter, ...command], { cwd: folder, signal });
}

/** The folder on top decides what the root looks like. */
function sameRoot(image: string, top: string): void {
  const { uid, gid, mode, mtime } = statSync(image);
  chownSync(top, uid, gid);
  chmodSync(top, mode & 0o7777);
  utimesSync(top, mtime, mtime);
}
