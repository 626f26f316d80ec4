import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errno } from './error.ts';

/**
 * Makes a folder, and those above it that are missing; one that is there is success. Node's own recursive mkdir takes any error of the
 * disk for ENOENT.
 */
export function makeFolders(folder: string | Buffer, mode = 0o777): void {
  try {
    makeOne(folder, mode);
  } catch (error) {
    const above = aboveOf(folder);
    if (errno(error) !== 'ENOENT' || above.length >= folder.length) throw error;
    makeFolders(above, mode);
    makeOne(folder, mode);
  }
}

function makeOne(folder: string | Buffer, mode: number): void {
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    const isThere = (): boolean => statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
    if (errno(error) !== 'EEXIST' || !isThere()) throw error;
  }
}

function aboveOf(folder: string | Buffer): string | Buffer {
  return typeof folder === 'string'
    ? dirname(folder)
    : Buffer.from(dirname(folder.toString('latin1')), 'latin1');
}
