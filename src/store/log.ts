/**
 * A SQLite database as its readers see it: with the pages of all whole transactions in its log (the file `-wal`). A frame that is not
 * whole, or is of an earlier round, ends the log (https://www.sqlite.org/fileformat2.html#the_write_ahead_log).
 */
export function withLog(database: Buffer, log: Buffer): Buffer {
  const frames = framesOf(log);
  const last = frames.findLastIndex(({ count }) => count > 0);
  if (last === -1) return database;
  const size = frames[0]!.content.length;
  // A log cannot make more pages than it holds, whatever it says.
  const count = Math.min(frames[last]!.count, Math.ceil(database.length / size) + frames.length);
  const whole = Buffer.alloc(count * size);
  database.copy(whole);
  for (const { page, content } of frames.slice(0, last + 1)) content.copy(whole, (page - 1) * size);
  return whole;
}

type Frame = {
  /** From 1. */
  readonly page: number;
  readonly content: Buffer;
  /** How many pages the database has after the transaction that this frame ends; else 0. */
  readonly count: number;
};

const HEADER = 32;
const FRAME_HEADER = 24;

/** All of them that are whole. */
function framesOf(log: Buffer): Frame[] {
  const size = log.length < HEADER ? 0 : log.readUInt32BE(8);
  if (size < 512 || size > 65_536 || (size & (size - 1)) !== 0) return [];
  const add = adder(log.readUInt32BE(0) === 0x377f0683);
  let sum = add([0, 0], log.subarray(0, 24));
  if (!isSum(sum, log, 24)) return [];
  const frames: Frame[] = [];
  for (let at = HEADER; at + FRAME_HEADER + size <= log.length; at += FRAME_HEADER + size) {
    const page = log.readUInt32BE(at);
    const content = log.subarray(at + FRAME_HEADER, at + FRAME_HEADER + size);
    sum = add(add(sum, log.subarray(at, at + 8)), content);
    const isOfThisRound = log.compare(log, 16, 24, at + 8, at + 16) === 0;
    if (page === 0 || !isOfThisRound || !isSum(sum, log, at + 16)) break;
    frames.push({ page, content, count: log.readUInt32BE(at + 4) });
  }
  return frames;
}

type Sum = readonly [number, number];

/** Adds bytes to a checksum, by words of the byte order that the log's first number names. */
function adder(isBigEndian: boolean): (sum: Sum, bytes: Buffer) => Sum {
  return ([start, next], bytes) => {
    let [one, other] = [start, next];
    const word = (at: number): number => (isBigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at));
    for (let at = 0; at < bytes.length; at += 8) {
      one = (one + word(at) + other) >>> 0;
      other = (other + word(at + 4) + one) >>> 0;
    }
    return [one, other];
  };
}

function isSum([one, other]: Sum, log: Buffer, at: number): boolean {
  return log.readUInt32BE(at) === one && log.readUInt32BE(at + 4) === other;
}
