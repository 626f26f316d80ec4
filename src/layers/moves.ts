import type { Digest } from '../store/digest.ts';
import type { Entry, File } from '../store/manifest.ts';
import { bytesOf } from './difference.ts';
import type { HeldDifferences } from './held-differences.ts';

/** The digest of a file of each side. */
export type Digests = { readonly before: (file: File) => Digest; readonly after: (file: File) => Digest };

/** What may have moved: its number among the differences, and of the files that came, not of those that went. */
type Candidates = {
  readonly numbers: readonly number[];
  readonly digests: Buffer;
  readonly come: Uint8Array;
};

/** Bytes of a digest by which files are told apart: no two in a tree have these in common. */
const DIGEST = 16;

/**
 * Files that lie elsewhere now: for each difference the number of the other one, -1 for none. The content tells, where one file alone went and
 * one alone came with it. Digests are asked for where files of one size went and came.
 */
export function movesAmong(differences: HeldDifferences, digests: Digests): Int32Array {
  const moves = new Int32Array(differences.length).fill(-1);
  const candidates = candidatesAmong(differences, digests);
  for (const [one, other] of pairsAmong(candidates)) {
    moves[one] = other;
    moves[other] = one;
  }
  return moves;
}

function candidatesAmong(differences: HeldDifferences, digestsOf: Digests): Candidates {
  const sizes = new Map<number, number>();
  for (const { before, after } of differences) {
    const size = movableBytes(before, after);
    if (size > 0) sizes.set(size, (sizes.get(size) ?? 0) | (after ? CAME : WENT));
  }
  const numbers: number[] = [];
  let number = 0;
  for (const { before, after } of differences) {
    if (sizes.get(movableBytes(before, after)) === (CAME | WENT)) numbers.push(number);
    number++;
  }
  const digests = Buffer.allocUnsafe(numbers.length * DIGEST);
  const come = new Uint8Array(numbers.length);
  for (const [at, number] of numbers.entries()) {
    const { before, after } = differences.at(number);
    const digest = after ? digestsOf.after(after as File) : digestsOf.before(before as File);
    digests.write(digest, at * DIGEST, DIGEST, 'hex');
    come[at] = after ? 1 : 0;
  }
  return { numbers, digests, come };
}

/** Whether files of a size came, went, or both. */
const [CAME, WENT] = [1, 2];

/** Of a file that is on one side alone; else 0. */
function movableBytes(before: Entry | undefined, after: Entry | undefined): number {
  return before && after ? 0 : bytesOf(before ?? after);
}

/** Those of one content of which one alone came and one alone went. */
function* pairsAmong({ numbers, digests, come }: Candidates): Generator<readonly [number, number]> {
  /** A hash table of the first candidate of each digest, counted from 1, in open addressing. */
  const firsts = new Uint32Array(2 ** Math.ceil(Math.log2(2 * numbers.length + 1)));
  const last = new Uint32Array(numbers.length);
  const counts = new Uint32Array(numbers.length);
  for (let at = 0; at < numbers.length; at++) {
    let slot = digests.readUInt32LE(at * DIGEST) % firsts.length;
    while (firsts[slot] !== 0 && !haveSame(digests, firsts[slot]! - 1, at)) slot = (slot + 1) % firsts.length;
    firsts[slot] ||= at + 1;
    const first = firsts[slot]! - 1;
    last[first] = at;
    counts[first]!++;
  }
  for (const [first, count] of counts.entries()) {
    const other = last[first]!;
    if (count === 2 && come[first] !== come[other]) yield [numbers[first]!, numbers[other]!];
  }
}

function haveSame(digests: Buffer, one: number, other: number): boolean {
  const [a, b] = [one * DIGEST, other * DIGEST];
  return digests.compare(digests, a, a + DIGEST, b, b + DIGEST) === 0;
}
