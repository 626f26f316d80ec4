import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { errno, SnapError } from '../host/error.ts';
import { removeFile, removeIfPossible } from '../host/remove.ts';
import { writeFile } from '../host/write.ts';
import type { Recipe } from '../store/builds.ts';
import { asDigest, type Digest } from '../store/digest.ts';
import type { Store } from '../store/layers.ts';
import { syncFolder } from '../store/layout.ts';
import {
  decodeManifest,
  type Entry,
  encodeManifest,
  type File,
  isEqual,
  parentOf,
  type TreePath,
} from '../store/manifest.ts';
import { at, handsDown, linkEntry, makeEntry, removeTree, setMetadata, setTime } from '../store/tree.ts';
import { startTreeHelper, type TreeTask } from '../store/tree-helper.ts';
import { bytesOf, sideBySide } from './difference.ts';
import { addDifferent, changedPaths, haveSameRecords, keepLayers, reviveLayers } from './kept-view.ts';
import { type ImagePlan, type Part, planImage } from './plan.ts';
import { mergeView } from './view.ts';

/** How much an image holds: bytes are those of all regular files, hard links counted once. */
export type Extent = { readonly paths: number; readonly bytes: number };

/** What is kept beside a folder of how it was made, to change it by what differs the next time. */
type Note = Extent &
  Recipe & {
    readonly format: number;
    readonly digest: Digest;
    /** Absolute path as it was when the note was written. */
    readonly folder?: string;
  };

const FORMAT = 2;

/** One path at which two images differ, or a folder has to change. */
export type ImageChange = {
  readonly path: TreePath;
  readonly was: Part | undefined;
  readonly now: Part | undefined;
};

/** Where a conf's image lies: a link to one of two slots, of which the other one is changed and then takes its place. */
export type Slots = { readonly link: string; readonly slots: readonly [string, string] };

export function slotsOf(images: string, name: string): Slots {
  return { link: join(images, name), slots: [join(images, `.${name}.a`), join(images, `.${name}.b`)] };
}

/** The slots that were filled ahead, and what they hold. */
export type Prepared = ReadonlyMap<string, Note>;

const NOTHING_PREPARED: Prepared = new Map();

/** Parts that are made between two looks at what else there is to do: some milliseconds. */
const TURN = 128;

/**
 * Fills the slots of a first image with what is known of it while the rest is still made: to change that into the image takes what differs
 * alone. `settleImage` is to get what this returns: nothing where there is an image, where there is no room, or when it was stopped. The caller
 * holds the conf's image for itself.
 */
export async function prepareSlots(
  store: Store,
  slots: Slots,
  planOf: () => ImagePlan,
  signal: AbortSignal,
): Promise<Prepared> {
  await setImmediate(); // what the caller has begun before goes first
  if (signal.aborted || !isFirst(store, slots)) return NOTHING_PREPARED;
  const [target, spare] = slots.slots;
  try {
    for (const slot of slots.slots) removeFile(noteFile(slot));
    const plan = planOf();
    const inTurns = async (): Promise<void> => {
      await setImmediate();
      signal.throwIfAborted();
    };
    const extent = await makeAll([target, spare], plan, { inTurns });
    const note = noteOf(plan, extent, target);
    return new Map(slots.slots.map((slot) => [slot, note]));
  } catch (error) {
    if (!signal.aborted && errno(error) === undefined) throw error;
    dropPrepared(slots.slots);
    return NOTHING_PREPARED;
  }
}

/** Removes slots that were filled ahead of an image that does not come. */
export function dropPrepared(slots: Iterable<string>): void {
  removeIfPossible(() => {
    for (const slot of slots) removeTree(Buffer.from(slot));
  });
}

/**
 * Whether a conf has no image yet, and layers were made for it: then both slots are made. After all that their making took nobody notices, and
 * the first change has to apply its difference alone.
 */
function isFirst(store: Store, slots: Slots): boolean {
  return currentSlot(slots) === undefined && store.hasFreshLayers();
}

/**
 * Brings a conf's image to the plan. Whoever reads through the link sees the old image or the new one, whole; on success the new one
 * is on the disk. The caller holds the conf's image for itself.
 */
export async function settleImage(
  store: Store,
  slots: Slots,
  plan: ImagePlan,
  prepared: Prepared = NOTHING_PREPARED,
): Promise<Extent> {
  const current = currentSlot(slots);
  const shown = current === undefined ? undefined : readNote(noteFile(current));
  if (current !== undefined && shown?.digest === plan.digest) {
    renameNote(store, current, shown, plan);
    if (!store.isReadOnly) show(slots, current);
    return { paths: shown.paths, bytes: shown.bytes };
  }
  for (const slot of slots.slots) removeFile(`${noteFile(slot)}.new`); // of one that was killed
  const [target, other] = current === slots.slots[0] ? slots.slots.toReversed() : slots.slots;
  const asTarget = (slot: string): Target => toFill(slot, noteFile(slot), prepared.get(slot));
  const spare = isFirst(store, slots) ? asTarget(other!) : undefined;
  const extent = await bring(store, plan, asTarget(target!), spare);
  show(slots, target!);
  return extent;
}

/**
 * On success the link is on the disk. One that is right is made anew all the same: a killed build may have left it unsynced, and after a
 * sync that failed another one would succeed, whatever the first one has lost.
 */
function show({ link }: Slots, slot: string): void {
  const beside = `${link}.new`;
  removeFile(beside);
  symlinkSync(basename(slot), beside);
  renameSync(beside, link);
  syncFolder(dirname(link));
}

/** The same image may have come from other layers, where those that it was made from are gone, or their numbers are those of others. */
function renameNote(store: Store, slot: string, shown: Note, plan: ImagePlan): void {
  const isOther = JSON.stringify(shown.layers) !== JSON.stringify(keepLayers(plan.view.layers));
  if (!isOther || trustedPlan(store, shown)) return;
  const file = writeNote(noteFile(slot), plan, shown, slot, true);
  renameSync(`${file}.new`, file);
}

/** Makes a folder of the caller's equal to the plan; `note` is where is kept how it was made. */
export function updateFolder(store: Store, folder: string, note: string, plan: ImagePlan): Promise<Extent> {
  return bring(store, plan, toFill(folder, note));
}

/** A folder that is to become an image. */
type Target = {
  readonly folder: string;
  /** The file of its note. */
  readonly note: string;
  /** What it holds now; undefined where nobody knows. */
  readonly before: Note | undefined;
};

function toFill(folder: string, note: string, prepared?: Note): Target {
  return { folder, note, before: prepared ?? (existsSync(folder) ? readNote(note) : undefined) };
}

/** `spare` becomes the same where there is room for it, and is on the disk by the same wait. */
async function bring(store: Store, plan: ImagePlan, target: Target, spare?: Target): Promise<Extent> {
  const both = spare ? [target, spare] : [target];
  for (const { note } of both) removeFile(note);
  const { extent, filled } = await fill(store, plan, both);
  // Written before the wait for the disk and named after it: so none is ever found empty.
  const written = filled.map(({ note, folder }) => writeNote(note, plan, extent, folder));
  store.settleFolder(target.folder);
  for (const file of written) renameSync(`${file}.new`, file);
  return extent;
}

type Filled = { readonly extent: Extent; readonly filled: readonly Target[] };

/** Fills the first folder, and a second one alike where there is room for it: else the next change makes that. */
async function fill(store: Store, plan: ImagePlan, both: readonly Target[]): Promise<Filled> {
  try {
    return { extent: await fillAll(store, plan, both), filled: both };
  } catch (error) {
    const [target, spare] = both;
    if (!spare || !['ENOSPC', 'EDQUOT'].includes(errno(error) ?? '')) throw error;
    removeTree(Buffer.from(spare.folder));
    const alone = [{ ...target!, before: undefined }];
    return { extent: await fillAll(store, plan, alone), filled: alone };
  }
}

/** Paths of layers from which on a thread that helps is worth its start. */
const MANY = 8_000;

async function fillAll(store: Store, plan: ImagePlan, targets: readonly Target[]): Promise<Extent> {
  const changed = targets.map(({ folder, before }) => before && change(store, folder, before, plan));
  const [first] = changed;
  const open = targets.filter((_, index) => changed[index] === undefined).map(({ folder }) => folder);
  if (open.length === 0 && first) return first;
  const paths = plan.view.layers.reduce((sum, { row }) => sum + row.paths, 0);
  return makeAll(open, plan, { isHelped: paths >= MANY });
}

/** The image in a slot as a plan; undefined when nobody knows any more how it was made. */
export function planOfSlot(store: Store, slot: string): ImagePlan | undefined {
  return trustedPlan(store, readNote(noteFile(slot)));
}

/** The names of all images, those too of which only the slots are left. */
export function imageNames(images: string): string[] {
  const names = readdirSync(images).map((file) => /^\.(.+)\.[ab](?:\.json)?$/.exec(file)?.[1] ?? file);
  return [...new Set(names.filter((name) => !name.startsWith('.')))];
}

/** What the note beside a folder says of how it was made; undefined where there is none, or a damaged one. */
export function readFolderNote(file: string): Pick<Note, 'digest' | 'layers' | 'folder'> | undefined {
  return readNote(file);
}

/** An image as it was once made; undefined when one of its layers is not in the store any more. */
export function planOfRecipe(
  store: Store,
  { layers, excludes, epoch, records }: Recipe,
): ImagePlan | undefined {
  const revived = reviveLayers(store, layers);
  const known = decodeManifest(Buffer.from(records, 'latin1'));
  return revived && planImage(store, mergeView(store, revived), excludes, epoch, known);
}

/**
 * The entries of the database files of an image to be, as the one that is shown has them: so they need not be merged to be known. Undefined where
 * they may be others.
 */
export function recallRecords(
  store: Store,
  slots: Slots,
  { view, excludes, epoch }: Pick<ImagePlan, 'view' | 'excludes' | 'epoch'>,
): ReadonlyMap<TreePath, Entry> | undefined {
  const slot = currentSlot(slots);
  const shown = slot === undefined ? undefined : trustedPlan(store, readNote(noteFile(slot)));
  if (shown === undefined || !isMadeAlike(shown, { excludes, epoch })) return undefined;
  return haveSameRecords(store, shown.view.layers, view.layers) ? shown.records : undefined;
}

/** Undefined where another image would come of the note: after the index was lost, other layers may have these numbers. */
function trustedPlan(store: Store, note: Note | undefined): ImagePlan | undefined {
  const plan = note && planOfRecipe(store, note);
  return plan?.digest === note?.digest ? plan : undefined;
}

type Making = Pick<ImagePlan, 'excludes' | 'epoch'>;

function isMadeAlike(a: Making, b: Making): boolean {
  return a.epoch === b.epoch && a.excludes.join('\0') === b.excludes.join('\0');
}

/** More changes are not held: a folder in which so much differs is made from nothing, which takes little memory and hardly longer. */
const MOST_CHANGES = 100_000;

/** Undefined when too much differs, or when the folder turned out not to be what was kept of it: somebody changed it by hand. */
function change(store: Store, folder: string, before: Note, plan: ImagePlan): Extent | undefined {
  const old = trustedPlan(store, before);
  if (old === undefined) return undefined;
  const changes: ImageChange[] = [];
  for (const one of changesBetween(store, old, plan)) if (changes.push(one) > MOST_CHANGES) return undefined;
  try {
    applyChanges(folder, changes, plan);
  } catch (error) {
    if (['ENOENT', 'EEXIST', 'ENOTDIR', 'ENOTEMPTY', 'EISDIR'].includes(errno(error) ?? '')) return undefined;
    throw error;
  }
  let { paths, bytes } = before;
  for (const { was, now } of changes) {
    paths += (now ? 1 : 0) - (was ? 1 : 0);
    bytes += bytesOf(now?.entry) - bytesOf(was?.entry);
  }
  return { paths, bytes };
}

/** What differs between two images, in byte order; without a walk through them where few layers differ. */
export function* changesBetween(store: Store, old: ImagePlan, plan: ImagePlan): Generator<ImageChange> {
  const paths = differingPaths(store, old, plan);
  for (const both of paths ? bothAt(paths, old, plan) : allOf(old, plan)) yield* asChange(both);
}

function* bothAt(paths: Set<TreePath>, old: ImagePlan, plan: ImagePlan): Generator<Both> {
  for (const path of paths) {
    for (const other of [...old.linksAt(path), ...plan.linksAt(path)]) paths.add(other);
  }
  for (const path of [...paths].sort()) yield [path, old.partAt(path), plan.partAt(path)];
}

function allOf(old: ImagePlan, plan: ImagePlan): Iterable<Both> {
  return sideBySide(old.parts(), plan.parts(), ({ entry }) => entry.path);
}

type Both = readonly [path: TreePath, was: Part | undefined, now: Part | undefined];

function asChange([path, was, now]: Both): ImageChange[] {
  const isSame = was && now ? isEqual(was.entry, now.entry) && was.isCopied === now.isCopied : was === now;
  return isSame ? [] : [{ path, was, now }];
}

/** The paths at which two images may differ, to which who walks through them may add; undefined when those are too many, or all. */
function differingPaths(store: Store, old: ImagePlan, plan: ImagePlan): Set<TreePath> | undefined {
  const paths = isMadeAlike(old, plan) ? changedPaths(store, old.view, plan.view) : undefined;
  if (paths) addDifferent(paths, old.records.values(), plan.records.values());
  return paths;
}

/**
 * Changes the folder at these paths alone.
 * @throws the system's error when the folder is not what it was taken for; then it has to be made from nothing.
 */
function applyChanges(folder: string, changes: readonly ImageChange[], plan: ImagePlan): void {
  const touched = new Set<TreePath>();
  const real = new Set<string>(['']);
  for (const { path, was, now } of changes.toReversed()) {
    if (!was || (was.entry.type === 'dir' && now?.entry.type === 'dir')) continue;
    requireRealFolder(folder, parentOf(path), real);
    removeTree(at(folder, path));
    touched.add(parentOf(path));
  }
  for (const { path, was, now } of changes) {
    if (!now) continue;
    const { entry } = now;
    const parent = path === '' ? undefined : plan.at(parentOf(path));
    if (path !== '' && parent?.type !== 'dir') throw noFolder(path);
    const file = at(folder, path);
    const stays = was?.entry.type === 'dir' && entry.type === 'dir';
    requireRealFolder(folder, stays ? path : parentOf(path), real);
    if (stays) setMetadata(entry, file);
    else make(folder, now, file, plan, parent);
    if (entry.type === 'dir') real.add(path);
    touched.add(path).add(parentOf(path));
  }
  for (const path of [...touched].sort().reverse()) {
    const entry = plan.at(path);
    if (entry?.type === 'dir') setTime(at(folder, path), entry.mtime);
  }
}

type Manner = {
  /** Called now and then, for whoever has something else to do. */
  readonly inTurns?: () => Promise<void>;
  /** Whether a thread makes folders and links while this one merges and copies. */
  readonly isHelped?: boolean;
};

/** Makes folders from nothing, all alike. */
export async function makeAll(
  targets: readonly string[],
  plan: ImagePlan,
  { inTurns, isHelped = false }: Manner,
): Promise<Extent> {
  for (const target of targets) removeTree(Buffer.from(target));
  await using helper = isHelped ? startTreeHelper(targets) : undefined;
  const folders = new Map<TreePath, Entry>();
  const helped = new Set<TreePath>();
  const later: Part[] = [];
  const makeNow = (part: Part): void => {
    const { path } = part.entry;
    const parent = path === '' ? undefined : folders.get(parentOf(path));
    for (const target of targets) make(target, part, at(target, path), plan, parent);
  };
  const own = new Backlog(makeNow);
  let paths = 0;
  let bytes = 0;
  for (const part of plan.parts()) {
    const { entry } = part;
    const above = parentOf(entry.path);
    const parent = entry.path === '' ? undefined : folders.get(above);
    if (entry.path !== '' && parent === undefined) throw noFolder(entry.path);
    if (entry.type === 'dir') folders.set(entry.path, entry);
    const task = helper && taskOf(part, plan, parent);
    if (task) {
      const crowded = helper.give(entry.path, task);
      if (crowded) await own.workUntil(crowded);
      if (entry.type === 'dir') helped.add(entry.path);
    } else if (helped.has(above) || (helper && isFurtherLink(entry))) later.push(part);
    else if (helper && entry.path !== '') own.add(part);
    else makeNow(part);
    paths++;
    bytes += bytesOf(entry);
    if (inTurns && paths % TURN === 0) await inTurns();
  }
  const ended = helper?.end();
  own.work();
  const failed = (await ended) ?? new Set();
  for (const path of failed) for (const target of targets) removeTree(at(target, path));
  for (const path of failed) makeNow(plan.partAt(path)!);
  for (const part of later) makeNow(part);
  for (const [path, { mtime }] of [...folders].reverse())
    for (const target of targets) setTime(at(target, path), mtime);
  return { paths, bytes };
}

/** Parts that are held, as `etc` is: a few MiB. */
const HELD = 16_384;

/** Parts that are made in their order while there is nothing better to do. */
class Backlog {
  readonly #make: (part: Part) => void;
  #parts: Part[] = [];
  #made = 0;

  constructor(make: (part: Part) => void) {
    this.#make = make;
  }

  add(part: Part): void {
    if (this.#parts.push(part) >= HELD) this.work();
  }

  /** Makes all, or the next few. */
  work(end = this.#parts.length): void {
    while (this.#made < Math.min(end, this.#parts.length)) this.#make(this.#parts[this.#made++]!);
    if (this.#made < this.#parts.length) return;
    this.#parts = [];
    this.#made = 0;
  }

  /** Works until that comes, and waits for it when all is made. */
  async workUntil(coming: Promise<unknown>): Promise<void> {
    let isThere = false;
    const come = coming.finally(() => {
      isThere = true;
    });
    come.catch(() => undefined); // until it is waited for
    while (!isThere && this.#parts.length > 0) {
      this.work(this.#made + TURN);
      await setImmediate();
    }
    await come;
  }
}

/** What a helper is to do for a part; undefined for what is copied or made, all in `etc` and `var` among it. */
function taskOf(part: Part, plan: ImagePlan, parent: Entry | undefined): TreeTask[1] | undefined {
  const { entry } = part;
  if (entry.type === 'dir') {
    if (entry.path === '' || /^(etc|var)(\/|$)/.test(entry.path)) return undefined;
    return { entry, inherits: parent === undefined || handsDown(parent) };
  }
  return isLinked(part) ? plan.treeOf(part) : undefined;
}

/** Whether it is linked to what lies in the image at another path. */
function isFurtherLink(entry: Entry): entry is File & { readonly link: TreePath } {
  return entry.type === 'file' && entry.link !== undefined;
}

/** Whether it is linked to what a layer has. */
function isLinked({ entry, isCopied }: Part): boolean {
  return (entry.type === 'file' || entry.type === 'symlink') && !isCopied && !isFurtherLink(entry);
}

/** Nothing lies below what is no folder: below a link it would be written to wherever on the host that leads. */
function noFolder(path: TreePath): Error {
  return new Error(`The image has "${path}" but no folder for it`);
}

/** Makes one part; `parent` is the folder of the image that it lies in. */
function make(folder: string, part: Part, file: Buffer, plan: ImagePlan, parent: Entry | undefined): void {
  const { entry } = part;
  const record = plan.recordAt(entry.path);
  const inherits = parent === undefined || handsDown(parent);
  if (record) {
    writeFile(file, record, { flag: 'wx' });
    setMetadata(entry, file);
  } else if (isFurtherLink(entry)) {
    linkEntry(entry, file, at(folder, entry.link), inherits);
  } else if (isLinked(part)) {
    linkEntry(entry, file, plan.sourceOf(part), inherits);
  } else {
    makeEntry(entry, file, plan.sourceOf(part), inherits);
  }
}

/**
 * Somebody may have worked in the image since: where a folder has become a link, nothing is to be removed or made through it.
 * `real` holds the folders that are known to be folders.
 */
function requireRealFolder(root: string, path: TreePath, real: Set<string>): void {
  if (real.has(path)) return;
  requireRealFolder(root, parentOf(path), real);
  if (!lstatSync(at(root, path)).isDirectory()) {
    throw Object.assign(new Error(`ENOTDIR: "${path}" is no folder`), { code: 'ENOTDIR' });
  }
  real.add(path);
}

/** The slot that the link shows; undefined when there is no image yet. */
export function currentSlot({ link, slots }: Slots): string | undefined {
  const stat = lstatSync(link, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (!stat.isSymbolicLink()) {
    throw new SnapError('STORE', `Cannot put the image at "${link}": something else lies there`, {
      hint: 'move it away',
    });
  }
  const slot = join(dirname(link), targetOf(link));
  return slots.includes(slot) && existsSync(slot) ? slot : undefined;
}

/** Empty where the link was taken away this moment. */
function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch (error) {
    if (errno(error) === 'ENOENT') return '';
    throw error;
  }
}

export function recipeOf(plan: ImagePlan): Recipe {
  return {
    layers: keepLayers(plan.view.layers),
    excludes: plan.excludes,
    epoch: plan.epoch,
    records: encodeManifest(plan.records.values()).toString('latin1'),
  };
}

/** How a slot was made; undefined when nobody knows any more. */
export function readNoteOf(slot: string): (Recipe & { readonly digest: Digest }) | undefined {
  return readNote(noteFile(slot));
}

/** From now on the slot is made from nothing, whatever lies there. The caller holds the conf's image for itself. */
export function forgetSlot(slot: string): void {
  removeFile(noteFile(slot));
}

function noteFile(slot: string): string {
  return `${slot}.json`;
}

/** Writes the note under a name of its own, from which it is renamed once the folder is on the disk. A slot's is there with the slot. */
function writeNote(
  file: string,
  plan: ImagePlan,
  extent: Extent,
  folder: string,
  flush = dirname(file) !== dirname(folder),
): string {
  writeFile(`${file}.new`, JSON.stringify(noteOf(plan, extent, folder)), { mode: 0o600, flush });
  return file;
}

function noteOf(plan: ImagePlan, { paths, bytes }: Extent, folder: string): Note {
  return { format: FORMAT, digest: plan.digest, folder, paths, bytes, ...recipeOf(plan) };
}

function readNote(file: string): Note | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const note = JSON.parse(readFileSync(file, 'utf8')) as Note;
    return note.format === FORMAT && asDigest(note.digest) ? note : undefined;
  } catch {
    return undefined; // cut off by a power cut
  }
}
