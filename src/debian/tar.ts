/** One member of a tar archive; names are bytes, one a character, as the archive has them. */
export type TarMember = {
  readonly type: 'file' | 'hard link' | 'symlink' | 'device' | 'directory' | 'fifo';
  readonly name: string;
  /** Of a symlink or a hard link, else ''. */
  readonly target: string;
  /** The twelve permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** The names of owner and group; '' where the archive has none. */
  readonly user: string;
  readonly group: string;
  /** Seconds. */
  readonly mtime: number;
  /** Bytes of content that follow. */
  readonly size: number;
};

/** What becomes of the members: their content comes in pieces, each of which is valid during the call alone. */
export type TarVisitor = {
  member(member: TarMember): void;
  content?(piece: Buffer): void;
  /** Its content was all there. */
  end?(member: TarMember): void;
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
 * Reads the members of a tar stream. It knows what dpkg knows (ustar and GNU's long names) and no more, so that the two cannot understand
 * one archive in two ways.
 * @throws Error with the reason for anything else, and for an archive that is cut short.
 */
export async function readMembers(stream: AsyncIterable<Buffer>, visitor: TarVisitor): Promise<void> {
  const reader = new TarReader(visitor);
  for await (const chunk of stream) reader.push(chunk);
  reader.end();
}

/** The same, of an archive that is there. */
export function readMembersNow(pieces: Iterable<Buffer>, visitor: TarVisitor): void {
  const reader = new TarReader(visitor);
  for (const piece of pieces) reader.push(piece);
  reader.end();
}

class TarReader {
  readonly #visitor: TarVisitor;
  /** The bytes of a header or a long name, until there are enough. */
  #held: Buffer = Buffer.alloc(0);
  #wanted = BLOCK;
  /** What follows of the member's content, and of the padding behind it. */
  #content = 0;
  #skip = 0;
  #member: TarMember | undefined;
  #long: { kind: 'L' | 'K'; size: number } | undefined;
  #name: string | undefined;
  #target: string | undefined;
  #ended = false;

  constructor(visitor: TarVisitor) {
    this.#visitor = visitor;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#ended) {
      if (this.#content > 0) {
        const piece = chunk.subarray(at, at + this.#content);
        this.#content -= piece.length;
        at += piece.length;
        this.#visitor.content?.(piece);
        if (this.#content === 0) this.#endMember();
        continue;
      }
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - at);
        this.#skip -= step;
        at += step;
        continue;
      }
      const piece = chunk.subarray(at, at + this.#wanted - this.#held.length);
      at += piece.length;
      if (piece.length === this.#wanted) {
        this.#block(piece);
        continue;
      }
      // A copy: who gave it may write over it.
      this.#held = Buffer.concat([this.#held, piece]);
      if (this.#held.length === this.#wanted) this.#block(this.#held);
    }
  }

  #endMember(): void {
    const member = this.#member!;
    this.#member = undefined;
    this.#visitor.end?.(member);
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
    const member: TarMember = {
      type,
      name,
      target,
      mode: number(block.subarray(100, 108)) & 0o7777,
      uid: number(block.subarray(108, 116)),
      gid: number(block.subarray(116, 124)),
      user: cString(block.subarray(265, 297)),
      group: cString(block.subarray(297, 329)),
      mtime: number(block.subarray(136, 148)),
      size,
    };
    this.#member = member;
    this.#visitor.member(member);
    this.#content = size;
    this.#skip = padded(size) - size;
    if (size === 0) this.#endMember();
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
  for (let at = 0; at < BLOCK; at++) if (at < 148 || at >= 156) sum += block[at]!;
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
