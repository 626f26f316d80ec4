import type { LayerRow, RecordPatches } from '../store/layers.ts';
import { type Entry, identity, type Manifest, parentOf, type TreePath } from '../store/manifest.ts';
import { mergeChanges, type Sees } from './merge.ts';

/** A layer of an image, and the names of those that it saw. */
export type SeenLayer = { readonly name: string; readonly row: LayerRow; readonly sees: ReadonlySet<string> };

type Contents = { manifestOf(n: number): Manifest; recordsOf(n: number): RecordPatches };

/** A layer that left something at a path. */
export type Writer = {
  readonly layer: SeenLayer;
  /** Undefined: it changed records of a database file. */
  readonly entry: Entry | undefined;
  /** Whether the image has it from here; each layer that changed records has a part in it. */
  readonly wins: boolean;
};

/** The layers that left something at a path, in the order of the view, `layers[0]` being the base. */
export function writersOf(contents: Contents, layers: readonly SeenLayer[], path: TreePath): Writer[] {
  const sees: Sees = (layer, other) =>
    other === 0 ? layer !== 0 : (layers[layer]?.sees.has(layers[other]?.name ?? '') ?? false);
  const changes = layers.flatMap(({ row }, layer) => {
    const value = contents.manifestOf(row.n).get(path);
    return value ? [{ layer, value }] : [];
  });
  const recording = layers.filter(({ row }) => Object.hasOwn(contents.recordsOf(row.n), path));
  const parts = recording.map((layer): Writer => ({ layer, entry: undefined, wins: true }));
  if (changes.length === 0) return parts;
  const merged = mergeChanges(changes, sees, (a, b) => identity(a) === identity(b));
  const winner = merged.kind === 'settled' ? merged.winner : changes.at(-1)!;
  const writers = changes.map(
    (change): Writer => ({ layer: layers[change.layer]!, entry: change.value, wins: change === winner }),
  );
  return [...writers, ...parts];
}

/** What a path leads to. */
export type Found =
  /** Through the links on its way; the last part itself is not followed. */
  | { readonly kind: 'there'; readonly path: TreePath; readonly writers: readonly Writer[] }
  /** A layer took it away, or a folder above it: the path that went. */
  | { readonly kind: 'removed'; readonly path: TreePath; readonly writers: readonly Writer[] }
  /** `folder` is there, and has no `name`. */
  | { readonly kind: 'missing'; readonly folder: TreePath; readonly name: string };

/** As many as the kernel follows. */
const MOST_LINKS = 40;

/** Looks a path up in an image, as a program in it would that does not follow a link at the end. */
export function findPath(contents: Contents, layers: readonly SeenLayer[], path: string): Found {
  const open = path.split('/');
  let at = '' as TreePath;
  for (let links = 0; ; ) {
    const name = open.shift();
    if (name === undefined) return { kind: 'there', path: at, writers: writersOf(contents, layers, at) };
    if (name === '' || name === '.') continue;
    if (name === '..') {
      at = parentOf(at);
      continue;
    }
    const next = (at === '' ? name : `${at}/${name}`) as TreePath;
    const writers = writersOf(contents, layers, next);
    const entry = writers.find(({ wins }) => wins)?.entry;
    if (entry?.type === 'whiteout') return { kind: 'removed', path: next, writers };
    const last = open.every((part) => part === '' || part === '.');
    if (entry?.type === 'symlink' && !last && links++ < MOST_LINKS) {
      if (entry.target.startsWith('/')) at = '' as TreePath;
      open.unshift(...entry.target.split('/'));
    } else if (writers.length === 0 || (!last && entry?.type !== 'dir')) {
      return { kind: 'missing', folder: at, name };
    } else {
      at = next;
    }
  }
}

/** What stands in a folder of the image, in byte order. */
export function namesIn(contents: Contents, layers: readonly SeenLayer[], folder: TreePath): string[] {
  const prefix = folder === '' ? '' : `${folder}/`;
  const names = new Set<string>();
  for (const { row } of layers) {
    for (const { path } of contents.manifestOf(row.n).values()) {
      if (path === '' || !path.startsWith(prefix) || path.includes('/', prefix.length)) continue;
      names.add(path.slice(prefix.length));
    }
  }
  return [...names].sort();
}

/** The paths of the image that end in this name: files before links to them, else in byte order. */
export function pathsNamed(contents: Contents, layers: readonly SeenLayer[], name: string): TreePath[] {
  const links = new Map<TreePath, boolean>();
  for (const { row } of layers) {
    for (const { path, type } of contents.manifestOf(row.n).values()) {
      if (type !== 'whiteout' && (path === name || path.endsWith(`/${name}`)))
        links.set(path, type === 'symlink');
    }
  }
  return [...links]
    .sort(([a, aLinks], [b, bLinks]) => Number(aLinks) - Number(bLinks) || (a < b ? -1 : 1))
    .map(([path]) => path);
}
