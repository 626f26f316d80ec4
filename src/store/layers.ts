import { existsSync, linkSync, lstatSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bootId } from '../host/clock.ts';
import { errno, SnapError } from '../host/error.ts';
import { attempt } from '../host/program.ts';
import { randomName } from '../host/random.ts';
import { removeIfPossible } from '../host/remove.ts';
import { writeFile } from '../host/write.ts';
import { findAlike } from './alike.ts';
import { type BuildName, type BuildNote, buildText, keptBuilds, readBuild, writeBuild } from './builds.ts';
import { readTrace, TRACE, traceFile } from './check-layer.ts';
import { contentDigestOf, extentOf, isShareable, linkedPaths, rowOf } from './content.ts';
import { ADD_HOLDER, type Database, SCHEMA, type Statement } from './database.ts';
import { canonicalJson, type Digest, digestOf, type Json } from './digest.ts';
import { IndexFile } from './index-file.ts';
import { type Layout, layoutOf, prepareLayout, readOnlyError, syncFolder } from './layout.ts';
import {
  type Held,
  type HeldFolder,
  holdLock,
  holdLockNow,
  makeHeldFolder,
  sweepFolders,
  tryHold,
} from './locks.ts';
import { type Manifest, parentOf, type TreePath } from './manifest.ts';
import { TreeNames } from './names.ts';
import { hashOfPath } from './path-hash.ts';
import { buildRowOf, distrust, isSettled, layerNumbers, markSettled } from './rebuild.ts';
import { durably, keepBuildRows } from './rows.ts';
import { bytesOf, holdDecoded, outlineOf, SortedManifest } from './sorted-manifest.ts';
import { syncFilesystemOf } from './sync.ts';
import { at, removeTree, setTime } from './tree.ts';

export type LayerKey = string & { readonly brand: 'LayerKey' };
export type LayerKind = 'deb' | 'base' | 'scriptlet' | 'settle';

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

/** The first lines of a build's note. */
export type BuildRow = Pick<
  BuildNote,
  'conf' | 'number' | 'made' | 'seconds' | 'digest' | 'paths' | 'bytes'
> & {
  /** JSON: [[name, n], ...] in the order of the view. */
  readonly layers: string;
};

export type NewLayer = Omit<LayerNote, 'format' | 'digest' | 'made'> & {
  readonly manifest: Manifest;
  /** What was noted while it ran, to be had by `traceOf`. */
  readonly trace?: string | undefined;
};

export { contentDigest } from './content.ts';

/** Of the result that says which layer stands for a key. */
function standingKey(key: LayerKey): string {
  return `standing ${key}`;
}

const WORK_DIR = /^[0-9a-f]{16}$/;

/** An open store. Callers that add to it hold the store's lock shared. */
export class Store {
  readonly layout: Layout;
  readonly #index: IndexFile;
  readonly #boot: string;
  readonly #manifests = new Map<number, Manifest>();
  readonly #notes = new Map<number, LayerNote>();
  /** What `lookAhead` found. */
  #ahead = new Map<LayerKey, LayerRow[]>();
  readonly #names: TreeNames;
  readonly #work = new Map<string, HeldFolder>();
  readonly #dropping = new Set<Promise<unknown>>();
  readonly #statements: ReturnType<typeof prepare>;
  /** The layers that this process has published and not yet brought to the disk. */
  readonly #published = new Set<number>();

  constructor(project: string) {
    this.layout = layoutOf(project);
    prepareLayout(this.layout);
    this.#names = new TreeNames(this.layout);
    this.#index = new IndexFile(this.layout);
    this.#boot = bootId();
    this.#transaction(() => this.#dropUnsettled());
    this.#statements = this.#index.prepared(prepare);
    this.#transaction(() => {
      this.#migrate();
      this.#copyBuilds();
    });
  }

  [Symbol.dispose](): void {
    this.#index.close();
  }

  /**
   * Takes another lock, of the store or of an image. Who has to wait for it lets go of the index meanwhile: its holder may be the one that
   * finds the index damaged and has to have it alone. Nothing else may use the store until this returns.
   */
  async hold(
    file: string,
    mode: 'shared' | 'exclusive',
    onWait?: () => void,
    signal?: AbortSignal,
  ): Promise<Held> {
    const held = tryHold(file, mode);
    if (held) return held;
    using _away = this.#index.letGo();
    return await holdLock(file, mode, onWait, signal);
  }

  /** The same without giving way to anything else meanwhile. */
  holdNow(file: string, mode: 'shared' | 'exclusive', onWait: () => void): Held {
    const held = tryHold(file, mode);
    if (held) return held;
    using _away = this.#index.letGo();
    return holdLockNow(file, mode, { patience: Infinity, onWait })!;
  }

  get #database(): Database {
    return this.#index.database;
  }

  /** Whether nothing can be added. */
  get isReadOnly(): boolean {
    return this.#index.isReadOnly;
  }

  /** Brings an index that an earlier snap made up to date. */
  #migrate(): void {
    if ((this.#database.pragma('user_version', { simple: true }) as number) >= SCHEMA) return;
    this.#database.exec('DROP TABLE IF EXISTS files; DROP TABLE IF EXISTS paths');
    for (const { n, name } of this.#statements.layers.all()) {
      try {
        this.#addHolder(name, readManifest(this.layout, n));
      } catch (error) {
        if (!(error instanceof SnapError)) throw error;
        this.#dropRow(n); // damaged: an index that is made anew leaves it out as well
      }
    }
    this.#database.exec("DELETE FROM builds; DELETE FROM results WHERE key LIKE 'unchanged %'");
    this.#database.pragma(`user_version = ${SCHEMA}`);
  }

  /** A layer of another boot is on the disk if that was noted beside it; else a power cut may have taken it. */
  #dropUnsettled(): void {
    const rows = this.#database
      .prepare<[string], { n: number }>('SELECT n FROM layers WHERE boot IS NOT NULL AND boot <> ?')
      .all(this.#boot);
    const keep = this.#database.prepare('UPDATE layers SET boot = NULL WHERE n = ?');
    const drop = this.#database.prepare('DELETE FROM layers WHERE n = ?');
    for (const { n } of rows) (isSettled(this.layout, n) ? keep : drop).run(n);
  }

  /** The table of builds is a copy of their notes: whoever was killed between the two left it behind them. */
  #copyBuilds(): void {
    const kept = keptBuilds(this.layout);
    const known = new Set(this.allBuilds().map(buildText));
    const added = kept.filter((build) => !known.has(buildText(build)));
    if (added.length === 0 && kept.length === known.size) return;
    keepBuildRows(this.#database, kept);
    for (const note of added.flatMap((build) => readBuild(this.layout, build) ?? []))
      this.#statements.addBuild.run(buildRowOf(note));
  }

  #addHolder(name: string, manifest: Manifest): void {
    for (const { path } of outlineOf(manifest)) this.#statements.addHolder.run(path, name);
  }

  /**
   * Takes out what the index knows of the contents of layers that are gone: of names that no layer has any more, and of these names, which some
   * still have. Nothing depends on it. Needs the store's lock, exclusive.
   */
  renewHolders(names: ReadonlySet<string>): void {
    const renew = (renewed: ReadonlySet<string>): void =>
      this.#transaction(() => {
        const gone = 'name NOT IN (SELECT name FROM layers) OR name IN (SELECT value FROM json_each(?))';
        this.#database.prepare(`DELETE FROM holders WHERE ${gone}`).run(JSON.stringify([...renewed]));
        for (const { n, name } of this.#statements.layers.all())
          if (renewed.has(name)) this.#addHolder(name, readManifest(this.layout, n));
      });
    try {
      renew(names);
    } catch (error) {
      if (!(error instanceof SnapError) || error.code !== 'STORE') throw error;
      renew(new Set()); // a manifest cannot be read: what it has shall be found all the same
    }
  }

  /** The names of the layers that may hold something at a path; in no order. No lock. */
  holderNamesOf(path: TreePath): string[] {
    return this.#statements.holderNames.all(path);
  }

  /** The numbers of these layers, as many as there are of each name; in no order. No lock. */
  holdersOf(path: TreePath): number[] {
    return this.#statements.holders.all(path);
  }

  /** The paths beneath a folder, however deep, at which some layer may hold something; in byte order. No lock. */
  pathsBelow(folder: TreePath): TreePath[] {
    const rows =
      folder === ''
        ? this.#statements.allPaths.all()
        : this.#statements.below.all(`${folder}/`, `${folder}0`);
    return rows.map(({ path }) => path);
  }

  /** The names in a folder at which some layer may hold something; in byte order. Costs the same however much lies beneath. No lock. */
  namesIn(folder: TreePath): string[] {
    const prefix = folder === '' ? '' : `${folder}/`;
    const names: string[] = [];
    for (let last = prefix; ; ) {
      const path = this.#statements.nextPath.get(last)?.path;
      if (!path?.startsWith(prefix)) return names;
      const [name = '', ...deeper] = path.slice(prefix.length).split('/');
      if (deeper.length === 0) names.push(name);
      // No byte of a name sorts after this character, so that all beneath the name is left out.
      last = deeper.length === 0 ? path : `${prefix}${name}/\u{10ffff}`;
    }
  }

  /** All layers of a key, the oldest first; they differ in the ids that they gave, or one was run again. No lock. */
  withKey(key: LayerKey): LayerRow[] {
    return this.#ahead.get(key) ?? this.#statements.byKey.all(key);
  }

  /**
   * Looks for the layers of all keys that a conf's last build had, by one statement. `withKey` does not see what others publish of
   * these from now on. Needs the store's lock, shared.
   */
  lookAhead(conf: string): void {
    this.#ahead = Map.groupBy(this.#statements.sameKeys.all(conf), ({ key }) => key);
  }

  /** The layer that stands for a key without being of it: only that it does not see the same, and that is nothing to it. No lock. */
  standingFor(key: LayerKey): LayerRow | undefined {
    const n = this.results.get(standingKey(key));
    return n === undefined ? undefined : this.layerNumbered(Number(n));
  }

  /** Keeps that a layer stands for a key, for as long as it is there. Needs the store's lock, shared. */
  letStand({ n }: LayerRow, key: LayerKey): void {
    this.results.set(standingKey(key), String(n));
  }

  /** The layer of a name in the last build of a conf; where that has none, the newest one of that name. No lock. */
  lastOf(name: string, conf: string): LayerRow | undefined {
    const build = this.lastBuild(conf);
    const layers = build ? (JSON.parse(build.layers) as [name: string, n: number][]) : [];
    const n = layers.find(([one]) => one === name)?.[1];
    return (n === undefined ? undefined : this.layerNumbered(n)) ?? this.#statements.byName.get(name, 1);
  }

  /** The names of all layers, in byte order. No lock. */
  layerNames(): string[] {
    return this.#statements.names.all().map(({ name }) => name);
  }

  /** The numbers of so many layers of a name, the newest first. No lock. */
  newestOf(name: string, most: number): number[] {
    return this.#statements.byName.all(name, most).map(({ n }) => n);
  }

  treeOf(n: number): string {
    return join(this.layout.layers, String(n), 'tree');
  }

  /** The same by a path that ends in a short name, all of them in `layout.names`. Needs the store's lock. */
  shortTreeOf(n: number): string {
    return this.#names.of(n);
  }

  manifestOf(n: number): Manifest {
    const known = this.#manifests.get(n);
    if (known) return known;
    const manifest = readManifest(this.layout, n);
    this.#manifests.set(n, manifest);
    return manifest;
  }

  noteOf(n: number): LayerNote {
    const known = this.#notes.get(n);
    if (known) return known;
    const file = join(this.layout.layers, String(n), 'layer.json');
    const note = ofLayer(file, () => JSON.parse(readFileSync(file, 'utf8')) as LayerNote);
    this.#notes.set(n, note);
    return note;
  }

  /** What was noted while a layer ran; undefined where that is not there, or not whole. No lock. */
  traceOf(n: number): string | undefined {
    return readTrace(join(this.layout.layers, String(n), TRACE));
  }

  recordsOf(n: number): RecordPatches {
    return this.noteOf(n).records;
  }

  /** A new folder for work in progress, held until it is dropped or this process ends. */
  makeWorkDir(): string {
    if (this.isReadOnly) throw readOnlyError(this.layout);
    if (this.#work.size === 0) this.sweepWork();
    const held = makeHeldFolder(this.layout.tmp, randomName);
    this.#work.set(held.path, held);
    return held.path;
  }

  /** Removes the work folders of processes that are dead. */
  sweepWork(): void {
    if (!this.isReadOnly) sweepFolders(this.layout.tmp, WORK_DIR, (left) => removeTree(Buffer.from(left)));
  }

  /** Removes a work folder; what cannot be removed now goes when another one is made. */
  dropWorkDir(folder: string): void {
    removeIfPossible(() => removeTree(Buffer.from(folder)));
    this.#release(folder);
  }

  /** The same while work goes on, for a large one: `workDropped` waits for it. */
  dropWorkDirAside(folder: string): void {
    const dropped = attempt(['rm', '-rf', '--', folder]).finally(() => {
      this.#dropping.delete(dropped);
      this.#release(folder);
    });
    this.#dropping.add(dropped);
  }

  async workDropped(): Promise<void> {
    await Promise.allSettled(this.#dropping);
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
   * Gives every file of the tree that another layer holds too, with the same path, content and metadata, that layer's inode: one of the newest
   * of the same name, or the newest of another one that has something there. The folders keep their times. Success promises nothing: a file
   * that cannot be shared stays as it is, and so does what `isShared` names. Needs the store's lock, shared.
   */
  shareFiles(
    tree: string,
    manifest: Manifest,
    name: string,
    isShared: (path: TreePath) => boolean = () => false,
  ): void {
    const times = new Map<string, number>();
    holdDecoded(manifest);
    const linked = linkedPaths(manifest);
    const alike = findAlike(this, manifest, name);
    for (const entry of manifest.values()) {
      if (isShared(entry.path) || !isShareable(entry, linked)) continue;
      const n = alike(entry);
      if (n === undefined) continue;
      const parent = parentOf(entry.path);
      if (!times.has(parent)) times.set(parent, lstatSync(at(tree, parent)).mtimeMs / 1000);
      replaceByLink(at(tree, entry.path), at(this.treeOf(n), entry.path));
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
    const { manifest, trace, ...rest } = layer;
    holdDecoded(manifest);
    const bytes = bytesOf(manifest);
    const digest = contentDigestOf(bytes, layer.records);
    const note: LayerNote = { ...rest, format: 1, digest, made: Math.floor(Date.now() / 1000) };
    writeFile(join(folder, 'manifest'), bytes);
    writeFile(join(folder, 'layer.json'), JSON.stringify(note));
    if (trace !== undefined) writeFile(join(folder, TRACE), traceFile(trace));
    const row = this.#transaction(() => this.#publishNow(folder, note, manifest, again));
    this.#published.add(row.n);
    if (row.digest === digest) {
      this.#manifests.set(row.n, new SortedManifest(bytes));
      this.#notes.set(row.n, note);
    }
    return row;
  }

  #publishNow(folder: string, note: LayerNote, manifest: Manifest, again: boolean): LayerRow {
    const ids = canonicalJson(note.ids);
    this.#ahead.delete(note.key);
    const existing = this.withKey(note.key).findLast((row) => row.ids === ids);
    if (existing && (!again || existing.digest === note.digest)) return existing;
    let n = this.#formerNumber(note, ids) ?? (this.#statements.highest.get()?.n ?? 0) + 1;
    while (existsSync(join(this.layout.layers, String(n)))) n++;
    renameSync(folder, join(this.layout.layers, String(n)));
    const row = rowOf(n, note, extentOf(manifest));
    this.#statements.addLayer.run({ ...row, boot: this.#boot });
    this.#addHolder(note.name, manifest);
    return row;
  }

  /** Work that finds the index damaged is done once more on a new one: it must stand that. */
  #transaction<T>(work: () => T): T {
    return this.#index.mending(() => this.#database.transaction(work).immediate());
  }

  /** Whether there are layers that a power cut would take: builds made some since one was on the disk. No lock. */
  hasFreshLayers(): boolean {
    return this.#statements.unsettled.all().length > 0;
  }

  /** When it returns, every layer published before is on the disk. One call a build: it costs what was written. */
  settleDisk(): void {
    if (this.hasFreshLayers()) this.#sync();
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
    const fresh = this.#statements.unsettled.all().map(({ n }) => n);
    try {
      syncFilesystemOf(this.layout.layers);
      if (fresh.length > 0) syncFolder(this.layout.layers);
    } catch (error) {
      this.#distrust(fresh);
      throw error;
    }
    this.#requireOwn();
    if (fresh.length === 0) return;
    markSettled(this.layout, fresh);
    // What is made of these layers from here on may outlive a power cut: so must their rows.
    this.#index.mending(() =>
      durably(this.#database, () => {
        for (const n of fresh) this.#statements.settle.run(n);
      }),
    );
  }

  /** What the disk may have lost is never taken for a layer again, not by a new index either. */
  #distrust(numbers: readonly number[]): void {
    distrust(this.layout, numbers);
    this.#transaction(() => {
      for (const n of numbers) this.#dropRow(n);
    });
  }

  /** The kernel tells one process alone that the disk failed: that one has taken away what this one published as well. */
  #requireOwn(): void {
    const lost = [...this.#published].some((n) => this.layerNumbered(n) === undefined);
    this.#published.clear();
    if (!lost) return;
    throw new SnapError(
      'STORE',
      `Cannot bring layers to the disk in "${this.layout.layers}": it failed in another snap`,
      {
        hint: 'build again: what may be lost is made anew',
      },
    );
  }

  /** The cache of results of pure functions. No lock. */
  readonly results = {
    get: (key: string): string | undefined => this.#statements.result.get(key)?.value,
    set: (key: string, value: string): void => void this.#statements.setResult.run(key, value),
    forget: (key: string): void => void this.#statements.forgetResult.run(key),
    keyOf: (text: string): string => digestOf(text),
  };

  /** Keeps a build under the conf's next number. The caller holds the conf's image for itself, and the store's lock, shared. */
  addBuild(build: Omit<BuildNote, 'format' | 'number'>): number {
    if (this.isReadOnly) throw readOnlyError(this.layout);
    return this.#transaction(() => {
      const kept = keptBuilds(this.layout).find(({ conf }) => conf === build.conf)?.number ?? 0;
      const number = Math.max(this.#statements.lastBuild.get(build.conf)?.number ?? 0, kept) + 1;
      writeBuild(this.layout, { ...build, number });
      this.#statements.addBuild.run(buildRowOf({ ...build, number }));
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

  /** All rows and the numbers of all folders, as they are at one moment. No lock. */
  inventory(): { readonly rows: readonly LayerRow[]; readonly folders: readonly number[] } {
    return this.#transaction(() => ({
      rows: this.#statements.layers.all(),
      folders: layerNumbers(this.layout),
    }));
  }

  /** By name, the hashes of the paths at which the index has layers of that name hold something, in order. No lock. */
  holderHashes(): ReadonlyMap<string, Uint32Array> {
    const read = (): ReadonlyMap<string, Uint32Array> => {
      const counts = this.#database.prepare<[], { name: string; count: number }>(
        'SELECT name, count(*) AS count FROM holders GROUP BY name',
      );
      const lists = new Map(
        counts.all().map(({ name, count }) => [name, { hashes: new Uint32Array(count), next: 0 }]),
      );
      const rows = this.#database.prepare<[], { path: string; name: string }>(
        'SELECT path, name FROM holders',
      );
      for (const { path, name } of rows.iterate()) {
        const list = lists.get(name)!;
        list.hashes[list.next++] = hashOfPath(path);
      }
      return new Map([...lists].map(([name, { hashes }]) => [name, hashes.sort()]));
    };
    return this.#index.mending(() => this.#database.transaction(read)()); // as it is at one moment
  }

  /** What SQLite finds wrong with the index's file. No lock. */
  indexFaults(deep: boolean): string[] {
    const check = deep ? 'integrity_check' : 'quick_check';
    const rows = this.#index.mending(() => this.#database.pragma(check) as Record<string, string>[]);
    return rows.flatMap((row) => row[check] ?? []).filter((text) => text !== 'ok');
  }

  /** Makes the index anew from the folders, whatever it holds. Waits until no other process has it open. */
  remakeIndex(): void {
    this.#index.remake();
  }

  /** Why the index had to be made anew since it was opened; undefined when it was whole. */
  get indexRenewed(): string | undefined {
    return this.#index.renewedAs;
  }

  /** All builds by conf and number. No lock. */
  allBuilds(): BuildName[] {
    return this.#statements.allBuilds.all();
  }

  /**
   * Takes a damaged layer away: its row first, so that nobody finds it any more, then its folder; what cannot be removed is left to gc. Its
   * number is given to no other layer but the same one made again. Needs the store's lock, exclusive.
   */
  retire(n: number): void {
    this.#transaction(() => this.#dropRow(n));
    this.#manifests.delete(n);
    this.#notes.delete(n);
    removeIfPossible(() => this.#removeFolder(n));
  }

  /** The number stays that of the same layer: kept builds may name it. */
  #dropRow(n: number): void {
    const row = this.layerNumbered(n);
    this.#ahead.clear();
    this.#statements.removeLayer.run(n);
    this.#statements.keepNumber.run(n);
    if (row) this.#statements.addRetired.run(n, row.key, row.ids, row.digest);
  }

  #removeFolder(n: number): void {
    const folder = join(this.layout.layers, String(n));
    const trash = join(this.layout.trash, randomName());
    if (!existsSync(folder)) return;
    renameSync(folder, trash);
    removeIfPossible(() => removeTree(Buffer.from(trash)));
  }

  /** The number that a layer had before it was retired, when it came out the same. */
  #formerNumber({ key, digest }: LayerNote, ids: string): number | undefined {
    const stood = this.results.get(standingKey(key));
    const n =
      this.#statements.retired.get(key, ids, digest)?.n ??
      (stood && this.#statements.retiredNumbered.get(Number(stood), ids, digest)?.n);
    if (!n) return undefined;
    this.#statements.dropRetired.run(n);
    this.#removeFolder(n); // which whoever retired it may not have come to
    return n;
  }

  layerNumbered(n: number): LayerRow | undefined {
    return this.#statements.byNumber.get(n);
  }

  /** The same of many, in their order, by one statement. */
  layersNumbered(numbers: readonly number[]): (LayerRow | undefined)[] {
    const rows = this.#statements.byNumbers.all(JSON.stringify(numbers));
    const known = new Map(rows.map((row) => [row.n, row]));
    return numbers.map((n) => known.get(n));
  }

  /** Notes that a build uses these layers now. Needs the store's lock, shared. */
  markUsed(layers: readonly number[]): void {
    this.#statements.markUsed.run({ layers: JSON.stringify(layers), at: Math.floor(Date.now() / 1000) });
  }

  /** The index itself, for gc, which holds the store's lock alone. */
  get index(): Database {
    return this.#database;
  }
}

function prepare(database: Database) {
  return {
    byKey: database.prepare('SELECT * FROM layers WHERE key = ? ORDER BY n') as Statement<[string], LayerRow>,
    sameKeys: database.prepare(
      `SELECT * FROM layers WHERE key IN (
         SELECT key FROM layers WHERE n IN (
           SELECT json_extract(one.value, '$[1]')
           FROM (SELECT layers FROM builds WHERE conf = ? ORDER BY number DESC LIMIT 1) AS build, json_each(build.layers) AS one))
       ORDER BY n`,
    ) as Statement<[string], LayerRow>,
    byName: database.prepare('SELECT * FROM layers WHERE name = ? ORDER BY n DESC LIMIT ?') as Statement<
      [name: string, most: number],
      LayerRow
    >,
    names: database.prepare('SELECT DISTINCT name FROM layers ORDER BY name') as Statement<
      [],
      { name: string }
    >,
    byNumber: database.prepare('SELECT * FROM layers WHERE n = ?') as Statement<[number], LayerRow>,
    byNumbers: database.prepare(
      'SELECT layers.* FROM json_each(?) JOIN layers ON layers.n = json_each.value',
    ) as Statement<[string], LayerRow>,
    highest: database.prepare(
      'SELECT max(n) AS n FROM (SELECT n FROM layers UNION ALL SELECT n FROM given)',
    ) as Statement<[], { n: number | null }>,
    addLayer: database.prepare(
      `INSERT INTO layers (n, key, ids, name, kind, digest, paths, bytes, seconds, made, boot)
       VALUES (@n, @key, @ids, @name, @kind, @digest, @paths, @bytes, @seconds, @made, @boot)`,
    ),
    addHolder: database.prepare(ADD_HOLDER),
    holderNames: database.prepare('SELECT name FROM holders WHERE path = ?').pluck() as Statement<
      [TreePath],
      string
    >,
    holders: database
      .prepare('SELECT n FROM layers WHERE name IN (SELECT name FROM holders WHERE path = ?)')
      .pluck() as Statement<[TreePath], number>,
    below: database.prepare('SELECT DISTINCT path FROM holders WHERE path >= ? AND path < ?') as Statement<
      [string, string],
      { path: TreePath }
    >,
    nextPath: database.prepare('SELECT path FROM holders WHERE path > ? ORDER BY path LIMIT 1') as Statement<
      [string],
      { path: TreePath }
    >,
    allPaths: database.prepare("SELECT DISTINCT path FROM holders WHERE path <> ''") as Statement<
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
    layers: database.prepare('SELECT * FROM layers ORDER BY n') as Statement<[], LayerRow>,
    allBuilds: database.prepare('SELECT conf, number FROM builds ORDER BY conf, number') as Statement<
      [],
      BuildName
    >,
    keepNumber: database.prepare(
      'INSERT INTO given VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET n = max(n, excluded.n)',
    ),
    addRetired: database.prepare('INSERT OR REPLACE INTO retired (n, key, ids, digest) VALUES (?, ?, ?, ?)'),
    retired: database.prepare('SELECT n FROM retired WHERE key = ? AND ids = ? AND digest = ?') as Statement<
      [key: string, ids: string, digest: string],
      { n: number }
    >,
    retiredNumbered: database.prepare(
      'SELECT n FROM retired WHERE n = ? AND ids = ? AND digest = ?',
    ) as Statement<[number, string, string], { n: number }>,
    dropRetired: database.prepare('DELETE FROM retired WHERE n = ?'),
    removeLayer: database.prepare('DELETE FROM layers WHERE n = ?'),
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
    markUsed: database.prepare(
      `INSERT INTO used (layer, at, floor)
       SELECT value, @at, (SELECT coalesce(max(floor), 0) FROM used WHERE layer = 0) FROM json_each(@layers) WHERE true
       ON CONFLICT (layer) DO UPDATE SET at = excluded.at, floor = excluded.floor`,
    ),
    lastBuild: database.prepare(
      'SELECT * FROM builds WHERE conf = ? ORDER BY number DESC LIMIT 1',
    ) as Statement<[string], BuildRow>,
  };
}

function readManifest({ layers }: Layout, n: number): Manifest {
  const file = join(layers, String(n), 'manifest');
  return ofLayer(file, () => new SortedManifest(readFileSync(file)));
}

/** @throws SnapError STORE that names the file of a layer when it is not whole. */
function ofLayer<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new SnapError('STORE', `Cannot read "${file}": ${errno(error) ?? error.message}`, {
      hint: 'look for damage and mend it: snap verify --repair',
      cause: error,
    });
  }
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
