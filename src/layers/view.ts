import { mkdirSync, writeFileSync } from 'node:fs';
import { isDerived } from '../debian/derived.ts';
import { formatRecords, type Records, recordName } from '../debian/records.ts';
import type { Digest } from '../store/digest.ts';
import type { LayerRow, RecordPatches, Store } from '../store/layers.ts';
import {
  type Entry,
  identity,
  type Manifest,
  parentOf,
  printable,
  type TreePath,
} from '../store/manifest.ts';
import { at, linkEntry, makeEntry, setMetadata, setTime } from '../store/tree.ts';
import { type Change, mergeChanges, type Sees } from './merge.ts';

/** One layer in a view: what it is called there, and the positions of the layers that it saw. */
export type ViewLayer = {
  readonly name: string;
  readonly row: LayerRow;
  readonly sees: ReadonlySet<string>;
};

export type Placed = { readonly entry: Entry; readonly layer: number };

/** Two layers side by side that left different things at one place. */
export type Conflict = { readonly earlier: string; readonly later: string; readonly path: string };

/** Base and a set of layers merged in order: what a scriptlet sees, and in the end the image. */
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
  /** Everything, record files apart, whiteouts left out; in no order. */
  entries(): Iterable<Placed>;
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
export type LayerContents = { manifestOf(n: number): Manifest; recordsOf(n: number): RecordPatches };

type Changes<V> = Map<string, Change<V>[]>;

/** Merges layers; `layers[0]` is the base, and every other layer sees it. */
export function mergeView(store: LayerContents, layers: readonly ViewLayer[]): View {
  const sees: Sees = (layer, other) =>
    other === 0 ? layer !== 0 : (layers[layer]?.sees.has(layers[other]?.name ?? '') ?? false);
  const conflicts: Conflict[] = [];
  const addConflict = (earlier: number, later: number, path: string): void => {
    conflicts.push({ earlier: layers[earlier]?.name ?? '', later: layers[later]?.name ?? '', path });
  };
  const paths = mergePaths(store, layers, sees, addConflict);
  const records = mergeRecords(store, layers, sees, addConflict);
  return { layers, conflicts, records, ...paths };
}

function sameEntry(a: Entry, b: Entry): boolean {
  return a === b || identity(a) === identity(b);
}

type AddConflict = (earlier: number, later: number, path: string) => void;

function mergePaths(
  store: LayerContents,
  layers: readonly ViewLayer[],
  sees: Sees,
  addConflict: AddConflict,
): Pick<View, 'get' | 'entries' | 'corrections'> {
  const base = layers[0] ? store.manifestOf(layers[0].row.n) : new Map<TreePath, Entry>();
  const changes: Changes<Entry> = new Map();
  for (let layer = 1; layer < layers.length; layer++) {
    for (const entry of store.manifestOf(layers[layer]!.row.n).values()) {
      const known = changes.get(entry.path);
      if (known) known.push({ layer, value: entry });
      else changes.set(entry.path, [{ layer, value: entry }]);
    }
  }
  const merged = new Map<string, Placed>();
  const corrections: Placed[] = [];
  /** Paths that some layer left as no folder where there was one: what lay beneath for that layer is gone. */
  const replacedFolders = new Map<string, number[]>();
  for (const [path, own] of changes) {
    const below = base.get(path as TreePath);
    const [only] = own;
    if (own.length === 1 && below === undefined && only) {
      merged.set(path, { entry: only.value, layer: only.layer });
      continue;
    }
    const replacing = own.filter(({ value }) => value.type !== 'dir').map(({ layer }) => layer);
    if (replacing.length > 0 && (below?.type === 'dir' || own.some(({ value }) => value.type === 'dir'))) {
      replacedFolders.set(path, replacing);
    }
    const result = mergeChanges(below ? [{ layer: 0, value: below }, ...own] : own, sees, sameEntry);
    if (result.kind === 'conflict') {
      if (!isDerived(path)) addConflict(result.earlier, result.later, printable(path));
      merged.set(path, { entry: own.at(-1)!.value, layer: own.at(-1)!.layer });
      continue;
    }
    const { value: entry, layer } = result.winner;
    merged.set(path, { entry, layer });
    const hidden = !sameEntry(entry, result.top.value);
    const repainted = entry.type === 'dir' && below?.type === 'dir';
    const renewed = entry.type === 'dir' && own.some(({ value }) => !sameEntry(value, entry));
    if (hidden || repainted || renewed) corrections.push({ entry, layer });
  }
  const replacedAbove = function* (path: string): Generator<number> {
    if (replacedFolders.size === 0) return;
    for (let parent = parentOf(path); parent !== ''; parent = parentOf(parent)) {
      yield* replacedFolders.get(parent) ?? [];
    }
  };
  for (const [path, { entry, layer }] of merged) {
    for (const by of replacedAbove(path)) {
      if (by === layer || sees(layer, by)) continue;
      if (!sees(by, layer) && entry.type !== 'whiteout') {
        addConflict(Math.min(by, layer), Math.max(by, layer), printable(path));
      }
      merged.delete(path);
    }
  }
  const isGone = (path: string): boolean => !replacedAbove(path).next().done;
  return {
    corrections: corrections.filter(({ entry }) => merged.has(entry.path)),
    get(path) {
      const placed = merged.get(path);
      if (placed) return placed.entry.type === 'whiteout' ? undefined : placed.entry;
      return isGone(path) ? undefined : base.get(path);
    },
    *entries() {
      for (const entry of base.values()) {
        if (!merged.has(entry.path) && !isGone(entry.path)) yield { entry, layer: 0 };
      }
      for (const placed of merged.values()) if (placed.entry.type !== 'whiteout') yield placed;
    },
  };
}

function mergeRecords(
  store: LayerContents,
  layers: readonly ViewLayer[],
  sees: Sees,
  addConflict: AddConflict,
): Map<string, RecordFile> {
  const files = new Map<string, Changes<string | null>>();
  layers.forEach(({ row }, layer) => {
    for (const [file, patch] of Object.entries(store.recordsOf(row.n))) {
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

/**
 * Makes the folder that lies on top of a view's layers in an overlay: the database files and the corrections. Parents get the
 * owner and mode that the view gives them. `extras` are files that a run sees and no layer holds.
 */
export function makeTop(
  store: Store,
  view: View,
  folder: string,
  epoch: number,
  extras: readonly { readonly path: TreePath; readonly mode: number; readonly content: string }[] = [],
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
    writeFileSync(target, recordBytes(path, file));
    setMetadata({ ...file, type: 'dir', path: path as TreePath, mtime: epoch, xattrs: '' }, target);
  }
  for (const { path, mode, content } of extras) {
    if (view.get(path)) continue;
    makeParents(path);
    writeFileSync(at(folder, path), content);
    setMetadata({ type: 'dir', path, mode, uid: 0, gid: 0, mtime: epoch, xattrs: '' }, at(folder, path));
  }
  for (const path of made) setTime(at(folder, path), epoch);
}

/** Makes an entry where nothing lies, a file by a link to the layer's own. */
export function placeEntry(entry: Entry, file: Buffer, from: Buffer): void {
  if (entry.type === 'file') linkEntry(entry, file, from);
  else makeEntry(entry, file, from);
}
