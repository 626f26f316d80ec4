import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildName, buildText, keptBuilds, readBuild, readPins, readTags } from './builds.ts';
import type { LayerReport } from './check-layer.ts';
import { checkLayers } from './check-layers.ts';
import type { Way } from './check-tree.ts';
import type { LayerRow, Store } from './layers.ts';
import type { TreePath } from './manifest.ts';
import { hasHash } from './path-hash.ts';
import { at } from './tree.ts';

/** Something in a store that is not what it should be. */
export type StoreDamage =
  /** What a layer's folder says of it does not hold, or is not there: nobody knows what its tree should be. */
  | { readonly kind: 'layer'; readonly n: number; readonly name: string; readonly what: string }
  /** One path of a layer's tree. */
  | {
      readonly kind: 'path';
      readonly n: number;
      readonly name: string;
      readonly path: TreePath;
      readonly what: string;
      /** The other layers that have the same inode there. */
      readonly sharing: readonly LayerRow[];
    }
  | { readonly kind: 'index'; readonly what: string }
  | { readonly kind: 'build'; readonly build: BuildName; readonly what: string }
  | { readonly kind: 'source'; readonly name: string; readonly what: string };

export type StoreChecks = {
  /** Whether contents are hashed too. */
  readonly deep: boolean;
  readonly signal: AbortSignal;
};

export type Verified = {
  readonly layers: number;
  readonly paths: number;
  readonly damages: readonly StoreDamage[];
};

/**
 * Holds rows, folders, manifests and trees of all layers against each other, and what is kept of builds against the layers. Needs the
 * store's lock, shared.
 */
export async function verifyStore(store: Store, { deep, signal }: StoreChecks): Promise<Verified> {
  const { rows, folders } = store.inventory();
  const numbered = new Map(rows.map((row) => [row.n, row]));
  const found = new Set(folders);
  const damages: StoreDamage[] = [...indexDamages(store, deep)];
  for (const { n, name } of rows) {
    if (!found.has(n)) damages.push({ kind: 'layer', n, name, what: 'its folder is missing' });
  }
  const there = rows.filter(({ n }) => found.has(n));
  const paths = there.reduce((sum, row) => sum + row.paths, 0);
  const seen = new Map<string, Set<number>>();
  const broken = new Set(rows.flatMap(({ n }) => (found.has(n) ? [] : [n])));
  const open: Checked[] = [];
  const numbers = there.map(({ n }) => n);
  const checked: Checked[] = [];
  const working = checkLayers(store.layout.layers, numbers, { deep, paths, signal }, (report) => {
    const row = numbered.get(report.n)!;
    damages.push(...layerDamages(store, row, report, seen));
    if (report.broken !== undefined) broken.add(report.n);
    if (report.ways.length > 0) open.push({ row, report });
    checked.push({ row, report: { ...report, faults: [], ways: [] } });
  });
  const held = await beside(working, () => store.holderHashes());
  for (const { row, report } of checked) damages.push(...rowDamages(row, report, held));
  const ways = openWays(store, numbered, broken);
  for (const { row, report } of open) damages.push(...ways.wrong(row, report));
  damages.push(...buildDamages(store, numbered), ...(deep ? sourceDamages(store) : []));
  return { layers: there.length, paths, damages: damages.sort(inOrder) };
}

type Checked = { readonly row: LayerRow; readonly report: LayerReport };

/** Does something while others work, and waits for them however it ends. */
async function beside<T>(others: Promise<void>, work: () => T): Promise<T> {
  const [outcome] = await Promise.allSettled([(async () => work())(), others]);
  await others;
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value;
}

/** Those of layers first, by number and path, however the threads came by them. */
function inOrder(a: StoreDamage, b: StoreDamage): number {
  const layer = (one: StoreDamage): number => ('n' in one ? one.n : Number.POSITIVE_INFINITY);
  const path = (one: StoreDamage): string => (one.kind === 'path' ? one.path : '');
  return layer(a) === layer(b)
    ? path(a) < path(b)
      ? -1
      : path(a) > path(b)
        ? 1
        : 0
    : layer(a) < layer(b)
      ? -1
      : 1;
}

function* indexDamages(store: Store, deep: boolean): Generator<StoreDamage> {
  for (const what of store.indexFaults(deep)) yield { kind: 'index', what };
}

/** `seen` holds, by inode and path, the layers for which a damage was told already. */
function layerDamages(
  store: Store,
  { n, name }: LayerRow,
  { broken, faults }: LayerReport,
  seen: Map<string, Set<number>>,
): StoreDamage[] {
  if (broken !== undefined) return [{ kind: 'layer', n, name, what: broken }];
  return faults.flatMap(({ path, what }): StoreDamage[] => {
    const inode = inodeOf(store.treeOf(n), path);
    const key = `${inode} ${path}`;
    if (inode !== undefined && seen.get(key)?.has(n)) return [];
    const sharing = inode === undefined ? [] : sharingLayers(store, n, path, inode);
    seen.set(key, new Set(sharing.map((row) => row.n)));
    return [{ kind: 'path', n, name, path, what, sharing }];
  });
}

/** Device and inode; undefined for what may not be there twice: nothing, and folders. */
export function inodeOf(root: string, path: TreePath): string | undefined {
  const stat = lstatSync(at(root, path), { throwIfNoEntry: false });
  return stat === undefined || stat.isDirectory() ? undefined : `${stat.dev}:${stat.ino}`;
}

function sharingLayers(store: Store, n: number, path: TreePath, inode: string): LayerRow[] {
  return store.holdersOf(path).flatMap((other) => {
    const row = other === n ? undefined : store.layerNumbered(other);
    return row && inodeOf(store.treeOf(other), path) === inode ? [row] : [];
  });
}

const FIELDS = ['key', 'ids', 'name', 'kind', 'digest', 'paths', 'bytes'] as const;

function rowDamages(
  row: LayerRow,
  { row: own, paths }: LayerReport,
  held: ReadonlyMap<string, Uint32Array>,
): StoreDamage[] {
  if (own === undefined) return [];
  const known = held.get(own.name) ?? new Uint32Array();
  const lacking = paths.reduce((sum, hash) => (hasHash(known, hash) ? sum : sum + 1), 0);
  const wrong = FIELDS.filter((field) => own[field] !== row[field]).map((field) => `"${field}"`);
  const what = [
    ...(wrong.length > 0
      ? [`the row of layer ${row.n} has another ${wrong.join(', ')} than its folder`]
      : []),
    ...(lacking > 0 ? [`the table of holders lacks ${lacking} of the paths that layer ${row.n} has`] : []),
  ];
  return what.map((text) => ({ kind: 'index', what: text }));
}

function isLike(entry: Way, way: Way): boolean {
  const { mode, uid, gid, xattrs } = way;
  return entry.mode === mode && entry.uid === uid && entry.gid === gid && entry.xattrs === xattrs;
}

/** Folders that are only ways to something look as one of the layers below has them. */
function openWays(store: Store, rows: ReadonlyMap<number, LayerRow>, broken: ReadonlySet<number>) {
  const known = new Map<string, ReadonlySet<number>>();
  const likeIt = (way: Way): ReadonlySet<number> => {
    const { path, mode, uid, gid, xattrs } = way;
    const key = `${path}\0${mode} ${uid} ${gid} ${xattrs}`;
    const before = known.get(key);
    if (before) return before;
    const layers = store.holdersOf(path).filter((n) => {
      if (!rows.has(n)) return false;
      const isBroken = broken.has(n);
      const entry = isBroken ? undefined : store.manifestOf(n).get(path);
      return isBroken || (entry?.type === 'dir' && isLike(entry, way));
    });
    const found = new Set(layers);
    known.set(key, found);
    return found;
  };
  return {
    wrong({ n, name }: LayerRow, { view, ways }: LayerReport): StoreDamage[] {
      if (view.length === 0 || view.some((below) => !rows.has(below))) return [];
      return ways.flatMap((way): StoreDamage[] => {
        const layers = likeIt(way);
        if (view.some((below) => layers.has(below))) return [];
        const what = 'is a folder with another mode, owner or attributes than in the layers below';
        return [{ kind: 'path', n, name, path: way.path, what, sharing: [] }];
      });
    },
  };
}

function buildDamages(store: Store, rows: ReadonlyMap<number, LayerRow>): StoreDamage[] {
  const kept = keptBuilds(store.layout);
  const names = new Set(kept.map(buildText));
  const builds = kept.flatMap((build): StoreDamage[] => {
    const note = readBuild(store.layout, build);
    if (!note) return [{ kind: 'build', build, what: 'what was kept of it is damaged' }];
    const gone = note.layers.filter(([, n]) => !rows.has(n)).map(([name, n]) => `${n} (${name})`);
    return gone.length > 0 ? [{ kind: 'build', build, what: `its layers ${gone.join(', ')} are gone` }] : [];
  });
  const roots = [...readTags(store.layout).values(), ...readPins(store.layout)];
  const lost = new Map(
    roots.filter((build) => !names.has(buildText(build))).map((build) => [buildText(build), build]),
  );
  const dangling = [...lost.values()].map(
    (build): StoreDamage => ({ kind: 'build', build, what: 'it has a tag or a pin and is not kept' }),
  );
  return [...builds, ...dangling];
}

function sourceDamages(store: Store): StoreDamage[] {
  const { sources } = store.layout;
  const names = readdirSync(sources).filter((name) => /^[0-9a-f]{64}$/.test(name));
  return names.flatMap((name): StoreDamage[] => {
    const digest = createHash('sha256')
      .update(readFileSync(join(sources, name)))
      .digest('hex');
    return digest === name ? [] : [{ kind: 'source', name, what: 'has other content than its name says' }];
  });
}
