import { mayFind, type Sought } from '../debian/name-search.ts';
import { fieldOf, type Records } from '../debian/records.ts';
import { type Entry, isEqual, type Manifest, parentOf, type TreePath } from '../store/manifest.ts';
import type { RecordFile, View } from './view.ts';

/**
 * What a run looked for in its view: a verifying trace, as in Mokhov, Mitchell, Peyton Jones, *Build Systems à la Carte* (2018). Paths have one
 * character a byte; all lists are in byte order.
 */
export type Trace = {
  /** Nothing lay there, of what lies beneath nothing is said. */
  readonly absent: readonly string[];
  /** Folders whose names it read. */
  readonly listed: readonly string[];
  /** Folders whose names were read by who sought certain ones alone. */
  readonly searched: readonly (readonly [folder: string, sought: Sought])[];
  /** What it looked for in watched folders, whether or not it was there; other folders not. */
  readonly met: readonly string[];
  /** The packages that it asked dpkg's database for; `whole` when it may have read any of it. */
  readonly asked: 'whole' | readonly string[];
};

const FORMAT = 4;

export function formatTrace(trace: Trace): string {
  return JSON.stringify({ format: FORMAT, ...trace });
}

/** Undefined for a trace of another format. */
export function parseTrace(text: string): Trace | undefined {
  const trace = JSON.parse(text) as Trace & { readonly format: number };
  return trace.format === FORMAT ? trace : undefined;
}

/** What two runs on one view looked for. */
export function unite(a: Trace, b: Trace): Trace {
  const searched = new Map([...a.searched, ...b.searched].map((one) => [one.toReversed().join(' '), one]));
  return {
    absent: inOrder(a.absent, b.absent),
    listed: inOrder(a.listed, b.listed),
    searched: [...searched.keys()].sort().map((key) => searched.get(key)!),
    met: inOrder(a.met, b.met),
    asked: a.asked === 'whole' || b.asked === 'whole' ? 'whole' : inOrder(a.asked, b.asked),
  };
}

/** The paths of both lists, each once. */
export function inOrder(paths: readonly string[], more: readonly string[]): string[] {
  return [...new Set([...paths, ...more])].sort();
}

const STATUS = 'var/lib/dpkg/status';

/** Who goes in there is looked at instead: dpkg asks for some thousand names. */
export const DATABASE = 'var/lib/dpkg';

/**
 * Whether all that is looked for in a folder is noted, the folders above it being watched too; by what the layers of the view say of it. One with
 * attributes is not, since the filesystem that notes cannot show them; nor one that some layer took away, or has something else for.
 */
export function mayWatch(path: string, entries: Iterable<Pick<Entry, 'type' | 'xattrs'>>): boolean {
  if (path === DATABASE) return false;
  for (const { type, xattrs } of entries) if (type !== 'dir' || xattrs !== '') return false;
  return true;
}

/** A view that a run saw, and one that is to be seen now. */
export type Views = {
  readonly before: View;
  readonly now: View;
  /** Beyond these paths, and record files, both show the same. */
  readonly changed: ReadonlySet<TreePath>;
  /** What the layers of the view before say of a path, in no order. */
  readonly entriesAt: (path: TreePath) => readonly Entry[];
};

/**
 * Whether a run would do on a view now what it did on the one before: whatever came, went or is another one the run neither looked for nor left
 * itself. `manifest` is what it left. False where nobody can tell.
 */
export function stands(
  trace: Trace,
  manifest: Manifest,
  { before, now, changed, entriesAt }: Views,
): boolean {
  const absent = new Set(trace.absent);
  const listed = new Set(trace.listed);
  /** Where some layer has no folder, or one above it has none, the trees below that one are not asked. */
  const isFolderOfAll = allTheWay((path) => entriesAt(path).every(({ type }) => type === 'dir'));
  const isWatched = allTheWay((path) => mayWatch(path, entriesAt(path)));
  const isUnseen = (path: TreePath): boolean => {
    let gap = path;
    for (;;) {
      if (entriesAt(gap).length > 0 || manifest.get(gap)) return false;
      const above = parentOf(gap);
      const folder = before.get(above);
      if (folder !== undefined) {
        if (folder.type !== 'dir' || !isFolderOfAll(above)) return false;
        const isFolder = now.get(gap)?.type === 'dir';
        const isFound = trace.searched.some(
          ([searched, sought]) => searched === above && mayFind(sought, gap, isFolder),
        );
        return !absent.has(gap) && !listed.has(above) && !isFound;
      }
      gap = above;
    }
  };
  const met = new Set(trace.met);
  /** Of something that is no folder, and may be gone by now. */
  const isUnmet = (path: TreePath, isGone: boolean): boolean => {
    const above = parentOf(path);
    if (!isWatched(above) || met.has(path) || manifest.get(path)) return false;
    const isListed = listed.has(above) || trace.searched.some(([searched]) => searched === above);
    return !isGone || !isListed;
  };
  /** Packages of which dpkg now knows something else. */
  const packages = new Set<string>();
  for (const path of changed) {
    const [was, is] = [before.get(path), now.get(path)];
    if (was === is || (was && is && isEqual(was, is))) continue;
    const about = [was, is].some((one) => one?.type === 'dir') ? undefined : packageOf(path);
    if (about !== undefined && !manifest.get(path)) packages.add(about);
    else if (was === undefined) {
      if (!isUnseen(path)) return false;
    } else if (was.type === 'dir' || !isUnmet(path, was.type !== is?.type)) return false;
  }
  const stanzas = changedStanzas(before.records, now.records);
  if (stanzas === undefined) return false;
  for (const key of stanzas) packages.add(key.split(/[:\0]/)[0]!);
  return packages.size === 0 || (trace.asked !== 'whole' && !trace.asked.some((name) => packages.has(name)));
}

/** What holds for a folder when it holds for it and for all above it, but the topmost; each is asked once. */
function allTheWay(holds: (path: TreePath) => boolean): (path: TreePath) => boolean {
  const known = new Map<TreePath, boolean>([['' as TreePath, true]]);
  const isSo = (path: TreePath): boolean => {
    const answer = known.get(path) ?? (holds(path) && isSo(parentOf(path)));
    known.set(path, answer);
    return answer;
  };
  return isSo;
}

/** The package of one of dpkg's files about packages. */
function packageOf(path: string): string | undefined {
  return /^var\/lib\/dpkg\/info\/([^/:]+?)(?::[^/]+)?\.[a-z0-9]+$/.exec(path)?.[1];
}

type RecordFiles = ReadonlyMap<string, RecordFile>;

/**
 * The keys that came to dpkg's list of packages, or are of a package in another version; undefined when any other record came or is another
 * one, or any went.
 */
function changedStanzas(before: RecordFiles, now: RecordFiles): Set<string> | undefined {
  const added = new Set<string>();
  for (const path of before.keys()) if (!now.has(path)) return undefined;
  for (const [path, file] of now) {
    const was = before.get(path);
    if (was === undefined || was.mode !== file.mode || was.uid !== file.uid || was.gid !== file.gid)
      return undefined;
    const came = changedKeys(was.records, file.records);
    if (came === undefined || (came.length > 0 && path !== STATUS)) return undefined;
    for (const key of came) added.add(key);
  }
  return added;
}

/** Undefined where one went, or what is installed no longer is. */
function changedKeys(before: Records, now: Records): string[] | undefined {
  for (const [key, value] of before) {
    const is = now.get(key);
    if (is === undefined) return undefined;
    if (is !== value && fieldOf(is, 'Status') !== fieldOf(value, 'Status')) return undefined;
  }
  return [...now].flatMap(([key, value]) => (before.get(key) === value ? [] : [key]));
}
