/** One member of a tar archive; names are bytes, one a character, as the archive has them. */
export type TarMember = {
  readonly type: 'file' | 'hard link' | 'symlink' | 'device' | 'directory' | 'fifo';
  readonly name: string;
  /** Of a symlink or a hard link, else ''. */
  readonly target: string;
};

/** Bytes; headers and the room that a content takes are multiples of it. */
export const BLOCK = 512;
/** GNU's long names; nothing real comes near. */
const LONGEST = 2 ** 16;

const TYPES: Readonly<Record<string, TarMember['type']>> = {
  '\0': 'file',
  '0': 'file',
  '1': 'hard link',
  '2': 'symlink',
  '3': 'device',
  '4': 'device',
  '5': 'directory',
  '6': 'fifo',
};

/**
 * Reads the members of a tar stream and throws their content away. It knows what dpkg knows (ustar and GNU's long names) and no more, so that
 * the two cannot understand one archive in two ways.
 * @throws Error with the reason for anything else, and for an archive that is cut short.
 */
export async function readMembers(
  stream: AsyncIterable<Buffer>,
  take: (member: TarMember) => void,
): Promise<void> {
  const reader = new TarReader(take);
  for await (const chunk of stream) reader.push(chunk);
  reader.end();
}

class TarReader {
  readonly #take: (member: TarMember) => void;
  /** The bytes of a header or a long name, until there are enough. */
  #held: Buffer = Buffer.alloc(0);
  #wanted = BLOCK;
  #skip = 0;
  #long: { kind: 'L' | 'K'; size: number } | undefined;
  #name: string | undefined;
  #target: string | undefined;
  #ended = false;

  constructor(take: (member: TarMember) => void) {
    this.#take = take;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#ended) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - at);
        this.#skip -= step;
        at += step;
        continue;
      }
      const piece = chunk.subarray(at, at + this.#wanted - this.#held.length);
      this.#held = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
      at += piece.length;
      if (this.#held.length === this.#wanted) this.#block(this.#held);
    }
  }

  end(): void {
    if (!this.#ended) throw new Error('the archive is cut short');
  }

  #block(block: Buffer): void {
    this.#held = Buffer.alloc(0);
    this.#wanted = BLOCK;
    if (this.#long === undefined) this.#header(block);
    else {
      const text = cString(block.subarray(0, this.#long.size));
      if (this.#long.kind === 'L') this.#name = text;
      else this.#target = text;
      this.#long = undefined;
    }
  }

  #header(block: Buffer): void {
    if (block.every((byte) => byte === 0)) {
      this.#ended = true;
      return;
    }
    checkSum(block);
    const flag = String.fromCharCode(block[156]!);
    const size = number(block.subarray(124, 136));
    if (flag === 'L' || flag === 'K') {
      if (size === 0 || size > LONGEST) throw new Error(`a name of ${size} bytes`);
      this.#long = { kind: flag, size };
      this.#wanted = padded(size);
      return;
    }
    const type = TYPES[flag];
    if (type === undefined) throw new Error(`a member of the type "${flag}", which dpkg does not know`);
    if (type !== 'file' && size > 0) throw new Error(`a ${type} with content`);
    const name = this.#name ?? headerName(block);
    const target =
      type === 'symlink' || type === 'hard link' ? (this.#target ?? cString(block.subarray(157, 257))) : '';
    this.#name = undefined;
    this.#target = undefined;
    this.#skip = type === 'file' ? padded(size) : 0;
    this.#take({ type, name, target });
  }
}

export function headerName(block: Buffer): string {
  const name = cString(block.subarray(0, 100));
  const posix = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = posix ? cString(block.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** @throws Error when the header is not what was written. */
export function checkSum(block: Buffer): void {
  let sum = 8 * 32;
  for (const [at, byte] of block.entries()) if (at < 148 || at >= 156) sum += byte;
  if (sum !== number(block.subarray(148, 156))) throw new Error('a damaged header');
}

/** Octal digits, or GNU's binary form for what has no room. */
export function number(field: Buffer): number {
  const value =
    (field[0]! & 0x80) === 0
      ? Number.parseInt(cString(field).trim() || '0', 8)
      : Number(BigInt(`0x${field.toString('hex')}`) & ((1n << 87n) - 1n));
  if (!Number.isSafeInteger(value) || value < 0) throw new Error('a damaged number in a header');
  return value;
}

export function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

export function cString(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end < 0 ? undefined : end);
}
