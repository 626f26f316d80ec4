import type { RecordPatches } from '../store/layers.ts';
import { type Entry, identity, type Manifest, type TreePath } from '../store/manifest.ts';
import { follow, type Step } from './follow.ts';
import { type Change, mergeChanges } from './merge.ts';
import { FILE_ITSELF, seesOf, type ViewLayer } from './view.ts';

/** A layer of an image, and the names of those that it saw. */
export type SeenLayer = ViewLayer;

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
  const changes = layers.flatMap(({ row }, layer) => {
    const value = contents.manifestOf(row.n).get(path);
    return value ? [{ layer, value }] : [];
  });
  const recording = layers.filter(({ row }) => Object.hasOwn(contents.recordsOf(row.n), path));
  const parts = recording.map((layer): Writer => ({ layer, entry: undefined, wins: true }));
  if (changes.length === 0) return parts;
  const merged = mergeChanges(changes, seesOf(layers), (a, b) => identity(a) === identity(b));
  const winner = merged.kind === 'settled' ? merged.winner : changes.at(-1)!;
  const writers = changes.map(
    (change): Writer => ({ layer: layers[change.layer]!, entry: change.value, wins: change === winner }),
  );
  return [...writers, ...parts];
}

/** A record of a database file, and the layer that the image has it from. */
export type RecordOrigin = { readonly key: string; readonly value: string; readonly layer: SeenLayer };

/** The records that a database file has in a view, in the order of the file. */
export function recordOrigins(
  contents: Contents,
  layers: readonly SeenLayer[],
  path: TreePath,
): RecordOrigin[] {
  const changes = new Map<string, Change<string | null>[]>();
  for (const [layer, { row }] of layers.entries()) {
    for (const [key, value] of contents.recordsOf(row.n)[path] ?? [])
      changes.set(key, [...(changes.get(key) ?? []), { layer, value }]);
  }
  const sees = seesOf(layers);
  return [...changes].flatMap(([key, all]): RecordOrigin[] => {
    const merged = mergeChanges(all, sees, (a, b) => a === b);
    const { value, layer } = merged.kind === 'settled' ? merged.winner : all.at(-1)!;
    return key === FILE_ITSELF || value === null ? [] : [{ key, value, layer: layers[layer]! }];
  });
}

/** What a path leads to. */
export type Found =
  /** Through the links on its way; the last part itself is not followed. */
  | { readonly kind: 'there'; readonly path: TreePath; readonly writers: readonly Writer[] }
  /** A layer took it away, or a folder above it: the path that went. */
  | { readonly kind: 'removed'; readonly path: TreePath; readonly writers: readonly Writer[] }
  /** `folder` is there, and has no `name`. */
  | { readonly kind: 'missing'; readonly folder: TreePath; readonly name: string };

/** Looks a path up in an image, as a program in it would that does not follow a link at the end. */
export function findPath(contents: Contents, layers: readonly SeenLayer[], path: string): Found {
  const writersAt = (one: TreePath): Writer[] => writersOf(contents, layers, one);
  const reached = follow((one) => stepOf(writersAt(one)), path);
  if (reached.kind === 'there') return { ...reached, writers: writersAt(reached.path) };
  const { folder, name } = reached;
  const lost = (folder === '' ? name : `${folder}/${name}`) as TreePath;
  const writers = writersAt(lost);
  return entryOf(writers)?.type === 'whiteout' ? { kind: 'removed', path: lost, writers } : reached;
}

function entryOf(writers: readonly Writer[]): Entry | undefined {
  return writers.find(({ wins }) => wins)?.entry;
}

function stepOf(writers: readonly Writer[]): Step | undefined {
  const entry = entryOf(writers);
  if (entry === undefined) return writers.length === 0 ? undefined : { type: 'file' };
  return entry.type === 'whiteout' ? undefined : entry;
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
