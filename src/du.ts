import { existsSync, statfsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { SnapError } from './host/error.ts';
import { imageNames, slotsOf } from './layers/image.ts';
import { openStore } from './store/collect.ts';
import { measure } from './store/disk.ts';
import { type Disk, HOLDING_KINDS, type Holding } from './store/gc.ts';
import { listHoldings, restOf } from './store/holdings.ts';
import { layerRows, layerUses } from './store/rows.ts';

export type DuKind = {
  readonly kind: Holding['kind'] | 'other';
  readonly count: number;
  readonly bytes: number;
};

export type DuImage = {
  readonly name: string;
  /** Bytes of its own, of both slots together. */
  readonly own: number;
  /** Bytes that it shares with the store, and that are counted there. */
  readonly shared: number;
};

/** Bytes on the disk; what several share is counted once. */
export type DuReport = {
  readonly kinds: readonly DuKind[];
  readonly store: number;
  readonly images: readonly DuImage[];
  /** Store and images. */
  readonly total: number;
  /** On the filesystem of the store. */
  readonly free: number;
};

/** What store and images take on the disk. */
export async function du(project: string): Promise<DuReport> {
  if (!existsSync(join(project, 'store'))) {
    throw new SnapError('STORE', `There is no store "${join(project, 'store')}"`, {
      hint: 'the first build makes it: snap build',
    });
  }
  using store = openStore(project);
  const { root, images } = store.layout;
  const holdings = listHoldings(store.layout, layerRows(store.index), layerUses(store.index));
  const things = [
    ...holdings.map(({ id, kind, path }) => ({ id, kind, path })),
    ...restOf(root, holdings).map((one) => ({ ...one, kind: 'other' as const })),
  ];
  const disk = await measure(root, things);
  const seen = new Set<number>();
  const kinds = [...HOLDING_KINDS, 'other' as const].flatMap((kind): DuKind[] => {
    const own = things.filter((one) => one.kind === kind);
    const bytes = own.reduce((sum, { id }) => sum + bytesOf(disk, id, seen).own, 0);
    return own.length === 0 ? [] : [{ kind, count: own.length, bytes }];
  });
  const sum = kinds.reduce((total, { bytes }) => total + bytes, 0);
  const shown = await imagesOf(images, seen);
  const { bavail, bsize } = statfsSync(root);
  const total = shown.reduce((all, { own }) => all + own, sum);
  return { kinds, store: sum, images: shown, total, free: bavail * bsize };
}

async function imagesOf(images: string, seen: Set<number>): Promise<DuImage[]> {
  const slots = imageNames(images).flatMap((name) =>
    slotsOf(images, name).slots.map((slot) => ({ name, id: basename(slot), path: basename(slot) })),
  );
  const disk = await measure(images, slots);
  const inStore = new Set(seen);
  return [...Map.groupBy(slots, ({ name }) => name)].map(([name, own]): DuImage => {
    const parts = own.map(({ id }) => bytesOf(disk, id, seen, inStore));
    const shared = new Set(parts.flatMap((part) => part.shared));
    return {
      name,
      own: parts.reduce((sum, part) => sum + part.own, 0),
      shared: [...shared].reduce((sum, position) => sum + disk.inodes[position]!.bytes, 0),
    };
  });
}

/** What something takes beside all that was seen before; and the positions of the inodes that it shares with the store. */
function bytesOf(
  { extents, inodes }: Disk,
  id: string,
  seen: Set<number>,
  inStore: ReadonlySet<number> = new Set(),
): { readonly own: number; readonly shared: readonly number[] } {
  const extent = extents.get(id);
  let own = extent?.own ?? 0;
  const common: number[] = [];
  for (const position of extent?.shared ?? []) {
    const { number, bytes } = inodes[position]!;
    if (inStore.has(number)) common.push(position);
    if (seen.has(number)) continue;
    seen.add(number);
    own += bytes;
  }
  return { own, shared: common };
}
