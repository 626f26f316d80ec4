import { loadKoffi } from './koffi.ts';
import { ownFile } from './own.ts';

/**
 * Decompression by liblzma, which dpkg itself links to: Node has no xz of its own, and a process for each archive costs more than most
 * archives do.
 */
type Lzma = {
  lzma_version_number(): number;
  lzma_stream_decoder(stream: unknown, memoryLimit: bigint, flags: number): number;
  lzma_code(stream: unknown, action: number): number;
  lzma_end(stream: unknown): void;
};

type Memory = { readonly pointer: unknown; readonly address: bigint; readonly bytes: Buffer };

/** Bytes of `lzma_stream` and where its members lie, on every 64-bit Linux (lzma/base.h). */
const STREAM = { size: 136, nextIn: 0, availableIn: 8, nextOut: 24, availableOut: 32 } as const;

const RUN = 0;
const FINISH = 3;
const OK = 0;
const STREAM_END = 1;
/** Several streams one after the other are one file. */
const CONCATENATED = 8;
/** Bytes: what xz -9 needs is 65 MiB. */
const MEMORY_LIMIT = 256n << 20n;
const CHUNK = 256 << 10;

type State = {
  readonly lzma: Lzma;
  readonly stream: Memory;
  readonly input: Memory;
  readonly output: Memory;
};

let state: State | undefined;

/** One for a thread: a decoder is begun anew for each archive, in the same memory. */
function load(): State {
  if (state) return state;
  const koffi = loadKoffi();
  const memory = (size: number): Memory => {
    const pointer = koffi.alloc('uint8_t', size);
    const bytes = Buffer.from(koffi.view(pointer, size) as ArrayBuffer).fill(0);
    return { pointer, address: koffi.address(pointer), bytes };
  };
  state = { lzma: fastest(), stream: memory(STREAM.size), input: memory(CHUNK), output: memory(CHUNK) };
  return state;
}

/** As `lzma_version_number` tells it: 5.6.0, which takes two thirds of the time of those before it on x86-64 (bench/NOTES.md). */
const FAST = 50_060_000;

/** This machine's liblzma, of which its distribution takes care; where that is slow, the one that `node-liblzma` brings, if it has one for this processor. */
function fastest(): Lzma {
  const own = lzmaOf('liblzma.so.5');
  if (own.lzma_version_number() >= FAST) return own;
  try {
    return lzmaOf(ownFile(`node_modules/node-liblzma/prebuilds/linux-${process.arch}/node-liblzma.node`));
  } catch {
    return own;
  }
}

/** @throws Error when the library, or a function in it, is not there. */
function lzmaOf(file: string): Lzma {
  const library = loadKoffi().load(file);
  return {
    lzma_version_number: library.func('uint32_t lzma_version_number()'),
    lzma_stream_decoder: library.func('int lzma_stream_decoder(void *, uint64_t, uint32_t)'),
    lzma_code: library.func('int lzma_code(void *, int)'),
    lzma_end: library.func('void lzma_end(void *)'),
  };
}

/**
 * The content of an xz file, in pieces each of which the next one overwrites. `read` fills a buffer and returns how many bytes there were;
 * 0 is the end. Only one at a time.
 * @throws Error for damaged or truncated data.
 */
export function* decompressXz(read: (into: Buffer) => number): Generator<Buffer> {
  const { lzma, stream, input, output } = load();
  const fields = stream.bytes;
  check(lzma.lzma_stream_decoder(stream.pointer, MEMORY_LIMIT, CONCATENATED));
  fields.writeBigUInt64LE(0n, STREAM.availableIn);
  try {
    for (let action = RUN; ; ) {
      if (action === RUN && fields.readBigUInt64LE(STREAM.availableIn) === 0n) {
        const length = read(input.bytes);
        fields.writeBigUInt64LE(input.address, STREAM.nextIn);
        fields.writeBigUInt64LE(BigInt(length), STREAM.availableIn);
        if (length === 0) action = FINISH;
      }
      fields.writeBigUInt64LE(output.address, STREAM.nextOut);
      fields.writeBigUInt64LE(BigInt(CHUNK), STREAM.availableOut);
      const result = lzma.lzma_code(stream.pointer, action);
      const made = CHUNK - Number(fields.readBigUInt64LE(STREAM.availableOut));
      if (made > 0) yield output.bytes.subarray(0, made);
      if (result === STREAM_END) return;
      check(result);
    }
  } finally {
    lzma.lzma_end(stream.pointer);
  }
}

/** lzma_ret, in the order of its values. */
const FAULTS = [
  '',
  '',
  'no integrity check',
  'an unknown integrity check',
  '',
  'not enough memory',
  'it wants more memory than any xz makes',
  'it is no xz file',
  'unknown options',
  'damaged data',
  'it is cut short',
];

function check(result: number): void {
  if (result !== OK) throw new Error(`Cannot decompress: ${FAULTS[result] ?? `liblzma says ${result}`}`);
}
