import { isRecordFile, recordName } from './debian/records.ts';
import { bytesOf, type Difference } from './layers/difference.ts';
import type { HeldDifferences } from './layers/held-differences.ts';
import { movesAmong } from './layers/moves.ts';
import { conffilesOf, type Package, pathsOf, STATUS } from './layers/packages.ts';
import type { Side } from './layers/side.ts';
import { FILE_ITSELF } from './layers/view.ts';
import type { TreePath } from './store/manifest.ts';

/** One path at which two trees differ, with what is known of it. */
export type FileChange = Difference & {
  /** Below etc/, or one that a package declares; a file of a package that changed itself; any other. */
  readonly group: Group;
  /** The changed package that holds it. */
  readonly package?: string;
  readonly layers: Layers;
  /** What it adds to the size. */
  readonly bytes: number;
  /** The same file is at this path in the other tree. */
  readonly moved?: TreePath;
  /** Of a database file. */
  readonly records?: readonly RecordDifference[];
};

export type Group = 'config' | 'package' | 'other';

/** Names of the layers that the two ends are of. */
export type Layers = { readonly before?: string; readonly after?: string };

export type RecordDifference = { readonly modifier: '+' | '-' | 'M'; readonly record: string };

export type Sides = readonly [before: Side, after: Side];

/** Differences, and of which layers each is. */
export type Kept = { readonly differences: HeldDifferences; readonly layers: readonly Layers[] };

/** A package of which version or state changed. `name` has the architecture where one name has several. */
export type PackagePair = {
  readonly name: string;
  readonly before: Package | undefined;
  readonly after: Package | undefined;
};

export const GROUPS: readonly Group[] = ['config', 'package', 'other'];

/** All paths at which two trees differ, in byte order. Each is made when it is come to: half a million would take more than a GiB. */
export class FileChanges implements Iterable<FileChange> {
  readonly #sides: Sides;
  readonly #kept: Kept;
  readonly #changed: readonly PackagePair[];
  /** By the number of a difference: the position in `#changed`, or -1; the number of the other one of a move, or -1; the position in GROUPS. */
  readonly #owners: Int32Array;
  readonly #moves: Int32Array;
  readonly #groups: Uint8Array;
  readonly #records = new Map<TreePath, readonly RecordDifference[]>();

  constructor(sides: Sides, kept: Kept, changed: readonly PackagePair[]) {
    const [before, after] = sides;
    this.#sides = sides;
    this.#kept = kept;
    this.#changed = changed;
    this.#owners = ownersAmong(sides, changed, kept.differences);
    this.#moves = movesAmong(kept.differences, { before: before.digestOf, after: after.digestOf });
    this.#groups = this.#grouped();
  }

  get length(): number {
    return this.#kept.differences.length;
  }

  *[Symbol.iterator](): Generator<FileChange> {
    let number = 0;
    for (const difference of this.#kept.differences) yield this.#change(difference, number++);
  }

  *of(group: Group): Generator<FileChange> {
    const wanted = GROUPS.indexOf(group);
    for (const [number, one] of this.#groups.entries())
      if (one === wanted) yield this.#change(this.#kept.differences.at(number), number);
  }

  countOf(group: Group): number {
    const wanted = GROUPS.indexOf(group);
    return this.#groups.reduce((sum, one) => sum + (one === wanted ? 1 : 0), 0);
  }

  #grouped(): Uint8Array {
    const { differences } = this.#kept;
    const groups = new Uint8Array(differences.length);
    const isConfig = configIn(this.#sides, differences);
    let number = 0;
    for (const path of differences.paths()) {
      const isPackages = this.#owners[number]! >= 0 || (path === STATUS && this.#changed.length > 0);
      groups[number++] = GROUPS.indexOf(isConfig(path) ? 'config' : isPackages ? 'package' : 'other');
    }
    return groups;
  }

  #change(difference: Difference, number: number): FileChange {
    const { before, after } = difference;
    const owner = this.#changed[this.#owners[number]!];
    const other = this.#moves[number]!;
    const records = this.#recordsOf(difference);
    return {
      ...difference,
      layers: this.#kept.layers[number]!,
      group: GROUPS[this.#groups[number]!]!,
      ...(owner ? { package: owner.name } : {}),
      bytes: bytesOf(after) - bytesOf(before),
      ...(other < 0 ? {} : { moved: this.#kept.differences.at(other).path }),
      ...(records.length > 0 ? { records } : {}),
    };
  }

  #recordsOf({ path, aspects }: Difference): readonly RecordDifference[] {
    if (!aspects.includes('content') || !isRecordFile(path)) return [];
    const records = this.#records.get(path) ?? recordDifferences(this.#sides, path);
    this.#records.set(path, records);
    return records;
  }
}

/** The changed packages that hold the differing paths. Folders are nobody's. */
function ownersAmong(
  [before, after]: Sides,
  changed: readonly PackagePair[],
  differences: HeldDifferences,
): Int32Array {
  const owners = new Int32Array(differences.length).fill(-1);
  if (changed.length === 0) return owners; // no diversion is to be read, which takes merging records
  for (const [side, which] of [
    [before, 'before'],
    [after, 'after'],
  ] as const) {
    const positions = new Map(changed.flatMap((pair, at) => (pair[which] ? [[pair[which], at]] : [])));
    for (const [one, path] of pathsOf(side, positions.keys())) {
      const number = differences.numberOf(path);
      if (number !== undefined && !isFolder(differences.at(number))) owners[number] = positions.get(one)!;
    }
  }
  return owners;
}

function isFolder({ before, after }: Difference): boolean {
  return (after ?? before)?.type === 'dir';
}

/** Status files are asked for what packages declare only when something outside of etc/ differs. */
function configIn(sides: Sides, differences: HeldDifferences): (path: TreePath) => boolean {
  const declared = differences.somePath((path) => !isEtc(path)) ? sides.map(conffilesOf) : [];
  return (path) => isEtc(path) || declared.some((paths) => paths.has(path));
}

function isEtc(path: TreePath): boolean {
  return path.startsWith('etc/');
}

function recordDifferences(sides: Sides, path: TreePath): RecordDifference[] {
  const [before, after] = sides.map((side) => side.recordsAt(path));
  if (!before || !after) return [];
  const keys = [...new Set([...before.keys(), ...after.keys()])].filter((key) => key !== FILE_ITSELF);
  return keys.flatMap((key): RecordDifference[] => {
    const [was, is] = [before.get(key), after.get(key)];
    if (was === is) return [];
    return [{ modifier: was === undefined ? '+' : is === undefined ? '-' : 'M', record: recordName(key) }];
  });
}
