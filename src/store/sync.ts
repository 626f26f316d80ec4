import { closeSync, openSync } from 'node:fs';
import { diskFailure } from '../host/error.ts';
import { syncFilesystem } from '../host/syscall.ts';

/**
 * Brings everything of the filesystem that a folder lies on to the disk.
 * @throws SnapError HOST when the disk failed. What was not on it before may be lost then, and a second call would succeed all the
 * same, as the kernel tells of such a failure once: never call it again for the same.
 */
export function syncFilesystemOf(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    syncFilesystem(fd);
  } catch (error) {
    throw diskFailure(error, folder) ?? error;
  } finally {
    closeSync(fd);
  }
}
