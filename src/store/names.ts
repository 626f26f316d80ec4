import { existsSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { errno } from '../host/error.ts';
import { removeFile } from '../host/remove.ts';
import { type Layout, namesIn } from './layout.ts';

type Names = Pick<Layout, 'names' | 'layers'>;

/**
 * Short names of the layers' trees, as the options of a mount end at 4,096 bytes: links that are made once and stay, since where one leads
 * follows from its name. To make 500 of them for each run took a third of a small build.
 */
export class TreeNames {
  readonly #layout: Names;
  /** Those that were looked at. */
  readonly #known = new Set<number>();

  constructor(layout: Names) {
    this.#layout = layout;
  }

  /** An absolute path of the tree of layer `n`, which is there. Needs the store's lock. */
  of(n: number): string {
    const path = join(this.#layout.names, String(n));
    const target = `../layers/${n}/tree`;
    if (!this.#known.has(n) && targetAt(path) !== target) {
      removeFile(path);
      makeLink(target, path);
    }
    this.#known.add(n);
    return path;
  }
}

/** Where a link leads; undefined where there is none. */
function targetAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (['ENOENT', 'EINVAL'].includes(errno(error) ?? '')) return undefined;
    throw error;
  }
}

/** Another build may have made it meanwhile. */
function makeLink(target: string, path: string): void {
  try {
    symlinkSync(target, path);
  } catch (error) {
    if (errno(error) !== 'EEXIST') throw error;
  }
}

/** Removes the names of layers that are gone. Needs the store's lock, exclusive. */
export function sweepNames({ names, layers }: Names): void {
  for (const name of namesIn(names)) if (!existsSync(join(layers, name))) removeFile(join(names, name));
}
