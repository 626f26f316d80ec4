import { unlinkSync } from 'node:fs';
import { errno } from './error.ts';

/** Removes a file; one that is not there is success. Node's rmSync gives no code for an error that it does not expect, such as EIO. */
export function removeFile(file: string | Buffer): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(errno(error) ?? '')) throw error;
  }
}
