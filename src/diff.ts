import { recordName } from './debian/records.ts';
import { SnapError } from './host/error.ts';
import { GLOB_HINT, isMatchable } from './host/glob.ts';
import {
  bytesOf,
  type Difference,
  differenceAt,
  differencesBetween,
  type Modifier,
  movesAmong,
} from './layers/difference.ts';
import { globMatcher } from './layers/globs.ts';
import { changesBetween } from './layers/image.ts';
import { conffilesOf, INFO, type Package, packagesOf, pathsOf, STATUS } from './layers/packages.ts';
import { type ImagePlan, layerOf } from './layers/plan.ts';
import { decidedOf, differences, wordsOf } from './layers/reason.ts';
import { extentOf, lookInto, type Side } from './layers/side.ts';
import { FILE_ITSELF } from './layers/view.ts';
import { type PatchEnd, patchLines } from './report/git-patch.ts';
import { openSide } from './sides.ts';
import { type HeldStore, openHeld } from './store/held-store.ts';
import type { Store } from './store/layers.ts';
import type { Entry, TreePath } from './store/manifest.ts';

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

export type FileChange = Difference & {
  /** Below etc/, or one that a package declares; a file of a package that changed itself; any other. */
  readonly group: 'config' | 'package' | 'other';
  /** The changed package that holds it. */
  readonly package?: string;
  /** Names of the layers that it is of. */
  readonly layers: { readonly before?: string; readonly after?: string };
  /** What it adds to the size. */
  readonly bytes: number;
  /** The same file is at this path in the other tree. */
  readonly moved?: TreePath;
  /** Of a database file. */
  readonly records?: readonly RecordDifference[];
};

export type RecordDifference = { readonly modifier: '+' | '-' | 'M'; readonly record: string };

export type Diff = {
  readonly a: SideSummary;
  readonly b: SideSummary;
  /** Nothing differs that was asked for. */
  readonly same: boolean;
  readonly layers: readonly LayerChange[];
  readonly packages: readonly PackageChange[];
  /** In byte order. */
  readonly files: readonly FileChange[];
  readonly count: Readonly<Record<Modifier, number>>;
  /** How many differences were left out as asked for: by globs, as nothing but a time. */
  readonly ignored: { readonly paths: number; readonly times: number };
  readonly notes: readonly string[];
  /** By path, each byte a character. */
  readonly patch?: readonly string[];
};

/**
 * In what two trees differ. Of two builds only the layers are looked at that are not the same.
 * @throws SnapError USAGE for what is not there, STORE when a layer of a build was removed.
 */
export async function diff(request: DiffRequest): Promise<Diff> {
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
    if (!request.patch) return found;
    const wanted = found.files.filter(request.patch);
    return { ...found, patch: await patchOf(wanted, await patchSides(stores.open, request, sides, wanted)) };
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

type Sides = readonly [before: Side, after: Side];
type Ignored = Diff['ignored'];

/** A difference, and of which layers both ends are. */
type Found = Difference & Pick<FileChange, 'layers'>;

function* allDifferences(store: () => Store, before: Side, after: Side): Generator<Found> {
  const { plan: old } = before;
  const { plan: now } = after;
  if (old && now) {
    if (before.digest !== after.digest) yield* imageDifferences(store(), old, now);
    return;
  }
  const layersOf = layerPairs();
  for (const one of differencesBetween(before.entries(), after.entries())) {
    const { path, before: was, after: is } = one;
    if ((before.isImplied(path) && is?.type === 'dir') || (after.isImplied(path) && was?.type === 'dir'))
      continue;
    yield { ...one, layers: layersOf(was && before.layerAt(path), is && after.layerAt(path)) };
  }
}

function* imageDifferences(store: Store, old: ImagePlan, plan: ImagePlan): Generator<Found> {
  const layersOf = layerPairs();
  for (const { path, was, now } of changesBetween(store, old, plan)) {
    const difference = differenceAt(path, was?.entry, now?.entry);
    if (difference) yield { ...difference, layers: layersOf(layerOf(old, was), layerOf(plan, now)) };
  }
}

type Layers = FileChange['layers'];

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

function chosen(all: Iterable<Found>, request: DiffRequest): { kept: Found[]; ignored: Ignored } {
  const [wanted, unwanted] = [request.paths, request.ignore].map((globs) => globs.map(bytesOfGlob));
  const isWanted = wanted!.length === 0 ? () => true : globMatcher(wanted!);
  const isIgnored = globMatcher(unwanted!);
  const isOnlyTime = ({ aspects }: Difference) => aspects.length === 1 && aspects[0] === 'time';
  const kept: Found[] = [];
  const ignored = { paths: 0, times: 0 };
  for (const one of all) {
    if (!isWanted(one.path) || isIgnored(one.path)) ignored.paths++;
    else if (request.ignoreTimes && isOnlyTime(one)) ignored.times++;
    else kept.push(one);
  }
  return { kept, ignored };
}

/** Takes `kept` over. */
function compared(
  store: () => Store,
  sides: Sides,
  kept: Found[],
  ignored: Ignored,
  filtered: boolean,
): Omit<Diff, 'notes' | 'patch'> {
  const changed = changedPackages(sides, kept);
  const owners = ownersAmong(sides, changed, kept);
  const isConfig = configIn(sides, kept);
  const known = { owners, isConfig, moves: movesAmong(kept), changed };
  const files = inPlace(kept, (one) => fileChange(sides, one, known));
  const count = { '+': 0, '-': 0, M: 0, U: 0, T: 0 };
  for (const { modifier } of files) count[modifier]++;
  return {
    a: summary(sides[0]),
    b: summary(sides[1]),
    same: files.length === 0,
    layers: layerChanges(store, sides, files, filtered),
    packages: packageChanges(changed, files, filtered),
    files,
    count,
    ignored,
  };
}

/** The same array: half a million elements of both kinds would take 100 MiB more. */
function inPlace<A, B>(list: A[], make: (one: A) => B): B[] {
  const made: (A | B)[] = list;
  for (const [at, one] of list.entries()) made[at] = make(one);
  return made as B[];
}

function summary(side: Side): SideSummary {
  return { name: side.name, kind: side.kind, ...extentOf(side) };
}

type PackagePair = {
  readonly key: string;
  readonly before: Package | undefined;
  readonly after: Package | undefined;
};

/** The packages of which version or state changed: nothing is read where the status file is the same. */
function changedPackages(sides: Sides, kept: readonly Difference[]): PackagePair[] {
  const [old, now] = sides;
  if (!kept.some(({ path }) => path === STATUS || path.startsWith(INFO) || path.startsWith('usr/')))
    return [];
  if (sameRecords(sides, STATUS)) return [];
  const [before, after] = [packagesOf(old), packagesOf(now)];
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((key): PackagePair[] => {
    const [was, is] = [before.get(key), after.get(key)];
    return was?.version === is?.version && was?.state === is?.state ? [] : [{ key, before: was, after: is }];
  });
}

function sameRecords([before, after]: Sides, path: TreePath): boolean {
  const [a, b] = [before.get(path), after.get(path)];
  return a?.type === 'file' && b?.type === 'file' && a.size === b.size && a.digest === b.digest;
}

type Owners = ReadonlyMap<TreePath, PackagePair>;

/** The changed packages that hold one of the differing paths. Folders are nobody's. */
function ownersAmong(
  [before, after]: Sides,
  changed: readonly PackagePair[],
  kept: readonly Difference[],
): Owners {
  const owners = new Map<TreePath, PackagePair>();
  if (changed.length === 0) return owners;
  const open = new Set(
    kept.filter(({ before, after }) => (after ?? before)?.type !== 'dir').map(({ path }) => path),
  );
  for (const [side, which] of [
    [before, 'before'],
    [after, 'after'],
  ] as const) {
    const pairs = new Map(changed.flatMap((pair) => (pair[which] ? [[pair[which], pair]] : [])));
    for (const [one, path] of pathsOf(side, pairs.keys()))
      if (open.has(path)) owners.set(path, pairs.get(one)!);
  }
  return owners;
}

/** Status files are asked for what packages declare only when something outside of etc/ differs. */
function configIn(sides: Sides, kept: readonly Difference[]): (path: TreePath) => boolean {
  const declared = kept.some(({ path }) => !isEtc(path)) ? sides.map(conffilesOf) : [];
  return (path) => isEtc(path) || declared.some((paths) => paths.has(path));
}

function isEtc(path: TreePath): boolean {
  return path.startsWith('etc/');
}

type Known = {
  readonly owners: Owners;
  readonly isConfig: (path: TreePath) => boolean;
  readonly moves: ReadonlyMap<TreePath, TreePath>;
  readonly changed: readonly PackagePair[];
};

function fileChange(
  sides: Sides,
  difference: Found,
  { owners, isConfig, moves, changed }: Known,
): FileChange {
  const { path, before, after } = difference;
  const owner = owners.get(path);
  const isDatabase = path === STATUS && changed.length > 0;
  const moved = moves.get(path);
  const records = difference.aspects.includes('content') ? recordDifferences(sides, path) : [];
  return {
    ...difference,
    group: isConfig(path) ? 'config' : owner || isDatabase ? 'package' : 'other',
    ...(owner ? { package: shortName(owner, changed) } : {}),
    bytes: bytesOf(after) - bytesOf(before),
    ...(moved === undefined ? {} : { moved }),
    ...(records.length > 0 ? { records } : {}),
  };
}

function shortName({ key, before, after }: PackagePair, changed: readonly PackagePair[]): string {
  const { name } = (after ?? before)!;
  const isOnly = changed.filter((pair) => (pair.after ?? pair.before)!.name === name).length === 1;
  return isOnly ? name : key;
}

function recordDifferences(sides: Sides, path: TreePath): RecordDifference[] {
  const [before, after] = sides.map((side) => side.recordsAt(path));
  if (!before || !after) return [];
  const keys = [...new Set([...before.keys(), ...after.keys()])].filter((key) => key !== FILE_ITSELF);
  return keys.flatMap((key): RecordDifference[] => {
    const [was, is] = [before.get(key), after.get(key)];
    if (was === is) return [];
    return [{ modifier: was === undefined ? '+' : is === undefined ? '-' : 'M', record: recordName(key) }];
  });
}

function packageChanges(
  changed: readonly PackagePair[],
  files: readonly FileChange[],
  filtered: boolean,
): PackageChange[] {
  const own = Map.groupBy(files, (file) => file.package);
  return changed.flatMap((pair): PackageChange[] => {
    const name = shortName(pair, changed);
    const held = own.get(name) ?? [];
    if (filtered && held.length === 0) return [];
    const { before, after } = pair;
    return [{ name, ...(before ? { before } : {}), ...(after ? { after } : {}), ...sumOf(held) }];
  });
}

function sumOf(files: readonly FileChange[]): { readonly files: number; readonly bytes: number } {
  return { files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** Of two builds, or of two layers of one name. */
function layerChanges(
  store: () => Store,
  [before, after]: Sides,
  files: readonly FileChange[],
  filtered: boolean,
): LayerChange[] {
  if (before.row?.name !== after.row?.name) return [];
  const [olds, news] = [layersOf(before), layersOf(after)];
  if (olds.size === 0 || news.size === 0) return [];
  return [...new Set([...news.keys(), ...olds.keys()])].flatMap((name): LayerChange[] => {
    const [was, is] = [olds.get(name), news.get(name)];
    if (was?.n === is?.n) return [];
    const own = files.filter(({ layers }) => layers.before === name || layers.after === name);
    if (filtered && own.length === 0) return [];
    const bytes = own.reduce((sum, file) => sum + ownBytes(file, name), 0);
    const change = !was ? 'new' : !is ? 'gone' : was.digest === is.digest ? 'same content' : 'changed';
    const reason = was && is ? reasonOf(store(), was.n, is.n) : undefined;
    return [
      {
        name,
        change,
        ...(was ? { before: was.n } : {}),
        ...(is ? { after: is.n } : {}),
        ...(reason === undefined ? {} : { reason }),
        paths: own.length,
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

async function patchOf(files: readonly FileChange[], [before, after]: Sides): Promise<string[]> {
  const texts: string[] = [];
  for (const { path, before: was, after: is } of files) {
    const ends = [patchEnd(before, was), patchEnd(after, is)] as const;
    const lines = ends[0] || ends[1] ? await patchLines(path, ...ends) : [];
    if (lines.length > 0) texts.push(`${lines.join('\n')}\n`);
  }
  return texts;
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
  { a, b, signal }: DiffRequest,
  sides: Sides,
  files: readonly FileChange[],
): Promise<Sides> {
  const paths = new Set(
    files.flatMap(({ path, before, after }) => [path, linkOf(before) ?? path, linkOf(after) ?? path]),
  );
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
