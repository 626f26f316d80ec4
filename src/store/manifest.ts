import { type Digest, digestOf } from './digest.ts';

/** A path in a tree without leading slash: the bytes of the name, each as one character (latin1). The root itself is ''. */
export type TreePath = string & { readonly brand: 'TreePath' };

type Metadata = {
  readonly path: TreePath;
  /** The twelve permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds. */
  readonly mtime: number;
  /** Extended attributes in canonical form: `name=hex` in byte order, joined by commas; '' for none. */
  readonly xattrs: string;
};

export type File = Metadata & {
  readonly type: 'file';
  /** Bytes. */
  readonly size: number;
  readonly digest: Digest;
  /** The first path, in byte order, of the hard links that this file is one of; undefined for a single one. */
  readonly link: TreePath | undefined;
};
export type Dir = Metadata & { readonly type: 'dir' };
export type Symlink = Metadata & { readonly type: 'symlink'; readonly target: string };
export type Device = Metadata & {
  readonly type: 'char' | 'block';
  readonly major: number;
  readonly minor: number;
};
export type Fifo = Metadata & { readonly type: 'fifo' };
/** What lies beneath is gone. */
export type Whiteout = Metadata & { readonly type: 'whiteout' };

export type Entry = File | Dir | Symlink | Device | Fifo | Whiteout;

/** An entry's path and type. */
export type Outline = Pick<Entry, 'path' | 'type'>;

/** All entries of a layer or an image in byte order of their paths. */
export type Manifest = {
  readonly size: number;
  get(path: TreePath): Entry | undefined;
  values(): Iterable<Entry>;
};

const LETTER = {
  file: 'f',
  dir: 'd',
  symlink: 'l',
  char: 'c',
  block: 'b',
  fifo: 'p',
  whiteout: 'w',
} as const;

const TYPE = new Map(
  Object.entries(LETTER).map(([type, letter]) => [letter as string, type as Entry['type']]),
);

/** @throws Error on a letter that no manifest has. */
export function typeOfLetter(letter: string): Entry['type'] {
  const type = TYPE.get(letter);
  if (type === undefined) throw new Error(`Manifest has a line of unknown type: "${letter}"`);
  return type;
}

/** The canonical bytes of a manifest: a line an entry, fields separated by tabs, `\`, tab and newline escaped. */
export function encodeManifest(manifest: Iterable<Entry>): Buffer {
  const writer = startManifest();
  for (const entry of manifest) writer.add(entry);
  return writer.end();
}

/** Characters of lines that are gathered before they become bytes. */
const GATHERED = 65_536;

/** A manifest that is encoded as its entries come, in byte order: it takes a quarter of the memory that they would. */
export function startManifest(): { add(entry: Entry): void; end(): Buffer } {
  const parts: Buffer[] = [];
  let text = '';
  return {
    add(entry) {
      text += `${encodeEntry(entry)}\n`;
      if (text.length < GATHERED) return;
      parts.push(Buffer.from(text, 'latin1'));
      text = '';
    },
    end: () => Buffer.concat([...parts, Buffer.from(text, 'latin1')]),
  };
}

/** An entry's line in a manifest, each byte a character; without the newline. */
export function encodeEntry(entry: Entry): string {
  return `${escapeField(entry.path)}\t${encodeFields(entry)}\t${entry.mtime}`;
}

/** All of an entry but its path and time, in canonical form: two entries with equal identity are the same thing. */
export function identity(entry: Entry): string {
  return encodeFields(entry);
}

/** Whether two entries of one path are the same, time included. */
export function isEqual(a: Entry, b: Entry): boolean {
  return a.mtime === b.mtime && identity(a) === identity(b);
}

function encodeFields(entry: Entry): string {
  const { mode, uid, gid, xattrs } = entry;
  const head = `${LETTER[entry.type]}\t${mode.toString(8)}\t${uid}\t${gid}\t${xattrs}`;
  switch (entry.type) {
    case 'file':
      return `${head}\t${entry.size}\t${entry.digest}\t${entry.link === undefined ? '' : escapeField(entry.link)}`;
    case 'symlink':
      return `${head}\t${escapeField(entry.target)}`;
    case 'char':
    case 'block':
      return `${head}\t${entry.major}:${entry.minor}`;
    case 'dir':
    case 'fifo':
    case 'whiteout':
      return head;
    default:
      return entry satisfies never;
  }
}

/** @throws Error on bytes that `encodeManifest` did not write. */
export function decodeManifest(bytes: Buffer): Map<TreePath, Entry> {
  const manifest = new Map<TreePath, Entry>();
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(NEWLINE, start);
    if (end < 0) throw new Error('Manifest ends within a line');
    const entry = decodeEntry(bytes, start, end);
    manifest.set(entry.path, entry);
    start = end + 1;
  }
  return manifest;
}

const TAB = 9;
const NEWLINE = 10;

/** The path of the encoded entry that begins there; `tab` is where its first field ends. */
export function pathAt(bytes: Buffer, start: number, tab = bytes.indexOf(TAB, start)): TreePath {
  return unescapeField(bytes.toString('latin1', start, tab)) as TreePath;
}

/**
 * The entry that is encoded from `start` up to `end`, where its newline is.
 * @throws Error on a line that `encodeManifest` did not write.
 */
export function decodeEntry(bytes: Buffer, start: number, end: number): Entry {
  const line = bytes.toString('latin1', start, end);
  // Each kind is made whole, in one literal: a copy of what they have in common takes as long as all the rest. Byte by byte it would be
  // faster in the long run, and slower in a small build, which ends before V8 compiles anything.
  const fields = line.split('\t');
  const [name = '', letter = '', octal = '', owner, group, xattrs = ''] = fields;
  if (fields.length !== FIELDS[letter])
    throw new Error(`Manifest has a line that is none: ${JSON.stringify(line)}`);
  const path = unescapeField(copyOf(bytes, start, name)) as TreePath;
  const mode = Number.parseInt(octal, 8);
  const uid = Number(owner);
  const gid = Number(group);
  const mtime = Number(fields.at(-1));
  switch (letter) {
    case 'f': {
      const [, , , , , , bytesOf, hex = '', root = ''] = fields;
      const size = Number(bytesOf);
      const digest = copyOf(bytes, start + line.indexOf(hex, name.length), hex) as Digest;
      const link = root === '' ? undefined : (unescapeField(root) as TreePath);
      return { path, type: 'file', mode, uid, gid, mtime, xattrs, size, digest, link };
    }
    case 'd':
      return { path, type: 'dir', mode, uid, gid, mtime, xattrs };
    case 'l':
      return { path, type: 'symlink', mode, uid, gid, mtime, xattrs, target: unescapeField(fields[6]!) };
    case 'c':
    case 'b': {
      const [major = '', minor = ''] = fields[6]!.split(':');
      const type = letter === 'c' ? 'char' : 'block';
      return { path, type, mode, uid, gid, mtime, xattrs, major: Number(major), minor: Number(minor) };
    }
    case 'p':
      return { path, type: 'fifo', mode, uid, gid, mtime, xattrs };
    default:
      return { path, type: 'whiteout', mode, uid, gid, mtime, xattrs };
  }
}

/** How many fields an entry of each kind has. */
const FIELDS: Readonly<Record<string, number>> = { f: 10, d: 7, l: 8, c: 8, b: 8, p: 7, w: 7 };

/** Characters from which V8 keeps a part of a string as a reference into all of it. */
const SHORTEST_SLICE = 13;

/** The text, which was split off a line and lies at this place in its bytes, without the line: else whoever holds it would hold that too. */
function copyOf(bytes: Buffer, start: number, text: string): string {
  return text.length < SHORTEST_SLICE ? text : bytes.toString('latin1', start, start + text.length);
}

function escapeField(bytes: string): string {
  return /[\\\t\n]/.test(bytes)
    ? bytes.replace(/[\\\t\n]/g, (char) => (char === '\\' ? '\\\\' : char === '\t' ? '\\t' : '\\n'))
    : bytes;
}

function unescapeField(field: string): string {
  return field.includes('\\')
    ? field.replace(/\\(.)/g, (_, char: string) => (char === 't' ? '\t' : char === 'n' ? '\n' : char))
    : field;
}

export function manifestDigest(manifest: Iterable<Entry>): Digest {
  return digestOf(encodeManifest(manifest));
}

/** Entries in byte order of their paths, parents before children. */
export function sorted(entries: Iterable<Entry>): Entry[] {
  return [...entries].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** Hard links under the first of their paths in byte order, as a manifest has them, whichever came first. */
export function withFirstLinks(entries: Iterable<Entry>): Entry[] {
  const all = [...entries];
  const firsts = new Map<TreePath, TreePath>();
  for (const entry of all) {
    if (entry.type !== 'file' || entry.link === undefined) continue;
    const paths = [firsts.get(entry.link) ?? entry.link, entry.path];
    firsts.set(entry.link, paths.sort()[0]!);
  }
  return all.map((entry) => {
    if (entry.type !== 'file') return entry;
    const first = firsts.get(entry.link ?? entry.path);
    if (first === undefined || (first === entry.link && first !== entry.path)) return entry;
    const link = first === entry.path ? undefined : first;
    return link === entry.link ? entry : { ...entry, link };
  });
}

export function parentOf(path: string): TreePath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/'))) as TreePath;
}

/** The path as a person reads it: UTF-8 where it is, escapes for bytes and control characters that would not show. */
export function printable(path: string): string {
  const text = Buffer.from(path, 'latin1').toString('utf8');
  const shown = (char: string): string => (char === '\\' ? '\\\\' : hex(char));
  return text.includes('\ufffd')
    ? path.replace(/[\x00-\x1f\x7f-\xff\\]/g, shown)
    : text.replace(/[\x00-\x1f\x7f\\]/g, shown);
}

function hex(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
