import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { SnapError } from '../host/error.ts';
import { digestOf, startDigest } from '../store/digest.ts';
import {
  type Entry,
  encodeManifest,
  type Manifest,
  parentOf,
  sorted,
  type TreePath,
  withFirstLinks,
} from '../store/manifest.ts';
import { SortedManifest } from '../store/sorted-manifest.ts';
import { whiteout } from '../store/tree.ts';
import { BLOCK, checkSum, cString, headerName, number, padded } from './tar.ts';

/** What a tar archive holds. */
export type Archive = {
  readonly entries: Manifest;
  /** Folders that the archive does not have as members, though something lies below them. */
  readonly implied: ReadonlySet<TreePath>;
  /** Of the files that were to be kept. */
  readonly contents: ReadonlyMap<TreePath, Buffer>;
};

export type ArchiveOptions = {
  /** Whether the content of a file is to be kept. */
  readonly keeps: (path: TreePath) => boolean;
  readonly signal: AbortSignal;
};

/** Of one file, and of all, bytes: what is more is not kept. */
const MOST_KEPT = 2 ** 26;
const MOST_KEPT_IN_ALL = 2 ** 29;
/** Bytes that are read at a time. */
const CHUNK = 2 ** 18;
const MOST_ENTRIES = 5_000_000;
/** Extended headers: attributes are up to 64 KiB each. */
const LONGEST_HEADER = 2 ** 21;

/**
 * Reads a tar archive (ustar, GNU, pax; plain or packed by gzip, xz or zstd) and writes nothing: a member's name is where it would lie,
 * a later one of the same name counts. Contents are hashed as they pass by.
 * @throws SnapError USAGE for what is no such archive, is cut short, or would not stay below the folder it is unpacked into.
 */
export async function readArchive(file: string, options: ArchiveOptions): Promise<Archive> {
  // A fifo would wait for a writer.
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(fd).isFile()) throw new Error('it is no regular file');
    return await readMembers(new Bytes(unpacked(fd, options.signal)), options);
  } catch (error) {
    if (options.signal.aborted) throw options.signal.reason;
    throw new SnapError('USAGE', `Cannot read archive "${file}": ${(error as Error).message}`, {
      hint: 'a tar archive is expected: plain, or packed by gzip, xz or zstd',
      cause: error,
    });
  } finally {
    closeSync(fd);
  }
}

async function* unpacked(fd: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  const start = Buffer.alloc(6);
  readSync(fd, start, 0, start.length, 0);
  const magic = start.toString('hex');
  if (magic.startsWith('425a68')) throw new Error('it is packed by bzip2');
  if (magic === 'fd377a585a00') return yield* unxz(fd, signal);
  const raw = contentOf(fd, signal);
  if (magic.startsWith('1f8b')) return yield* through(raw, createGunzip());
  if (magic.startsWith('28b52ffd')) return yield* through(raw, createZstdDecompress());
  yield* raw;
}

/** Not a stream of Node's, which closes the file. */
async function* contentOf(fd: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  for (let position = 0; ; ) {
    signal.throwIfAborted();
    const chunk = Buffer.allocUnsafe(CHUNK);
    const length = readSync(fd, chunk, 0, CHUNK, position);
    if (length === 0) return;
    yield chunk.subarray(0, length);
    position += length;
  }
}

async function* through(
  content: AsyncIterable<Buffer>,
  unpacker: NodeJS.ReadWriteStream & Readable,
): AsyncGenerator<Buffer> {
  const raw = Readable.from(content);
  raw.on('error', (error) => unpacker.destroy(error));
  raw.pipe(unpacker);
  try {
    yield* unpacker;
  } finally {
    raw.destroy();
    unpacker.destroy();
  }
}

/** Node has no xz of its own. */
async function* unxz(fd: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  const child = spawn('xz', ['-dc'], { stdio: [fd, 'pipe', 'pipe'], signal, killSignal: 'SIGKILL' });
  const { stdout, stderr: errors } = child as ChildProcessByStdio<null, Readable, Readable>;
  let stderr = '';
  errors.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(0, 200);
  });
  const { promise: ended, resolve, reject } = Promise.withResolvers<number | null>();
  child.on('close', resolve).on('error', reject);
  ended.catch(() => undefined);
  try {
    yield* stdout;
    if ((await ended) !== 0) throw new Error(stderr.trim() || 'xz failed');
  } finally {
    child.kill('SIGKILL');
  }
}

/** A stream of bytes that is read by lengths. */
class Bytes {
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Buffer>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  async take(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of this.stream(length)) parts.push(part);
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  async *stream(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0; ) {
      if (this.#held.length === 0) {
        const next = await this.#chunks.next();
        if (next.done) throw new Error('it is cut short');
        this.#held = next.value;
      }
      const part = this.#held.subarray(0, left);
      this.#held = this.#held.subarray(part.length);
      left -= part.length;
      if (part.length > 0) yield part;
    }
  }

  async end(): Promise<void> {
    await this.#chunks.return?.();
  }
}

/** What extended headers say of the next member. */
type Extended = ReadonlyMap<string, string>;

async function readMembers(bytes: Bytes, { keeps }: ArchiveOptions): Promise<Archive> {
  const entries = new Map<TreePath, Entry>();
  const contents = new Map<TreePath, Buffer>();
  let kept = 0;
  try {
    for await (const { header, extended } of headers(bytes)) {
      const member = memberOf(header, extended);
      const { path, type, size } = member;
      if (type !== 'file') {
        entries.set(path, entryOf(member, header, extended, entries));
        continue;
      }
      const keep = keeps(path) && size <= MOST_KEPT && kept + size <= MOST_KEPT_IN_ALL;
      const { digest, content } = await readContent(bytes, size, keep);
      entries.set(path, { ...metadataOf(member, header, extended), type, size, digest, link: undefined });
      contents.delete(path);
      if (content) contents.set(path, content);
      kept += content?.length ?? 0;
      if (entries.size > MOST_ENTRIES) throw new Error(`it has more than ${MOST_ENTRIES} members`);
    }
  } finally {
    await bytes.end();
  }
  const ordered = sorted(withFirstLinks(entries.values()));
  const implied = impliedFolders(entries);
  return { entries: new SortedManifest(encodeManifest(ordered)), implied, contents };
}

type Header = { readonly header: Buffer; readonly extended: Extended };

async function* headers(bytes: Bytes): AsyncGenerator<Header> {
  const global = new Map<string, string>();
  let own = new Map<string, string>();
  for (;;) {
    const header = await bytes.take(BLOCK);
    if (header.every((byte) => byte === 0)) return;
    checkSum(header);
    const flag = String.fromCharCode(header[156]!);
    const size = number(header.subarray(124, 136));
    if (!'LKxg'.includes(flag)) {
      yield { header, extended: new Map([...global, ...own]) };
      own = new Map();
      continue;
    }
    if (size > LONGEST_HEADER) throw new Error(`it has a header of ${size} bytes`);
    const content = (await bytes.take(padded(size))).subarray(0, size);
    if (flag === 'L') own.set('path', cString(content));
    else if (flag === 'K') own.set('linkpath', cString(content));
    else for (const [name, value] of paxRecords(content)) (flag === 'g' ? global : own).set(name, value);
  }
}

/** `LENGTH NAME=VALUE\n`, the length that of the whole record. */
function* paxRecords(content: Buffer): Generator<[name: string, value: string]> {
  const text = content.toString('latin1');
  for (let at = 0; at < text.length && text[at] !== '\0'; ) {
    const [, digits = ''] = /^(\d{1,8}) /.exec(text.slice(at, at + 9)) ?? [];
    const record = text.slice(at, at + Number(digits));
    const equals = record.indexOf('=');
    if (digits === '' || equals < 0 || !record.endsWith('\n')) throw new Error('a damaged extended header');
    yield [record.slice(digits.length + 1, equals), record.slice(equals + 1, -1)];
    at += record.length;
  }
}

type Member = { readonly path: TreePath; readonly type: Entry['type'] | 'link'; readonly size: number };

const TYPES: Readonly<Record<string, Member['type']>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'dir',
  '6': 'fifo',
};

function memberOf(header: Buffer, extended: Extended): Member {
  const flag = String.fromCharCode(header[156]!);
  const name = extended.get('path') ?? headerName(header);
  const sparse = flag === 'S' || [...extended.keys()].some((key) => key.startsWith('GNU.sparse.'));
  if (sparse) throw new Error(`"${name}" is stored as a sparse file; make the archive without "--sparse"`);
  const type = flag === '\0' && name.endsWith('/') ? 'dir' : TYPES[flag];
  if (type === undefined) throw new Error(`"${name}" is of the unknown type "${flag}"`);
  const size = decimal(extended, 'size') ?? number(header.subarray(124, 136));
  if (type !== 'file' && type !== 'dir' && size > 0) throw new Error(`"${name}" is no file and has content`);
  return { path: plainPath(name), type, size: type === 'file' ? size : 0 };
}

function plainPath(name: string): TreePath {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new Error(`it has the path "${name}" with ".."`);
  return parts.join('/') as TreePath;
}

function decimal(extended: Extended, name: string): number | undefined {
  const text = extended.get(name);
  if (text === undefined) return undefined;
  const value = Math.floor(Number(text));
  if (!/^-?\d+(\.\d*)?$/.test(text) || !Number.isSafeInteger(value)) throw new Error(`a damaged ${name}`);
  if (value < 0 && name !== 'mtime') throw new Error(`a damaged ${name}`);
  return value;
}

function metadataOf({ path }: Member, header: Buffer, extended: Extended) {
  return {
    path,
    mode: number(header.subarray(100, 108)) & 0o7777,
    uid: decimal(extended, 'uid') ?? number(header.subarray(108, 116)),
    gid: decimal(extended, 'gid') ?? number(header.subarray(116, 124)),
    mtime: decimal(extended, 'mtime') ?? number(header.subarray(136, 148)),
    xattrs: xattrsOf(extended),
  };
}

const XATTR = 'SCHILY.xattr.';

function xattrsOf(extended: Extended): string {
  return [...extended]
    .filter(([name]) => name.startsWith(XATTR))
    .map(([name, value]) => [name.slice(XATTR.length), Buffer.from(value, 'latin1').toString('hex')] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, hex]) => `${encodeURIComponent(name)}=${hex}`)
    .join(',');
}

function entryOf(
  member: Member,
  header: Buffer,
  extended: Extended,
  entries: ReadonlyMap<TreePath, Entry>,
): Entry {
  const { path, type } = member;
  const metadata = metadataOf(member, header, extended);
  const target = (): string => extended.get('linkpath') ?? cString(header.subarray(157, 257));
  switch (type) {
    case 'link': {
      const first = entries.get(plainPath(target()));
      if (first?.type !== 'file')
        throw new Error(`"${path}" is a hard link to "${target()}", which is no file of it`);
      return { ...first, path, link: first.link ?? first.path };
    }
    case 'symlink':
      return { ...metadata, xattrs: '', type, target: target() };
    case 'char':
    case 'block': {
      const [major, minor] = [number(header.subarray(329, 337)), number(header.subarray(337, 345))];
      return type === 'char' && major + minor === 0 ? whiteout(path) : { ...metadata, type, major, minor };
    }
    case 'dir':
    case 'fifo':
      return { ...metadata, type };
    default:
      throw new Error(`"${path}" is of an unknown type`);
  }
}

async function readContent(bytes: Bytes, size: number, keep: boolean) {
  const room = padded(size) - size;
  if (keep || size < BLOCK * 128) {
    const content = await bytes.take(size);
    await bytes.take(room);
    return { digest: digestOf(content), content: keep ? Buffer.from(content) : undefined };
  }
  const digest = startDigest();
  for await (const part of bytes.stream(size)) digest.update(part);
  await bytes.take(room);
  return { digest: digest.end(), content: undefined };
}

function impliedFolders(entries: ReadonlyMap<TreePath, Entry>): Set<TreePath> {
  const implied = new Set<TreePath>();
  for (const path of entries.keys()) {
    for (let parent = path; parent !== ''; ) {
      parent = parentOf(parent);
      if (implied.has(parent)) break;
      if (!entries.has(parent)) implied.add(parent);
    }
  }
  return implied;
}
