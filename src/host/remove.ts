import { readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { errno } from './error.ts';

// Node's rmSync gives no code for an error that it does not expect, such as EIO.

/** Removes a file; one that is not there is success. */
export function removeFile(file: string | Buffer): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(errno(error) ?? '')) throw error;
  }
}

/** Removes a folder that snap made for itself, with all that is in it. */
export function removeFolder(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) removeFolder(path);
    else removeFile(path);
  }
  rmdirSync(folder);
}

/** Does a removal that nothing depends on: what the system refuses stays where it is. */
export function removeIfPossible(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    if (errno(error) === undefined) throw error;
  }
}
