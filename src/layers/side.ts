import { closeSync, constants, lstatSync, openSync, readFileSync } from 'node:fs';
import { formatRecords, isRecordFile, parseRecords } from '../debian/records.ts';
import { errno, SnapError } from '../host/error.ts';
import { type Digest, digestOf } from '../store/digest.ts';
import type { LayerRow, RecordChange, Store } from '../store/layers.ts';
import { type Entry, type File, printable, sorted, startManifest, type TreePath } from '../store/manifest.ts';
import { SortedManifest } from '../store/sorted-manifest.ts';
import { at, digestFile, readEntry, walk } from '../store/tree.ts';
import { bytesOf } from './difference.ts';
import type { Extent } from './image.ts';
import { type ImagePlan, layerOf } from './plan.ts';
import { FILE_ITSELF } from './view.ts';

/** An entry, and the name of the layer that it is of; undefined where there are none, and for a database file, to which several add. */
export type Part = { readonly entry: Entry; readonly layer: string | undefined };

/** A tree that is looked at or compared, wherever it lies. What it has of a path is worked out when it is asked for. */
export type Side = {
  readonly kind: 'build' | 'layer' | 'folder' | 'archive';
  /** What it is called in reports. */
  readonly name: string;
  /** Of a build. */
  readonly plan?: ImagePlan;
  /** Of a layer. */
  readonly row?: LayerRow;
  /** Where it is known already. */
  readonly extent?: Extent;
  /** Of a build: equal digests are equal images. */
  readonly digest?: Digest;
  get(path: TreePath): Entry | undefined;
  /** Everything in byte order. */
  entries(): Iterable<Entry>;
  /** The same with their layers. */
  parts(): Iterable<Part>;
  /** Of one of its files: a folder's are read for it. */
  digestOf(file: File): Digest;
  /** The content of a file; undefined where it cannot be had any more. */
  contentOf(path: TreePath): Buffer | undefined;
  /** The records of a database file; of a layer those that it changed, null for what it removed. */
  recordsAt(path: TreePath): ReadonlyMap<string, string | null> | undefined;
  /** A folder of which nothing is known but that it is there. */
  isImplied(path: TreePath): boolean;
  /** What was left out and why, in words; paths are as a person reads them. */
  readonly leftOut: readonly string[];
};

const USUAL: Pick<Side, 'isImplied' | 'leftOut' | 'digestOf'> = {
  isImplied: () => false,
  leftOut: [],
  digestOf: ({ digest }) => digest,
};

export function buildSide(name: string, plan: ImagePlan, build: Extent & { readonly digest: Digest }): Side {
  const { paths, bytes, digest } = build;
  return {
    kind: 'build',
    name,
    plan,
    extent: { paths, bytes },
    digest,
    ...USUAL,
    get: plan.at,
    entries: plan.entries,
    *parts() {
      for (const part of plan.parts()) yield { entry: part.entry, layer: layerOf(plan, part) };
    },
    contentOf(path) {
      const record = plan.recordAt(path);
      if (record) return record;
      const part = plan.partAt(path);
      return part?.entry.type === 'file' ? readPlain(plan.sourceOf(part)) : undefined;
    },
    recordsAt: (path) => (plan.records.has(path) ? plan.view.records.get(path)?.records : undefined),
  };
}

/** A layer by itself: what it changed, whiteouts too. Its changes to a database file stand as a file of these records alone. */
export function layerSide(store: Store, name: string, row: LayerRow): Side {
  const manifest = store.manifestOf(row.n);
  const patches = store.recordsOf(row.n);
  const content = (path: TreePath): Buffer => Buffer.from(patchText(path, patches[path] ?? []), 'latin1');
  const patchEntry = (path: TreePath): Entry => patchFile(path, patches[path] ?? [], content(path));
  const isPatch = (path: string): boolean => Object.hasOwn(patches, path);
  const entries = (): Entry[] =>
    sorted([...manifest.values(), ...Object.keys(patches).map((path) => patchEntry(path as TreePath))]);
  return {
    kind: 'layer',
    name,
    row,
    ...USUAL,
    get: (path) => (isPatch(path) ? patchEntry(path) : manifest.get(path)),
    entries,
    parts: () => entries().map((entry) => ({ entry, layer: row.name })),
    contentOf: (path) => (isPatch(path) ? content(path) : readPlain(at(store.treeOf(row.n), path))),
    recordsAt: (path) => (isPatch(path) ? new Map(patches[path]!) : undefined),
  };
}

function patchText(path: TreePath, patch: readonly RecordChange[]): string {
  const kept = patch.filter((change): change is [string, string] => change[1] !== null);
  const gone = patch
    .filter(([, value]) => value === null)
    .map(([key]) => `removed: ${key.replaceAll('\0', ' ')}\n`);
  const records = new Map(kept.filter(([key]) => key !== FILE_ITSELF));
  return `${formatRecords(path, records)}${gone.join('')}`;
}

function patchFile(path: TreePath, patch: readonly RecordChange[], content: Buffer): Entry {
  const itself = patch.find(([key]) => key === FILE_ITSELF)?.[1] ?? '644 0 0';
  const [mode = '', uid, gid] = itself.split(' ');
  const metadata = {
    mode: Number.parseInt(mode, 8),
    uid: Number(uid),
    gid: Number(gid),
    mtime: 0,
    xattrs: '',
  };
  return {
    path,
    ...metadata,
    type: 'file',
    size: content.length,
    digest: digestOf(content),
    link: undefined,
  };
}

/**
 * A folder on disk, without what lies on other filesystems. No link in it is followed, nothing but a regular file opened, and such a
 * file when `digestOf` asks for it: entries lack it. Times are whole seconds. What is there is held as a manifest's lines, a tenth of what entries take.
 */
export function folderSide(name: string, folder: string): Side {
  const root = `${folder}/.`;
  const { dev } = lstatSync(root, { bigint: true });
  const found = startManifest();
  const leftOut: string[] = [];
  const links = new Map<bigint, TreePath>();
  for (const { path, stat } of walk(root, undefined, ({ stat }) => stat.dev === dev)) {
    const entry = readEntry(root, path, stat, seconds(stat.mtimeNs), links, () => UNREAD);
    if (entry) found.add(entry);
    else leftOut.push(`socket ${printable(path)}`);
    if (stat.isDirectory() && stat.dev !== dev)
      leftOut.push(`${printable(path)}, which is another filesystem`);
  }
  const entries = new SortedManifest(found.end());
  return {
    kind: 'folder',
    ...entriesSide(name, entries, (path) => readPlain(at(root, path))),
    digestOf: ({ path, size }) => digestFile(at(root, path), BigInt(size)),
    leftOut,
  };
}

/** Of a file of which nobody has asked for the content. */
const UNREAD = '' as Digest;

/** Rounds down, before 1970 too. */
function seconds(nanoseconds: bigint): number {
  return Math.floor(Number(nanoseconds / 1_000_000n) / 1000);
}

/** Files of a tar whose content is kept, since all else follows from them. */
const KEPT = /^var\/lib\/dpkg\/(info\/[^/]+\.list|status|diversions)$/;

/** A tar archive; `wanted` are files whose content is asked for later. */
export async function archiveSide(
  name: string,
  file: string,
  signal: AbortSignal,
  wanted: (path: TreePath) => boolean = () => false,
): Promise<Side> {
  const keeps = (path: TreePath): boolean => KEPT.test(path) || isRecordFile(path) || wanted(path);
  const { readArchive } = await import('../debian/archive.ts');
  const archive = await readArchive(file, { keeps, signal });
  const side = entriesSide(name, archive.entries, (path) => {
    const entry = archive.entries.get(path);
    return archive.contents.get((entry?.type === 'file' && entry.link) || path);
  });
  return { kind: 'archive', ...side, isImplied: (path) => archive.implied.has(path) };
}

/** In byte order. */
type Entries = { get(path: TreePath): Entry | undefined; values(): Iterable<Entry> };

function entriesSide(
  name: string,
  entries: Entries,
  read: (path: TreePath) => Buffer | undefined,
): Omit<Side, 'kind'> {
  const contentOf = (path: TreePath) => (entries.get(path)?.type === 'file' ? read(path) : undefined);
  return {
    name,
    ...USUAL,
    get: (path) => entries.get(path),
    entries: () => entries.values(),
    *parts() {
      for (const entry of entries.values()) yield { entry, layer: undefined };
    },
    contentOf,
    recordsAt(path) {
      const content = isRecordFile(path) ? contentOf(path) : undefined;
      return content && parseRecords(path, content.toString('latin1'));
    },
  };
}

/** More than that is no text that somebody reads. */
const LARGEST = 2 ** 28;

function readPlain(file: Buffer): Buffer | undefined {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return lstatSync(file).size > LARGEST ? undefined : readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

export function extentOf(side: Side): Extent {
  if (side.extent) return side.extent;
  let [paths, bytes] = [0, 0];
  for (const entry of side.entries()) {
    paths++;
    bytes += bytesOf(entry);
  }
  return { paths, bytes };
}

/** Reads a side; what changes or breaks below it meanwhile is told as such. */
export async function lookInto<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (errno(error) === undefined) throw error;
    throw new SnapError('HOST', `Cannot read "${name}": ${(error as Error).message}`, {
      hint: 'nothing may change there while it is read',
      cause: error,
    });
  }
}
