import {
  type FileChange,
  FileChanges,
  type Kept,
  type Layers,
  type PackagePair,
  type Sides,
} from './file-changes.ts';
import { SnapError } from './host/error.ts';
import { GLOB_HINT, isMatchable } from './host/glob.ts';
import { bytesOf, type Difference, differenceAt, type Modifier, sideBySide } from './layers/difference.ts';
import { globMatcher } from './layers/globs.ts';
import { HeldDifferences } from './layers/held-differences.ts';
import { changesBetween } from './layers/image.ts';
import { INFO, type Package, packagesOf, STATUS } from './layers/packages.ts';
import { type ImagePlan, layerOf } from './layers/plan.ts';
import { decidedOf, differences, wordsOf } from './layers/reason.ts';
import { extentOf, lookInto, type Part, type Side } from './layers/side.ts';
import { type PatchEnd, patchLines } from './report/git-patch.ts';
import { type Hunks, loadHunks } from './report/line-diff.ts';
import { openSide } from './sides.ts';
import { type HeldStore, openHeld } from './store/held-store.ts';
import type { Store } from './store/layers.ts';
import type { Entry, File, TreePath } from './store/manifest.ts';

export type DiffRequest = {
  readonly project: () => string;
  readonly a: string;
  readonly b: string;
  /** Globs: only what they name; what they name is left out. */
  readonly paths: readonly string[];
  readonly ignore: readonly string[];
  /** Nothing but a time is no difference. */
  readonly ignoreTimes: boolean;
  /** Of the differences that this says yes to, a patch is made. */
  readonly patch?: (change: FileChange) => boolean;
  readonly signal: AbortSignal;
};

export type SideSummary = {
  readonly name: string;
  readonly kind: Side['kind'];
  readonly paths: number;
  /** Of regular files, hard links counted once. */
  readonly bytes: number;
};

/** A layer in which two builds differ, or that was made anew and came out the same. */
export type LayerChange = {
  readonly name: string;
  readonly change: 'new' | 'gone' | 'changed' | 'same content';
  /** Numbers in the store. */
  readonly before?: number;
  readonly after?: number;
  /** The first input in which they differ, in words. */
  readonly reason?: string;
  /** Of the image: how many of the differing paths are its own, and what they add to the size. */
  readonly paths: number;
  readonly bytes: number;
};

export type PackageChange = {
  /** With the architecture where one name has several. */
  readonly name: string;
  readonly before?: Package;
  readonly after?: Package;
  /** The differing files that the package holds, and what they add to the size. */
  readonly files: number;
  readonly bytes: number;
};

export type Diff = {
  readonly a: SideSummary;
  readonly b: SideSummary;
  /** Nothing differs that was asked for. */
  readonly same: boolean;
  readonly layers: readonly LayerChange[];
  readonly packages: readonly PackageChange[];
  readonly files: FileChanges;
  readonly count: Readonly<Record<Modifier, number>>;
  /** How many differences were left out as asked for: by globs, as nothing but a time. */
  readonly ignored: { readonly paths: number; readonly times: number };
  readonly notes: readonly string[];
  /** By path, each byte a character; made as it is gone through. */
  readonly patch?: Iterable<string>;
};

/**
 * Looks for what differs between two trees, and has it told while they are held. Of two builds only the layers are looked at that are not the
 * same.
 * @throws SnapError USAGE for what is not there, STORE when a layer of a build was removed.
 */
export async function diff<T>(request: DiffRequest, tell: (found: Diff) => T | Promise<T>): Promise<T> {
  const odd = [...request.paths, ...request.ignore].find((glob) => !isMatchable(bytesOfGlob(glob)));
  if (odd !== undefined) throw new SnapError('USAGE', `"${odd}" cannot be matched`, { hint: GLOB_HINT });
  using stores = openLater(request.project);
  const { signal } = request;
  const [a, b] = [
    await openSide(stores.open, request.a, { signal }),
    await openSide(stores.open, request.b, { signal }),
  ];
  const sides = [a.side, b.side] as const;
  return await lookInto(`${request.a} or ${request.b}`, async () => {
    const all = allDifferences(stores.open, ...sides);
    const { kept, ignored } = chosen(all, request);
    const found = {
      ...compared(stores.open, sides, kept, ignored, isFiltered(request)),
      notes: [...a.notes, ...b.notes],
    };
    if (!request.patch) return tell(found);
    const ends = await patchSides(stores.open, request, sides, found.files);
    return tell({ ...found, patch: patchOf(found.files, request.patch, ends, await loadHunks()) });
  });
}

/** Two folders need no store. */
function openLater(project: () => string): { open: () => Store; [Symbol.dispose](): void } {
  let held: HeldStore | undefined;
  return {
    open: () => {
      held ??= openHeld(project());
      return held.store;
    },
    [Symbol.dispose]: () => held?.[Symbol.dispose](),
  };
}

type Ignored = Diff['ignored'];

/** A difference, and of which layers both ends are. */
type Found = { readonly difference: Difference; readonly layers: Layers };

function* allDifferences(store: () => Store, before: Side, after: Side): Generator<Found> {
  const { plan: old } = before;
  const { plan: now } = after;
  if (old && now) {
    if (before.digest !== after.digest) yield* imageDifferences(store(), old, now);
    return;
  }
  const layersOf = layerPairs();
  const isSame = (was: File, is: File): boolean => before.digestOf(was) === after.digestOf(is);
  for (const [path, was, is] of sideBySide(before.parts(), after.parts(), ({ entry }) => entry.path)) {
    const difference = differenceAt(path, was?.entry, is?.entry, isSame);
    if (difference === undefined) continue;
    const isFolder = (one: Part | undefined): boolean => one?.entry.type === 'dir';
    if ((before.isImplied(path) && isFolder(is)) || (after.isImplied(path) && isFolder(was))) continue;
    yield { difference, layers: layersOf(was?.layer, is?.layer) };
  }
}

function* imageDifferences(store: Store, old: ImagePlan, plan: ImagePlan): Generator<Found> {
  const layersOf = layerPairs();
  for (const { path, was, now } of changesBetween(store, old, plan)) {
    const difference = differenceAt(path, was?.entry, now?.entry);
    if (difference) yield { difference, layers: layersOf(layerOf(old, was), layerOf(plan, now)) };
  }
}

/** Makes one object of each two names, however many paths they are of. */
function layerPairs(): (before: string | undefined, after: string | undefined) => Layers {
  const pairs = new Map<string | undefined, Map<string | undefined, Layers>>();
  return (before, after) => {
    const known = pairs.get(before) ?? new Map<string | undefined, Layers>();
    pairs.set(before, known);
    const pair = known.get(after) ?? {
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    };
    known.set(after, pair);
    return pair;
  };
}

function isFiltered({ paths, ignore, ignoreTimes }: DiffRequest): boolean {
  return paths.length + ignore.length > 0 || ignoreTimes;
}

function chosen(all: Iterable<Found>, request: DiffRequest): { kept: Kept; ignored: Ignored } {
  const [wanted, unwanted] = [request.paths, request.ignore].map((globs) => globs.map(bytesOfGlob));
  const isWanted = wanted!.length === 0 ? () => true : globMatcher(wanted!);
  const isIgnored = globMatcher(unwanted!);
  const isOnlyTime = ({ aspects }: Difference) => aspects.length === 1 && aspects[0] === 'time';
  const kept = { differences: new HeldDifferences(), layers: [] as Layers[] };
  const ignored = { paths: 0, times: 0 };
  for (const { difference, layers } of all) {
    if (!isWanted(difference.path) || isIgnored(difference.path)) ignored.paths++;
    else if (request.ignoreTimes && isOnlyTime(difference)) ignored.times++;
    else {
      kept.differences.add(difference);
      kept.layers.push(layers);
    }
  }
  return { kept, ignored };
}

function compared(
  store: () => Store,
  sides: Sides,
  kept: Kept,
  ignored: Ignored,
  filtered: boolean,
): Omit<Diff, 'notes' | 'patch'> {
  const changed = changedPackages(sides, kept.differences);
  const files = new FileChanges(sides, kept, changed);
  const { count, layers, packages } = tallied(files);
  return {
    a: summary(sides[0]),
    b: summary(sides[1]),
    same: files.length === 0,
    layers: layerChanges(store, sides, layers, filtered),
    packages: packageChanges(changed, packages, filtered),
    files,
    count,
    ignored,
  };
}

/** How many paths, and what they add to the size. */
type Sum = { paths: number; bytes: number };

class Sums extends Map<string, Sum> {
  add(name: string, bytes: number): void {
    const sum = this.of(name);
    this.set(name, { paths: sum.paths + 1, bytes: sum.bytes + bytes });
  }

  of(name: string): Sum {
    return this.get(name) ?? { paths: 0, bytes: 0 };
  }
}

/** By modifier, by layer and by package. */
function tallied(files: FileChanges): { count: Diff['count']; layers: Sums; packages: Sums } {
  const count = { '+': 0, '-': 0, M: 0, U: 0, T: 0 };
  const [layers, packages] = [new Sums(), new Sums()];
  for (const file of files) {
    count[file.modifier]++;
    if (file.package !== undefined) packages.add(file.package, file.bytes);
    const { before, after } = file.layers;
    for (const name of new Set([before, after]))
      if (name !== undefined) layers.add(name, ownBytes(file, name));
  }
  return { count, layers, packages };
}

function summary(side: Side): SideSummary {
  return { name: side.name, kind: side.kind, ...extentOf(side) };
}

/** The packages of which version or state changed: nothing is read where the status file is the same. */
function changedPackages(sides: Sides, differences: HeldDifferences): PackagePair[] {
  const [old, now] = sides;
  const concerns = (path: TreePath): boolean =>
    path === STATUS || path.startsWith(INFO) || path.startsWith('usr/');
  if (!differences.somePath(concerns) || sameRecords(sides, STATUS)) return [];
  const [before, after] = [packagesOf(old), packagesOf(now)];
  const pairs = [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((key) => {
    const [was, is] = [before.get(key), after.get(key)];
    if (was?.version === is?.version && was?.state === is?.state) return [];
    return [{ key, plain: (is ?? was)!.name, before: was, after: is }];
  });
  const alike = Map.groupBy(pairs, ({ plain }) => plain);
  return pairs.map(({ key, plain, before, after }) => {
    return { name: alike.get(plain)!.length === 1 ? plain : key, before, after };
  });
}

function sameRecords([before, after]: Sides, path: TreePath): boolean {
  const [a, b] = [before.get(path), after.get(path)];
  if (a?.type !== 'file' || b?.type !== 'file' || a.size !== b.size) return false;
  return before.digestOf(a) === after.digestOf(b);
}

function packageChanges(changed: readonly PackagePair[], sums: Sums, filtered: boolean): PackageChange[] {
  return changed.flatMap(({ name, before, after }): PackageChange[] => {
    const { paths: files, bytes } = sums.of(name);
    if (filtered && files === 0) return [];
    return [{ name, ...(before ? { before } : {}), ...(after ? { after } : {}), files, bytes }];
  });
}

/** Of two builds, or of two layers of one name. */
function layerChanges(
  store: () => Store,
  [before, after]: Sides,
  sums: Sums,
  filtered: boolean,
): LayerChange[] {
  if (before.row?.name !== after.row?.name) return [];
  const [olds, news] = [layersOf(before), layersOf(after)];
  if (olds.size === 0 || news.size === 0) return [];
  return [...new Set([...news.keys(), ...olds.keys()])].flatMap((name): LayerChange[] => {
    const [was, is] = [olds.get(name), news.get(name)];
    if (was?.n === is?.n) return [];
    const { paths, bytes } = sums.of(name);
    if (filtered && paths === 0) return [];
    const change = !was ? 'new' : !is ? 'gone' : was.digest === is.digest ? 'same content' : 'changed';
    const reason = was && is ? reasonOf(store(), was.n, is.n) : undefined;
    return [
      {
        name,
        change,
        ...(was ? { before: was.n } : {}),
        ...(is ? { after: is.n } : {}),
        ...(reason === undefined ? {} : { reason }),
        paths,
        bytes,
      },
    ];
  });
}

/** What a file adds to the share of one layer, which may be the layer that it came from or went to. */
function ownBytes({ layers, before, after }: FileChange, name: string): number {
  return (layers.after === name ? bytesOf(after) : 0) - (layers.before === name ? bytesOf(before) : 0);
}

function layersOf({ plan, row }: Side): Map<string, { readonly n: number; readonly digest: string }> {
  const rows = plan
    ? plan.view.layers.map(({ name, row }) => [name, row] as const)
    : row
      ? [[row.name, row] as const]
      : [];
  return new Map(rows);
}

function reasonOf(store: Store, before: number, after: number): string | undefined {
  const [first] = differences(store, decidedOf(store, before), decidedOf(store, after));
  return first && wordsOf(first);
}

function* patchOf(
  files: FileChanges,
  isWanted: NonNullable<DiffRequest['patch']>,
  [before, after]: Sides,
  hunksOf: Hunks,
): Generator<string> {
  for (const file of files) {
    if (!isWanted(file)) continue;
    const ends = [patchEnd(before, file.before), patchEnd(after, file.after)] as const;
    const lines = ends[0] || ends[1] ? patchLines(file.path, ...ends, hunksOf) : [];
    if (lines.length > 0) yield `${lines.join('\n')}\n`;
  }
}

/** As git has it: files and symlinks, and of the mode whether a file is run. */
function patchEnd(side: Side, entry: Entry | undefined): PatchEnd | undefined {
  if (entry?.type === 'symlink') return { mode: '120000', content: entry.target };
  if (entry?.type !== 'file') return undefined;
  const mode = entry.mode & 0o111 ? '100755' : '100644';
  return { mode, content: side.contentOf(entry.path)?.toString('latin1') };
}

/** An archive is read a second time, for the contents alone that are asked for. */
async function patchSides(
  store: () => Store,
  { a, b, signal, patch: isWanted }: DiffRequest,
  sides: Sides,
  files: FileChanges,
): Promise<Sides> {
  if (!sides.some(({ kind }) => kind === 'archive')) return sides;
  const paths = new Set<TreePath>();
  for (const file of files) {
    const { path, before, after } = file;
    if (isWanted?.(file))
      paths
        .add(path)
        .add(linkOf(before) ?? path)
        .add(linkOf(after) ?? path);
  }
  const wanted = (path: TreePath): boolean => paths.has(path);
  const again = async (side: Side, text: string): Promise<Side> =>
    side.kind === 'archive' ? (await openSide(store, text, { signal, wanted })).side : side;
  return [await again(sides[0], a), await again(sides[1], b)];
}

function linkOf(entry: Entry | undefined): TreePath | undefined {
  return entry?.type === 'file' ? entry.link : undefined;
}

/** Paths of trees are bytes, each a character. */
function bytesOfGlob(glob: string): string {
  return Buffer.from(glob).toString('latin1');
}
