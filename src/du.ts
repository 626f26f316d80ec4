import { existsSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { SnapError } from './host/error.ts';
import { imageNames, slotsOf } from './layers/image.ts';
import { openStore } from './store/collect.ts';
import { type Measured, measure } from './store/disk.ts';
import { type Disk, HOLDING_KINDS, type Holding } from './store/gc.ts';
import { listHoldings, restOf } from './store/holdings.ts';
import { layerRows, layerUses } from './store/rows.ts';

export type DuKind = {
  readonly kind: Holding['kind'] | 'other';
  readonly count: number;
  readonly bytes: number;
};

type Counted = {
  /** Bytes of its own; of an image those of both slots together. */
  readonly own: number;
  /** Bytes that it shares with the store, and that are counted there. */
  readonly shared: number;
};

export type DuImage = Counted & { readonly name: string };

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
  const slots = imageNames(images).flatMap((name) =>
    slotsOf(images, name).slots.map((slot) => ({ name, id: `slot ${slot}`, path: slot })),
  );
  const count = startCounting(await measure(root, [...things, ...slots]));
  const kinds = [...HOLDING_KINDS, 'other' as const].flatMap((kind): DuKind[] => {
    const own = things.filter((one) => one.kind === kind);
    return own.length === 0 ? [] : [{ kind, count: own.length, bytes: count(own, 'store').own }];
  });
  const shown = [...Map.groupBy(slots, ({ name }) => name)].map(([name, own]) => ({
    name,
    ...count(own, 'images'),
  }));
  const sum = kinds.reduce((total, { bytes }) => total + bytes, 0);
  const { bavail, bsize } = statfsSync(root);
  const total = shown.reduce((all, { own }) => all + own, sum);
  return { kinds, store: sum, images: shown, total, free: bavail * bsize };
}

/** Counts each inode once, with what has it first. */
function startCounting({ extents, inodes }: Disk) {
  /** By position: the count that met it last, 0 where none did; and whether the store has it. */
  const counts = new Uint32Array(inodes.size);
  const inStore = new Uint8Array(inodes.size);
  let count = 0;
  return (things: readonly Measured[], where: 'store' | 'images'): Counted => {
    count++;
    const sum = { own: 0, shared: 0 };
    for (const { id } of things) {
      const { own = 0, shared = [] } = extents.get(id) ?? {};
      sum.own += own;
      for (const position of shared) {
        if (counts[position] === count) continue;
        if (counts[position] === 0) {
          sum.own += inodes.bytesOf(position);
          inStore[position] = where === 'store' ? 1 : 0;
        } else if (inStore[position] === 1) sum.shared += inodes.bytesOf(position);
        counts[position] = count;
      }
    }
    return sum;
  };
}
