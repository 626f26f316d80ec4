import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { readDeb } from './deb.ts';
import { plain, treePath } from './deb-paths.ts';
import { debPath } from './debs.ts';

const INFO = 'var/lib/dpkg/info';

export type PackedFile = {
  readonly debsDir: string;
  /** The tree of the layer that unpacked the packages. */
  readonly tree: string;
  /** What the layer unpacked: `name version arch sha256`. */
  readonly debs: readonly string[];
  /** Each byte a character. */
  readonly path: string;
};

/**
 * Unpacks one file out of the deb that it came from, to `target`; false when no deb is known to hold it, or it is not there any more.
 * The content is whatever that deb has: the caller looks at it.
 */
export async function fileFromDeb(
  { debsDir, tree, debs, path }: PackedFile,
  target: string,
): Promise<boolean> {
  const owners = ownersOf(tree, [path, path.replace(/^usr\//, '')]);
  for (const line of debs) {
    const [owner = '', , , sha256 = ''] = line.split(' ');
    if (owners.has(owner) && (await extract(debPath(debsDir, { sha256 }), path, target))) return true;
  }
  return false;
}

/** Whether a deb has this file of a tree, and was read to its end. */
async function extract(deb: string, path: string, target: string): Promise<boolean> {
  const fd = openSync(target, 'w');
  let isHere = false;
  let isFound = false;
  try {
    await readDeb(deb, 'data', {
      member: ({ type, name }) => {
        isHere = type === 'file' && treePath(plain(name)) === path;
        isFound ||= isHere;
      },
      content: (piece) => {
        for (let written = 0; isHere && written < piece.length; ) written += writeSync(fd, piece, written);
      },
    });
    return isFound;
  } catch {
    return false; // gone or damaged: as good as none
  } finally {
    closeSync(fd);
  }
}

/** The packages that a tree's lists give one of these files to. */
function ownersOf(tree: string, names: readonly string[]): Set<string> {
  const owners = new Set<string>();
  const folder = join(tree, INFO);
  for (const list of listsIn(folder)) {
    const lines = new Set(readFileSync(join(folder, list), 'latin1').split('\n'));
    if (names.some((one) => lines.has(`/${one}`))) owners.add(list.replace(/(:[^:]+)?\.list$/, ''));
  }
  return owners;
}

function listsIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((file) => file.endsWith('.list'));
  } catch {
    return [];
  }
}
