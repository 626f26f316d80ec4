import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { writeFile } from '../host/write.ts';
import type { Layout } from './layout.ts';
import { removeTree } from './tree.ts';

type Place = Pick<Layout, 'root'>;

/** Room that gc gives back first: on a full disk the index needs some for its journal, and files of its own beside it. */
const FILES = 4;
const BYTES = 512 * 1024;

/** Below this nothing is kept aside, and what is kept is given back. */
const TIGHT = { bytes: 16 * 1024 * 1024, files: 256 };

export function reserveOf({ root }: Place): string {
  return join(root, 'reserve');
}

/** Keeps some room aside for the next gc, where there is plenty. Failing to is no failure. */
export function keepReserve(place: Place): void {
  const folder = reserveOf(place);
  if (existsSync(folder) || isTight(place)) return;
  const work = `${folder}.new`;
  try {
    removeTree(Buffer.from(work));
    mkdirSync(work, { mode: 0o700 });
    for (let at = 0; at < FILES; at++) fill(join(work, String(at)));
    renameSync(work, folder);
  } catch {
    removeTree(Buffer.from(work));
  }
}

/** Gives the room back. */
export function dropReserve(place: Place): void {
  for (const name of [reserveOf(place), `${reserveOf(place)}.new`]) removeTree(Buffer.from(name));
}

/** Whether the filesystem has next to nothing left, of bytes or of inodes. */
export function isTight({ root }: Place): boolean {
  const { bavail, bsize, ffree, files } = statfsSync(root);
  return bavail * bsize < TIGHT.bytes || (files > 0 && ffree < TIGHT.files);
}

/** Bytes that no filesystem makes small. */
function fill(file: string): void {
  writeFile(file, randomBytes(BYTES), { flag: 'wx', mode: 0o600 });
}
