import {
  decodeEntry,
  type Entry,
  encodeManifest,
  type Manifest,
  type Outline,
  pathAt,
  type TreePath,
  typeOfLetter,
} from './manifest.ts';

/** A manifest that was looked into this often, in parts of its length, is decoded as a whole. */
const OFTEN = 1 / 8;
/** So few are worth no look at its length. */
const FEW = 32;
/** Lines beyond which a manifest is never held decoded: an entry takes about 400 bytes. */
const MANY = 30_000;
/** Paths that were looked up one at a time and are held, for who looks again. */
const KNOWN = 4_000;

/** The canonical bytes of a manifest, encoded only when they are not there. */
export function bytesOf(manifest: Manifest): Buffer {
  return manifest instanceof SortedManifest ? manifest.bytes : encodeManifest(manifest.values());
}

/** For whoever is about to go through a manifest several times: it is decoded once, unless it is too long to be held. */
export function holdDecoded(manifest: Manifest): void {
  if (manifest instanceof SortedManifest) manifest.hold();
}

/** The entries of a manifest whose paths begin with `prefix`, in byte order. */
export function startingWith(manifest: Manifest, prefix: string): Iterable<Entry> {
  return asSorted(manifest).startingWith(prefix);
}

/** What there is at each path, in byte order: less work than whole entries. */
export function outlineOf(manifest: Manifest): Iterable<Outline> {
  return asSorted(manifest).outline();
}

/** A path and the entries there, undefined where a manifest has none. */
export type Both = readonly [path: TreePath, before: Entry | undefined, now: Entry | undefined];

/** The paths at which two manifests do not have the same line, in byte order; lines that they share are not decoded. */
export function* differentEntries(before: Manifest, now: Manifest): Generator<Both> {
  const [old, young] = [bytesOf(before), bytesOf(now)];
  let [a, b] = [0, 0];
  while (a < old.length || b < young.length) {
    const same = sameLines(old, a, young, b);
    if (same > 0) {
      [a, b] = [a + same, b + same];
      continue;
    }
    const [aEnd, bEnd] = [lineEnd(old, a), lineEnd(young, b)];
    if (aEnd - a === bEnd - b && old.compare(young, b, bEnd, a, aEnd) === 0) {
      [a, b] = [aEnd + 1, bEnd + 1];
      continue;
    }
    const wasPath = a < old.length ? pathAt(old, a) : undefined;
    const isPath = b < young.length ? pathAt(young, b) : undefined;
    const path = isPath === undefined || (wasPath !== undefined && wasPath <= isPath) ? wasPath! : isPath;
    const [inOld, inNow] = [wasPath === path, isPath === path];
    yield [
      path,
      inOld ? decodeEntry(old, a, aEnd) : undefined,
      inNow ? decodeEntry(young, b, bEnd) : undefined,
    ];
    if (inOld) a = aEnd + 1;
    if (inNow) b = bEnd + 1;
  }
}

/** Bytes that are compared at once. */
const BLOCK = 4096;

/** How many bytes of whole lines are the same from there on, as far as a block goes. */
function sameLines(old: Buffer, a: number, young: Buffer, b: number): number {
  const [aEnd, bEnd] = [a + BLOCK, b + BLOCK];
  if (aEnd > old.length || bEnd > young.length || old.compare(young, b, bEnd, a, aEnd) !== 0) return 0;
  return Math.max(0, old.lastIndexOf(10, aEnd - 1) + 1 - a);
}

function lineEnd(bytes: Buffer, start: number): number {
  return start < bytes.length ? bytes.indexOf(10, start) : start;
}

function asSorted(manifest: Manifest): SortedManifest {
  return manifest instanceof SortedManifest ? manifest : new SortedManifest(bytesOf(manifest));
}

/** A manifest as it lies on the disk: looked up by bisection, decoded a line at a time. */
export class SortedManifest implements Manifest {
  /** As `encodeManifest` writes them. */
  readonly bytes: Buffer;
  readonly #known = new Map<TreePath, Entry | undefined>();
  #lookups = 0;
  #size: number | undefined;
  #all: Map<TreePath, Entry> | undefined;

  constructor(bytes: Buffer) {
    if (bytes.length > 0 && bytes.at(-1) !== 10) throw new Error('Manifest ends within a line');
    this.bytes = bytes;
  }

  get size(): number {
    if (this.#size !== undefined) return this.#size;
    let lines = 0;
    for (let at = this.bytes.indexOf(10); at >= 0; at = this.bytes.indexOf(10, at + 1)) lines++;
    this.#size = lines;
    return lines;
  }

  get(path: TreePath): Entry | undefined {
    if (this.#all) return this.#all.get(path);
    if (this.#known.has(path)) return this.#known.get(path);
    if (++this.#lookups > FEW && this.#lookups > this.size * OFTEN && this.hold())
      return this.#all!.get(path);
    const entry = this.#find(path);
    if (this.#known.size >= KNOWN) this.#known.clear();
    this.#known.set(path, entry);
    return entry;
  }

  /** Decodes all of it once and for all, unless it is too long for that. */
  hold(): boolean {
    if (this.size > MANY) return false;
    this.#all ??= new Map(this.#decoded());
    return true;
  }

  values(): Iterable<Entry> {
    return this.#all?.values() ?? this.#entries();
  }

  *#decoded(): Generator<[TreePath, Entry]> {
    for (const entry of this.#entries()) yield [entry.path, entry];
  }

  *#entries(): Generator<Entry> {
    for (let start = 0; start < this.bytes.length; ) {
      const end = this.bytes.indexOf(10, start);
      yield decodeEntry(this.bytes, start, end);
      start = end + 1;
    }
  }

  /** The entries whose paths begin with `prefix`, in byte order. */
  *startingWith(prefix: string): Generator<Entry> {
    for (let start = this.#firstFrom(prefix); start < this.bytes.length; ) {
      const end = this.bytes.indexOf(10, start);
      if (!pathAt(this.bytes, start).startsWith(prefix)) return;
      yield decodeEntry(this.bytes, start, end);
      start = end + 1;
    }
  }

  *outline(): Generator<Outline> {
    for (let start = 0; start < this.bytes.length; ) {
      const tab = this.bytes.indexOf(9, start);
      const path = pathAt(this.bytes, start, tab);
      yield { path, type: typeOfLetter(this.bytes.toString('latin1', tab + 1, tab + 2)) };
      start = this.bytes.indexOf(10, tab) + 1;
    }
  }

  /** The entries of folders, in byte order: no other line is decoded. */
  *folders(): Generator<Entry> {
    for (let start = 0; start < this.bytes.length; ) {
      const tab = this.bytes.indexOf(9, start);
      const end = this.bytes.indexOf(10, tab);
      if (typeOfLetter(this.bytes.toString('latin1', tab + 1, tab + 2)) === 'dir')
        yield decodeEntry(this.bytes, start, end);
      start = end + 1;
    }
  }

  #find(path: TreePath): Entry | undefined {
    const start = this.#firstFrom(path);
    if (start >= this.bytes.length) return undefined;
    if (pathAt(this.bytes, start) !== path) return undefined;
    return decodeEntry(this.bytes, start, this.bytes.indexOf(10, start));
  }

  /** Where the first line begins whose path is `path` or comes after it. */
  #firstFrom(path: string): number {
    let low = 0;
    let high = this.bytes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const start = middle === 0 ? 0 : this.bytes.lastIndexOf(10, middle - 1) + 1;
      if (pathAt(this.bytes, start) < path) low = this.bytes.indexOf(10, start) + 1;
      else high = start;
    }
    return low;
  }
}
