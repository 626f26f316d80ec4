import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { diskFailure, errno, SnapError } from '../host/error.ts';
import { makeFolders } from '../host/folder.ts';
import { writeFile } from '../host/write.ts';

/** The version of everything that lies in a store. A newer one is refused. */
export const FORMAT = 1;

/** Where things lie in a project's store; all paths absolute. */
export type Layout = {
  readonly root: string;
  readonly index: string;
  /** Held shared by whoever has the index open, alone by whoever puts another one in its place. */
  readonly indexLock: string;
  readonly layers: string;
  /** Links to the layers' trees, named by number alone. */
  readonly names: string;
  readonly debs: string;
  readonly sources: string;
  readonly tools: string;
  /** Sources of kernels, unpacked, and the trees that they are compiled in. */
  readonly kernel: string;
  /** By conf and scriptlet, packages as they were configured, for the next run of its do_run. */
  readonly checkpoints: string;
  readonly apt: string;
  /** Images as one file each, for `snap run`. */
  readonly disks: string;
  readonly logs: string;
  readonly builds: string;
  readonly tags: string;
  readonly pins: string;
  readonly tmp: string;
  readonly trash: string;
  readonly lock: string;
  readonly images: string;
};

export function layoutOf(project: string): Layout {
  const root = join(project, 'store');
  return {
    root,
    index: join(root, 'index.db'),
    indexLock: join(root, 'index.lock'),
    layers: join(root, 'layers'),
    names: join(root, 'names'),
    debs: join(root, 'debs'),
    sources: join(root, 'sources'),
    tools: join(root, 'tools'),
    kernel: join(root, 'kernel'),
    checkpoints: join(root, 'checkpoints'),
    apt: join(root, 'apt'),
    disks: join(root, 'disks'),
    logs: join(root, 'logs'),
    builds: join(root, 'builds'),
    tags: join(root, 'tags'),
    pins: join(root, 'pins'),
    tmp: join(root, 'tmp'),
    trash: join(root, 'trash'),
    lock: join(root, 'lock'),
    images: join(project, 'images'),
  };
}

/**
 * Makes what is missing of a store. Folders are closed to other users, since layers hold setuid files.
 * @throws SnapError STORE when the store was made by a newer snap, or nobody knows by which.
 */
export function prepareLayout(layout: Layout): void {
  if (isReadOnly(layout)) {
    checkFormat(layout);
    return;
  }
  const { root, index, indexLock, lock, images, ...folders } = layout;
  for (const folder of [root, ...Object.values(folders), images]) makeFolder(folder);
  for (const folder of [layout.root, layout.images]) chmodSync(folder, 0o700);
  if (!checkFormat(layout)) writeFile(formatFile(layout), `${FORMAT}\n`);
}

/** Makes a folder that is closed to others, unless it is there. */
export function makeFolder(folder: string): void {
  if (!existsSync(folder)) makeFolders(folder, 0o700);
}

/** Whether the store lies on a filesystem that takes no writes. */
export function isReadOnly({ root }: Pick<Layout, 'root'>): boolean {
  try {
    accessSync(root, constants.W_OK);
    return false;
  } catch (error) {
    return errno(error) === 'EROFS';
  }
}

/** What is said where something would have to be written to such a store. */
export function readOnlyError({ root }: Pick<Layout, 'root'>, cause?: unknown): SnapError {
  return new SnapError('STORE', `Cannot add to the store "${root}": it is read-only`, {
    hint: 'only what is in the store already can be built; mount it writable for all else',
    cause,
  });
}

function formatFile({ root }: Layout): string {
  return join(root, 'format');
}

/** False where no format is written yet. An empty file is what a power cut may leave of a new one. */
function checkFormat(layout: Layout): boolean {
  const text = readFormat(formatFile(layout));
  if (text === '') return false;
  const format = /^\d+$/.test(text) ? Number(text) : undefined;
  if (format !== undefined && format >= 1 && format <= FORMAT) return true;
  const what = format === undefined ? 'its file "format" holds no number' : `it has format ${format}`;
  throw new SnapError('STORE', `Cannot use the store "${layout.root}": ${what}, this snap knows ${FORMAT}`, {
    hint: 'use the snap that made it, or another store',
  });
}

function readFormat(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (errno(error) === 'ENOENT') return '';
    throw error;
  }
}

/** The name of what is kept of a conf's scriptlet: neither has a `%` in its name. */
export function checkpointName(conf: string, scriptlet: string): string {
  return `${conf}%${scriptlet}`;
}

/** The names in a folder, in byte order; none where there is no folder. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (errno(error) === 'ENOENT' || errno(error) === 'ENOTDIR') return [];
    throw error;
  }
}

/** Brings a folder's own entries (names in it) to the disk. */
export function syncFolder(folder: string): void {
  syncFile(folder);
}

/** Brings what a file holds to the disk. */
export function syncFile(file: string): void {
  const fd = openSync(file, 'r');
  try {
    fsyncSync(fd);
  } catch (error) {
    throw diskFailure(error, file) ?? error;
  } finally {
    closeSync(fd);
  }
}
