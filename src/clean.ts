import { existsSync, lstatSync } from 'node:fs';
import { basename, join } from 'node:path';
import { errno, SnapError } from './host/error.ts';
import { removeFile } from './host/remove.ts';
import { currentSlot, imageNames, slotsOf } from './layers/image.ts';
import { measure } from './store/disk.ts';
import { diskName, disksOf } from './store/disks.ts';
import { planGc } from './store/gc.ts';
import { wasteHolding } from './store/holdings.ts';
import { Store } from './store/layers.ts';
import { layoutOf } from './store/layout.ts';
import { tryHold } from './store/locks.ts';
import { removeTree } from './store/tree.ts';
import { forgetUnchanged } from './unchanged.ts';

export type CleanedImage = {
  readonly name: string;
  /** Bytes on the disk; what the store has too stays there. */
  readonly freed: number;
};

/**
 * Removes images, the slots, notes and disks of these confs, or of all; the store stays, so that the next build has them again at once.
 * @throws SnapError STORE when one of them is being built: then none is removed; USAGE when there is no such image.
 */
export async function clean(project: string, confs: readonly string[]): Promise<readonly CleanedImage[]> {
  const { images, root } = layoutOf(project);
  const there = existsSync(images) ? imageNames(images).filter((name) => hasImage(images, name)) : [];
  const missing = confs.find((name) => !there.includes(name));
  if (missing !== undefined) {
    throw new SnapError('USAGE', `There is no image "${missing}"`, {
      hint: there.length > 0 ? `there are: ${there.join(' ')}` : 'none was built yet',
    });
  }
  const names = confs.length > 0 ? confs : there;
  if (names.length === 0 || !existsSync(root)) return [];
  using store = new Store(project);
  using held = new DisposableStack();
  // Without a wait: who cleans while a build runs is told so.
  const busy = names.filter((name) => !held.use(tryHold(join(images, `.${name}.busy`))));
  if (busy.length > 0) throw busyError(busy);
  // Before anything goes: a link of the person's own in an image's place is told.
  for (const name of names) currentSlot(slotsOf(images, name));
  const cleaned: CleanedImage[] = [];
  for (const name of names) cleaned.push(await cleanOne(store, name));
  return cleaned;
}

function hasImage(images: string, name: string): boolean {
  const { link, slots } = slotsOf(images, name);
  return [link, ...slots].some((path) => lstatSync(path, { throwIfNoEntry: false }));
}

function busyError(names: readonly string[]): SnapError {
  const quoted = names.map((name) => `"${name}"`).join(', ');
  return new SnapError('STORE', `Cannot clean ${quoted}: a build of it is running`, {
    hint: 'wait until it has ended, or stop it',
  });
}

/** What tells that the image is there goes before what it tells of. */
async function cleanOne(store: Store, name: string): Promise<CleanedImage> {
  const { images } = store.layout;
  const { link, slots } = slotsOf(images, name);
  const holdings = slots.map((slot) => wasteHolding('trash', basename(slot)));
  const disk = await measure(images, holdings);
  forgetUnchanged(store, name);
  for (const file of [
    link,
    `${link}.new`,
    ...slots.flatMap((slot) => [`${slot}.json`, `${slot}.json.new`]),
  ]) {
    removeFile(file);
  }
  for (const slot of slots) remove(slot);
  const { frees } = planGc({ holdings, roots: [], disk, limits: {}, size: 0, free: 0 });
  return { name, freed: frees + removeDisks(store, name) };
}

/** What was made of the image for "snap run"; returns the bytes that it took. */
function removeDisks({ layout }: Store, conf: string): number {
  const own = disksOf(layout).filter((disk) => disk.conf === conf);
  const files = own.map((disk) => join(layout.disks, diskName(disk)));
  const blocks = files.reduce(
    (sum, file) => sum + (lstatSync(file, { throwIfNoEntry: false })?.blocks ?? 0),
    0,
  );
  for (const file of files) removeFile(file);
  return blocks * 512;
}

function remove(slot: string): void {
  try {
    removeTree(Buffer.from(slot));
  } catch (error) {
    if (errno(error) === undefined) throw error;
    throw new SnapError('STORE', `Cannot remove "${slot}": ${(error as Error).message}`, {
      hint: 'see that nothing in it is mounted or in use, and clean again',
      cause: error,
    });
  }
}
