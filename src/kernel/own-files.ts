import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { errno, SnapError } from '../host/error.ts';

/**
 * Reads a file that a build has written, never through a link: it may have made one that leads out of the store.
 * @throws SnapError RUN when no file is there.
 */
export function readOwn(file: string): string {
  try {
    const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      if (fstatSync(fd).isFile()) return readFileSync(fd, 'utf8');
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (!['ENOENT', 'ELOOP', 'ENXIO', 'EISDIR'].includes(errno(error) ?? '')) throw error;
  }
  throw new SnapError('RUN', `Cannot go on: a kernel's build has left no file "${basename(file)}"`, {
    hint: 'build it from nothing: snap build --clean-kernel',
  });
}

/** A folder below `root` that a build has made, with no link on the way to it; undefined where there is none. */
export function ownFolder(root: string, ...parts: readonly string[]): string | undefined {
  for (let depth = 1; depth <= parts.length; depth++) {
    const stat = lstatSync(join(root, ...parts.slice(0, depth)), { throwIfNoEntry: false });
    if (!stat?.isDirectory()) return undefined;
  }
  return join(root, ...parts);
}
