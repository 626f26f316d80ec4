import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { attempt } from '../host/program.ts';
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
  const name = Buffer.from(path, 'latin1').toString('utf8');
  if (Buffer.from(name).toString('latin1') !== path) return false; // no argument of a program can name it
  const names = [path, path.replace(/^usr\//, '')];
  const owners = ownersOf(tree, names);
  for (const line of debs) {
    const [owner = '', , , sha256 = ''] = line.split(' ');
    if (!owners.has(owner)) continue;
    for (const one of [name, name.replace(/^usr\//, '')]) {
      const script = 'dpkg-deb --fsys-tarfile "$1" | tar -xOf - "./$2" > "$3"';
      const command = ['sh', '-c', script, 'sh', debPath(debsDir, { sha256 }), one, target];
      if ((await attempt(command)).exitCode === 0) return true;
    }
  }
  return false;
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
