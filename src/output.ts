import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve as resolvePath } from 'node:path';
import type { Lock } from './debian/lock.ts';
import { SnapError } from './host/error.ts';
import { makeFolders } from './host/folder.ts';
import { removeFile } from './host/remove.ts';
import { writeFile } from './host/write.ts';
import { excludesOf, type Inputs } from './inputs.ts';
import {
  currentSlot,
  type Extent,
  type Prepared,
  prepareSlots,
  recallRecords,
  recipeOf,
  settleImage,
  slotsOf,
  updateFolder,
} from './layers/image.ts';
import { asCopies, type ImagePlan, planImage } from './layers/plan.ts';
import type { View, ViewLayer } from './layers/view.ts';
import type { Report } from './report/event.ts';
import type { BuildRequest } from './request.ts';
import type { BuildNote, Recipe } from './store/builds.ts';
import { canonicalJson, type Digest, digestOf } from './store/digest.ts';
import type { LayerRow, Store } from './store/layers.ts';
import { forgetUnchanged } from './unchanged.ts';

/** An image that is on disk. */
export type Output = Recipe & {
  /** Absolute path. */
  readonly path: string;
  readonly digest: Digest;
  readonly paths: number;
  readonly bytes: number;
};

/** Raised when the same layers would now give another image: a change to merging or settling. */
const FORMAT = 3;

/** Everything that decides an image: the layers and what they see, what is left out, the time of folders. */
function imageKey(inputs: Inputs, { epoch }: Lock, layers: readonly ViewLayer[]): string {
  const seen = layers.map(({ name, row, sees }) => [name, row.n, [...sees]] as const);
  return `image ${digestOf(canonicalJson([FORMAT, epoch, excludesOf(inputs), seen]))}`;
}

/**
 * The conf's image when it was made from these very layers and still lies in its slot: then nothing has to be merged, settled or
 * written.
 */
export function recallImage(
  store: Store,
  inputs: Inputs,
  lock: Lock,
  layers: readonly ViewLayer[],
): Output | undefined {
  const text = store.results.get(imageKey(inputs, lock, layers));
  const slot = currentSlot(slotsOf(store.layout.images, inputs.conf.name));
  if (text === undefined || slot === undefined) return undefined;
  const output = JSON.parse(text) as Output;
  const lies = store.results.get(slotKey(inputs.conf.name)) === `${basename(slot)} ${output.digest}`;
  return lies && output.layers.every(([, n]) => store.layerNumbered(n)) ? output : undefined;
}

/** From now on nobody takes it for known what lies in the conf's slots. */
export function forgetImage(store: Store, conf: string): void {
  store.results.forget(slotKey(conf));
  forgetUnchanged(store, conf);
}

function slotKey(conf: string): string {
  return `slot ${conf}`;
}

/** The rows of an image's layers that are none of the conf's own: those of settle. */
export function settledRows(store: Store, output: Output, layers: readonly ViewLayer[]): LayerRow[] {
  return output.layers.slice(layers.length).map(([, n]) => store.layerNumbered(n)!);
}

/** Fills the slots of a conf's first image with the view, which lacks what settle adds. Stopped by the signal. */
export async function prepareOutput(
  store: Store,
  inputs: Inputs,
  { epoch }: Lock,
  view: () => View,
  signal: AbortSignal,
): Promise<Prepared> {
  const plan = (): ImagePlan => planImage(store, view(), excludesOf(inputs), epoch);
  return prepareSlots(store, slotsOf(store.layout.images, inputs.conf.name), plan, signal);
}

/** A view that is to be an image. */
type Finished = {
  readonly view: View;
  /** The conf's own, without those of settle. */
  readonly layers: readonly ViewLayer[];
  readonly prepared: Prepared | undefined;
};

/** Puts the view on disk: as the conf's image, or into the folder that the person named. */
export async function putOutput(
  store: Store,
  inputs: Inputs,
  lock: Lock,
  { view, layers, prepared }: Finished,
  request: BuildRequest,
  report: Report,
): Promise<Output> {
  report({ kind: 'stage', name: 'Assembling the image' });
  const excludes = excludesOf(inputs);
  const slots = slotsOf(store.layout.images, inputs.conf.name);
  const folder = request.output === undefined ? undefined : outputFolder(store, request.output);
  const { epoch } = lock;
  const records = folder ? undefined : recallRecords(store, slots, { view, excludes, epoch });
  const plan = planImage(store, view, excludes, epoch, records);
  if (!folder) forgetImage(store, inputs.conf.name);
  const { paths, bytes } = folder
    ? await fillFolder(store, folder, plan)
    : await settleImage(store, slots, plan, prepared);
  const output: Output = {
    path: folder?.path ?? slots.link,
    digest: plan.digest,
    paths,
    bytes,
    ...recipeOf(plan),
  };
  if (!folder) {
    store.results.set(imageKey(inputs, lock, layers), JSON.stringify(output));
    store.results.set(slotKey(inputs.conf.name), `${basename(currentSlot(slots) ?? '')} ${plan.digest}`);
  }
  report({ kind: 'image', path: output.path, paths: output.paths, bytes: output.bytes });
  return output;
}

export type OutputFolder = { readonly path: string; readonly note: string };

/**
 * A folder of the person's own: it must be new, empty, or what an earlier build put there.
 * @throws SnapError USAGE when it is none of these.
 */
export function outputFolder(store: Store, output: string): OutputFolder {
  const path = existsSync(output) ? realpathSync(output) : resolvePath(output);
  const notes = notesFolder(store.layout.root);
  makeFolders(notes, 0o700);
  const folder = { path, note: join(notes, `${digestOf(path)}.json`) };
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat && !stat.isDirectory())
    throw new SnapError('USAGE', `Cannot put an image at "${path}": it is no folder`, {
      hint: 'name a new folder',
    });
  if (stat && readdirSync(path).length > 0 && !isOwn(folder, stat.ino)) {
    throw new SnapError('USAGE', `Cannot put an image into "${path}": it is not empty`, {
      hint: 'name a new folder',
    });
  }
  return folder;
}

function notesFolder(store: string): string {
  return join(store, 'outputs');
}

/** How the folders of the person's own were made: the notes' files, by the store's folder. */
export function folderNotes(store: string): string[] {
  const notes = notesFolder(store);
  if (!existsSync(notes)) return [];
  return readdirSync(notes).flatMap((name) => (name.endsWith('.json') ? [join(notes, name)] : []));
}

/**
 * Puts an image into a folder of the person's own. With `copy` no file is linked to one of the store, and the folder is the person's
 * alone from then on: nothing is put into it again.
 */
export async function fillFolder(
  store: Store,
  folder: OutputFolder,
  plan: ImagePlan,
  copy = false,
): Promise<Extent> {
  const { path, note } = folder;
  makeFolders(dirname(path));
  writeFile(inodeFile(folder), UNFINISHED, { flush: true });
  if (copy) removeFile(note);
  const extent = await updateFolder(store, path, note, copy ? asCopies(plan) : plan);
  if (copy) for (const file of [note, inodeFile(folder)]) removeFile(file);
  else writeFile(inodeFile(folder), String(statSync(path).ino), { flush: true });
  return extent;
}

/** What an image was not put into to the end may be filled again. An empty file is what a kill leaves of either word. */
const UNFINISHED = 'unfinished';

function inodeFile({ note }: OutputFolder): string {
  return note.replace(/json$/, 'inode');
}

/** Whether a folder is the one that was filled, and not another one that has come to its place since. */
function isOwn(folder: OutputFolder, inode: number): boolean {
  const file = inodeFile(folder);
  if (!existsSync(file)) return existsSync(folder.note);
  return ['', UNFINISHED, String(inode)].includes(readFileSync(file, 'utf8'));
}

/** What is told of a build besides its image. */
export type Circumstances = Pick<BuildNote, 'seconds' | 'lock' | 'ran' | 'commit'>;

/** Keeps the build, unless the last one was the same, and that its layers were used now. */
export async function recordBuild(
  store: Store,
  conf: string,
  output: Output,
  circumstances: () => Promise<Circumstances>,
): Promise<void> {
  const { path, ...image } = output;
  store.markUsed(output.layers.map(([, n]) => n));
  const last = store.lastBuild(conf);
  const layers = JSON.stringify(output.layers.map(([name, n]) => [name, n]));
  if (last?.digest === output.digest && last.layers === layers) return;
  store.addBuild({ conf, made: Math.floor(Date.now() / 1000), ...image, ...(await circumstances()) });
}
