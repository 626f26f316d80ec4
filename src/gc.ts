import { accessSync, constants, existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ledgerOf } from './bench.ts';
import { parseLock } from './debian/lock-text.ts';
import { type Amount, bytesOf, parseAmount } from './host/amount.ts';
import { errno, SnapError } from './host/error.ts';
import { aptDirOf, checkKey, readInputs, sequenceOf } from './inputs.ts';
import { forecast } from './layers/forecast.ts';
import { currentSlot, imageNames, readFolderNote, slotsOf } from './layers/image.ts';
import { listConfs, loadConf } from './project/conf.ts';
import { readScriptlets } from './project/scriptlet.ts';
import type { Report } from './report/event.ts';
import { counted, size as sizeText } from './report/quantity.ts';
import { type BuildName, buildText, keptBuilds, readBuild, readPins, readTags } from './store/builds.ts';
import { collect, isFull, isFullAt, noRoomError, openStore, removeWaste } from './store/collect.ts';
import { measure } from './store/disk.ts';
import {
  type Disk,
  type GcPlan,
  type Holding,
  type HoldingKind,
  keepersOf,
  keptIds,
  type Limits,
  looseHoldings,
  planGc,
  type Root,
} from './store/gc.ts';
import { fetchedBytes, layerId, listHoldings, restOf, wasteFolders } from './store/holdings.ts';
import { type LayerNote, type LayerRow, Store } from './store/layers.ts';
import { type Layout, layoutOf } from './store/layout.ts';
import { type Held, holdLock, tryHold } from './store/locks.ts';
import { dropReserve, isTight, keepReserve } from './store/reserve.ts';
import { layerRows, layersSince, layerUses, resultKeys } from './store/rows.ts';
import { recallUnchanged } from './unchanged.ts';

/** Builds of each conf that are kept: the one that is shown, the one before it to go back to, and one more to compare with. */
export const KEEP_BUILDS = 3;

export type GcOptions = {
  readonly keepBuilds?: number;
  /** Seconds. */
  readonly keepYounger?: number;
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
  using _held = disposable(await holdLock(layout.lock, mode, wait, request.signal));
  return await gcHeld(layout, request);
}

/** The same where the lock is held already. */
async function gcHeld(layout: Layout, request: GcRequest): Promise<GcReport> {
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

/** As ccache has it: a store that was full has room for the next builds afterwards. */
const SLACK = 0.9;

/** What the store took when it was last measured. */
type Known = { readonly bytes: number; readonly fetched: number; readonly layers: number };

const SIZE_KEY = 'store size';

/**
 * Keeps the store within the size that the conf asks for, after a build. Looks closely only when it may take more, and
 * waits for nobody: whoever builds meanwhile does it in the end. Returns what it has to say. Holds no lock before.
 */
export async function keepWithin(
  project: string,
  conf: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { maxStoreSize } = loadConf(project, conf);
  const maxSize = maxStoreSize === undefined ? undefined : parseAmount(maxStoreSize);
  if (maxStoreSize === undefined || maxSize === undefined) return undefined;
  const layout = layoutOf(project);
  const { blocks, bsize } = statfsSync(layout.root);
  const most = bytesOf(maxSize, blocks * bsize);
  if (isWithin(project, most)) return undefined;
  const held = tryHold(layout.lock);
  if (!held) return undefined;
  using _held = disposable(held);
  const report = await gcHeld(layout, { project, signal, dryRun: false, maxSize, slack: SLACK });
  keepSize(project, report);
  return report.frees === 0 && !report.missing ? undefined : sizeWords(maxStoreSize, report);
}

/** Goes by what is known: the size then, and what came since; a layer takes no more than its files are long. */
function isWithin(project: string, most: number): boolean {
  using store = new Store(project);
  const { bytes, fetched, layers } = JSON.parse(store.results.get(SIZE_KEY) ?? 'null') ?? {
    bytes: 0,
    fetched: 0,
    layers: 0,
  };
  const { sum, last } = layersSince(store.index, layers);
  const now = fetchedBytes(store.layout);
  if (last <= layers && now <= fetched) return true;
  return bytes + sum + Math.max(0, now - fetched) <= most;
}

function keepSize(project: string, { size = 0, frees }: GcReport): void {
  using store = new Store(project);
  const { last } = layersSince(store.index, 0);
  const known: Known = { bytes: size - frees, fetched: fetchedBytes(store.layout), layers: last };
  store.results.set(SIZE_KEY, JSON.stringify(known));
}

function sizeWords(most: string, { frees, missing }: GcReport): string {
  const freed = frees > 0 ? `freed ${sizeText(frees)}` : 'found nothing to remove';
  if (!missing) return `the store was larger than ${most}: ${freed}`;
  return `the store is larger than ${most}: ${freed}, and ${sizeText(missing.bytes)} too much are kept (snap gc --keep-builds 1, snap clean)`;
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
  using _held = disposable(await holdLock(layout.lock, 'shared', () => {}, request.signal));
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

function disposable(held: Held): Held & Disposable {
  return { ...held, [Symbol.dispose]: () => held.release() };
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
  const holdings = paths.map((path): Holding => ({ ...WASTE, kind, id: path, name: path, path }));
  const disk = await measure(layout.root, holdings);
  removeWaste(layout, paths);
  return planGc({ holdings, roots: [], disk, limits: {}, size: 0, free: 0 });
}

function joined(early: GcPlan, plan: GcPlan): GcPlan {
  return { ...plan, going: [...early.going, ...plan.going], frees: early.frees + plan.frees };
}

const WASTE = { kind: 'trash', seconds: 0, above: 0, used: 0, floor: 0, waste: true, needs: [] } as const;

/**
 * What is said of a build that found no room: what is free, what it may need going by the last time, and what gc would free. Any other
 * error is returned as it is.
 */
export async function explainFull(
  {
    project,
    conf,
    signal,
  }: { readonly project: string; readonly conf: string; readonly signal: AbortSignal },
  error: unknown,
  needs: () => Promise<number | undefined>,
): Promise<unknown> {
  const layout = layoutOf(project);
  if (!existsSync(layout.root) || !isFullAt(layout, error)) return error;
  const { bavail, bsize, ffree, files } = statfsSync(layout.root);
  const free = bavail * bsize;
  const needed = await needs().catch(() => undefined);
  const would = await gc({ project, signal, dryRun: true }, () => {}).catch(() => undefined);
  const missing = needed === undefined ? 0 : needed - free;
  const isMuch = would !== undefined && would.frees > 0;
  const lines = [
    `free there: ${sizeText(free)}${files > 0 ? `, ${counted(ffree, 'inode')}` : ''}`,
    ...(missing > 0 ? [`missing: about ${sizeText(missing)}, going by the last time`] : []),
    ...(would === undefined
      ? []
      : [
          `snap gc would free ${sizeText(would.frees)}${missing > would.frees && isMuch ? ', which is not enough' : ''}`,
        ]),
  ];
  const sentence = `Cannot build "${conf}": the filesystem of the store "${layout.root}" is full`;
  const first = error instanceof SnapError ? [error.message, ...error.lines] : [(error as Error).message];
  const hint =
    isMuch || would === undefined
      ? 'make room: snap gc'
      : 'make room there, or give the store a larger filesystem';
  return new SnapError('STORE', sentence, { lines: [...first, ...lines], hint, cause: error });
}

/** What there is, and what keeps it. */
type Survey = {
  readonly rows: readonly LayerRow[];
  readonly holdings: readonly Holding[];
  readonly roots: readonly Root[];
  readonly notes: readonly string[];
  /** Keys of cached results that nothing asks for any more when this has gone. */
  staleResults(plan: GcPlan): string[];
};

async function surveyStore(store: Store, options: GcOptions & { readonly project: string }): Promise<Survey> {
  const rows = layerRows(store.index);
  const holdings = listHoldings(store.layout, rows, layerUses(store.index));
  requireRows(store, rows, holdings);
  const notes: string[] = [];
  const projects = await surveyProject(store, options.project, notes);
  const images = imageRoots(store.layout);
  const ofLayers = [
    ...images,
    ...buildRoots(store.layout, options, images),
    ...projects.roots,
    ...youngRoots(holdings, options.keepYounger),
  ];
  const kept = keptIds(ofLayers);
  for (const { id, name } of holdings) {
    const wanted = id.replace(/^row /, 'layer ');
    if (wanted !== id && kept.has(wanted))
      notes.push(`layer "${name}" (${id.slice(4)}) has no folder: snap verify`);
  }
  const roots = [
    ...ofLayers,
    ...inputRoots(
      store.layout,
      rows.filter(({ n }) => kept.has(layerId(n))),
    ),
  ];
  const all = [...roots, ...keepAll(holdings, projects.unknown)];
  const staleResults = (plan: GcPlan) => stale(store, rows, plan, projects);
  return { rows, holdings: [...holdings, ...outputNotes(store.layout)], roots: all, notes, staleResults };
}

/** An index that was lost knows of no layer: then everything would look like something that dead builds left. */
function requireRows({ layout }: Store, rows: readonly LayerRow[], holdings: readonly Holding[]): void {
  if (rows.length > 0 || !holdings.some(({ id }) => id.startsWith('layer '))) return;
  throw new SnapError(
    'STORE',
    `Cannot tell what the store "${layout.root}" needs: its index knows of no layer`,
    {
      hint: 'make the index anew: snap verify --rebuild-index',
    },
  );
}

/** What is shown, and what lies in the slot beside it, which the next build changes into its image. */
function imageRoots({ images }: Layout): Root[] {
  return imageNames(images).flatMap((conf): Root[] => {
    const slots = slotsOf(images, conf);
    const shown = shownSlot(images, conf);
    return slots.slots.flatMap((slot): Root[] => {
      const note = existsSync(slot) ? readFolderNote(`${slot}.json`) : undefined;
      if (!note) return [];
      const keeps = note.layers.map(([, n]) => layerId(n));
      return slot === shown
        ? [{ kind: 'image', name: conf, because: `images/${conf} shows it`, keeps }]
        : [{ kind: 'slot', name: conf, because: `the next build of "${conf}" begins with it`, keeps }];
    });
  });
}

function shownSlot(images: string, conf: string): string | undefined {
  try {
    return currentSlot(slotsOf(images, conf));
  } catch (error) {
    if (error instanceof SnapError) return undefined; // something of the person's own
    throw error;
  }
}

/** The last builds of each conf that is there, or has an image; and those that a person named. */
function buildRoots(
  layout: Layout,
  { keepBuilds = KEEP_BUILDS, project }: GcOptions & { readonly project: string },
  images: readonly Root[],
): Root[] {
  const confs = new Set([...listConfs(project), ...images.map(({ name }) => name)]);
  const builds = keptBuilds(layout);
  const counts = new Map<string, number>();
  const last = builds.flatMap((build): Root[] => {
    const keeps = confs.has(build.conf) ? buildIds(layout, build) : [];
    const count = (counts.get(build.conf) ?? 0) + (keeps.length > 0 ? 1 : 0);
    counts.set(build.conf, count);
    if (keeps.length === 0 || count > keepBuilds) return [];
    const because =
      keepBuilds === 1
        ? `the last build of "${build.conf}"`
        : `one of the last ${keepBuilds} builds of "${build.conf}"`;
    return [{ kind: 'build', name: buildText(build), because, keeps }];
  });
  const tags = [...readTags(layout)].map(([tag, build]): Root => {
    return {
      kind: 'tag',
      name: tag,
      because: `it names ${buildText(build)}`,
      keeps: buildIds(layout, build),
    };
  });
  const pins = readPins(layout).map((build): Root => {
    return { kind: 'pin', name: buildText(build), because: 'it is pinned', keeps: buildIds(layout, build) };
  });
  return [...last, ...tags, ...pins];
}

function buildIds(layout: Layout, build: BuildName): string[] {
  const note = readBuild(layout, build);
  return note ? [`build ${buildText(build)}`, ...note.layers.map(([, n]) => layerId(n))] : [];
}

function youngRoots(holdings: readonly Holding[], seconds: number | undefined): Root[] {
  if (seconds === undefined) return [];
  const now = Date.now() / 1000;
  const young = holdings.filter(
    ({ used, waste }) => !waste && used > 0 && Math.min(used, now) >= now - seconds,
  );
  return young.length === 0
    ? []
    : [
        {
          kind: 'young',
          name: 'ones',
          because: 'it was used lately: --keep-younger-than',
          keeps: young.flatMap(({ id, needs }) => [id, ...needs]),
        },
      ];
}

/** What the project's own files ask for now, as far as that is known without running anything. */
type ProjectSurvey = {
  readonly roots: readonly Root[];
  readonly confs: readonly string[];
  /** Keys of results that were asked for. */
  readonly asked: ReadonlySet<string>;
  /** Kinds of which nobody can tell what is needed: a file of the project cannot be read. */
  readonly unknown: ReadonlySet<HoldingKind | 'result'>;
};

async function surveyProject(store: Store, project: string, notes: string[]): Promise<ProjectSurvey> {
  const asked = new Set<string>();
  const unknown = new Set<HoldingKind | 'result'>();
  const roots: Root[] = [];
  const confs = listConfs(project);
  const attempt = async (
    what: string,
    kinds: readonly (HoldingKind | 'result')[],
    look: () => Promise<Root[]>,
  ) => {
    try {
      roots.push(...(await look()));
    } catch (error) {
      if (!(error instanceof SnapError) && !isFull(error)) throw error;
      for (const kind of kinds) unknown.add(kind);
      notes.push(`${what}: ${(error as Error).message}`);
    }
  };
  for (const file of lockFiles(project)) {
    await attempt(`debs are kept, since a lock cannot be read`, ['deb', 'tool'], async () => [
      lockRoot(project, file),
    ]);
  }
  for (const conf of confs) {
    await attempt(`what conf "${conf}" would use is not known`, ['source', 'result', 'log'], () =>
      confRoots(store, project, conf, asked),
    );
    await attempt(`indexes of packages are kept`, ['indexes'], () => indexRoots(project, conf));
  }
  return { roots, confs, asked, unknown };
}

function lockFiles(project: string): string[] {
  return namesIn(join(project, 'conf'))
    .filter((name) => name.endsWith('.lock'))
    .map((name) => join('conf', name));
}

function lockRoot(project: string, file: string): Root {
  const lock = parseLock(readFileSync(join(project, file), 'utf8'), file);
  const digests = [...lock.pins.values()].map(({ sha256 }) => sha256);
  return {
    kind: 'lock',
    name: file,
    because: `${file} pins it`,
    keeps: [...digests.flatMap(debIds), ...digests.map((one) => `tool ${one}`)],
  };
}

function debIds(sha256: string): string[] {
  return [`deb ${sha256}`, `part ${sha256}`];
}

/** Layers that a build would find now; what it would ask of sources, logs and cached results. */
async function confRoots(store: Store, project: string, name: string, asked: Set<string>): Promise<Root[]> {
  const conf = loadConf(project, name);
  const cache = {
    get: (key: string) => {
      asked.add(key);
      return store.results.get(key);
    },
    set: (key: string, value: string) => {
      asked.add(key);
      store.results.set(key, value);
    },
  };
  const scriptlets = await readScriptlets(conf, { cache });
  for (const scriptlet of scriptlets) if (scriptlet.hasCheck) asked.add(checkKey(scriptlet, project));
  const sources = scriptlets
    .flatMap((one) => one.sources)
    .flatMap(({ sha256 }) => [`source ${sha256}`, `part ${sha256}`]);
  const logs = ['base', ...scriptlets.map((one) => one.name)].map(logId);
  const because = `conf "${name}" would use it`;
  const layers = recallUnchanged(project, name) ? [] : await foundLayers(store, project, name);
  return [{ kind: 'conf', name, because, keeps: [...sources, ...logs, ...layers] }];
}

async function foundLayers(store: Store, project: string, name: string): Promise<string[]> {
  const inputs = await readInputs(project, name, store);
  const { conf, lock, parent } = inputs;
  if (!lock) return [];
  const planned = forecast(
    { store, conf, lock, ledger: ledgerOf(lock, parent), rerun: new Set() },
    sequenceOf(inputs, lock),
  );
  return planned.flatMap(({ layer }) => (layer === undefined ? [] : [layerId(layer)]));
}

async function indexRoots(project: string, name: string): Promise<Root[]> {
  const folder = await aptDirOf(loadConf(project, name));
  return [{ kind: 'conf', name, because: `conf "${name}" asks it`, keeps: [`indexes ${folder}`] }];
}

function logId(layer: string): string {
  return `log ${layer.replaceAll('/', '%')}.log`;
}

/** What making a kept layer again needs: its debs and sources; and its log. */
function inputRoots({ layers }: Layout, rows: readonly LayerRow[]): Root[] {
  return rows.map(({ n, name }): Root => {
    const inputs = readNote(layers, n)?.inputs as { debs?: string[]; sources?: string[] } | undefined;
    const [debs, sources] = [inputs?.debs ?? [], inputs?.sources ?? []].map((lines) =>
      lines.map((line) => line.split(' ').at(-1)!),
    );
    const keeps = [...debs!.flatMap(debIds), ...sources!.map((one) => `source ${one}`), logId(name)];
    return { kind: 'layer', name: `${name} (${n})`, because: 'it was made from it', keeps };
  });
}

/** Not by way of the store, which would keep all of them in memory. */
function readNote(layers: string, n: number): LayerNote | undefined {
  try {
    return JSON.parse(readFileSync(join(layers, String(n), 'layer.json'), 'utf8')) as LayerNote;
  } catch {
    return undefined;
  }
}

function keepAll(holdings: readonly Holding[], kinds: ReadonlySet<string>): Root[] {
  return [...kinds].map((kind): Root => {
    const keeps = holdings
      .filter((one) => one.kind === kind || (kind === 'deb' && one.id.startsWith('part ')))
      .map(({ id }) => id);
    return { kind: 'conf', name: 'that cannot be read', because: 'nobody can tell what it needs', keeps };
  });
}

/** Notes of folders that `--output` named, where there is no folder any more. */
function outputNotes({ root }: Layout): Holding[] {
  return namesIn(join(root, 'outputs')).flatMap((file): Holding[] => {
    const path = join('outputs', file);
    const { folder } = readFolderNote(join(root, path)) ?? {};
    if (folder === undefined || existsSync(folder)) return [];
    return [{ ...WASTE, kind: 'note', id: `note ${file}`, name: folder, path }];
  });
}

function stale(
  store: Store,
  rows: readonly LayerRow[],
  plan: GcPlan,
  { asked, confs, unknown }: ProjectSurvey,
): string[] {
  const gone = new Set(plan.going.map(({ holding }) => holding.id));
  const stay = rows.filter(({ n }) => !gone.has(layerId(n)) && !gone.has(`row ${n}`));
  const [numbers, digests] = [
    new Set(stay.map(({ n }) => n)),
    new Set<string>(stay.map(({ digest }) => digest)),
  ];
  const known = new Set([...confs, ...imageNames(store.layout.images)]);
  const keys = resultKeys(store.index);
  const shown = new Set(
    keys.filter((key) => key.startsWith('slot ')).map((key) => store.results.get(key)?.split(' ').at(-1)),
  );
  const layersOf = (key: string): number[] => {
    const { layers } = JSON.parse(store.results.get(key) ?? '{}') as { layers?: [name: string, n: number][] };
    return (layers ?? []).map(([, n]) => n);
  };
  const isStale = (key: string): boolean => {
    const [kind = '', subject = ''] = key.split(' ');
    switch (kind) {
      case 'unchanged':
      case 'slot':
        return !known.has(subject);
      case 'view':
        return !known.has(subject) || !layersOf(key).every((n) => numbers.has(n));
      case 'image':
        return (
          !shown.has((JSON.parse(store.results.get(key) ?? '{}') as { digest?: string }).digest) ||
          !layersOf(key).every((n) => numbers.has(n))
        );
      case 'contribution':
      case 'links':
        return !digests.has(subject);
      case 'pre-depends':
        return gone.has(`deb ${subject}`);
      case 'check':
        return !unknown.has('result') && !asked.has(key);
      default:
        return /^[0-9a-f]{64}$/.test(key) && !unknown.has('result') && !asked.has(key);
    }
  };
  return keys.filter(isStale);
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
  for (const { bytes } of inodes.values()) sum += bytes;
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
  const kinds = [...Map.groupBy(plan.going, ({ holding }) => holding.kind)].map(([kind, all]): GcKind => {
    const sum = (of: (one: (typeof all)[number]) => number) => all.reduce((total, one) => total + of(one), 0);
    return {
      kind,
      count: all.length,
      frees: sum(({ frees }) => frees),
      seconds: sum(({ holding }) => holding.seconds),
    };
  });
  const order = (kind: GcKind['kind']) => KINDS.indexOf(kind);
  const layers = plan.going.filter(({ holding }) => holding.kind === 'layer' && holding.path !== undefined);
  return {
    dryRun: request.dryRun,
    frees: plan.frees,
    seconds: plan.seconds,
    kinds: [
      ...kinds.sort((a, b) => order(a.kind) - order(b.kind)),
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

const KINDS: readonly GcKind['kind'][] = [
  'layer',
  'build',
  'deb',
  'source',
  'tool',
  'indexes',
  'log',
  'unfinished',
  'note',
  'trash',
  'result',
];

/** The roots that keep layers, in words. */
function keptBy(roots: readonly Root[], holdings: readonly Holding[]): string[] {
  const layers = new Set(holdings.filter(({ kind }) => kind === 'layer').map(({ id }) => id));
  return roots
    .filter(({ kind, keeps }) => kind !== 'layer' && keeps.some((id) => layers.has(id)))
    .map(rootName);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (errno(error) === 'ENOENT') return [];
    throw error;
  }
}
