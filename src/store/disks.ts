import { readdirSync } from 'node:fs';
import { errno } from '../host/error.ts';
import type { Layout } from './layout.ts';

/** An image as one file, which "snap run" starts. It is made again from the image within seconds. */
export type DiskName = {
  readonly conf: string;
  /** 16 hex digits: equal stamps are equal disks. */
  readonly stamp: string;
  /** Its filesystem. */
  readonly kind: string;
};

export function diskName({ conf, stamp, kind }: DiskName): string {
  return `${conf}.${stamp}.${kind}`;
}

/** The disks that are there, in byte order. No lock. */
export function disksOf({ disks }: Pick<Layout, 'disks'>): DiskName[] {
  return namesThere(disks).flatMap((name): DiskName[] => {
    const [, conf, stamp, kind] = /^(.+)\.([0-9a-f]{16})\.([a-z0-9]+)$/.exec(name) ?? [];
    return conf === undefined ? [] : [{ conf, stamp: stamp!, kind: kind! }];
  });
}

/** Stores that were made before there were disks have no folder for them. */
function namesThere(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (errno(error) === 'ENOENT') return [];
    throw error;
  }
}
