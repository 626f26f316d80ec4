import { mayFind, type Sought } from '../debian/name-search.ts';
import type { Records } from '../debian/records.ts';
import { type Entry, type Manifest, parentOf, type TreePath } from '../store/manifest.ts';
import { isEqual } from './kept-view.ts';
import type { RecordFile, View } from './view.ts';

/**
 * What a run looked for in its view and did not find, and what it learned of names alone; and all that it looked for where other runs left
 * something: a verifying trace, as in Mokhov, Mitchell, Peyton Jones, *Build Systems à la Carte* (2018), of what is likely to change. Paths have one
 * character a byte; all lists are in byte order.
 */
export type Trace = {
  /** Nothing lay there, of what lies beneath nothing is said. */
  readonly absent: readonly string[];
  /** Folders whose names it read. */
  readonly listed: readonly string[];
  /** Folders whose names were read by who sought certain ones alone. */
  readonly searched: readonly (readonly [folder: string, sought: Sought])[];
  /** Folders in which all that it looked for is noted, whether or not it was there. */
  readonly watched: readonly string[];
  /** What it looked for in those. */
  readonly met: readonly string[];
  /** The packages that it asked dpkg's database for; `whole` when it may have read any of it. */
  readonly asked: 'whole' | readonly string[];
};

const FORMAT = 3;

export function formatTrace(trace: Trace): string {
  return JSON.stringify({ format: FORMAT, ...trace });
}

/** Undefined for a trace of another format. */
export function parseTrace(text: string): Trace | undefined {
  const trace = JSON.parse(text) as Trace & { readonly format: number };
  return trace.format === FORMAT ? trace : undefined;
}

const STATUS = 'var/lib/dpkg/status';

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
  const folders = new Map<TreePath, boolean>([['' as TreePath, true]]);
  /** Where some layer has no folder, or one above it has none, the trees below that one are not asked. */
  const isFolderOfAll = (path: TreePath): boolean => {
    const isOne =
      folders.get(path) ??
      (entriesAt(path).every(({ type }) => type === 'dir') && isFolderOfAll(parentOf(path)));
    folders.set(path, isOne);
    return isOne;
  };
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
  const watched = new Set(trace.watched);
  const met = new Set(trace.met);
  /** Of something that is no folder, and may be gone by now. */
  const isUnmet = (path: TreePath, isGone: boolean): boolean => {
    const above = parentOf(path);
    if (!watched.has(above) || met.has(path) || manifest.get(path)) return false;
    const isListed = listed.has(above) || trace.searched.some(([searched]) => searched === above);
    return !isGone || (isFolderOfAll(above) && !isListed);
  };
  for (const path of changed) {
    const [was, is] = [before.get(path), now.get(path)];
    if (was === undefined && is === undefined) continue;
    if (was === undefined) {
      if (!isUnseen(path)) return false;
    } else if (is === undefined || !isEqual(was, is)) {
      if (was.type === 'dir' || !isUnmet(path, was.type !== is?.type)) return false;
    }
  }
  const added = addedRecords(before.records, now.records);
  if (added === undefined) return false;
  const packages = [...added].map((key) => key.split(/[:\0]/)[0]!);
  return (
    packages.length === 0 || (trace.asked !== 'whole' && !packages.some((name) => trace.asked.includes(name)))
  );
}

type RecordFiles = ReadonlyMap<string, RecordFile>;

/** The keys that came to dpkg's list of packages; undefined when any other record came, or any went or is another one. */
function addedRecords(before: RecordFiles, now: RecordFiles): Set<string> | undefined {
  const added = new Set<string>();
  for (const path of before.keys()) if (!now.has(path)) return undefined;
  for (const [path, file] of now) {
    const was = before.get(path);
    if (was === undefined || was.mode !== file.mode || was.uid !== file.uid || was.gid !== file.gid)
      return undefined;
    const came = addedKeys(was.records, file.records);
    if (came === undefined || (came.length > 0 && path !== STATUS)) return undefined;
    for (const key of came) added.add(key);
  }
  return added;
}

function addedKeys(before: Records, now: Records): string[] | undefined {
  for (const [key, value] of before) if (now.get(key) !== value) return undefined;
  return [...now.keys()].filter((key) => !before.has(key));
}
