import { lstatSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { treePath } from '../debian/deb-paths.ts';
import { fieldOf, isRecordFile, type Records } from '../debian/records.ts';
import { removedConffiles } from '../debian/unpack.ts';
import type { LayerRow, Store } from '../store/layers.ts';
import { type Entry, isEqual, parentOf, printable, type TreePath } from '../store/manifest.ts';
import { outlineOf, startingWith } from '../store/sorted-manifest.ts';
import { at, handsDown, makeEntry, setTime } from '../store/tree.ts';
import { isOpaque } from './capture.ts';
import { plainName } from './contribution.ts';
import { once } from './once.ts';
import { placeEntry, type View, withRecords } from './view.ts';

/** A deb's tree that is to be put on a view. */
export type Stackable = { readonly name: string; readonly row: LayerRow };

export type Stacking = {
  /** Those that can lie on the view as they are. */
  readonly stacked: readonly LayerRow[];
  /** What they bring that is there already and stays: a file that a package for another architecture has as well. */
  readonly shared: ReadonlySet<TreePath>;
  /** Those that dpkg has to unpack, by name, and why. */
  readonly byDpkg: ReadonlyMap<string, string>;
};

export const STATUS = 'var/lib/dpkg/status';
const DIVERSIONS = 'var/lib/dpkg/diversions';
const OVERRIDES = 'var/lib/dpkg/statoverride';
/** dpkg's files about the packages. */
export const INFO = 'var/lib/dpkg/info/';

/** Ids below are base-passwd's, the same in every Debian. */
const FIRST_FREE_ID = 100;

/** How dpkg names its files about a deb. */
export function infoNameOf(store: Store, row: LayerRow): string {
  for (const { path } of startingWith(store.manifestOf(row.n), INFO)) {
    if (path.endsWith('.list')) return path.slice(INFO.length, -'.list'.length);
  }
  throw new Error(`The tree of "${row.name}" has no list`);
}

/**
 * Which debs of a layer need no dpkg to be unpacked: on the view, and beside each other, nothing of them would be kept, replaced, moved or owned
 * otherwise than their archives say.
 */
export function planStacking(store: Store, view: View, debs: readonly Stackable[]): Stacking {
  const reasons = new Map<string, string>();
  const shared = new Set<TreePath>();
  const rules = once(() => dpkgRules(store, view));
  const claims = new Map<TreePath, Stackable & { readonly isDir: boolean }>();
  for (const { name, row } of debs) {
    const reason = rules() ?? reasonFor(store, view, row, shared);
    if (reason !== undefined) reasons.set(name, reason);
    const gone = removedConffiles(stanzaOf(store, row)).map((path) => ({ path, type: 'file' }));
    for (const { path, type } of [...outlineOf(store.manifestOf(row.n)), ...gone]) {
      const isDir = type === 'dir';
      const other = claims.get(path);
      if (other === undefined) claims.set(path, { name, row, isDir });
      else if ((!isDir || !other.isDir) && !isShared(store, path, row, other.row)) {
        reasons.set(name, `"${printable(path)}" is in "${other.name}" as well`);
        reasons.set(other.name, `"${printable(path)}" is in "${name}" as well`);
      }
    }
  }
  const stacked = debs.filter(({ name }) => !reasons.has(name)).map(({ row }) => row);
  return { stacked, shared, byDpkg: reasons };
}

/** What dpkg would know of a deb. */
function stanzaOf(store: Store, { n }: LayerRow): string {
  const [[, stanza] = []] = store.recordsOf(n)[STATUS] ?? [];
  return stanza ?? '';
}

/** Whether two debs bring a path alike, and are one package for two architectures: dpkg takes that for one file of both. */
function isShared(store: Store, path: TreePath, a: LayerRow, b: LayerRow): boolean {
  const [one, other] = [infoNameOf(store, a), infoNameOf(store, b)];
  if (!mayStandBeside(one, other)) return false;
  return areSame(store.manifestOf(a.n).get(path), store.manifestOf(b.n).get(path));
}

/** By the names of dpkg's files about them, which have an architecture where `Multi-Arch` is `same`. */
function mayStandBeside(one: string, other: string): boolean {
  return one !== other && one.includes(':') && other.includes(':') && plainName(one) === plainName(other);
}

function areSame(a: Entry | undefined, b: Entry | undefined): boolean {
  return a !== undefined && b !== undefined && isEqual(a, b);
}

/** Undefined: the deb can be stacked, as far as the view alone says. Adds to `shared`. */
function reasonFor(store: Store, view: View, row: LayerRow, shared: Set<TreePath>): string | undefined {
  const { ids, records } = store.noteOf(row.n);
  const gone = removedConffiles(stanzaOf(store, row)).find((path) => view.get(path) !== undefined);
  if (gone !== undefined) return `it removes "${printable(gone)}"`;
  const status = view.records.get(STATUS)?.records ?? new Map();
  const [[key = ''] = []] = records[STATUS] ?? [];
  const known = [...status.keys()].filter((one) => !isMember(one) && plainName(one) === plainName(key));
  const name = infoNameOf(store, row);
  if (!known.every((one) => isInstalledBeside(status, one, name))) return 'dpkg knows it already';
  const preinst = preinstOf(store, row);
  // A base has nothing yet that could be diverted.
  if (view.layers.length > 0 && diverts(preinst)) return 'its preinst diverts files';
  return (
    ownerReason(view, ids, preinst !== '') ??
    pathReason(store, view, row, pathsOf(store, view, known), shared)
  );
}

/** Of a key of the status file: whether it belongs to another one's record. */
function isMember(key: string): boolean {
  return key.includes('\0');
}

/** Whether a package is there for another architecture, and would stay as it is. */
function isInstalledBeside(status: Records, key: string, name: string): boolean {
  const stanza = status.get(key) ?? '';
  const isBeside = fieldOf(stanza, 'Multi-Arch') === 'same' && mayStandBeside(key, name);
  return isBeside && fieldOf(stanza, 'Status').endsWith(' installed');
}

/** What lies in a view of packages that may stand beside others, by their keys in the status file. */
function pathsOf(store: Store, view: View, keys: readonly string[]): Set<TreePath> {
  const lists = keys.map((key) => textAt(store, view, `${INFO}${key}.list`) ?? '');
  return new Set(lists.flatMap((list) => list.split('\n').map((line) => treePath(line.slice(1)))));
}

/** What a file of the view holds, no record file. */
function textAt(store: Store, view: View, file: string): string | undefined {
  const placed = view.at(file as TreePath);
  if (placed?.entry.type !== 'file') return undefined;
  return readFileSync(at(store.treeOf(view.layers[placed.layer]!.row.n), file), 'latin1');
}

/** The script that runs before a deb is unpacked; '' where it has none. */
function preinstOf(store: Store, row: LayerRow): string {
  for (const { path } of startingWith(store.manifestOf(row.n), INFO)) {
    if (path.endsWith('.preinst')) return readFileSync(at(store.treeOf(row.n), path), 'latin1');
  }
  return '';
}

/** Whether a script looks as if it adds a diversion. One that does without looking so is found out when it runs. */
export function diverts(script: string): boolean {
  const commands = script.replace(/^[ \t]*#.*$/gm, '').replaceAll('\\\n', ' ');
  const calls = commands.match(/\bdpkg-divert\b.*/g) ?? [];
  return calls.some((call) => !/--(remove|list|listpackage|truename)\b/.test(call));
}

function ownerReason(
  view: View,
  ids: { uids: object; gids: object },
  hasPreinst: boolean,
): string | undefined {
  for (const [file, given] of [
    ['etc/passwd', ids.uids],
    ['etc/group', ids.gids],
  ] as const) {
    for (const [name, id] of Object.entries(given)) {
      const there = view.records.get(file)?.records.get(name)?.split(':')[2];
      const isKnown = there === undefined ? !hasPreinst || view.layers.length === 0 : Number(there) === id;
      const isPlain = id < FIRST_FREE_ID && isKnown;
      if (!isPlain) return `it has files of "${name}"`;
    }
  }
  return undefined;
}

/** `twins`: what it may bring once more, as it is. Adds to `shared`. */
function pathReason(
  store: Store,
  view: View,
  row: LayerRow,
  twins: ReadonlySet<TreePath>,
  shared: Set<TreePath>,
): string | undefined {
  const moved = movedPaths(view);
  const folders = new Map<TreePath, boolean>();
  for (const { path, type } of outlineOf(store.manifestOf(row.n))) {
    if (moved.has(`/${path}`)) return `"${printable(path)}" is diverted or overridden`;
    if (isRecordFile(path)) return `it has "${path}"`;
    const isNew = path !== '' && folders.get(parentOf(path)) === false;
    const there = isNew ? undefined : view.get(path);
    if (type === 'dir') folders.set(path, there !== undefined);
    if (there === undefined || (type === 'dir' && there.type === 'dir')) continue;
    if (twins.has(path) && areSame(there, store.manifestOf(row.n).get(path))) shared.add(path);
    else return `"${printable(path)}" is there already`;
  }
  return undefined;
}

/** Paths that dpkg puts elsewhere or gives another owner. */
function movedPaths(view: View): Set<string> {
  const records = (file: string): Records => view.records.get(file)?.records ?? new Map();
  const diverted = [...records(DIVERSIONS).values()].flatMap((record) => record.split('\n').slice(0, 2));
  return new Set([...diverted, ...records(OVERRIDES).keys()]);
}

/** Paths that the image's own configuration keeps from being unpacked. */
function dpkgRules(store: Store, view: View): string | undefined {
  const folder = 'etc/dpkg/dpkg.cfg.d';
  const files = [
    'etc/dpkg/dpkg.cfg',
    ...[...view.namesIn(folder as TreePath)].map((name) => `${folder}/${name}`),
  ];
  for (const file of files) {
    const text = textAt(store, view, file);
    if (text !== undefined && /^\s*path-(ex|in)clude/m.test(text)) return `"${file}" leaves paths out`;
  }
  return undefined;
}

/** Debs that lie on a view, unpacked and not configured. */
export type Unpacked = {
  /** The folder that lies on the view's layers, below the one with its database files. */
  readonly path: string;
  /** The view with what dpkg knows of the debs. */
  readonly view: View;
  /** Puts what lies there into what a run has left above it, as if dpkg had unpacked the debs in that run. */
  mergeInto(upper: string): void;
  /** After that: what lies at a path as a deb brought it. */
  at(path: TreePath): Entry | undefined;
  /** Whether debs brought a folder of this path, though the view may have it too. */
  hasFolder(path: TreePath): boolean;
  /** What debs brought, folders too. */
  paths(): Iterable<TreePath>;
};

/** Lays out the trees of debs, as planned, in a new folder, in links; of folders that the view has too, as the view has them. */
export function layOut(
  store: Store,
  view: View,
  { stacked: debs, shared }: Stacking,
  folder: string,
  epoch: number,
): Unpacked {
  const made = new Map<TreePath, Entry>();
  const lay = startLaying(lookUpFolders(view), epoch);
  for (const row of debs) {
    const tree = store.treeOf(row.n);
    for (const found of store.manifestOf(row.n).values()) {
      if (made.has(found.path) || shared.has(found.path)) continue;
      // So it has the time of the build.
      const entry = isMadeByDpkg(found) ? { ...found, mtime: epoch } : found;
      made.set(entry.path, entry);
      const [file, from] = [at(folder, entry.path), at(tree, entry.path)];
      if (entry === found) lay(entry, file, from);
      else makeEntry(entry, file, from, false);
    }
  }
  const known = withRecords(view, (records) => withDebs(store, records, debs));
  const moved = new Set<TreePath>();
  const isMoved = (path: TreePath): boolean => {
    if (path === '' || moved.has(path)) return path !== '';
    if (!isMoved(parentOf(path))) return false;
    if (made.get(path)?.type === 'dir') moved.add(path);
    return true;
  };
  return {
    path: folder,
    view: known,
    mergeInto(upper) {
      mergeFolder(upper, folder, '' as TreePath, moved);
    },
    at(path) {
      const entry = made.get(path);
      return entry && entry.type !== 'dir' && isMoved(path) ? entry : undefined;
    },
    hasFolder: (path) => made.get(path)?.type === 'dir',
    paths: () => made.keys(),
  };
}

type Lookup = (path: TreePath) => Entry | undefined;

/** Looks up what a view has at the paths of folders, parents first: where it has none, there is nothing in it to be looked for. */
function lookUpFolders(view: View): Lookup {
  const missing = new Set<TreePath>();
  return (path) => {
    const there = path !== '' && missing.has(parentOf(path)) ? undefined : view.get(path);
    if (there === undefined) missing.add(path);
    return there;
  };
}

/** A package's list, and its checksums where the deb brings none: `unpackDeb` gives those no time. */
function isMadeByDpkg({ path, mtime }: Entry): boolean {
  return path.startsWith(INFO) && (path.endsWith('.list') || (path.endsWith('.md5sums') && mtime === 0));
}

/** Puts entries where nothing lies, parents first. */
function startLaying(inView: Lookup, epoch: number): (entry: Entry, file: Buffer, from: Buffer) => void {
  const handingDown = new Set<TreePath>();
  return (entry, file, from) => {
    if (entry.type !== 'dir') return placeEntry(entry, file, from);
    const { path } = entry;
    const there = inView(path);
    const folder = there?.type === 'dir' ? there : entry;
    if (handsDown(folder)) handingDown.add(path);
    // The first one may inherit from the store, which is anybody's.
    makeEntry(folder, file, from, path === '' || handingDown.has(parentOf(path)));
    setTime(file, epoch);
  };
}

/** The view's database files, with the records that the debs bring. */
function withDebs(store: Store, records: View['records'], debs: readonly LayerRow[]): View['records'] {
  const files = new Map(records);
  for (const { n } of debs) {
    for (const [path, patch] of Object.entries(store.recordsOf(n))) {
      const file = files.get(path) ?? { mode: 0o644, uid: 0, gid: 0, records: new Map() };
      const records = new Map(file.records);
      for (const [key, value] of patch) if (value !== null) records.set(key, value);
      files.set(path, { ...file, records });
    }
  }
  return files;
}

/** Moves into `upper` what it neither has nor hides; `folder` is a folder of both. */
function mergeFolder(upper: string, below: string, folder: TreePath, moved: Set<TreePath>): void {
  for (const name of readdirSync(at(below, folder), { encoding: 'latin1' })) {
    const path = (folder === '' ? name : `${folder}/${name}`) as TreePath;
    const there = lstatSync(at(upper, path), { throwIfNoEntry: false });
    if (there === undefined) {
      renameSync(at(below, path), at(upper, path));
      moved.add(path);
    } else if (
      there.isDirectory() &&
      lstatSync(at(below, path)).isDirectory() &&
      !isOpaque(at(upper, path))
    ) {
      mergeFolder(upper, below, path, moved);
    }
  }
}
