import { mkdirSync } from 'node:fs';
import { isDerived } from '../debian/derived.ts';
import { formatRecords, type Records, recordName } from '../debian/records.ts';
import { writeFile } from '../host/write.ts';
import type { Digest } from '../store/digest.ts';
import type { LayerRow, RecordPatches, Store } from '../store/layers.ts';
import { type Entry, type Manifest, parentOf, printable, type TreePath } from '../store/manifest.ts';
import { startingWith } from '../store/sorted-manifest.ts';
import { at, linkEntry, makeEntry, setMetadata, setTime } from '../store/tree.ts';
import { contestedPaths } from './contested.ts';
import { displaced } from './displaced.ts';
import { type Change, mergeChanges, type Sees } from './merge.ts';
import { once } from './once.ts';
import { NOTHING, type Placed, resolveSpot, type Spot } from './resolve.ts';
import { mergeSorted } from './walk.ts';

export type { Placed } from './resolve.ts';

/** One layer in a view: what it is called there, and the positions of the layers that it saw. */
export type ViewLayer = {
  readonly name: string;
  readonly row: LayerRow;
  readonly sees: ReadonlySet<string>;
};

/** Two layers side by side that left different things at one place. */
export type Conflict = { readonly earlier: string; readonly later: string; readonly path: string };

/** Base and a set of layers merged in order: what a scriptlet sees, and in the end the image. Everything in it is worked out when it is asked for. */
export type View = {
  /** The base first. */
  readonly layers: readonly ViewLayer[];
  readonly conflicts: readonly Conflict[];
  /** By database file: its records, and the entry of the file itself. */
  readonly records: ReadonlyMap<string, RecordFile>;
  /** What an overlay of the layers in order would show otherwise than the view; empty but for rare cases. */
  readonly corrections: readonly Placed[];
  /** What lies at a path, record files apart; undefined for nothing. */
  get(path: TreePath): Entry | undefined;
  /** The same, with the layer that it is of. */
  at(path: TreePath): Placed | undefined;
  /** Whether some layer left no folder at a path where another one has one. */
  isReplaced(path: TreePath): boolean;
  /** Everything, record files apart, whiteouts left out; in byte order. */
  entries(): Iterable<Placed>;
  /** The names in a folder. */
  namesIn(folder: TreePath): Set<string>;
};

export type RecordFile = {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly records: Records;
};

/** The key under which a record patch holds mode and owner of the file itself. */
export const FILE_ITSELF = '\u0001';

/** The digests of a view's layers in order: with early cutoff, equal contents are an equal view. */
export function viewDigests(layers: readonly ViewLayer[]): Digest[] {
  return layers.map(({ row }) => row.digest);
}

/** What merging reads of layers. */
export type LayerContents = {
  manifestOf(n: number): Manifest;
  recordsOf(n: number): RecordPatches;
  /** The names of all layers that may hold something at a path, of the view or not. */
  holderNamesOf(path: TreePath): readonly string[];
  /** The names in a folder at which some layer may hold something. */
  namesIn(folder: TreePath): readonly string[];
};

type Changes<V> = Map<string, Change<V>[]>;

/** What is known of a view from an earlier one: all that differs lies at `changed`. */
export type KnownView = {
  readonly corrections: readonly TreePath[];
  readonly changed: ReadonlySet<TreePath>;
  /** Whether the records are the same, and nothing changed that one of them diverts or overrides: then they are in no conflict. */
  readonly sameRecords: boolean;
  /** Numbers of layers that have no records: their notes are not read. */
  readonly recordless: ReadonlySet<number>;
};

/**
 * Merges layers; `layers[0]` is the base, and every other layer sees it. With `known`, only the paths that changed are merged to find
 * conflicts and corrections.
 */
export function mergeView(store: LayerContents, layers: readonly ViewLayer[], known?: KnownView): View {
  const sees = seesOf(layers);
  const paths = lookUpPaths(store, layers, sees);
  const conflictOf = (earlier: number, later: number, path: string): Conflict => {
    return { earlier: layers[earlier]?.name ?? '', later: layers[later]?.name ?? '', path };
  };
  const merge = once(() => {
    const conflicts: Conflict[] = [];
    const corrections: Placed[] = [];
    const take = (path: TreePath, spot: Spot): void => {
      const { placed, corrected, conflict } = spot;
      if (conflict && !isDerived(path)) conflicts.push(conflictOf(...conflict, printable(path)));
      if (placed && (corrected || isBuried(store, layers, path, spot))) corrections.push(placed);
    };
    const spots = known
      ? spotsAt(paths, pathsToMerge(known, paths))
      : (contestedSpots(store, layers, paths) ?? writtenSpots(store, layers, sees));
    for (const [path, spot] of spots) take(path, spot);
    return { corrections, conflicts };
  });
  const records = once(() => {
    const conflicts: Conflict[] = [];
    const recordsOf = (n: number): RecordPatches => (known?.recordless.has(n) ? {} : store.recordsOf(n));
    const merged = mergeRecords(recordsOf, layers, sees, (...conflict) =>
      conflicts.push(conflictOf(...conflict)),
    );
    return { merged, conflicts };
  });
  const moved = once(() =>
    displaced(store, layers, sees).map(({ earlier, later, path }) =>
      conflictOf(earlier, later, printable(path)),
    ),
  );
  return {
    layers,
    get conflicts() {
      return [...merge().conflicts, ...(known?.sameRecords ? [] : [...records().conflicts, ...moved()])];
    },
    get corrections() {
      return merge().corrections;
    },
    get records() {
      return records().merged;
    },
    at: paths.at,
    get: (path) => paths.at(path)?.entry,
    isReplaced: (path) => paths.spotAt(path).replacing.length > 0,
    entries: () => allEntries(store, layers, sees),
    namesIn: (folder) => namesIn(store, paths.at, folder),
  };
}

/** The view with other database files, made when somebody asks for them. */
export function withRecords(view: View, change: (records: View['records']) => View['records']): View {
  return Object.create(view, { records: { get: once(() => change(view.records)) } }) as View;
}

export function seesOf(layers: readonly ViewLayer[]): Sees {
  return (layer, other) =>
    other === 0 ? layer !== 0 : (layers[layer]?.sees.has(layers[other]?.name ?? '') ?? false);
}

/** Spots that are held, for who looks there again. */
const MOST_SPOTS = 30_000;

type Lookups = {
  readonly spotAt: (path: TreePath) => Spot;
  readonly at: (path: TreePath) => Placed | undefined;
};

/** Looks paths up one at a time, in the layers that hold them. */
function lookUpPaths(store: LayerContents, layers: readonly ViewLayer[], sees: Sees): Lookups {
  const named = Map.groupBy(layers.keys(), (layer) => layers[layer]!.row.name);
  const spots = new Map<TreePath, Spot>();
  const changesAt = (path: TreePath): Change<Entry>[] => {
    const changes: Change<Entry>[] = [];
    for (const name of store.holderNamesOf(path)) {
      for (const layer of named.get(name) ?? []) {
        const value = store.manifestOf(layers[layer]!.row.n).get(path);
        if (value) changes.push({ layer, value });
      }
    }
    return changes.sort((a, b) => a.layer - b.layer);
  };
  const spotAt = (path: TreePath): Spot => {
    const known = spots.get(path);
    if (known) return known;
    const spot = resolveSpot(path, changesAt(path), sees, spotAt);
    if (spots.size >= MOST_SPOTS) spots.clear();
    if (spot !== NOTHING) spots.set(path, spot);
    return spot;
  };
  const at = (path: TreePath): Placed | undefined => shown(spotAt(path));
  return { spotAt, at };
}

function shown({ placed }: Spot): Placed | undefined {
  return placed?.entry.type === 'whiteout' ? undefined : placed;
}

/** With the replaced folders above what changed, which that may bury. */
function pathsToMerge({ corrections, changed }: KnownView, { spotAt }: Lookups): Set<TreePath> {
  const paths = new Set([...corrections, ...changed]);
  const folders = new Set<TreePath>();
  for (const path of changed) {
    for (let above = parentOf(path); above !== '' && !folders.has(above); above = parentOf(above))
      folders.add(above);
  }
  for (const folder of folders) if (spotAt(folder).replacing.length > 0) paths.add(folder);
  return paths;
}

/** Whether what replaced a folder lies below a layer that changed something in that: an overlay shows the folder, which is there to hold it. */
function isBuried(
  store: LayerContents,
  layers: readonly ViewLayer[],
  path: TreePath,
  { placed, replacing }: Spot,
): boolean {
  if (replacing.length === 0 || placed === undefined || placed.entry.type === 'dir') return false;
  return layers
    .slice(placed.layer + 1)
    .some(({ row }) => hasAny(startingWith(store.manifestOf(row.n), `${path}/`)));
}

function hasAny(things: Iterable<unknown>): boolean {
  for (const _ of things) return true;
  return false;
}

function spotsAt({ spotAt }: Pick<Lookups, 'spotAt'>, paths: Iterable<TreePath>): [TreePath, Spot][] {
  return [...paths].map((path) => [path, spotAt(path)]);
}

/** Where alone a conflict or a correction may be, in byte order; undefined where that is everywhere. */
function contestedSpots(
  store: LayerContents,
  layers: readonly ViewLayer[],
  paths: Lookups,
): [TreePath, Spot][] | undefined {
  const [base, ...others] = layers.map(({ row }) => store.manifestOf(row.n));
  const contested = base && contestedPaths(base, others);
  const spots = contested && spotsAt(paths, [...contested].sort());
  return spots?.some(([, { replacing }]) => replacing.length > 0) ? undefined : spots;
}

/** Every path that a layer above the base wrote, in byte order. */
function* writtenSpots(
  store: LayerContents,
  layers: readonly ViewLayer[],
  sees: Sees,
): Generator<[TreePath, Spot]> {
  const [base, ...others] = layers.map(({ row }) => store.manifestOf(row.n));
  const replaced = new Map<TreePath, Spot>();
  const spotAt = (path: TreePath): Spot => replaced.get(path) ?? NOTHING;
  for (const [path, own] of mergeSorted(others)) {
    const below = base?.get(path);
    const changes = own.map(({ layer, value }) => ({ layer: layer + 1, value }));
    const all = below ? [{ layer: 0, value: below }, ...changes] : changes;
    const spot = resolveSpot(path, all, sees, replaced.size > 0 ? spotAt : undefined);
    if (spot.replacing.length > 0) replaced.set(path, spot);
    yield [path, spot];
  }
}

/** All of a view in byte order, from one walk through all manifests. */
function* allEntries(store: LayerContents, layers: readonly ViewLayer[], sees: Sees): Generator<Placed> {
  const replaced = new Map<TreePath, Spot>();
  const spotAt = (path: TreePath): Spot => replaced.get(path) ?? NOTHING;
  for (const [path, changes] of mergeSorted(layers.map(({ row }) => store.manifestOf(row.n)))) {
    const spot = resolveSpot(path, changes, sees, replaced.size > 0 ? spotAt : undefined);
    if (spot.replacing.length > 0) replaced.set(path, spot);
    const placed = shown(spot);
    if (placed) yield placed;
  }
}

function namesIn(
  store: LayerContents,
  at: (path: TreePath) => Placed | undefined,
  folder: TreePath,
): Set<string> {
  return new Set(
    store.namesIn(folder).filter((name) => at((folder === '' ? name : `${folder}/${name}`) as TreePath)),
  );
}

type AddConflict = (earlier: number, later: number, path: string) => void;

function mergeRecords(
  recordsOf: LayerContents['recordsOf'],
  layers: readonly ViewLayer[],
  sees: Sees,
  addConflict: AddConflict,
): Map<string, RecordFile> {
  const files = new Map<string, Changes<string | null>>();
  layers.forEach(({ row }, layer) => {
    for (const [file, patch] of Object.entries(recordsOf(row.n))) {
      const changes: Changes<string | null> = files.get(file) ?? new Map();
      files.set(file, changes);
      for (const [key, value] of patch) {
        const known = changes.get(key);
        if (known) known.push({ layer, value });
        else changes.set(key, [{ layer, value }]);
      }
    }
  });
  const merged = new Map<string, RecordFile>();
  for (const file of [...files.keys()].sort()) {
    const records: Records = new Map();
    const makers = new Map<string, number>();
    let remover = 0;
    for (const [key, changes] of files.get(file) ?? []) {
      const result = mergeChanges(changes, sees, (a, b) => a === b);
      if (result.kind === 'conflict') {
        addConflict(result.earlier, result.later, `${file}: ${recordName(key)}`);
      } else if (result.winner.value !== null) {
        records.set(key, result.winner.value);
        makers.set(key, result.winner.layer);
      } else if (key === FILE_ITSELF) {
        remover = result.winner.layer;
      }
    }
    const itself = records.get(FILE_ITSELF);
    if (itself === undefined) {
      for (const [key, by] of makers) {
        addConflict(Math.min(by, remover), Math.max(by, remover), `${file}: ${recordName(key)}`);
      }
      continue;
    }
    records.delete(FILE_ITSELF);
    const [mode = '', uid, gid] = itself.split(' ');
    merged.set(file, { mode: Number.parseInt(mode, 8), uid: Number(uid), gid: Number(gid), records });
  }
  return merged;
}

export function encodeFileItself(file: { mode: number; uid: number; gid: number }): string {
  return `${file.mode.toString(8)} ${file.uid} ${file.gid}`;
}

/** The bytes of a view's database file. */
export function recordBytes(path: string, file: RecordFile): Buffer {
  return Buffer.from(formatRecords(path, file.records), 'latin1');
}

/** A file that a run sees and no layer holds: where the view has none, or instead of the view's. */
export type Extra = {
  readonly path: TreePath;
  readonly mode: number;
  readonly content: string;
  readonly instead?: boolean;
};

/**
 * Makes the folder that lies on top of a view's layers in an overlay: the database files and the corrections. Parents get the
 * owner and mode that the view gives them.
 */
export function makeTop(
  store: Store,
  view: View,
  folder: string,
  epoch: number,
  extras: readonly Extra[] = [],
): void {
  mkdirSync(folder, { mode: 0o755 });
  const made = new Set<string>(['']);
  const makeParents = (path: TreePath): void => {
    const parent = parentOf(path);
    if (made.has(parent)) return;
    makeParents(parent);
    const entry = view.get(parent);
    mkdirSync(at(folder, parent), { mode: 0o755 });
    if (entry?.type === 'dir') setMetadata(entry, at(folder, parent));
    made.add(parent);
  };
  for (const { entry, layer } of [...view.corrections].sort((a, b) =>
    a.entry.path < b.entry.path ? -1 : 1,
  )) {
    if (made.has(entry.path)) continue;
    makeParents(entry.path);
    placeEntry(entry, at(folder, entry.path), at(store.treeOf(view.layers[layer]!.row.n), entry.path));
    if (entry.type === 'dir') made.add(entry.path);
  }
  for (const [path, file] of view.records) {
    makeParents(path as TreePath);
    const target = at(folder, path);
    writeFile(target, recordBytes(path, file));
    setMetadata({ ...file, type: 'dir', path: path as TreePath, mtime: epoch, xattrs: '' }, target);
  }
  for (const { path, mode, content, instead } of extras) {
    if (!instead && view.get(path)) continue;
    makeParents(path);
    writeFile(at(folder, path), content);
    setMetadata({ type: 'dir', path, mode, uid: 0, gid: 0, mtime: epoch, xattrs: '' }, at(folder, path));
  }
  for (const path of made) setTime(at(folder, path), epoch);
}

/** Makes an entry where nothing lies, a file or symlink by a link to the layer's own. */
export function placeEntry(entry: Entry, file: Buffer, from: Buffer): void {
  if (entry.type === 'file' || entry.type === 'symlink') linkEntry(entry, file, from);
  else makeEntry(entry, file, from);
}
