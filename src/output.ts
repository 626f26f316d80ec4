import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, join, resolve as resolvePath } from 'node:path';
import type { Lock } from './debian/lock.ts';
import { SnapError } from './host/error.ts';
import type { Inputs } from './inputs.ts';
import { currentSlot, recipeOf, settleImage, slotsOf, updateFolder } from './layers/image.ts';
import { planImage } from './layers/plan.ts';
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

const FORMAT = 2;

/** Everything that decides an image: the layers and what they see, what is left out, the time of folders. */
function imageKey({ scriptlets }: Inputs, { epoch }: Lock, layers: readonly ViewLayer[]): string {
  const excludes = scriptlets.flatMap((scriptlet) => scriptlet.excludes);
  const seen = layers.map(({ name, row, sees }) => [name, row.n, [...sees]] as const);
  return `image ${digestOf(canonicalJson([FORMAT, epoch, excludes, seen]))}`;
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

/**
 * Puts the view on disk: as the conf's image, or into the folder that the person named. `layers` are the conf's own, without those of
 * settle.
 */
export function putOutput(
  store: Store,
  inputs: Inputs,
  lock: Lock,
  { view, layers }: { readonly view: View; readonly layers: readonly ViewLayer[] },
  request: BuildRequest,
  report: Report,
): Output {
  report({ kind: 'stage', name: 'Assembling the image' });
  const excludes = inputs.scriptlets.flatMap((scriptlet) => scriptlet.excludes);
  const plan = planImage(store, view, excludes, lock.epoch);
  const slots = slotsOf(store.layout.images, inputs.conf.name);
  const folder = request.output === undefined ? undefined : outputFolder(store, request.output);
  if (!folder) forgetUnchanged(store, inputs.conf.name);
  const { paths, bytes } = folder
    ? updateFolder(store, folder.path, folder.note, plan)
    : settleImage(store, slots, plan);
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

/** A folder of the person's own: it must be empty, or be what an earlier build put there. */
function outputFolder(store: Store, output: string): { readonly path: string; readonly note: string } {
  const path = resolvePath(output);
  const notes = join(store.layout.root, 'outputs');
  const note = join(notes, `${digestOf(path)}.json`);
  mkdirSync(notes, { recursive: true, mode: 0o700 });
  if (existsSync(path) && !existsSync(note) && readdirSync(path).length > 0) {
    throw new SnapError('USAGE', `Cannot build into "${path}": it is not empty`, {
      hint: 'name a new folder',
    });
  }
  return { path, note };
}

/** What is told of a build besides its image. */
export type Circumstances = Pick<BuildNote, 'seconds' | 'lock' | 'ran' | 'commit'>;

/** Keeps the build, unless the last one was the same. */
export async function recordBuild(
  store: Store,
  conf: string,
  output: Output,
  circumstances: () => Promise<Circumstances>,
): Promise<void> {
  const { path, ...image } = output;
  const last = store.lastBuild(conf);
  const layers = JSON.stringify(output.layers.map(([name, n]) => [name, n]));
  if (last?.digest === output.digest && last.layers === layers) return;
  store.addBuild({ conf, made: Math.floor(Date.now() / 1000), ...image, ...(await circumstances()) });
}
