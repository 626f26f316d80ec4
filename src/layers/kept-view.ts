import type { KeptLayer } from '../store/builds.ts';
import type { LayerRow, Store } from '../store/layers.ts';
import type { Entry, TreePath } from '../store/manifest.ts';
import { differentEntries } from '../store/sorted-manifest.ts';
import { differencesBetween } from './difference.ts';
import { ruledPaths } from './displaced.ts';
import { mergeView, type View, type ViewLayer } from './view.ts';

/** Beyond this, looking at each changed path by itself costs more than a walk through all. */
const MANY = 20_000;

export function keepLayers(layers: readonly ViewLayer[]): KeptLayer[] {
  const positions = new Map(layers.map(({ name }, position) => [name, position]));
  return layers.map(({ name, row, sees }) => [
    name,
    row.n,
    [...sees].flatMap((other) => positions.get(other) ?? []),
  ]);
}

/** The layers as they were kept; undefined when one of them is not in the store any more. */
export function reviveLayers(store: Store, kept: readonly KeptLayer[]): ViewLayer[] | undefined {
  const layers: ViewLayer[] = [];
  const rows = store.layersNumbered(kept.map(([, n]) => n));
  for (const [index, [name, , sees]] of kept.entries()) {
    const row = rows[index];
    if (row === undefined) return undefined;
    layers.push({ name, row, sees: new Set(sees.map((position) => kept[position]![0])) });
  }
  return layers;
}

/**
 * The paths at which two views may differ; undefined when they are too many to look at each, or when layers that both have stand in
 * another relation, so that any path may differ.
 */
export function changedPaths(
  store: Store,
  before: View,
  now: View,
  different = differentLayers(before.layers, now.layers),
): Set<TreePath> | undefined {
  if (different === undefined) return undefined;
  const paths = new Set<TreePath>();
  for (const [was, is] of different) {
    for (const path of differingIn(store, was, is)) {
      if (paths.add(path).size > MANY) return undefined;
    }
  }
  for (const path of [...paths]) {
    if (!before.isReplaced(path) && !now.isReplaced(path)) continue;
    for (const below of store.pathsBelow(path)) paths.add(below);
  }
  return paths;
}

/**
 * Whether two views have the same records in their database files for certain; told by the layers that differ alone. False where it would take
 * merging to know.
 */
export function haveSameRecords(
  store: Store,
  before: readonly ViewLayer[],
  now: readonly ViewLayer[],
  different = differentLayers(before, now),
): boolean {
  const recordsOf = (row: LayerRow | undefined): string => JSON.stringify(row ? store.recordsOf(row.n) : {});
  return different?.every(([was, is]) => recordsOf(was) === recordsOf(is)) === true;
}

type ByName = ReadonlyMap<string, ViewLayer>;

/**
 * The layers that two views have otherwise under one name, or only one of them has; undefined when those that both have stand in another
 * relation.
 */
export function differentLayers(
  before: readonly ViewLayer[],
  now: readonly ViewLayer[],
): (readonly [was: LayerRow | undefined, is: LayerRow | undefined])[] | undefined {
  const was = new Map(before.map((layer) => [layer.name, layer]));
  const is = new Map(now.map((layer) => [layer.name, layer]));
  if (!sameRelations(before, is, was) || !sameRelations(now, was, is)) return undefined;
  if (!sameOrder(before, now, was, is)) return undefined;
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((name) => {
    const [old, own] = [was.get(name)?.row, is.get(name)?.row];
    return old?.n === own?.n ? [] : [[old, own] as const];
  });
}

function sameOrder(
  before: readonly ViewLayer[],
  now: readonly ViewLayer[],
  was: ByName,
  is: ByName,
): boolean {
  const kept = before.filter(({ name }) => is.has(name));
  const still = now.filter(({ name }) => was.has(name));
  return kept.every(({ name }, index) => still[index]?.name === name);
}

/** Whether what a layer sees of those that both views have is seen in the other one too. */
function sameRelations(layers: readonly ViewLayer[], others: ByName, own: ByName): boolean {
  return layers.every(({ name, sees }) => {
    const other = others.get(name);
    if (other === undefined || other.sees === sees) return true;
    for (const seen of sees) if (own.has(seen) && others.has(seen) && !other.sees.has(seen)) return false;
    return true;
  });
}

/** The paths at which two layers differ, of which there may be only one. */
function* differingIn(
  store: Store,
  was: LayerRow | undefined,
  is: LayerRow | undefined,
): Generator<TreePath> {
  const [old, own] = [was, is].map((row) => row && store.manifestOf(row.n));
  if (old && own) for (const [path] of differentEntries(old, own)) yield path;
  else for (const { path } of (old ?? own)!.values()) yield path;
}

/** Adds the paths at which two lists of entries in byte order differ. */
export function addDifferent(paths: Set<TreePath>, before: Iterable<Entry>, now: Iterable<Entry>): void {
  for (const { path } of differencesBetween(before, now)) paths.add(path);
}

type KeptView = {
  readonly layers: readonly KeptLayer[];
  readonly corrections: readonly TreePath[];
  /** What layers above the base divert or override; nothing that was kept by an earlier snap tells. */
  readonly ruled?: readonly TreePath[];
  /** Numbers of the layers that have records; nothing that was kept by an earlier snap tells. */
  readonly recorded?: readonly number[];
};

/**
 * The view of these layers, merged at the paths alone that changed since the view that was last kept under this name; and keeps it
 * when nothing is in conflict.
 */
export function recallView(store: Store, name: string, layers: readonly ViewLayer[]): View {
  const key = `view ${name}`;
  const text = store.results.get(key);
  const kept = text === undefined ? undefined : (JSON.parse(text) as KeptView);
  const before = kept && reviveLayers(store, kept.layers);
  const plain = mergeView(store, layers);
  const different = before && differentLayers(before, layers);
  const changed = before && changedPaths(store, mergeView(store, before), plain, different);
  const isRuled = kept?.ruled?.some((path) => changed?.has(path)) ?? true;
  const sameRecords = before !== undefined && !isRuled && haveSameRecords(store, before, layers, different);
  const recordless = new Set(kept?.recorded && kept.layers.map(([, n]) => n));
  for (const n of kept?.recorded ?? []) recordless.delete(n);
  const view =
    kept && changed
      ? mergeView(store, layers, { corrections: kept.corrections, changed, sameRecords, recordless })
      : plain;
  if (view.conflicts.length > 0) return view;
  const corrections = view.corrections.map(({ entry }) => entry.path);
  const ruled = (sameRecords && kept?.ruled) || ruledPaths(store, layers);
  const recorded = layers
    .map(({ row }) => row.n)
    .filter((n) => !recordless.has(n) && Object.keys(store.recordsOf(n)).length > 0);
  const now = JSON.stringify({
    layers: keepLayers(layers),
    corrections,
    ruled,
    recorded,
  } satisfies KeptView);
  if (now !== text) store.results.set(key, now);
  return view;
}
