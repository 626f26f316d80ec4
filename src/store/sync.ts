import { closeSync, openSync } from 'node:fs';
import { errno, SnapError } from '../host/error.ts';
import { syncFilesystem } from '../host/syscall.ts';

/**
 * Brings everything of the filesystem that a folder lies on to the disk.
 * @throws SnapError STORE when the disk failed. What was not on it before may be lost then, and a second call would succeed all the
 * same, as the kernel tells of such a failure once: never call it again for the same.
 */
export function syncFilesystemOf(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    syncFilesystem(fd);
  } catch (error) {
    throw new SnapError(
      'STORE',
      `Cannot bring "${folder}" to the disk: ${errno(error) ?? 'unknown reason'}`,
      {
        hint: "look at the disk's health (dmesg), then build again: what may be lost is made anew",
        cause: error,
      },
    );
  } finally {
    closeSync(fd);
  }
}
