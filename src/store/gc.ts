import type { Inodes } from './inodes.ts';

/** What the store holds and may let go, one by one, in the order in which people are told of it. */
export const HOLDING_KINDS = [
  'layer',
  'build',
  'deb',
  'source',
  'tool',
  'kernel',
  'checkpoint',
  'indexes',
  'disk',
  'log',
  'unfinished',
  'note',
  'trash',
] as const;
export type HoldingKind = (typeof HOLDING_KINDS)[number];

export type Holding = {
  /** Names it among all: `layer 57`, `deb <sha256>`. */
  readonly id: string;
  readonly kind: HoldingKind;
  /** For a person. */
  readonly name: string;
  /** Relative to the store's folder; undefined for a row without a folder. */
  readonly path: string | undefined;
  /** Seconds that making it again takes. */
  readonly seconds: number;
  /** Seconds of what stands on it, and may have to be made again with it. */
  readonly above: number;
  /** Unix seconds. */
  readonly used: number;
  /** What the least worthy that stayed was worth when this was last used (GreedyDual-Size). */
  readonly floor: number;
  /** Nobody can ever use it: it goes whatever the limits are, unless a root names it. */
  readonly waste: boolean;
  /** What it is worth nothing without: a build goes with the first of its layers. */
  readonly needs: readonly string[];
};

export type RootKind = 'image' | 'slot' | 'build' | 'tag' | 'pin' | 'conf' | 'lock' | 'young' | 'layer';

/** A name that keeps things. */
export type Root = {
  readonly kind: RootKind;
  readonly name: string;
  /** Why it is one, in words. */
  readonly because: string;
  /** Ids of what it keeps. */
  readonly keeps: readonly string[];
};

/** What lies on the disk of something: bytes that nothing else shares; of each further path the position of its inode. */
export type Extent = { readonly own: number; readonly shared: Uint32Array };

export type Disk = {
  readonly extents: ReadonlyMap<string, Extent>;
  readonly inodes: Inodes;
};

/** Bytes. Without one of them everything goes that no root keeps. */
export type Limits = {
  readonly maxSize?: number;
  readonly minFree?: number;
};

export type Request = {
  readonly holdings: readonly Holding[];
  readonly roots: readonly Root[];
  /** Of all that no root keeps; with `maxSize` of everything. */
  readonly disk: Disk;
  readonly limits: Limits;
  /** Bytes that the store takes in all, and that are free beside it. */
  readonly size: number;
  readonly free: number;
};

export type Going = { readonly holding: Holding; readonly frees: number };

export type GcPlan = {
  /** In the order of removal. */
  readonly going: readonly Going[];
  /** Bytes on the disk; what has further links elsewhere frees nothing. */
  readonly frees: number;
  /** Seconds that making it all again takes. */
  readonly seconds: number;
  /** Bytes by which the limits are missed when all this has gone. */
  readonly missing: number;
  /** To be kept with what stays: what the worthiest that went was worth. */
  readonly floor: number;
};

/** The ids that roots keep. */
export function keptIds(roots: readonly Root[]): Set<string> {
  return new Set(roots.flatMap(({ keeps }) => keeps));
}

/** What no root keeps. */
export function looseHoldings(holdings: readonly Holding[], roots: readonly Root[]): Holding[] {
  const kept = keptIds(roots);
  return holdings.filter(({ id }) => !kept.has(id));
}

/** The roots that keep something. */
export function keepersOf(roots: readonly Root[], id: string): Root[] {
  return roots.filter(({ keeps }) => keeps.includes(id));
}

/**
 * What goes, in which order, and what that frees. What a root keeps never goes. Without a limit all else goes; within one only so much, after
 * what nobody can use, the least worthy first. The worth is that of GreedyDual-Size (Cao and Irani, 1997): seconds to make
 * it again for each MiB that it frees, plus what the worthiest that ever went was worth when it was last used. So what was not used since
 * others went ages without a clock.
 */
export function planGc({ holdings, roots, disk, limits, size, free }: Request): GcPlan {
  const loose = looseHoldings(holdings, roots);
  const isLimited = limits.maxSize !== undefined || limits.minFree !== undefined;
  const need = isLimited
    ? Math.max(0, size - (limits.maxSize ?? size), (limits.minFree ?? free) - free)
    : Number.POSITIVE_INFINITY;
  const taking = startTaking(disk);
  const waste = loose.filter((one) => one.waste);
  for (const holding of waste) taking.take(holding);
  let floor = 0;
  const rest = loose.filter((one) => !one.waste);
  const useful = rest.filter(({ kind }) => kind !== 'build');
  if (!isLimited) for (const holding of useful) taking.take(holding);
  else if (taking.frees() < need) floor = takeWithin(taking, need, useful, disk);
  const gone = new Set(taking.going.map(({ holding }) => holding.id));
  for (const build of rest.filter(({ kind }) => kind === 'build')) {
    if (!isLimited || build.needs.some((id) => gone.has(id))) taking.take(build);
  }
  const seconds = taking.going.reduce((sum, { holding }) => sum + holding.seconds, 0);
  const frees = taking.frees();
  const missing = isLimited ? Math.max(0, need - frees) : 0;
  return { going: taking.going, frees, seconds, missing, floor: isLimited ? floor : 0 };
}

/** Takes the least worthy until so much is freed; returns the worth of the last one. */
function takeWithin(taking: Taking, need: number, useful: readonly Holding[], disk: Disk): number {
  const worths = new Map(useful.map((one) => [one, worthOf(one, disk)]));
  let floor = 0;
  for (const holding of useful.toSorted((a, b) => byWorth(worths, a, b))) {
    if (taking.frees() >= need) break;
    floor = worths.get(holding)!;
    taking.take(holding);
  }
  return floor;
}

const MIB = 1024 * 1024;
const NOTHING: Extent = { own: 0, shared: new Uint32Array() };

/** Seconds to make it again for each MiB; of what is shared, each holder has its part. */
function worthOf(holding: Holding, { extents, inodes }: Disk): number {
  const { own, shared } = extents.get(holding.id) ?? NOTHING;
  let parts = 0;
  for (const inode of shared) parts += inodes.bytesOf(inode) / inodes.linksOf(inode);
  return holding.floor + (holding.seconds + holding.above) / (Math.max(1, own + parts) / MIB);
}

function byWorth(worths: ReadonlyMap<Holding, number>, a: Holding, b: Holding): number {
  return worths.get(a)! - worths.get(b)! || a.used - b.used || (a.id < b.id ? -1 : 1);
}

type Taking = ReturnType<typeof startTaking>;

/** Takes one after the other; an inode is free when the last of its links goes. */
function startTaking({ extents, inodes }: Disk) {
  const going: Going[] = [];
  const left = Uint32Array.from({ length: inodes.size }, (_, position) => inodes.linksOf(position));
  let sum = 0;
  return {
    going,
    frees: () => sum,
    take(holding: Holding): void {
      const { own, shared } = extents.get(holding.id) ?? NOTHING;
      let frees = own;
      for (const inode of shared) {
        left[inode]!--;
        if (left[inode] === 0) frees += inodes.bytesOf(inode);
      }
      sum += frees;
      going.push({ holding, frees });
    },
  };
}
