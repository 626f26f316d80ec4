import {
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { errno } from '../host/error.ts';
import { syncFilesystem } from '../host/syscall.ts';
import { type BuildNote, writeBuild } from './builds.ts';
import { type Database, openIndex, type Statement } from './database.ts';
import { canonicalJson, type Digest, digestOf, type Json } from './digest.ts';
import { type Layout, layoutOf, prepareLayout, syncFolder, workDirName } from './layout.ts';
import { type HeldFolder, makeHeldFolder, sweepFolders } from './locks.ts';
import { type Entry, encodeManifest, type Manifest, parentOf, type TreePath } from './manifest.ts';
import { SortedManifest } from './sorted-manifest.ts';
import { at, removeTree, setTime } from './tree.ts';

export type LayerKey = string & { readonly brand: 'LayerKey' };
export type LayerKind = 'base' | 'scriptlet' | 'settle';

/** One record that a layer changed: null where it removed it. */
export type RecordChange = readonly [key: string, value: string | null];
/** By database file, in byte order of the files; the changes of one file in the file's own order. */
export type RecordPatches = Readonly<Record<string, readonly RecordChange[]>>;

/** The ids that a layer gave to names it made. */
export type GivenIds = {
  readonly uids: Readonly<Record<string, number>>;
  readonly gids: Readonly<Record<string, number>>;
};

/** What lies in layer.json. */
export type LayerNote = {
  readonly format: number;
  readonly name: string;
  readonly kind: LayerKind;
  readonly key: LayerKey;
  /** The value whose digest is the key. */
  readonly inputs: Json;
  /** The layers of the view it ran on, by name and number, in order. */
  readonly view: readonly (readonly [name: string, n: number])[];
  readonly digest: Digest;
  readonly records: RecordPatches;
  readonly ids: GivenIds;
  readonly seconds: number;
  readonly made: number;
};

export type LayerRow = {
  readonly n: number;
  readonly key: LayerKey;
  readonly name: string;
  readonly kind: LayerKind;
  readonly digest: Digest;
  readonly ids: string;
  readonly paths: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly made: number;
};

export type BuildRow = {
  readonly conf: string;
  readonly number: number;
  readonly made: number;
  readonly seconds: number;
  readonly digest: Digest;
  readonly paths: number;
  readonly bytes: number;
  /** JSON: [[name, n], ...] in the order of the view. */
  readonly layers: string;
};

export type NewLayer = Omit<LayerNote, 'format' | 'digest' | 'made'> & { readonly manifest: Manifest };

/** The digest of a layer's content: its manifest and its record patches. */
export function contentDigest(manifest: Manifest, records: RecordPatches): Digest {
  return digestOf(`${digestOf(encodeManifest(manifest.values()))}${canonicalJson(records)}`);
}

/** The version of the index's tables. */
const SCHEMA = 3;

const WORK_DIR = /^[0-9a-f]{16}$/;

/** An open store. Callers that add to it hold the store's lock shared. */
export class Store {
  readonly layout: Layout;
  readonly #database: Database;
  readonly #boot: string;
  readonly #manifests = new Map<number, Manifest>();
  readonly #notes = new Map<number, LayerNote>();
  readonly #work = new Map<string, HeldFolder>();
  readonly #statements: ReturnType<typeof prepare>;

  constructor(project: string) {
    this.layout = layoutOf(project);
    prepareLayout(this.layout);
    this.#database = openIndex(this.layout.index);
    this.#boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    this.#transaction(() => {
      this.#database.prepare('DELETE FROM layers WHERE boot IS NOT NULL AND boot <> ?').run(this.#boot);
    });
    this.#statements = prepare(this.#database);
    this.#transaction(() => this.#migrate());
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  /** Brings an index that an earlier snap made up to date. */
  #migrate(): void {
    if ((this.#database.pragma('user_version', { simple: true }) as number) >= SCHEMA) return;
    this.#database.exec('DROP TABLE IF EXISTS files');
    const layers = this.#database.prepare<[], { n: number }>('SELECT n FROM layers').all();
    for (const { n } of layers) this.#addPaths(n, this.manifestOf(n));
    this.#database.exec("DELETE FROM builds; DELETE FROM results WHERE key LIKE 'unchanged %'");
    this.#database.pragma(`user_version = ${SCHEMA}`);
  }

  #addPaths(n: number, manifest: Manifest): void {
    const shared = new Set(shareable(manifest).map(({ path }) => path));
    for (const entry of manifest.values()) {
      this.#statements.addPath.run(entry.path, n, shared.has(entry.path) ? fileId(entry) : null);
    }
  }

  /** The numbers of the layers that may hold something at a path; in no order. No lock. */
  holdersOf(path: TreePath): number[] {
    return this.#statements.holders.all(path).map(({ layer }) => layer);
  }

  /** The paths beneath a folder, however deep, at which some layer may hold something; in byte order. No lock. */
  pathsBelow(folder: TreePath): TreePath[] {
    const rows =
      folder === ''
        ? this.#statements.allPaths.all()
        : this.#statements.below.all(`${folder}/`, `${folder}0`);
    return rows.map(({ path }) => path);
  }

  /** All layers of a key, the oldest first; they differ in the ids that they gave, or one was run again. No lock. */
  withKey(key: LayerKey): LayerRow[] {
    return this.#statements.byKey.all(key);
  }

  /** The layer of a name in the last build of a conf; where that has none, the newest one of that name. No lock. */
  lastOf(name: string, conf: string): LayerRow | undefined {
    const build = this.lastBuild(conf);
    const layers = build ? (JSON.parse(build.layers) as [name: string, n: number][]) : [];
    const n = layers.find(([one]) => one === name)?.[1];
    return (n === undefined ? undefined : this.layerNumbered(n)) ?? this.#statements.byName.get(name);
  }

  /** The names of all layers, in byte order. No lock. */
  layerNames(): string[] {
    return this.#statements.names.all().map(({ name }) => name);
  }

  treeOf(n: number): string {
    return join(this.layout.layers, String(n), 'tree');
  }

  manifestOf(n: number): Manifest {
    const known = this.#manifests.get(n);
    if (known) return known;
    const manifest = new SortedManifest(readFileSync(join(this.layout.layers, String(n), 'manifest')));
    this.#manifests.set(n, manifest);
    return manifest;
  }

  noteOf(n: number): LayerNote {
    const known = this.#notes.get(n);
    if (known) return known;
    const note = JSON.parse(
      readFileSync(join(this.layout.layers, String(n), 'layer.json'), 'utf8'),
    ) as LayerNote;
    this.#notes.set(n, note);
    return note;
  }

  recordsOf(n: number): RecordPatches {
    return this.noteOf(n).records;
  }

  /** A new folder for work in progress, held until it is dropped or this process ends. What dead processes left is removed first. */
  makeWorkDir(): string {
    const { tmp } = this.layout;
    if (this.#work.size === 0) sweepFolders(tmp, WORK_DIR, (left) => removeTree(Buffer.from(left)));
    const held = makeHeldFolder(tmp, workDirName);
    this.#work.set(held.path, held);
    return held.path;
  }

  /** Removes a work folder; what cannot be removed now goes when another one is made. */
  dropWorkDir(folder: string): void {
    try {
      removeTree(Buffer.from(folder));
    } catch (error) {
      if (errno(error) === undefined) throw error;
    }
    this.#release(folder);
  }

  /** Keeps a work folder for a person to look at, in the place of the one kept before by that name; returns where it lies. */
  keepWorkDir(folder: string, name: string): string {
    const kept = join(this.layout.tmp, `failed.${name.replaceAll('/', '%')}`);
    removeTree(Buffer.from(kept));
    renameSync(folder, kept);
    this.#release(folder);
    return kept;
  }

  #release(folder: string): void {
    this.#work.get(folder)?.release();
    this.#work.delete(folder);
  }

  /**
   * Gives every file of the tree that an earlier layer holds too, with the same path, content and metadata, that layer's inode.
   * The folders keep their times. Success promises nothing: a file that cannot be shared stays as it is. Needs the store's lock,
   * shared.
   */
  shareFiles(tree: string, manifest: Manifest): void {
    const times = new Map<string, number>();
    for (const entry of shareable(manifest)) {
      const row = this.#statements.sharedFile.get(entry.path, fileId(entry));
      if (!row) continue;
      const parent = parentOf(entry.path);
      if (!times.has(parent)) times.set(parent, lstatSync(at(tree, parent)).mtimeMs / 1000);
      replaceByLink(at(tree, entry.path), at(this.treeOf(row.layer), entry.path));
    }
    for (const [folder, seconds] of times) setTime(at(tree, folder), seconds);
  }

  /**
   * Publishes `folder`, which holds the layer's `tree`, as a new layer. On success it is whole under its number for everybody;
   * it outlives a power cut once `settleDisk` has returned. An equal layer that another process published first is success too.
   * With `again` a layer of the same inputs and another content is published beside it, and counts from then on.
   * Needs the store's lock, shared.
   */
  publish(folder: string, layer: NewLayer, { again = false } = {}): LayerRow {
    const { manifest, ...rest } = layer;
    const digest = contentDigest(manifest, layer.records);
    const note: LayerNote = { ...rest, format: 1, digest, made: Math.floor(Date.now() / 1000) };
    const bytes = encodeManifest(manifest.values());
    writeFileSync(join(folder, 'manifest'), bytes);
    writeFileSync(join(folder, 'layer.json'), JSON.stringify(note));
    const row = this.#transaction(() => this.#publishNow(folder, note, manifest, again));
    if (row.digest === digest) {
      this.#manifests.set(row.n, new SortedManifest(bytes));
      this.#notes.set(row.n, note);
    }
    return row;
  }

  #publishNow(folder: string, note: LayerNote, manifest: Manifest, again: boolean): LayerRow {
    const ids = canonicalJson(note.ids);
    const existing = this.withKey(note.key).findLast((row) => row.ids === ids);
    if (existing && (!again || existing.digest === note.digest)) return existing;
    let n = (this.#statements.highest.get()?.n ?? 0) + 1;
    while (existsSync(join(this.layout.layers, String(n)))) n++;
    renameSync(folder, join(this.layout.layers, String(n)));
    let bytes = 0;
    for (const entry of manifest.values()) if (entry.type === 'file') bytes += entry.size;
    const row = {
      n,
      key: note.key,
      ids,
      name: note.name,
      kind: note.kind,
      digest: note.digest,
      paths: manifest.size,
      bytes,
      seconds: note.seconds,
      made: note.made,
    };
    this.#statements.addLayer.run({ ...row, boot: this.#boot });
    this.#addPaths(n, manifest);
    return row;
  }

  #transaction<T>(work: () => T): T {
    return this.#database.transaction(work).immediate();
  }

  /** When it returns, every layer published before is on the disk. One call a build: it costs what was written. */
  settleDisk(): void {
    if (this.#statements.unsettled.all().length > 0) this.#sync();
  }

  /**
   * The same, and all in this folder is on the disk as well. Where it lies on the store's own filesystem, that is one and the same
   * wait.
   */
  settleFolder(folder: string): void {
    if (statSync(folder).dev === statSync(this.layout.layers).dev) this.#sync();
    else syncFilesystemOf(folder);
  }

  #sync(): void {
    const fresh = this.#statements.unsettled.all();
    syncFilesystemOf(this.layout.layers);
    if (fresh.length === 0) return;
    syncFolder(this.layout.layers);
    this.#transaction(() => {
      for (const { n } of fresh) this.#statements.settle.run(n);
    });
  }

  /** The cache of results of pure functions. No lock. */
  readonly results = {
    get: (key: string): string | undefined => this.#statements.result.get(key)?.value,
    set: (key: string, value: string): void => void this.#statements.setResult.run(key, value),
    forget: (key: string): void => void this.#statements.forgetResult.run(key),
  };

  /** Keeps a build under the conf's next number. The caller holds the conf's image for itself, and the store's lock, shared. */
  addBuild(build: Omit<BuildNote, 'format' | 'number'>): number {
    return this.#transaction(() => {
      const number = (this.#statements.lastBuild.get(build.conf)?.number ?? 0) + 1;
      writeBuild(this.layout, { ...build, number });
      const { conf, made, seconds, digest, paths, bytes } = build;
      const layers = JSON.stringify(build.layers.map(([name, n]) => [name, n]));
      this.#statements.addBuild.run({ conf, number, made, seconds, digest, paths, bytes, layers });
      return number;
    });
  }

  lastBuild(conf: string): BuildRow | undefined {
    return this.#statements.lastBuild.get(conf);
  }

  /** All builds of a conf that had another image than the one before, the newest first. No lock. */
  buildsOf(conf: string): BuildRow[] {
    return this.#statements.builds.all(conf);
  }

  layerNumbered(n: number): LayerRow | undefined {
    return this.#statements.byNumber.get(n);
  }
}

function prepare(database: Database) {
  return {
    byKey: database.prepare('SELECT * FROM layers WHERE key = ? ORDER BY n') as Statement<[string], LayerRow>,
    byName: database.prepare('SELECT * FROM layers WHERE name = ? ORDER BY n DESC LIMIT 1') as Statement<
      [string],
      LayerRow
    >,
    names: database.prepare('SELECT DISTINCT name FROM layers ORDER BY name') as Statement<
      [],
      { name: string }
    >,
    byNumber: database.prepare('SELECT * FROM layers WHERE n = ?') as Statement<[number], LayerRow>,
    highest: database.prepare('SELECT max(n) AS n FROM layers') as Statement<[], { n: number | null }>,
    addLayer: database.prepare(
      `INSERT INTO layers (n, key, ids, name, kind, digest, paths, bytes, seconds, made, boot)
       VALUES (@n, @key, @ids, @name, @kind, @digest, @paths, @bytes, @seconds, @made, @boot)`,
    ),
    addPath: database.prepare('INSERT OR REPLACE INTO paths (path, layer, entry) VALUES (?, ?, ?)'),
    sharedFile: database.prepare(
      'SELECT layer FROM paths WHERE path = ? AND entry = ? AND layer IN (SELECT n FROM layers) LIMIT 1',
    ) as Statement<[TreePath, Buffer], { layer: number }>,
    holders: database.prepare('SELECT layer FROM paths WHERE path = ?') as Statement<
      [TreePath],
      { layer: number }
    >,
    below: database.prepare('SELECT DISTINCT path FROM paths WHERE path >= ? AND path < ?') as Statement<
      [string, string],
      { path: TreePath }
    >,
    allPaths: database.prepare("SELECT DISTINCT path FROM paths WHERE path <> ''") as Statement<
      [],
      { path: TreePath }
    >,
    result: database.prepare('SELECT value FROM results WHERE key = ?') as Statement<
      [string],
      { value: string }
    >,
    unsettled: database.prepare('SELECT n FROM layers WHERE boot IS NOT NULL') as Statement<
      [],
      { n: number }
    >,
    settle: database.prepare('UPDATE layers SET boot = NULL WHERE n = ?'),
    setResult: database.prepare('INSERT OR REPLACE INTO results (key, value) VALUES (?, ?)'),
    forgetResult: database.prepare('DELETE FROM results WHERE key = ?'),
    addBuild: database.prepare(
      `INSERT INTO builds (conf, number, made, seconds, digest, paths, bytes, layers)
       VALUES (@conf, @number, @made, @seconds, @digest, @paths, @bytes, @layers)`,
    ),
    builds: database.prepare('SELECT * FROM builds WHERE conf = ? ORDER BY number DESC') as Statement<
      [string],
      BuildRow
    >,
    lastBuild: database.prepare(
      'SELECT * FROM builds WHERE conf = ? ORDER BY number DESC LIMIT 1',
    ) as Statement<[string], BuildRow>,
  };
}

/** Files that may be one with that of another layer: hard links may not, since then their other names would come along. */
function shareable(manifest: Manifest): Entry[] {
  const linked = new Set<string>();
  for (const entry of manifest.values()) if (entry.type === 'file' && entry.link) linked.add(entry.link);
  return [...manifest.values()].filter(
    (entry) => entry.type === 'file' && entry.size > 0 && entry.link === undefined && !linked.has(entry.path),
  );
}

function fileId(entry: Entry): Buffer {
  return Buffer.from(digestOf(encodeManifest([entry])).slice(0, 32), 'hex');
}

/** Puts a link to `from` in the place of `file`, in one step. */
function replaceByLink(file: Buffer, from: Buffer): void {
  const beside = Buffer.concat([file, Buffer.from('.snap-shared')]);
  try {
    linkSync(from, beside);
    renameSync(beside, file);
  } catch (error) {
    if (!['EMLINK', 'EPERM', 'ENOENT', 'ENAMETOOLONG', 'EEXIST', 'EXDEV'].includes(errno(error) ?? ''))
      throw error;
  }
}

function syncFilesystemOf(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    syncFilesystem(fd);
  } finally {
    closeSync(fd);
  }
}
