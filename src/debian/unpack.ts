import { spawn } from 'node:child_process';
import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  linkSync,
  mkdirSync,
  openSync,
  readSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { decompressXz } from '../host/lzma.ts';
import { type Digest, digestOf, startDigest } from '../store/digest.ts';
import type { GivenIds, RecordPatches } from '../store/layers.ts';
import { type Entry, type File, parentOf, sorted, type TreePath } from '../store/manifest.ts';
import { at, makeEntry, setMetadata } from '../store/tree.ts';
import { debMembers } from './ar.ts';
import { DebPaths } from './deb-paths.ts';
import { fieldOf } from './records.ts';
import { readMembers, readMembersNow, type TarMember, type TarVisitor } from './tar.ts';
import { interestRecords } from './triggers.ts';

/** What a deb brings: what `dpkg --unpack` would leave of it in an image that has nothing of it yet. */
export type Unpacked = {
  readonly manifest: Map<TreePath, Entry>;
  /** Its stanza, unpacked and not configured, and its interests in triggers. */
  readonly records: RecordPatches;
  /** Owners by name, other than root, with the numbers that the archive gives them. */
  readonly ids: GivenIds;
};

/** Raised by a deb that dpkg alone can unpack; nothing is wrong with it. */
export class NeedsDpkg extends Error {}

const ALIASES = /^(bin|sbin|lib|lib32|lib64|libx32|libo32)(?=\/|$)/;
const INFO = 'var/lib/dpkg/info';
const STATUS = 'var/lib/dpkg/status';

/** Bytes: far beyond any real control archive. */
const CONTROL_LIMIT = 64 << 20;

/**
 * Unpacks a deb into an empty folder, with paths as a merged /usr has them, and dpkg's own files about it. No path of it leads through
 * a symlink, whatever the archive holds.
 * @throws NeedsDpkg with the reason for what only dpkg can do; Error for a damaged or hostile archive.
 */
export async function unpackDeb(file: string, folder: string): Promise<Unpacked> {
  const control = await readControl(file);
  const own = (name: string): string => control.get(name)?.content.toString('latin1') ?? '';
  const stanza = own('control').replace(/\n+$/, '');
  const conffiles = conffilesIn(own('conffiles'));
  const tree = new TreeWriter(folder, conffiles);
  try {
    await readArchive(file, 'data', tree);
  } finally {
    tree.close();
  }
  tree.check();
  const name = fieldOf(stanza, 'Package');
  const arch = fieldOf(stanza, 'Architecture');
  const infoName = fieldOf(stanza, 'Multi-Arch') === 'same' ? `${name}:${arch}` : name;
  tree.addInfo(infoName, control);
  const lines = [...conffiles].map((path) => `\n /${path} ${tree.md5.get(path) ?? missing(path)}`);
  const unpacked = stanza.replace(/^(Package: .*)$/m, '$1\nStatus: install ok unpacked');
  const status = lines.length > 0 ? `${unpacked}\nConffiles:${lines.join('')}` : unpacked;
  return {
    manifest: tree.manifest(),
    records: {
      [STATUS]: [[`${name}:${arch}`, status]],
      ...interestRecords(infoName, own('triggers')),
    },
    ids: tree.ids(),
  };
}

function missing(path: string): never {
  throw new NeedsDpkg(`its configuration file "${path}" is not in it`);
}

type ControlFile = { readonly content: Buffer; readonly mode: number; readonly mtime: number };

async function readControl(file: string): Promise<Map<string, ControlFile>> {
  const files = new Map<string, ControlFile>();
  let pieces: Buffer[] = [];
  let bytes = 0;
  await readArchive(file, 'control', {
    member: ({ size }) => {
      pieces = [];
      bytes += size;
      if (bytes > CONTROL_LIMIT) throw new Error(`its control archive is larger than ${CONTROL_LIMIT} bytes`);
    },
    content: (piece) => void pieces.push(Buffer.from(piece)),
    end: ({ type, name, mode, mtime }) => {
      const plain = name.replace(/^\.\/|\/$/g, '');
      if (type === 'directory' && (plain === '' || plain === '.')) return;
      if (type !== 'file' || !/^[\w][\w.+-]*$/.test(plain))
        throw new Error(`its control archive has "${name}"`);
      files.set(plain, { content: Buffer.concat(pieces), mode, mtime });
    },
  });
  return files;
}

/** What Debian compresses with is decompressed here; for anything else dpkg-deb does it. */
async function readArchive(file: string, which: 'control' | 'data', visitor: TarVisitor): Promise<void> {
  const fd = openSync(file, 'r');
  try {
    const { name, offset, size } = debMembers(fd)[which];
    if (name === `${which}.tar.xz`) readMembersNow(decompressXz(partOf(fd, offset, size)), visitor);
    else await readByDpkgDeb(file, which, visitor);
  } finally {
    closeSync(fd);
  }
}

/** Reads a part of a file from its beginning, as much at a time as there is room for. */
function partOf(fd: number, offset: number, size: number): (into: Buffer) => number {
  let done = 0;
  return (into) => {
    const length = readSync(fd, into, 0, Math.min(into.length, size - done), offset + done);
    done += length;
    return length;
  };
}

async function readByDpkgDeb(file: string, which: 'control' | 'data', visitor: TarVisitor): Promise<void> {
  const option = which === 'control' ? '--ctrl-tarfile' : '--fsys-tarfile';
  const child = spawn('dpkg-deb', [option, file], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-1024);
  });
  try {
    await readMembers(child.stdout, visitor);
    const [exitCode] = await ended;
    if (exitCode !== 0) throw new Error(`dpkg-deb exited with ${exitCode}: ${stderr.trim()}`);
  } catch (error) {
    child.kill('SIGKILL');
    await ended.catch(() => undefined);
    throw error;
  }
}

/** The configuration files that a deb brings, as paths of a tree before aliases. */
function conffilesIn(text: string): Set<string> {
  const paths = new Set<string>();
  for (const line of text.split('\n')) {
    if (line.startsWith('remove-on-upgrade ')) throw new NeedsDpkg('it removes a configuration file');
    if (line !== '') paths.add(line.trim().replace(/^\/+/, ''));
  }
  return paths;
}

/** A file that is being written. */
type OpenFile = {
  readonly fd: number;
  readonly member: TarMember;
  readonly path: TreePath;
  readonly md5: Hash | undefined;
  digest: ReturnType<typeof startDigest> | undefined;
  /** Of a content that came in one piece. */
  whole: Digest | undefined;
};

/** Writes the members of a data archive, each below folders that it has made itself. */
class TreeWriter implements TarVisitor {
  readonly #folder: string;
  readonly #conffiles: ReadonlySet<string>;
  readonly #paths = new DebPaths();
  readonly #entries = new Map<TreePath, Entry>();
  readonly #uids = new Map<string, number>();
  readonly #gids = new Map<string, number>();
  #open: OpenFile | undefined;
  /** Every path in the archive's order, as dpkg lists them. */
  #list = '';
  /** MD5 of the configuration files, by their paths in the archive. */
  readonly md5 = new Map<string, string>();

  constructor(folder: string, conffiles: ReadonlySet<string>) {
    this.#folder = folder;
    this.#conffiles = conffiles;
  }

  member(member: TarMember): void {
    this.#paths.add(member);
    const plain = plainName(member.name);
    this.#list += `/${plain === '' ? '.' : plain}\n`;
    const path = isAlias(member, plain) ? (plain as TreePath) : treePath(plain);
    if (member.user !== 'root' && member.user !== '') this.#uids.set(member.user, member.uid);
    if (member.group !== 'root' && member.group !== '') this.#gids.set(member.group, member.gid);
    const known = this.#entries.get(path);
    if (known && (known.type !== 'dir' || member.type !== 'directory'))
      throw new NeedsDpkg(`it has "${plain}" twice`);
    this.#makeParents(path, member);
    if (member.type === 'file') this.#openFile(member, path, plain);
    else if (member.type === 'hard link') this.#link(member, path, plain);
    else this.#make(member, path);
  }

  content(piece: Buffer): void {
    const open = this.#open!;
    for (let written = 0; written < piece.length; ) written += writeSync(open.fd, piece, written);
    open.md5?.update(piece);
    open.digest ??= piece.length < open.member.size ? startDigest() : undefined;
    if (open.digest) open.digest.update(piece);
    else open.whole = digestOf(piece);
  }

  end(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    const { fd, member, path, md5 } = open;
    const { mode, uid, gid, mtime, size } = member;
    try {
      if (uid !== 0 || gid !== 0) fchownSync(fd, uid, gid);
      fchmodSync(fd, mode);
      futimesSync(fd, mtime, mtime);
    } finally {
      closeSync(fd);
    }
    const digest = open.digest?.end() ?? open.whole!;
    this.#entries.set(path, {
      path,
      type: 'file',
      mode,
      uid,
      gid,
      mtime,
      xattrs: '',
      size,
      digest,
      link: undefined,
    });
    if (md5) this.md5.set(plainName(member.name), md5.digest('hex'));
  }

  /** Lets go of what is open where the archive was cut off. */
  close(): void {
    if (this.#open) closeSync(this.#open.fd);
    this.#open = undefined;
  }

  /** @throws Error when something of it would lie outside of wherever it is unpacked. */
  check(): void {
    this.#paths.check();
  }

  /** Adds dpkg's own files about a package. */
  addInfo(infoName: string, control: ReadonlyMap<string, ControlFile>): void {
    for (const path of ['', 'var', 'var/lib', 'var/lib/dpkg', INFO] as TreePath[]) this.#makeFolder(path);
    const add = (extension: string, { content, mode, mtime }: ControlFile): void => {
      const path = `${INFO}/${infoName}.${extension}` as TreePath;
      if (this.#entries.has(path)) throw new NeedsDpkg(`it has "${path}"`);
      const file = at(this.#folder, path);
      writeFileSync(file, content, { flag: 'wx' });
      const common = { path, mode, uid: 0, gid: 0, mtime, xattrs: '' };
      const entry: File = {
        ...common,
        type: 'file',
        size: content.length,
        digest: digestOf(content),
        link: undefined,
      };
      setMetadata(entry, file);
      this.#entries.set(path, entry);
    };
    add('list', { content: Buffer.from(this.#list, 'latin1'), mode: 0o644, mtime: 0 });
    for (const [name, file] of control) if (name !== 'control' && name !== 'list') add(name, file);
  }

  /** All entries in byte order; the folders get their metadata, and are not written to any more. */
  manifest(): Map<TreePath, Entry> {
    const entries = withFirstLinks(sorted(this.#entries.values()));
    for (const entry of entries.toReversed())
      if (entry.type === 'dir') setMetadata(entry, at(this.#folder, entry.path));
    return new Map(entries.map((entry) => [entry.path, entry]));
  }

  ids(): GivenIds {
    return { uids: Object.fromEntries(this.#uids), gids: Object.fromEntries(this.#gids) };
  }

  #make({ type, name, mode, uid, gid, mtime, target }: TarMember, path: TreePath): void {
    const common = { path, mode, uid, gid, mtime, xattrs: '' };
    if (type === 'device') throw new NeedsDpkg(`it has the device "${plainName(name)}"`);
    if (type === 'directory') {
      if (path !== '' && !this.#entries.has(path)) mkdirSync(at(this.#folder, path), { mode: 0o700 });
      this.#entries.set(path, { ...common, type: 'dir' });
      return;
    }
    const entry: Entry =
      type === 'symlink' ? { ...common, mode: 0o777, type, target } : { ...common, type: 'fifo' };
    makeEntry(entry, at(this.#folder, path), Buffer.alloc(0));
    this.#entries.set(path, entry);
  }

  #openFile(member: TarMember, path: TreePath, plain: string): void {
    this.#open = {
      fd: openSync(at(this.#folder, path), 'wx', 0o600),
      member,
      path,
      md5: this.#conffiles.has(plain) ? createHash('md5') : undefined,
      digest: undefined,
      whole: member.size === 0 ? digestOf('') : undefined,
    };
  }

  #link(member: TarMember, path: TreePath, plain: string): void {
    const target = this.#entries.get(treePath(plainName(member.target)));
    if (target?.type !== 'file') throw new Error(`its hard link "${plain}" is to no file of it`);
    if (this.#conffiles.has(plain)) throw new NeedsDpkg(`its configuration file "${plain}" is a hard link`);
    linkSync(at(this.#folder, target.path), at(this.#folder, path));
    this.#entries.set(path, { ...target, path, link: target.link ?? target.path });
  }

  /** dpkg makes no folder that the archive does not name, but where a merged /usr leads to one. */
  #makeParents(path: TreePath, { name }: TarMember): void {
    if (path === '') return;
    const parent = parentOf(path);
    const there = this.#entries.get(parent);
    if (there?.type === 'dir') return;
    if (there !== undefined || (parent !== '' && parent !== 'usr')) {
      throw new NeedsDpkg(`it has no folder for "${plainName(name)}"`);
    }
    this.#makeFolder(parent);
  }

  #makeFolder(path: TreePath): void {
    const there = this.#entries.get(path);
    if (there?.type === 'dir') return;
    if (there !== undefined) throw new NeedsDpkg(`its "${path}" is no folder`);
    if (path !== '') {
      this.#makeFolder(parentOf(path));
      mkdirSync(at(this.#folder, path), { mode: 0o700 });
    }
    this.#entries.set(path, { path, type: 'dir', mode: 0o755, uid: 0, gid: 0, mtime: 0, xattrs: '' });
  }
}

/** Hard links are named by the first of their paths in byte order. */
function withFirstLinks(entries: readonly Entry[]): Entry[] {
  const firsts = new Map<TreePath, TreePath>();
  return entries.map((entry) => {
    if (entry.type !== 'file') return entry;
    const made = entry.link ?? entry.path;
    const first = firsts.get(made);
    if (first === undefined) firsts.set(made, entry.path);
    return { ...entry, link: first };
  });
}

function plainName(name: string): string {
  return name
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

/** A link of a merged /usr itself. */
function isAlias({ type, target }: TarMember, plain: string): boolean {
  return type === 'symlink' && !plain.includes('/') && target.replace(/^\/+/, '') === treePath(plain);
}

/** Where a path of an archive lies when /usr is merged. */
function treePath(plain: string): TreePath {
  return plain.replace(ALIASES, 'usr/$1') as TreePath;
}
