import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  linkSync,
  mkdirSync,
  openSync,
  writeSync,
} from 'node:fs';
import { writeFile } from '../host/write.ts';
import { type Digest, digestOf, startDigest } from '../store/digest.ts';
import type { GivenIds, RecordPatches } from '../store/layers.ts';
import {
  type Entry,
  type File,
  type Manifest,
  parentOf,
  sorted,
  type TreePath,
  withFirstLinks,
} from '../store/manifest.ts';
import { at, makeEntry, setMetadata } from '../store/tree.ts';
import { readDeb } from './deb.ts';
import { DebPaths, plain, treePath } from './deb-paths.ts';
import { fieldOf } from './records.ts';
import type { TarMember, TarVisitor } from './tar.ts';
import { interestRecords } from './triggers.ts';

/** What a deb brings: what `dpkg --unpack` would leave of it in an image that has nothing of it yet. */
export type Unpacked = {
  readonly manifest: Manifest;
  /** Its stanza, unpacked and not configured, and its interests in triggers. */
  readonly records: RecordPatches;
  /** Owners by name, other than root, with the numbers that the archive gives them. */
  readonly ids: GivenIds;
};

/** Raised by a deb that dpkg alone can unpack; nothing is wrong with it. */
export class NeedsDpkg extends Error {}

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
  const kept = new Set(conffiles.filter(isKept).map(({ path }) => path));
  const tree = new TreeWriter(folder, kept, !control.has(SUMS));
  try {
    await readDeb(file, 'data', tree);
  } finally {
    tree.close();
  }
  tree.check();
  const name = fieldOf(stanza, 'Package');
  const arch = fieldOf(stanza, 'Architecture');
  const infoName = fieldOf(stanza, 'Multi-Arch') === 'same' ? `${name}:${arch}` : name;
  if (!control.has(SUMS)) control.set(SUMS, sumsOf([...tree.md5].filter(([path]) => !kept.has(path))));
  tree.addInfo(infoName, control);
  const lines = conffiles.map((conffile) => {
    const { path } = conffile;
    return `\n /${path}${isKept(conffile) ? ` ${tree.md5.get(path) ?? missing(path)}` : REMOVED}`;
  });
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

/** What dpkg checks files against; it makes it itself where a deb has none. */
const SUMS = 'md5sums';

function sumsOf(files: readonly (readonly [path: string, md5: string])[]): ControlFile {
  const lines = files.map(([path, md5]) => `${md5}  ${path}\n`);
  return { content: Buffer.from(lines.join(''), 'latin1'), mode: 0o644, mtime: 0 };
}

function missing(path: string): never {
  throw new NeedsDpkg(`its configuration file "${path}" is not in it`);
}

type ControlFile = { readonly content: Buffer; readonly mode: number; readonly mtime: number };

async function readControl(file: string): Promise<Map<string, ControlFile>> {
  const files = new Map<string, ControlFile>();
  let pieces: Buffer[] = [];
  let bytes = 0;
  await readDeb(file, 'control', {
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

/** What dpkg says of a configuration file that a package takes away from who upgrades, where there is none. */
const REMOVED = ' newconffile remove-on-upgrade';

/** A configuration file that a deb brings or, with a mark, takes away; a path of a tree before aliases. */
type Conffile = { readonly path: string; readonly mark: string };

/** In the order in which the deb names them. */
function conffilesIn(text: string): Conffile[] {
  const lines = new Set(text.split('\n').filter((line) => line !== ''));
  return [...lines].map((line) => {
    const [, mark = '', path = ''] = /^(remove-on-upgrade\s+)?\/*(.*)$/.exec(line.trim())!;
    return { path, mark };
  });
}

function isKept({ mark }: Conffile): boolean {
  return mark === '';
}

/** The configuration files that a stanza of `unpackDeb` says are taken away from who upgrades. */
export function removedConffiles(stanza: string): TreePath[] {
  const lines = fieldOf(stanza, 'Conffiles').split('\n');
  return lines.flatMap((line) => {
    const path = line.endsWith(REMOVED) ? line.trim().slice(1, -REMOVED.length) : '';
    return path === '' ? [] : [treePath(path)];
  });
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
  /** Whether all files want a checksum, and not only those. */
  readonly #sumsAll: boolean;
  readonly #paths = new DebPaths();
  readonly #entries = new Map<TreePath, Entry>();
  readonly #uids = new Map<string, number>();
  readonly #gids = new Map<string, number>();
  #open: OpenFile | undefined;
  /** Every path in the archive's order, as dpkg lists them. */
  #list = '';
  /** MD5 of the files that want one, by their paths in the archive, in its order. */
  readonly md5 = new Map<string, string>();

  constructor(folder: string, conffiles: ReadonlySet<string>, sumsAll: boolean) {
    this.#folder = folder;
    this.#conffiles = conffiles;
    this.#sumsAll = sumsAll;
  }

  member(member: TarMember): void {
    const name = this.#paths.add(member);
    this.#list += `/${name === '' ? '.' : name}\n`;
    const path = isAlias(member, name) ? (name as TreePath) : treePath(name);
    if (member.user !== 'root' && member.user !== '') this.#uids.set(member.user, member.uid);
    if (member.group !== 'root' && member.group !== '') this.#gids.set(member.group, member.gid);
    const known = this.#entries.get(path);
    if (known && (known.type !== 'dir' || member.type !== 'directory'))
      throw new NeedsDpkg(`it has "${name}" twice`);
    this.#makeParents(path, member);
    if (member.type === 'file') this.#openFile(member, path, name);
    else if (member.type === 'hard link') this.#link(member, path, name);
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
    if (md5) this.md5.set(plain(member.name), md5.digest('hex'));
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
      writeFile(file, content, { flag: 'wx' });
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
    const entries = sorted(withFirstLinks(this.#entries.values()));
    for (const entry of entries.toReversed())
      if (entry.type === 'dir') setMetadata(entry, at(this.#folder, entry.path));
    return new Map(entries.map((entry) => [entry.path, entry]));
  }

  ids(): GivenIds {
    return { uids: Object.fromEntries(this.#uids), gids: Object.fromEntries(this.#gids) };
  }

  #make({ type, name, mode, uid, gid, mtime, target }: TarMember, path: TreePath): void {
    const common = { path, mode, uid, gid, mtime, xattrs: '' };
    if (type === 'device') throw new NeedsDpkg(`it has the device "${plain(name)}"`);
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

  #openFile(member: TarMember, path: TreePath, name: string): void {
    this.#open = {
      fd: openSync(at(this.#folder, path), 'wx', 0o600),
      member,
      path,
      md5: this.#sumsAll || this.#conffiles.has(name) ? createHash('md5') : undefined,
      digest: undefined,
      whole: member.size === 0 ? digestOf('') : undefined,
    };
  }

  #link(member: TarMember, path: TreePath, name: string): void {
    const target = this.#entries.get(treePath(plain(member.target)));
    if (target?.type !== 'file') throw new Error(`its hard link "${name}" is to no file of it`);
    if (this.#conffiles.has(name)) throw new NeedsDpkg(`its configuration file "${name}" is a hard link`);
    linkSync(at(this.#folder, target.path), at(this.#folder, path));
    this.#entries.set(path, { ...target, path, link: target.link ?? target.path });
    const sum = this.md5.get(plain(member.target));
    if (sum !== undefined) this.md5.set(name, sum);
  }

  /** dpkg makes no folder that the archive does not name, but where a merged /usr leads to one. */
  #makeParents(path: TreePath, { name }: TarMember): void {
    if (path === '') return;
    const parent = parentOf(path);
    const there = this.#entries.get(parent);
    if (there?.type === 'dir') return;
    if (there !== undefined || (parent !== '' && parent !== 'usr')) {
      throw new NeedsDpkg(`it has no folder for "${plain(name)}"`);
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

/** A link of a merged /usr itself. */
function isAlias({ type, target }: TarMember, name: string): boolean {
  return type === 'symlink' && !name.includes('/') && target.replace(/^\/+/, '') === treePath(name);
}
