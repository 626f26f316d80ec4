import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Lock } from '../debian/lock.ts';
import { bootId } from '../host/clock.ts';
import { makeFolders } from '../host/folder.ts';
import type { Workshop } from '../layers/run.ts';
import { type Kernel, sourceClosure } from '../project/kernel.ts';
import { digestOf } from '../store/digest.ts';
import type { Layout } from '../store/layout.ts';
import { type Held, holdLock } from '../store/locks.ts';
import { at, digestFile, removeTree, setTime, walk } from '../store/tree.ts';
import { LINUX } from './builder.ts';
import { type KeptNote, NOTE, readKept, writeKept } from './kept.ts';
import { GONE, type Patched } from './patches.ts';
import { sourceFolder, sourceOf } from './source.ts';
import { clockServes, GENERATIONS, isOfClock, timeOf } from './times.ts';

/** What is said of a build tree. */
export type TreeNote = KeptNote & {
  /** All that nothing in the tree outlives: source, builder view, architecture, time. */
  readonly basis: string;
  /** Unix seconds of the builder view's youngest file. */
  readonly floor: number;
  readonly generation: number;
  /** A build has begun in it, and it is not known how that ended. */
  readonly dirty: boolean;
  /** Every path of the source that ever was patched: what builds were given there last, and in which generation it came. */
  readonly given: Readonly<Record<string, readonly [what: string, generation: number]>>;
  /** The key of the patches that `patched` holds. */
  readonly patches: string | undefined;
  /** The keys of what the configuration begins with, and of the whole. */
  readonly base: string | undefined;
  readonly config: string | undefined;
  /** The key of the kernel in `out`, and its version. */
  readonly built: string | undefined;
  readonly release: string;
  /** By name: the key of what lies in `modules`. */
  readonly modules: Readonly<Record<string, string>>;
  /** The key of what lies in `headers`. */
  readonly headers?: string | undefined;
  /** How many files the last build from nothing compiled. */
  readonly files: number | undefined;
};

/** A tree that is kept for the next build of the same source, held by this process alone. */
export type BuildTree = Disposable & {
  /** Absolute. */
  readonly folder: string;
  /** Whether nothing was built in it yet. */
  readonly isFresh: boolean;
  /** Empties it. */
  clear(): void;
  readonly note: TreeNote;
  /** Writes a part of the note. */
  keep(part: Partial<TreeNote>): void;
  /** Says that what lies in the tree is about to change: another generation. */
  begin(): void;
  /** Says that it has, in whatever way it ended, and that nothing of it runs any more. */
  end(): void;
};

/** make's output; what patches change, over the pristine source; the kernel as it is installed; external modules. */
export const TREE_FOLDERS = ['build', 'patched', 'out', 'modules'] as const;

/** Of these what modules are compiled against is there only where a kernel wants it in its image. */
const PARTS = [...TREE_FOLDERS, 'headers'] as const;

export function treeFolder({ kernel }: Layout, scriptlet: string, source: string): string {
  return join(kernel, `tree-${digestOf(JSON.stringify([scriptlet, source])).slice(0, 32)}`);
}

/** The names of the folders below `kernel/` that a scriptlet's kernel uses; none where the lock does not cover its source. */
export function kernelFolders(scriptlet: string, kernel: Kernel, lock: Lock, layout: Layout): string[] {
  if (kernel.source.kind === 'deb' && !lock.closures.has(sourceClosure(scriptlet))) return [];
  const { sha256 } = sourceOf(scriptlet, kernel, lock, layout);
  return [sourceFolder(layout, sha256), treeFolder(layout, scriptlet, sha256)].map((path) => basename(path));
}

/**
 * The build tree of a scriptlet and a source, cleaned of whatever a build left that never ended. It is emptied with `clean`, and when
 * something changed that nothing in it outlives.
 */
export async function openTree(
  { store, signal, report }: Pick<Workshop, 'store' | 'signal' | 'report'>,
  scriptlet: string,
  source: string,
  wanted: Wanted,
): Promise<BuildTree> {
  const folder = treeFolder(store.layout, scriptlet, source);
  makeFolders(folder, 0o700);
  const wait = (): void =>
    report({ kind: 'note', text: `waiting for another build of the kernel of "${scriptlet}" to end` });
  const held = await holdLock(join(folder, 'lock'), 'exclusive', wait, signal);
  try {
    return heldTree(folder, held, scriptlet, wanted);
  } catch (error) {
    held.release();
    throw error;
  }
}

/** What a tree must be: `basis` as its note has it; `floor` is asked where there is no such tree. */
type Wanted = { readonly basis: string; readonly clean: boolean; readonly floor: () => number };

function heldTree(folder: string, held: Held, name: string, { basis, clean, floor }: Wanted): BuildTree {
  const known = readKept<TreeNote>(folder);
  let isFresh = clean || known?.basis !== basis || known.generation > GENERATIONS / 2;
  let note = isFresh || !known ? newNote(name, basis, floor()) : known;
  // With a clock that stands too early nothing can be told from times: what is there is of no use, nor is what is made now.
  const serves = clockServes(note.floor);
  const keep = (part: Partial<TreeNote>): void => {
    // After a power cut nobody may take what changes now for what was settled.
    const durable = note.boot === null;
    note = { ...note, ...part, boot: bootId() };
    writeKept(folder, note, { durable });
  };
  const clear = (): void => {
    isFresh = true;
    // Without a note the tree is nothing, whatever of it is still there.
    rmSync(join(folder, NOTE), { force: true });
    for (const part of PARTS) {
      removeTree(Buffer.from(join(folder, part)));
      mkdirSync(join(folder, part), { mode: 0o755 });
    }
    note = newNote(name, basis, note.floor);
    keep({});
  };
  if (isFresh || !serves) clear();
  else if (note.dirty) dropUnfinished(join(folder, 'build'), note.floor);
  return {
    folder,
    get isFresh() {
      return isFresh;
    },
    get note() {
      return note;
    },
    clear,
    keep,
    begin: () => keep({ dirty: true, generation: note.generation + 1 }),
    end() {
      settleTimes(join(folder, 'build'), note);
      keep({ dirty: false });
    },
    [Symbol.dispose]() {
      if (!serves) rmSync(join(folder, NOTE), { force: true });
      held.release();
    },
  };
}

function newNote(name: string, basis: string, floor: number): TreeNote {
  return {
    format: 1,
    name,
    seconds: 0,
    boot: null,
    basis,
    floor,
    generation: 1,
    dirty: false,
    given: {},
    patches: undefined,
    base: undefined,
    config: undefined,
    built: undefined,
    release: '',
    modules: {},
    files: undefined,
  };
}

/**
 * A file of `build` that is not make's own result, if it was just written: it counts as younger than all that there is, until the next
 * generation has made from it what it makes.
 */
export function renewInput({ folder, note }: BuildTree, name: string): void {
  const file = at(join(folder, 'build'), name);
  const stat = lstatSync(file, { bigint: true, throwIfNoEntry: false });
  if (stat && isOfClock(note.floor, stat)) setTime(file, timeOf(note.floor, note.generation + 1));
}

/** What a build that never ended has written may be half of it. What it removed is made again. */
function dropUnfinished(build: string, floor: number): void {
  for (const { path, stat } of walk(build)) {
    if (!stat.isDirectory() && isOfClock(floor, stat)) rmSync(at(build, path), { force: true });
  }
}

function settleTimes(build: string, { floor, generation }: TreeNote): void {
  const time = timeOf(floor, generation);
  for (const { path, stat } of walk(build)) {
    if (!stat.isDirectory() && isOfClock(floor, stat)) setTime(at(build, path), time);
  }
}

/**
 * Gives the files that patches change, and those that they do not change any more, the times by which make knows what to compile: one
 * that holds something else than the last build was given is younger than all that there is.
 */
export function givePatched(tree: BuildTree, pristine: string, patched: Patched): void {
  const { given, generation, floor } = tree.note;
  const top = join(tree.folder, 'patched', LINUX);
  const source = join(pristine, LINUX);
  const now: Record<string, readonly [string, number]> = {};
  for (const path of new Set([...Object.keys(given), ...Object.keys(patched)])) {
    // Beneath what a patch made of a folder there is nothing, least of all what a link would lead to.
    const isHidden = foldersOf(path).some((folder) => patched[folder] !== undefined);
    const what = patched[path] ?? (isHidden ? GONE : pristineAt(source, path));
    const before = given[path] ?? [pristineAt(source, path), 0];
    now[path] = [what, before[0] === what ? before[1] : generation];
    if (patched[path] === undefined && what !== GONE) copyPristine(source, top, path);
    if (what !== GONE) setTime(at(top, path), timeOf(floor, now[path][1]));
  }
  tree.keep({ given: now });
}

function pristineAt(source: string, path: string): string {
  if (!foldersOf(path).every((folder) => isFolder(at(source, folder)))) return GONE;
  const file = at(source, path);
  const stat = lstatSync(file, { bigint: true, throwIfNoEntry: false });
  if (stat?.isFile()) return `${stat.mode & 0o111n ? 'x' : 'f'} ${digestFile(file, stat.size)}`;
  if (stat?.isSymbolicLink()) return `l ${readlinkSync(file, 'latin1')}`;
  return GONE;
}

/** The folders that a path lies in, the outermost first. */
function foldersOf(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

function isFolder(file: Buffer): boolean {
  return lstatSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** A file that a patch no longer changes lies there as it was, so that it has a time of its own. */
function copyPristine(source: string, top: string, path: string): void {
  const file = at(top, path);
  if (lstatSync(file, { throwIfNoEntry: false })) rmSync(file, { force: true });
  makeFolders(at(top, dirname(path)), 0o755);
  const from = at(source, path);
  if (lstatSync(from).isSymbolicLink()) symlinkSync(readlinkSync(from, 'buffer'), file);
  else copyFileSync(from, file);
}

/**
 * Whether patches bring a header by a name that something was compiled with: nothing tells make that it would be found first by now. One that
 * goes make notices by itself.
 */
export function shadowsHeader(tree: BuildTree, now: Patched, pristine: string): boolean {
  const source = join(pristine, LINUX);
  const isNew = (path: string): boolean =>
    now[path] !== GONE && (tree.note.given[path]?.[0] ?? pristineAt(source, path)) === GONE;
  const fresh = Object.keys(now).filter((path) => path.endsWith('.h') && isNew(path));
  if (fresh.length === 0) return false;
  const names = fresh.map((path) => `/${basename(path)}`);
  const build = join(tree.folder, 'build');
  for (const { path, stat } of walk(build)) {
    if (!path.endsWith('.cmd') || !stat.isFile()) continue;
    const made = readFileSync(at(build, path), 'latin1');
    if (names.some((name) => made.includes(name))) return true;
  }
  return false;
}

/** Puts a folder in the place of another. */
export function replaceFolder(made: string, place: string): void {
  if (existsSync(place)) removeTree(Buffer.from(place));
  renameSync(made, place);
}
