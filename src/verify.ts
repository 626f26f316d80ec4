import { lstatSync, readdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { checkDebs, type DebDamage } from './debian/check-debs.ts';
import type { Pin } from './debian/lock.ts';
import { readLock } from './debian/lock-file.ts';
import { SnapError } from './host/error.ts';
import { checkKernels, type KernelDamage, type Uncompared } from './kernel/verify.ts';
import { checkSlot } from './layers/check-slot.ts';
import { currentSlot, readNoteOf, slotsOf } from './layers/image.ts';
import { listConfs, loadConf } from './project/conf.ts';
import { type BuildName, keptBuilds, readBuild } from './store/builds.ts';
import { Store } from './store/layers.ts';
import type { TreePath } from './store/manifest.ts';
import { at } from './store/tree.ts';
import { inodeOf, type StoreDamage, verifyStore } from './store/verify.ts';

export type VerifyRequest = {
  readonly project: string;
  /** Whether every file is hashed. */
  readonly deep: boolean;
  readonly signal: AbortSignal;
  /** Is called once for each thing that has to be waited for. */
  readonly onWait: (what: string) => void;
};

/** One of the two folders of an image, and the builds of which it holds the image. */
export type Slot = {
  readonly conf: string;
  readonly slot: string;
  /** Whether the image's link leads to it. */
  readonly isShown: boolean;
  readonly builds: readonly BuildName[];
};

/** Something that is not what it should be. */
export type Damage =
  | (StoreDamage & {
      /** The images that have the same inode there; of a layer that is none any more all that are made from it. */
      readonly images: readonly Slot[];
      /** Further names of that inode, which are in no layer and no image: folders that `--output` named, or copies of the project. */
      readonly elsewhere: number;
    })
  | {
      readonly kind: 'image';
      readonly image: Slot;
      readonly path: TreePath | undefined;
      readonly what: string;
    }
  | ({ readonly kind: 'deb' } & DebDamage)
  | ({ readonly kind: 'kernel' } & KernelDamage)
  | { readonly kind: 'tool'; readonly name: string; readonly what: string };

/** A conf whose lock or text cannot be read: what it pins is not known. */
export type Skipped = { readonly conf: string; readonly why: string };

export type Verified = {
  readonly layers: number;
  readonly paths: number;
  readonly images: number;
  readonly damages: readonly Damage[];
  readonly skipped: readonly Skipped[];
  /** Sources of kernels that `deep` did not hold against their archives. */
  readonly uncompared: readonly Uncompared[];
};

/** Looks for damage in a project's store and images, and changes nothing. Waits for gc and running builds where it has to. */
export async function verify(request: VerifyRequest): Promise<Verified> {
  using store = new Store(request.project);
  using _held = await holdForVerify(store, request, 'shared');
  return await verifyHeld(store, request);
}

/** The store, and all its images for this process alone. */
export async function holdForVerify(
  store: Store,
  { signal, onWait }: VerifyRequest,
  mode: 'shared' | 'exclusive',
): Promise<Disposable> {
  const { layout } = store;
  using held = new DisposableStack();
  const other = mode === 'shared' ? '"snap gc"' : 'other snaps in this store';
  held.use(await store.hold(layout.lock, mode, () => onWait(`waiting for ${other} to end`), signal));
  for (const conf of imageNames(layout.images)) {
    const busy = join(layout.images, `.${conf}.busy`);
    const wait = (): void => onWait(`waiting for a build of "${conf}" to end`);
    held.use(await store.hold(busy, 'exclusive', wait, signal));
  }
  return held.move();
}

/** The confs that have an image, or had one. */
export function imageNames(images: string): string[] {
  const names = readdirSync(images).flatMap((name) => /^\.(.+)\.[ab]$/.exec(name)?.[1] ?? []);
  return [...new Set(names)].sort();
}

/** The same in a store that is held for it. */
export async function verifyHeld(store: Store, request: VerifyRequest): Promise<Verified> {
  const { deep, signal } = request;
  const { layers, paths, damages } = await verifyStore(store, { deep, signal });
  const slots = slotsIn(store);
  const renewed = store.indexRenewed;
  const index: Damage[] =
    renewed === undefined
      ? []
      : [{ kind: 'index', what: `${renewed}, and was made anew`, images: [], elsewhere: 0 }];
  const own = damages.map((damage) => withImages(store, slots, damage));
  const { pins, skipped } = await pinsOf(request.project);
  const debs = await checkDebs(store.layout.debs, pins, { deep, signal });
  const archives = [...debs, ...own].flatMap((one) => ('sha256' in one ? one.sha256 : sourceName(one)));
  const kernels = await checkKernels(store, { deep, signal, damaged: new Set(archives) });
  return {
    layers,
    paths,
    images: slots.filter(({ isShown }) => isShown).length,
    damages: [
      ...index,
      ...own,
      ...imageDamages(store, slots, own, request),
      ...debs.map((damage) => ({ kind: 'deb' as const, ...damage })),
      ...toolDamages(store),
      ...kernels.damages.map((damage) => ({ kind: 'kernel' as const, ...damage })),
    ],
    skipped,
    uncompared: kernels.uncompared,
  };
}

/** What `fetch_source` and kernels fetch is called by its digest. */
function sourceName(damage: Damage): string[] {
  return damage.kind === 'source' ? [damage.name] : [];
}

/** All slots in which something lies. */
export function slotsIn({ layout }: Store): Slot[] {
  const builds = keptBuilds(layout).flatMap((name) => readBuild(layout, name) ?? []);
  return imageNames(layout.images).flatMap((conf) => {
    const both = slotsOf(layout.images, conf);
    const shown = currentSlot(both);
    return both.slots
      .filter((slot) => statSync(slot, { throwIfNoEntry: false }))
      .map((slot): Slot => {
        const digest = readNoteOf(slot)?.digest;
        const same = builds.filter((build) => build.conf === conf && build.digest === digest);
        return { conf, slot, isShown: slot === shown, builds: same.map(({ number }) => ({ conf, number })) };
      });
  });
}

function withImages(store: Store, slots: readonly Slot[], damage: StoreDamage): Damage {
  if (damage.kind === 'layer') {
    const images = slots.filter(({ slot }) => readNoteOf(slot)?.layers.some(([, n]) => n === damage.n));
    return { ...damage, images, elsewhere: 0 };
  }
  if (damage.kind !== 'path') return { ...damage, images: [], elsewhere: 0 };
  const { n, path, sharing } = damage;
  const inode = path.startsWith('../') ? undefined : inodeOf(store.treeOf(n), path);
  if (inode === undefined) return { ...damage, images: [], elsewhere: 0 };
  const images = slots.filter(({ slot }) => inodeOf(slot, path) === inode);
  const entry = store.manifestOf(n).get(path);
  const isAlone = entry?.type === 'file' && entry.link === undefined;
  const names = linksOf(store.treeOf(n), path) - 1 - sharing.length - images.length;
  return { ...damage, images, elsewhere: isAlone ? Math.max(0, names) : 0 };
}

function linksOf(tree: string, path: TreePath): number {
  return lstatOf(tree, path)?.nlink ?? 1;
}

function lstatOf(folder: string, path: TreePath): Stats | undefined {
  return lstatSync(at(folder, path), { throwIfNoEntry: false });
}

/** What a damaged file of a layer does to an image is told with the layer. */
function* imageDamages(
  store: Store,
  slots: readonly Slot[],
  known: readonly Damage[],
  { deep, signal }: VerifyRequest,
): Generator<Damage> {
  const broken = new Set(known.flatMap((one) => (one.kind === 'layer' ? one.images : [])));
  for (const image of slots.filter((one) => !broken.has(one))) {
    signal.throwIfAborted();
    const { plan, faults } = checkSlot(store, image.slot, deep)!;
    if (!plan && image.isShown) {
      const what = 'nobody knows how it was made, or layers of it are gone';
      yield { kind: 'image', image, path: undefined, what };
    }
    const told = new Set(
      known.flatMap((one) => (one.kind === 'path' && one.images.includes(image) ? [one.path] : [])),
    );
    for (const { path, what } of faults) if (!told.has(path)) yield { kind: 'image', image, path, what };
  }
  yield* linkDamages(store);
}

/** A link that leads to no slot. */
function* linkDamages({ layout }: Store): Generator<Damage> {
  for (const conf of imageNames(layout.images)) {
    const { link } = slotsOf(layout.images, conf);
    if (!lstatOf(layout.images, conf as TreePath) || currentSlot(slotsOf(layout.images, conf))) continue;
    const image: Slot = { conf, slot: link, isShown: true, builds: [] };
    yield { kind: 'image', image, path: undefined, what: 'its link leads nowhere' };
  }
}

function* toolDamages({ layout }: Store): Generator<Damage> {
  for (const name of readdirSync(layout.tools)) {
    const size = lstatOf(layout.tools, `${name}/libeatmydata.so` as TreePath)?.size ?? 0;
    if (size === 0) yield { kind: 'tool', name, what: 'holds no libeatmydata.so' };
  }
}

/** All that the locks of a project pin, by digest. */
export async function pinsOf(
  project: string,
  confs: readonly string[] = listConfs(project),
): Promise<{ readonly pins: ReadonlyMap<string, Pin>; readonly skipped: readonly Skipped[] }> {
  const pins = new Map<string, Pin>();
  const skipped: Skipped[] = [];
  for (const conf of confs) {
    try {
      const { suite, arch } = loadConf(project, conf);
      const lock = await readLock(join(project, 'conf', `${conf}.lock`), { suite, arch });
      for (const pin of lock?.pins.values() ?? []) pins.set(pin.sha256, pin);
    } catch (error) {
      if (!(error instanceof SnapError)) throw error;
      skipped.push({ conf, why: error.message });
    }
  }
  return { pins, skipped };
}
