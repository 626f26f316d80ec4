import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errno, SnapError } from '../host/error.ts';

/** The version of everything that lies in a store. A newer one is refused. */
export const FORMAT = 1;

/** Where things lie in a project's store; all paths absolute. */
export type Layout = {
  readonly root: string;
  readonly index: string;
  readonly layers: string;
  readonly debs: string;
  readonly sources: string;
  readonly tools: string;
  readonly apt: string;
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
    layers: join(root, 'layers'),
    debs: join(root, 'debs'),
    sources: join(root, 'sources'),
    tools: join(root, 'tools'),
    apt: join(root, 'apt'),
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
 * @throws SnapError STORE when the store was made by a newer snap.
 */
export function prepareLayout(layout: Layout): void {
  const { layers, debs, sources, tools, apt, logs, builds, tags, pins, tmp, trash, images } = layout;
  const folders = [layers, debs, sources, tools, apt, logs, builds, tags, pins, tmp, trash, images];
  for (const folder of folders) mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const folder of [layout.root, layout.images]) chmodSync(folder, 0o700);
  const file = join(layout.root, 'format');
  const format = readFormat(file);
  if (format === undefined) writeFileSync(file, `${FORMAT}\n`);
  else if (format > FORMAT) {
    throw new SnapError(
      'STORE',
      `Cannot use the store "${layout.root}": it has format ${format}, this snap knows ${FORMAT}`,
      {
        hint: 'use the newer snap, or another store',
      },
    );
  }
}

function readFormat(file: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10);
  } catch (error) {
    if (errno(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** A name that no other work folder has. */
export function workDirName(): string {
  return randomBytes(8).toString('hex');
}

/** Brings a folder's own entries (names in it) to the disk. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
