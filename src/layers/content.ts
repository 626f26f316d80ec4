import { type BigIntStats, existsSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { errno } from '../host/error.ts';
import { stateOf, wasOld } from '../host/witness.ts';
import type { Scriptlet } from '../project/scriptlet.ts';
import type { Digest } from '../store/digest.ts';
import type { Store } from '../store/layers.ts';
import { printable } from '../store/manifest.ts';
import { at, digestFile, walk } from '../store/tree.ts';
import { changedMeanwhile } from './stage.ts';

/** What a scriptlet sees at each path: of the mode only whether it is executable, which is all that git keeps, so that a clone under another umask has the same keys. */
export type Content = Record<string, string>;

/** Where is kept what the files of a project hold. */
export type Known = Pick<Store['results'], 'get' | 'set'>;

/** The content of a scriptlet's data and files in the project. Of them those alone are read that changed since they were last read. */
export function projectContent(
  { name, dataDir, files }: Pick<Scriptlet, 'name' | 'dataDir' | 'files'>,
  project: string,
  known: Known,
): { readonly data: Content; readonly files: Content } {
  const contentAt = (path: string): Content => {
    using digests = knownDigests(known, contentKey(path));
    return scan(join(project, path), digests.of);
  };
  return {
    data: dataDir === undefined ? {} : contentAt(dataPath(name)),
    files: prefixed(files, contentAt),
  };
}

/** The keys under which that is kept. */
export function contentKeys({ name, files }: Pick<Scriptlet, 'name' | 'files'>): string[] {
  return [dataPath(name), ...files].map(contentKey);
}

function dataPath(name: string): string {
  return `scriptlets/${name}`;
}

function contentKey(path: string): string {
  return `content ${path}`;
}

/** The content of a file or folder. */
export function contentOf(path: string): Content {
  return scan(path, (_, file, { size }) => digestFile(file, size));
}

/** That of several, their own names before those in them. */
export function contentsOf(folder: string, files: readonly string[]): Content {
  return prefixed(files, (file) => contentOf(join(folder, file)));
}

function prefixed(files: readonly string[], contentAt: (file: string) => Content): Content {
  const named = files.map((file) =>
    Object.fromEntries(
      Object.entries(contentAt(file)).map(([name, value]) => [name === '' ? file : `${file}/${name}`, value]),
    ),
  );
  return Object.assign({}, ...named);
}

type DigestOf = (path: string, file: Buffer, stat: BigIntStats) => Digest;

function scan(root: string, digestOf: DigestOf): Content {
  if (!existsSync(root)) return {};
  const content: Content = {};
  try {
    for (const { path, stat } of walk(root)) {
      const [name, file] = [printable(path), at(root, path)];
      if (stat.isFile()) content[name] = `${stat.mode & 0o100n ? 'x' : 'f'} ${digestOf(path, file, stat)}`;
      else if (stat.isSymbolicLink()) content[name] = `l ${printable(readlinkSync(file, 'latin1'))}`;
      else if (stat.isDirectory()) content[name] = 'd';
    }
  } catch (error) {
    if (errno(error) === 'ENOENT') throw changedMeanwhile(`in "${root}"`, error);
    throw error;
  }
  return content;
}

type Line = readonly [path: string, state: string, digest: Digest];

/** Digests of files that are what they were when these were made, as far as their stat can tell; of others, and of those that had just changed, from their content. */
function knownDigests(known: Known, key: string): { readonly of: DigestOf } & Disposable {
  const read = Date.now();
  const text = known.get(key);
  const before = new Map(
    (text === undefined ? [] : (JSON.parse(text) as Line[])).map(([path, ...rest]) => [path, rest]),
  );
  const now: Line[] = [];
  return {
    of(path, file, stat) {
      const state = stateOf(stat);
      const [was, kept] = before.get(path) ?? [];
      const digest = was === state && kept !== undefined ? kept : digestFile(file, stat.size);
      if (wasOld(Number(stat.ctimeMs), read)) now.push([path, state, digest]);
      return digest;
    },
    [Symbol.dispose]() {
      const lines = JSON.stringify(now);
      if (lines !== (text ?? '[]')) known.set(key, lines);
    },
  };
}
