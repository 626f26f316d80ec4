import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type Amount, bytesOf } from './host/amount.ts';
import { SnapError } from './host/error.ts';
import type { Report } from './report/event.ts';
import type { Keep } from './roots/builds.ts';
import { readNote } from './roots/inputs.ts';
import { type Survey, surveyStore } from './roots/survey.ts';
import { collect, isFullAt, noRoomError, openStore, removeWaste } from './store/collect.ts';
import { namingIndex } from './store/database.ts';
import { measure } from './store/disk.ts';
import {
  type Disk,
  type GcPlan,
  type Going,
  HOLDING_KINDS,
  type Holding,
  type HoldingKind,
  keepersOf,
  type Limits,
  looseHoldings,
  planGc,
  type Root,
} from './store/gc.ts';
import { layerId, restOf, wasteFolders, wasteHolding } from './store/holdings.ts';
import { Store } from './store/layers.ts';
import { type Layout, layoutOf, namesIn } from './store/layout.ts';
import { holdLock } from './store/locks.ts';
import { dropReserve, isTight, keepReserve } from './store/reserve.ts';

export type GcOptions = Keep & {
  readonly maxSize?: Amount;
  readonly minFree?: Amount;
  /** What of the largest size is left when it was exceeded. */
  readonly slack?: number;
};

export type GcRequest = GcOptions & {
  /** Absolute path of the project's folder. */
  readonly project: string;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
};

export type GcKind = {
  readonly kind: HoldingKind | 'result';
  readonly count: number;
  /** Bytes on the disk. */
  readonly frees: number;
  /** To make it again. */
  readonly seconds: number;
};

export type GoneLayer = {
  readonly name: string;
  readonly number: number;
  readonly frees: number;
  readonly seconds: number;
  /** ISO 8601. */
  readonly used: string;
};

/** What gc removes: the same of a dry run. */
export type GcReport = {
  readonly dryRun: boolean;
  readonly frees: number;
  readonly seconds: number;
  readonly kinds: readonly GcKind[];
  readonly layers: readonly GoneLayer[];
  /** As `demo@3`. */
  readonly builds: readonly string[];
  /** Of the store, in bytes; only where a limit asks for it. */
  readonly size?: number;
  /** Bytes by which the limits are missed nevertheless, and what keeps the rest. */
  readonly missing?: { readonly bytes: number; readonly keptBy: readonly string[] };
  /** What could not be looked at. */
  readonly notes: readonly string[];
  /** What could not be removed, and why. */
  readonly failed: readonly string[];
};

/**
 * Removes what no root keeps, or plans it. A dry run lets builds go on; else it waits until none runs, and builds that begin meanwhile wait for
 * it.
 */
export async function gc(request: GcRequest, report: Report): Promise<GcReport> {
  const layout = layoutOf(request.project);
  requireStore(layout);
  if (!request.dryRun) requireWritable(layout);
  const mode = request.dryRun ? 'shared' : 'exclusive';
  const wait = () =>
    report({ kind: 'note', text: `waiting for ${request.dryRun ? '"snap gc"' : 'running builds'} to end` });
  using _held = await holdLock(layout.lock, mode, wait, request.signal);
  return await gcHeld(layout, request);
}

/** The same where the lock is held already. */
export async function gcHeld(layout: Layout, request: GcRequest): Promise<GcReport> {
  try {
    return await gcNow(layout, request);
  } catch (error) {
    throw namingIndex(error, layout.index);
  }
}

async function gcNow(layout: Layout, request: GcRequest): Promise<GcReport> {
  const { project, dryRun } = request;
  const opened = dryRun ? { store: openStore(project), early: NONE } : await openForGc(layout, project);
  using store = opened.store;
  const survey = await surveyStore(store, request);
  const { plan, size } = await makePlan(store, survey, request);
  const results = survey.staleResults(plan);
  const left = dryRun ? [] : await collect(store, plan, { results, signal: request.signal });
  const report = reportOf(survey, joined(opened.early, plan), { size, results, request });
  return { ...report, failed: left };
}

export type Keeper = { readonly root: string; readonly because: string };

export type KeptLayer = {
  readonly name: string;
  readonly number: number;
  /** Empty: the next gc removes it. */
  readonly keptBy: readonly Keeper[];
};

/**
 * What keeps a layer: its name, its number, or how its key begins.
 * @throws SnapError USAGE when the store has none of that name.
 */
export async function whyKept(request: GcRequest, layer: string): Promise<readonly KeptLayer[]> {
  const layout = layoutOf(request.project);
  requireStore(layout);
  using _held = await holdLock(layout.lock, 'shared', () => {}, request.signal);
  using store = openStore(request.project);
  const survey = await surveyStore(store, request);
  const rows = survey.rows.filter(
    ({ n, name, key }) =>
      name === layer || String(n) === layer || (/^[0-9a-f]{6,}$/.test(layer) && key.startsWith(layer)),
  );
  if (rows.length === 0) {
    throw new SnapError('USAGE', `The store has no layer "${layer}"`, {
      hint: 'a layer is named by its scriptlet, its number or the beginning of its key: snap plan --json',
    });
  }
  return rows.toReversed().map(({ n, name }) => ({
    name,
    number: n,
    keptBy: keepersOf(survey.roots, layerId(n)).map((root) => ({
      root: rootName(root),
      because: root.because,
    })),
  }));
}

function rootName({ kind, name }: Root): string {
  return `${kind} ${name}`;
}

function requireStore({ root }: Layout): void {
  if (existsSync(root)) return;
  throw new SnapError('STORE', `There is no store "${root}"`, {
    hint: 'the first build makes it: snap build',
  });
}

function requireWritable({ root }: Layout): void {
  try {
    accessSync(root, constants.W_OK);
  } catch (error) {
    throw new SnapError(
      'STORE',
      `Cannot remove anything from the store "${root}": ${(error as Error).message}`,
      {
        hint: 'make it writable, or look only: snap gc -n',
        cause: error,
      },
    );
  }
}

/**
 * The store, and what had to go so that its index could be opened: on a full disk that needs some room. First what was kept aside for this and
 * what nobody can use, then the logs.
 */
async function openForGc(
  layout: Layout,
  project: string,
): Promise<{ readonly store: Store; readonly early: GcPlan }> {
  let early = NONE;
  if (isTight(layout)) {
    dropReserve(layout);
    early = await removeNow(layout, wasteFolders(layout), 'trash');
  } else keepReserve(layout);
  try {
    return { store: new Store(project), early };
  } catch (error) {
    if (!isFullAt(layout, error)) throw error;
  }
  const logs = namesIn(layout.logs).map((name) => relative(layout.root, join(layout.logs, name)));
  early = joined(early, await removeNow(layout, logs, 'log'));
  try {
    return { store: new Store(project), early };
  } catch (error) {
    throw isFullAt(layout, error) ? noRoomError(layout, error) : error;
  }
}

const NONE: GcPlan = { going: [], frees: 0, seconds: 0, missing: 0, floor: 0 };

async function removeNow(layout: Layout, paths: readonly string[], kind: HoldingKind): Promise<GcPlan> {
  const holdings = paths.map((path) => wasteHolding(kind, path));
  const disk = await measure(layout.root, holdings);
  removeWaste(layout, paths);
  return planGc({ holdings, roots: [], disk, limits: {}, size: 0, free: 0 });
}

function joined(early: GcPlan, plan: GcPlan): GcPlan {
  return { ...plan, going: [...early.going, ...plan.going], frees: early.frees + plan.frees };
}

async function makePlan(
  store: Store,
  { holdings, roots }: Survey,
  options: GcOptions,
): Promise<{ plan: GcPlan; size: number | undefined }> {
  const { root, layers } = store.layout;
  const { blocks, bsize, bavail } = statfsSync(root);
  const limits: Limits = {
    ...(options.maxSize ? { maxSize: bytesOf(options.maxSize, blocks * bsize) } : {}),
    ...(options.minFree ? { minFree: bytesOf(options.minFree, blocks * bsize) } : {}),
  };
  const loose = looseHoldings(holdings, roots);
  const isLimited = limits.maxSize !== undefined || limits.minFree !== undefined;
  const disk = await measure(
    root,
    limits.maxSize === undefined ? loose : [...holdings, ...restOf(root, holdings)],
  );
  const size = limits.maxSize === undefined ? undefined : sizeOf(disk);
  const isOver = size !== undefined && size > limits.maxSize!;
  const within = isOver ? { ...limits, maxSize: limits.maxSize! * (options.slack ?? 1) } : limits;
  const weighed = isLimited ? withAbove(holdings, new Set(loose), layers) : holdings;
  return {
    plan: planGc({ holdings: weighed, roots, disk, limits: within, size: size ?? 0, free: bavail * bsize }),
    size,
  };
}

function sizeOf({ extents, inodes }: Disk): number {
  let sum = 0;
  for (const { own } of extents.values()) sum += own;
  for (let position = 0; position < inodes.size; position++) sum += inodes.bytesOf(position);
  return sum;
}

/** With the seconds of the loose layers that stand on each: if that does not come out the same again, they run again too. */
function withAbove(holdings: readonly Holding[], loose: ReadonlySet<Holding>, layers: string): Holding[] {
  const above = new Map<string, number>();
  for (const { id, kind, seconds } of loose) {
    if (kind !== 'layer') continue;
    for (const [, n] of readNote(layers, Number(id.split(' ')[1]))?.view ?? [])
      above.set(layerId(n), (above.get(layerId(n)) ?? 0) + seconds);
  }
  return holdings.map((one) => ({ ...one, above: above.get(one.id) ?? 0 }));
}

function reportOf(
  { roots, notes, holdings }: Survey,
  plan: GcPlan,
  { size, results, request }: { size: number | undefined; results: readonly string[]; request: GcRequest },
): GcReport {
  const going = Map.groupBy(plan.going, ({ holding }) => holding.kind);
  const kinds = HOLDING_KINDS.flatMap((kind): GcKind[] => {
    const all = going.get(kind) ?? [];
    if (all.length === 0) return [];
    const sum = (of: (one: Going) => number) => all.reduce((total, one) => total + of(one), 0);
    const [frees, seconds] = [sum((one) => one.frees), sum(({ holding }) => holding.seconds)];
    return [{ kind, count: all.length, frees, seconds }];
  });
  const layers = plan.going.filter(({ holding }) => holding.kind === 'layer' && holding.path !== undefined);
  return {
    dryRun: request.dryRun,
    frees: plan.frees,
    seconds: plan.seconds,
    kinds: [
      ...kinds,
      ...(results.length > 0
        ? [{ kind: 'result' as const, count: results.length, frees: 0, seconds: 0 }]
        : []),
    ],
    layers: layers.map(({ holding: { id, name, seconds, used }, frees }) => {
      const now = Date.now() / 1000;
      return {
        name,
        number: Number(id.split(' ')[1]),
        frees,
        seconds,
        used: new Date(Math.min(used, now) * 1000).toISOString(),
      };
    }),
    builds: plan.going.filter(({ holding }) => holding.kind === 'build').map(({ holding }) => holding.name),
    ...(size === undefined ? {} : { size }),
    ...(plan.missing > 0 ? { missing: { bytes: plan.missing, keptBy: keptBy(roots, holdings) } } : {}),
    notes,
    failed: [],
  };
}

/** The roots that keep layers, in words. */
function keptBy(roots: readonly Root[], holdings: readonly Holding[]): string[] {
  const layers = new Set(holdings.filter(({ kind }) => kind === 'layer').map(({ id }) => id));
  return roots
    .filter(({ kind, keeps }) => kind !== 'layer' && keeps.some((id) => layers.has(id)))
    .map(rootName);
}
