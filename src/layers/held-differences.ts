import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { decodeEntry, type Entry, encodeEntry, pathAt, type TreePath } from '../store/manifest.ts';
import { type Aspect, type Difference, modifierOf } from './difference.ts';

/** Differences one after the other, each as the line before and the line after; an empty line where one is not there. */
type Chunk = {
  readonly bytes: Buffer;
  readonly isPacked: boolean;
  /** Where each begins. */
  readonly starts: Uint32Array;
  /** Position in `#aspects` of what each differs in. */
  readonly aspects: Uint16Array;
  /** The number of the first one, and its path. */
  readonly first: number;
  readonly path: TreePath;
};

/** Characters of lines that make a chunk. */
const CHUNK = 65_536;
/** Chunks from which on they are held compressed, to a third: 4 MiB. */
const MANY = 64;
/** Compressed ones that are at hand: of a move both ends are looked at. */
const AT_HAND = 16;
/** Node's way of saying into how large a buffer it writes at first. */
const ONE_PIECE = { chunkSize: 2 * CHUNK };
const NEWLINE = 10;

/** Many differences, in byte order of their paths: they are held as text, a fifth of what objects take, and made when they are asked for. */
export class HeldDifferences implements Iterable<Difference> {
  readonly #chunks: Chunk[] = [];
  readonly #aspects: (readonly Aspect[])[] = [];
  readonly #known = new Map<string, number>();
  readonly #atHand = new Map<Chunk, Buffer>();
  #length = 0;
  #text = '';
  #starts: number[] = [];
  #of: number[] = [];

  /** Its path comes after all that are held. */
  add({ before, after, aspects }: Difference): void {
    this.#starts.push(this.#text.length);
    this.#of.push(this.#positionOf(aspects));
    this.#text += `${before ? encodeEntry(before) : ''}\n${after ? encodeEntry(after) : ''}\n`;
    this.#length++;
    if (this.#text.length >= CHUNK) this.#close();
  }

  get length(): number {
    return this.#length;
  }

  /** The difference of that number, from 0. */
  at(number: number): Difference {
    const chunk = this.#chunkOf((one) => one.first <= number)!;
    return this.#decode(chunk, number - chunk.first);
  }

  *[Symbol.iterator](): Generator<Difference> {
    this.#close();
    for (const chunk of this.#chunks)
      for (let at = 0; at < chunk.starts.length; at++) yield this.#decode(chunk, at);
  }

  *paths(): Generator<TreePath> {
    this.#close();
    for (const chunk of this.#chunks)
      for (const start of chunk.starts) yield pathIn(this.#bytesOf(chunk), start);
  }

  somePath(isSo: (path: TreePath) => boolean): boolean {
    for (const path of this.paths()) if (isSo(path)) return true;
    return false;
  }

  /** The number of the difference at a path; undefined where there is none. */
  numberOf(path: TreePath): number | undefined {
    const chunk = this.#chunkOf((one) => one.path <= path);
    if (chunk === undefined) return undefined;
    const { starts, first } = chunk;
    const bytes = this.#bytesOf(chunk);
    const at = lastWhere(starts.length, (index) => pathIn(bytes, starts[index]!) <= path);
    return at >= 0 && pathIn(bytes, starts[at]!) === path ? first + at : undefined;
  }

  #chunkOf(isBefore: (chunk: Chunk) => boolean): Chunk | undefined {
    this.#close();
    return this.#chunks[lastWhere(this.#chunks.length, (index) => isBefore(this.#chunks[index]!))];
  }

  #decode(chunk: Chunk, at: number): Difference {
    const bytes = this.#bytesOf(chunk);
    const start = chunk.starts[at]!;
    const middle = bytes.indexOf(NEWLINE, start);
    const before = entryIn(bytes, start, middle);
    const after = entryIn(bytes, middle + 1, bytes.indexOf(NEWLINE, middle + 1));
    const aspects = this.#aspects[chunk.aspects[at]!]!;
    const modifier = before === undefined ? '+' : after === undefined ? '-' : modifierOf(aspects);
    return { path: (before ?? after)!.path, modifier, aspects, before, after };
  }

  #bytesOf(chunk: Chunk): Buffer {
    if (!chunk.isPacked) return chunk.bytes;
    const known = this.#atHand.get(chunk);
    if (known) return known;
    const [oldest] = this.#atHand.keys();
    if (oldest && this.#atHand.size >= AT_HAND) this.#atHand.delete(oldest);
    const bytes = zstdDecompressSync(chunk.bytes, ONE_PIECE);
    this.#atHand.set(chunk, bytes);
    return bytes;
  }

  #positionOf(aspects: readonly Aspect[]): number {
    const name = aspects.join();
    const known = this.#known.get(name) ?? this.#aspects.push(aspects) - 1;
    this.#known.set(name, known);
    return known;
  }

  #close(): void {
    if (this.#starts.length === 0) return;
    const bytes = Buffer.from(this.#text, 'latin1');
    const isPacked = this.#chunks.length >= MANY;
    this.#chunks.push({
      bytes: isPacked ? Buffer.from(zstdCompressSync(bytes, ONE_PIECE)) : bytes,
      isPacked,
      starts: Uint32Array.from(this.#starts),
      aspects: Uint16Array.from(this.#of),
      first: this.#length - this.#starts.length,
      path: pathIn(bytes, 0),
    });
    this.#text = '';
    this.#starts = [];
    this.#of = [];
  }
}

function entryIn(bytes: Buffer, start: number, end: number): Entry | undefined {
  return start === end ? undefined : decodeEntry(bytes, start, end);
}

function pathIn(bytes: Buffer, start: number): TreePath {
  return pathAt(bytes, bytes[start] === NEWLINE ? start + 1 : start);
}

/** The last index below `length` for which it is so, -1 for none: it is so up to one, and then no more. */
function lastWhere(length: number, isSo: (index: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isSo(middle)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
