import { dirname, join } from 'node:path';
import { holdForBuild } from './bench.ts';
import { buildHeld } from './build.ts';
import { fileFromDeb } from './debian/deb-file.ts';
import { debPath } from './debian/debs.ts';
import { download } from './debian/download.ts';
import type { Pin } from './debian/lock.ts';
import { diskFailure, errno, SnapError } from './host/error.ts';
import { removeFile } from './host/remove.ts';
import { mirrorsOf } from './inputs.ts';
import { dropKernel } from './kernel/verify.ts';
import {
  forgetSlot,
  planOfRecipe,
  readFolderNote,
  readNoteOf,
  settleImage,
  slotsOf,
} from './layers/image.ts';
import { joinRuns, shareRuns } from './layers/relay.ts';
import { folderNotes, forgetImage } from './output.ts';
import { listConfs, loadConf } from './project/conf.ts';
import type { Report } from './report/event.ts';
import { type BuildRequest, usualJobs } from './request.ts';
import { type LayerRow, Store } from './store/layers.ts';
import type { File, TreePath } from './store/manifest.ts';
import { entryAt, mendPath } from './store/mend.ts';
import { at, removeTree } from './store/tree.ts';
import {
  type Damage,
  holdForVerify,
  pinsOf,
  type Slot,
  slotsIn,
  type Verified,
  type VerifyRequest,
  verifyHeld,
} from './verify.ts';

/** What became of one damage. */
export type Outcome =
  | { readonly kind: 'mended'; readonly how: string }
  | { readonly kind: 'open'; readonly why: string; readonly next: string };

export type Repaired = Verified & {
  /** In the order of the damages. */
  readonly outcomes: readonly Outcome[];
  /** What came to light meanwhile, or is damaged still. */
  readonly left: readonly Damage[];
};

/** How a build is shown. */
export type Shown = { readonly report: Report; readonly close: () => void };

export type RepairRequest = VerifyRequest & { readonly show: (request: BuildRequest) => Shown };

/**
 * Looks for damage and mends it: files of layers from another copy or a deb, else the layer is made again; debs from the mirror; images
 * from the layers. Looks again in the end, and takes nothing for mended that is not. Waits until no other snap works in the store.
 */
export async function repair(request: RepairRequest): Promise<Repaired> {
  using store = new Store(request.project);
  const { found, outcomes, lost, confs, brokeOff } = await mendHeld(store, request);
  const failed = brokeOff ? new Map() : await buildAgain(store, request, confs);
  for (const [row, damages] of lost) {
    const outcome = outcomeOfLayer(store, row, brokeOff ? [brokeOff] : failed.values());
    for (const damage of damages) outcomes.set(damage, outcome);
  }
  for (const damage of brokeOff ? found.damages : []) {
    if (!outcomes.has(damage)) outcomes.set(damage, open(brokeOff, AGAIN));
  }
  const { left, unseen } = await lookAgain(store, request);
  const isLeft = new Map(left.map((damage) => [idOf(damage), damage]));
  const told = found.damages.map((damage) => {
    const still = isLeft.get(idOf(damage));
    isLeft.delete(idOf(damage));
    if (unseen) return open(unseen, AGAIN);
    if (damage.kind === 'build') return buildOutcome(damage, still);
    return finalOutcome(outcomes.get(damage) ?? imageOutcome(damage, failed), still);
  });
  return { ...found, outcomes: told, left: [...isLeft.values()] };
}

const AGAIN = 'repair once more when the disk is in order';

/** What is damaged in the end; `unseen` is why nobody could look. */
async function lookAgain(
  store: Store,
  request: RepairRequest,
): Promise<{ readonly left: readonly Damage[]; readonly unseen?: Error }> {
  try {
    using _held = await holdForVerify(store, request, 'shared');
    return { left: (await verifyHeld(store, request)).damages };
  } catch (error) {
    return { left: [], unseen: ofDisk(error) };
  }
}

/** The disk's failure in words for a person. @throws any other error. */
function ofDisk(error: unknown): SnapError {
  const failure = diskFailure(error);
  if (failure) return failure;
  if (error instanceof SnapError && diskFailure(error.cause)) return error;
  throw error;
}

/** What is wrong in the end is what counts. */
function finalOutcome(outcome: Outcome, still: Damage | undefined): Outcome {
  if (outcome.kind === 'open' || still === undefined) return outcome;
  return {
    kind: 'open',
    why: `it is damaged again: ${still.what}`,
    next: "look at the disk's health (dmesg), and for whoever writes there",
  };
}

/** A build holds again when all of its layers came out the same. */
function buildOutcome({ what }: Damage, still: Damage | undefined): Outcome {
  if (still === undefined) return { kind: 'mended', how: 'its layers are there again' };
  const next = what.includes('pin') ? 'take the tag or the pin away' : 'let it go: snap gc';
  return { kind: 'open', why: 'a build that is over cannot be made again', next };
}

function imageOutcome(damage: Damage, failed: ReadonlyMap<string, unknown>): Outcome {
  const error = damage.kind === 'image' ? failed.get(damage.image.conf) : undefined;
  return error === undefined
    ? { kind: 'mended', how: 'made anew by a build' }
    : open(error, 'build the conf by hand');
}

/** Of what a damage is, whatever is wrong with it. */
function idOf(damage: Damage): string {
  switch (damage.kind) {
    case 'layer':
      return `layer ${damage.n}`;
    case 'path':
      return `layer ${damage.n} ${damage.path}`;
    case 'index':
      return `index ${damage.what}`;
    case 'build':
      return `build ${damage.build.conf} ${damage.build.number}`;
    case 'source':
    case 'tool':
      return `${damage.kind} ${damage.name}`;
    case 'kernel':
      return `kernel ${damage.folder} ${damage.path}`;
    case 'deb':
      return `deb ${damage.sha256}`;
    case 'image':
      return `image ${damage.image.slot} ${damage.path}`;
    default:
      return damage satisfies never;
  }
}

function open(given: unknown, next: string): Outcome {
  const error = diskFailure(given) ?? given;
  if (!(error instanceof Error)) throw error;
  const hint = error instanceof SnapError ? error.hint : undefined;
  return { kind: 'open', why: error.message, next: hint ?? next };
}

/** The layers that had to be taken away, and what was wrong with them. */
type Lost = Map<LayerRow, readonly Damage[]>;

type Outcomes = Map<Damage, Outcome>;

type Mended = {
  readonly found: Verified;
  readonly outcomes: Outcomes;
  readonly lost: Lost;
  /** What has to be built again. */
  readonly confs: Set<string>;
  /** The disk's failure, after which nothing more was tried. */
  readonly brokeOff?: SnapError;
};

/** All that is done while nobody else works in the store. */
async function mendHeld(store: Store, request: RepairRequest): Promise<Mended> {
  using _held = await holdForVerify(store, request, 'exclusive');
  const found = await verifyHeld(store, request);
  const mended = { found, outcomes: new Map(), lost: new Map(), confs: new Set<string>() };
  try {
    await mendAll(store, request, mended);
    return mended;
  } catch (error) {
    return { ...mended, brokeOff: ofDisk(error) };
  }
}

async function mendAll(
  store: Store,
  request: RepairRequest,
  { found: { damages }, outcomes, lost, confs }: Mended,
): Promise<void> {
  const slots = slotsIn(store);
  // First of all: whatever comes to pass from here on, nobody takes a damaged slot or folder for what its note says.
  const forgotten = forgetSlots(store, damages);
  forgetFolders(store, damages);
  await mendLayers(store, slots, damages, { outcomes, lost });
  if (damages.some(({ kind }) => kind === 'index')) store.remakeIndex();
  mendSmall(store, damages, outcomes);
  mendKernels(store, damages, outcomes);
  await mendDebs(store, request, damages, outcomes);
  for (const conf of await mendImages(store, damages, forgotten, outcomes)) confs.add(conf);
  for (const conf of listConfs(request.project)) {
    if (layersOfLast(store, conf).some((n) => store.layerNumbered(n) === undefined)) confs.add(conf);
  }
}

/** The layers of a conf's last build. */
function layersOfLast(store: Store, conf: string): number[] {
  const layers = JSON.parse(store.lastBuild(conf)?.layers ?? '[]') as [name: string, n: number][];
  return layers.map(([, n]) => n);
}

/** What is mended in its place is on the disk before anything is taken away. */
async function mendLayers(
  store: Store,
  slots: readonly Slot[],
  damages: readonly Damage[],
  { outcomes, lost }: Pick<Mended, 'outcomes' | 'lost'>,
): Promise<void> {
  const bad = new Map<number, Damage[]>();
  const lose = (n: number, damage: Damage): void => void bad.set(n, [...(bad.get(n) ?? []), damage]);
  const isMadeAgain = madeAgain(store);
  for (const damage of damages) {
    if (damage.kind === 'layer') lose(damage.n, damage);
    if (damage.kind !== 'path') continue;
    const numbers = [damage, ...damage.sharing].map(({ n }) => n);
    const result = await mendOne(store, slots, damage);
    const isTakenAway = result === 'lost' || (result === 'unreachable' && numbers.every(isMadeAgain));
    if (isTakenAway) for (const n of numbers) lose(n, damage);
    else outcomes.set(damage, outcomeInPlace(result));
  }
  settleMended(store, damages, outcomes);
  for (const [damage, { kind }] of outcomes) {
    if (kind === 'open' && damage.kind === 'path' && bad.has(damage.n)) lose(damage.n, damage);
  }
  for (const [n, own] of bad) {
    const row = store.layerNumbered(n);
    if (row) lost.set(row, own);
  }
  for (const n of bad.keys()) store.retire(n);
}

/** Whether a build of some conf makes a layer again when it is gone. */
function madeAgain(store: Store): (n: number) => boolean {
  const confs = listConfs(dirname(store.layout.root));
  const layers = new Set(confs.flatMap((conf) => layersOfLast(store, conf)));
  return (n) => layers.has(n);
}

function outcomeInPlace(result: 'mended' | 'unreachable' | SnapError): Outcome {
  if (result === 'mended') return { kind: 'mended', how: 'put right in the layer' };
  if (result !== 'unreachable') return open(result, AGAIN);
  return {
    kind: 'open',
    why: 'the disk refuses the layer, and no conf makes it again',
    next: 'look at what the kernel says of the disk (dmesg)',
  };
}

/** Brings what was put right to the disk. @throws when it failed: then nothing counts as mended. */
function settleMended(store: Store, damages: readonly Damage[], outcomes: Outcomes): void {
  const mended = damages.filter((damage) => outcomes.get(damage)?.kind === 'mended');
  if (mended.length === 0) return;
  try {
    store.settleFolder(store.layout.layers);
  } catch (error) {
    for (const damage of mended) outcomes.delete(damage);
    throw error;
  }
}

/** Folders of a person's own that hold a file of a damaged layer: the next build or restore that fills one makes it from nothing. */
function forgetFolders({ layout }: Store, damages: readonly Damage[]): void {
  const damaged = new Set(
    damages.flatMap((one) => {
      if (one.kind === 'path') return [one.n, ...one.sharing.map(({ n }) => n)];
      return one.kind === 'layer' ? [one.n] : [];
    }),
  );
  for (const file of folderNotes(layout.root)) {
    if (readFolderNote(file)?.layers.some(([, n]) => damaged.has(n))) removeFile(file);
  }
}

type PathDamage = Extract<Damage, { kind: 'path' }>;

/**
 * lost: its content is nowhere to be found. unreachable: the disk fails in the layer itself, which can only be made again elsewhere. An error:
 * something else could not be written, so that the layer stays as it is.
 */
type InPlace = 'mended' | 'lost' | 'unreachable' | SnapError;

async function mendOne(store: Store, slots: readonly Slot[], { n, path }: PathDamage): Promise<InPlace> {
  const copies = (_: number, entry: File): Buffer[] => [
    ...store.holdersOf(entry.path).flatMap((other) => {
      const isThere = other !== n && store.layerNumbered(other) !== undefined;
      const there = isThere ? entryAt(store, other, entry.path) : undefined;
      return there?.type === 'file' && there.digest === entry.digest
        ? [at(store.treeOf(other), entry.path)]
        : [];
    }),
    ...slots.map(({ slot }) => at(slot, entry.path)),
  ];
  try {
    if (mendPath(store, n, path, copies)) return 'mended';
    if (store.manifestOf(n).get(path)?.type !== 'file') return 'lost';
    return (await mendFromDeb(store, n, path)) ? 'mended' : 'lost';
  } catch (error) {
    return outcomeOf(error, store.treeOf(n));
  }
}

function outcomeOf(error: unknown, tree: string): InPlace {
  const code = errno(error);
  if (code === undefined) throw error;
  if (error instanceof SnapError && !diskFailure(error.cause)) return 'lost'; // nobody can read what should be there
  const file = String((error as NodeJS.ErrnoException).path);
  const isFull = ['ENOSPC', 'EDQUOT'].includes(code);
  return diskFailure(error) && (isFull || !file.startsWith(`${tree}/`)) ? ofDisk(error) : 'unreachable';
}

async function mendFromDeb(store: Store, n: number, path: TreePath): Promise<boolean> {
  const folder = store.makeWorkDir();
  try {
    const target = join(folder, 'file');
    const packed = { debsDir: store.layout.debs, tree: store.treeOf(n), debs: debsOf(store, n), path };
    return (await fileFromDeb(packed, target)) && mendPath(store, n, path, () => [Buffer.from(target)]);
  } finally {
    store.dropWorkDir(folder);
  }
}

function debsOf(store: Store, n: number): string[] {
  const { kind, name, inputs } = store.noteOf(n);
  const { debs, sha256 } = inputs as { readonly debs?: unknown; readonly sha256?: unknown };
  if (kind === 'deb') return [`${name.replace(/^deb\//, '')} - - ${sha256}`];
  return Array.isArray(debs) ? debs.map(String) : [];
}

/** What the next build makes or fetches by itself when it is not there. */
function mendSmall({ layout }: Store, damages: readonly Damage[], outcomes: Map<Damage, Outcome>): void {
  const gone = { kind: 'mended', how: 'removed: the next build that needs it gets it again' } as const;
  for (const damage of damages) {
    if (damage.kind === 'source') removeFile(join(layout.sources, damage.name));
    if (damage.kind === 'tool') removeTree(Buffer.from(join(layout.tools, damage.name)));
    if (damage.kind === 'source' || damage.kind === 'tool') outcomes.set(damage, gone);
    if (damage.kind === 'index') outcomes.set(damage, { kind: 'mended', how: 'the index was made anew' });
  }
}

/** Of a source that is damaged nobody knows since when: what was compiled of it goes too. */
function mendKernels(store: Store, damages: readonly Damage[], outcomes: Map<Damage, Outcome>): void {
  const damaged = damages.filter((damage) => damage.kind === 'kernel');
  const dropped = new Map(
    [...new Set(damaged.map(({ folder }) => folder))].map((one) => [one, dropKernel(store, one)]),
  );
  for (const damage of damaged) {
    const trees = (dropped.get(damage.folder) ?? []).filter((one) => one !== damage.folder).length;
    const with_ =
      trees === 0 ? '' : ` with ${trees === 1 ? 'the tree' : `the ${trees} trees`} compiled of it`;
    const how = `removed${with_}: the next kernel that has to be built makes it again`;
    outcomes.set(damage, { kind: 'mended', how });
  }
}

async function mendDebs(
  store: Store,
  { project, signal }: RepairRequest,
  damages: readonly Damage[],
  outcomes: Map<Damage, Outcome>,
): Promise<void> {
  const damaged = damages.filter((damage) => damage.kind === 'deb');
  for (const damage of damaged) removeTree(Buffer.from(debPath(store.layout.debs, damage)));
  for (const damage of damaged) {
    if (!damage.pin) outcomes.set(damage, { kind: 'mended', how: 'removed: no lock pins it' });
  }
  for (const conf of damaged.length > 0 ? listConfs(project) : []) {
    const { pins } = await pinsOf(project, [conf]);
    const open = damaged.filter(
      ({ sha256 }) => pins.has(sha256) && outcomes.get(damageOf(sha256))?.kind !== 'mended',
    );
    function damageOf(sha256: string): Damage {
      return damaged.find((one) => one.sha256 === sha256)!;
    }
    const wanted = open.map(({ sha256 }) => pins.get(sha256)!);
    const outcome = await fetched(store, project, conf, wanted, signal);
    for (const damage of open) outcomes.set(damage, outcome);
  }
}

async function fetched(
  { layout }: Store,
  project: string,
  conf: string,
  pins: readonly Pin[],
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    const mirrors = await mirrorsOf(loadConf(project, conf));
    await download(pins, { offline: false, report: () => {}, signal, debsDir: layout.debs, mirrors });
    return { kind: 'mended', how: 'fetched again' };
  } catch (error) {
    signal.throwIfAborted();
    return open(error, 'build once the mirror answers');
  }
}

/** The damaged slots, and how they were made. */
type Forgotten = ReadonlyMap<Slot, ReturnType<typeof readNoteOf>>;

function forgetSlots(store: Store, damages: readonly Damage[]): Forgotten {
  const damaged = new Map<string, Slot>();
  for (const damage of damages) {
    const slots = damage.kind === 'image' ? [damage.image] : 'images' in damage ? damage.images : [];
    for (const slot of slots) damaged.set(slot.slot, slot);
  }
  const forgotten = new Map([...damaged.values()].map((one) => [one, readNoteOf(one.slot)]));
  for (const { slot, conf } of forgotten.keys()) {
    forgetImage(store, conf);
    forgetSlot(slot);
  }
  return forgotten;
}

/** Makes images whole from whole layers, in the slot that is not shown. Returns the confs that have to be built for it. */
async function mendImages(
  store: Store,
  damages: readonly Damage[],
  forgotten: Forgotten,
  outcomes: Map<Damage, Outcome>,
): Promise<Set<string>> {
  const confs = new Set<string>();
  const how = new Map<string, string>();
  for (const [{ conf, slot, isShown }, note] of forgotten) {
    const plan = note && planOfRecipe(store, note);
    how.set(slot, isShown ? 'the image was made anew beside it' : 'made from nothing by the next build');
    if (!isShown) continue;
    if (plan) await settleImage(store, slotsOf(store.layout.images, conf), plan);
    else confs.add(conf);
  }
  for (const damage of damages) {
    if (damage.kind !== 'image' || confs.has(damage.image.conf)) continue;
    outcomes.set(damage, { kind: 'mended', how: how.get(damage.image.slot)! });
  }
  return confs;
}

/** Builds what lacks a layer, or has no image any more; returns the confs that could not be built, and why. */
async function buildAgain(
  store: Store,
  { project, signal, show }: RepairRequest,
  confs: ReadonlySet<string>,
): Promise<ReadonlyMap<string, unknown>> {
  const failed = new Map<string, unknown>();
  const known = new Set(listConfs(project));
  for (const conf of confs) {
    signal.throwIfAborted();
    if (!known.has(conf)) {
      failed.set(
        conf,
        new SnapError('USAGE', `There is no conf "${conf}" any more`, { hint: 'remove its image' }),
      );
      continue;
    }
    const jobs = usualJobs();
    const request = {
      project,
      conf,
      jobs,
      locked: true,
      offline: false,
      keepFailed: false,
      rerun: [],
      signal,
    };
    const shown = show(request);
    try {
      using _held = await holdForBuild(store, request, shown.report);
      await buildHeld(store, request, shown.report, joinRuns(shareRuns(jobs)));
    } catch (error) {
      signal.throwIfAborted();
      failed.set(conf, error);
    } finally {
      shown.close();
    }
  }
  return failed;
}

function outcomeOfLayer(store: Store, row: LayerRow, failed: Iterable<unknown>): Outcome {
  if (row.kind === 'deb') {
    return { kind: 'mended', how: 'taken away: the deb is unpacked again when a layer needs it' };
  }
  // One that stood on another view was made again there, under its number.
  const again = store.layerNumbered(row.n) ?? store.withKey(row.key).findLast(({ ids }) => ids === row.ids);
  if (again?.digest === row.digest)
    return { kind: 'mended', how: 'the layer was made again, and is the same' };
  if (again)
    return { kind: 'mended', how: `the layer was made again, with other content: it is layer ${again.n}` };
  const [error] = failed;
  if (error !== undefined) return open(error, 'build the conf once the cause is gone');
  return { kind: 'mended', how: 'the layer was removed: no conf makes it any more' };
}
