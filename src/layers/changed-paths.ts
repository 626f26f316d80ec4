import { derivedBy, isDerived } from '../debian/derived.ts';
import type { LayerRow, RecordPatches } from '../store/layers.ts';
import {
  type Entry,
  identity,
  type Manifest,
  parentOf,
  printable,
  type TreePath,
} from '../store/manifest.ts';
import { differentEntries } from '../store/sorted-manifest.ts';
import type { Inputs } from './key.ts';

/** The layers of a view by name and number, in order. */
export type Seen = readonly (readonly [name: string, n: number])[];

/** Paths as a person reads them: the first ones, and how many there are. */
export type Found = { readonly paths: readonly string[]; readonly count: number };

type Contents = {
  layerNumbered(n: number): LayerRow | undefined;
  manifestOf(n: number): Manifest;
  recordsOf(n: number): RecordPatches;
};

/** So many are named, the others counted. */
const NAMED = 20;

const NOTHING: Manifest = new Map<TreePath, Entry>();

const asked = new WeakMap<Contents, Map<string, Found>>();

/**
 * The paths that two layers leave differently; none where one of them is not in the store any more. Worked out once: all that see a
 * layer ask.
 */
export function pathsBetween(contents: Contents, before: number, now: number): Found {
  const answers = asked.get(contents) ?? new Map<string, Found>();
  asked.set(contents, answers);
  const known = contents.layerNumbered(before) && contents.layerNumbered(now);
  const answer = answers.get(`${before} ${now}`) ?? found(known ? differing(contents, before, now) : []);
  answers.set(`${before} ${now}`, answer);
  return answer;
}

/** Those paths that the triggers of a package see, between two views. */
export function pathsSeenBetween(contents: Contents, before: Seen, now: Seen, inputs: Inputs): Found {
  const [old, seen] = [new Map(before), new Map(now)];
  const isSeen = seenPaths(String(inputs.package), (inputs.triggers ?? []) as readonly string[]);
  const paths = [...new Set([...seen.keys(), ...old.keys()])].flatMap((name) => {
    const [was, is] = [old.get(name), seen.get(name)];
    if (was === is) return [];
    const lost = [was, is].some((n) => n !== undefined && !contents.layerNumbered(n));
    return lost ? [] : differing(contents, was, is).filter(isSeen);
  });
  return found([...new Set(paths)]);
}

function found(paths: readonly TreePath[]): Found {
  return { paths: paths.toSorted(tellingFirst).slice(0, NAMED).map(printable), count: paths.length };
}

/** What a program made from other files tells least of why. */
function tellingFirst(a: string, b: string): number {
  const made = (path: string): number => Number(isDerived(path) || /^var\/(cache|lib\/dpkg)\//.test(path));
  return made(a) - made(b) || (a < b ? -1 : 1);
}

/** A layer that is not there changed nothing. */
function differing(contents: Contents, before: number | undefined, now: number | undefined): TreePath[] {
  const [old, entries] = [before, now].map((n) => (n === undefined ? NOTHING : contents.manifestOf(n)));
  const paths = new Set<TreePath>();
  /** Folders that came or went. */
  const folders = new Set<TreePath>();
  for (const [path, was, is] of differentEntries(old!, entries!)) {
    if (sameEntry(was, is)) continue;
    paths.add(path);
    if (!(was && is) && (was ?? is)?.type === 'dir') folders.add(path);
  }
  const [records, patches] = [before, now].map((n) => (n === undefined ? {} : contents.recordsOf(n)));
  for (const file of union(Object.keys(records!), Object.keys(patches!))) {
    if (JSON.stringify(records![file]) !== JSON.stringify(patches![file])) paths.add(file as TreePath);
  }
  // A folder that came or went is told by what is in it.
  const parents = new Set([...paths].map(parentOf));
  return [...paths].filter((path) => !(parents.has(path) && folders.has(path)));
}

function union<T>(a: Iterable<T> = [], b: Iterable<T> = []): Set<T> {
  return new Set([...a, ...b]);
}

function sameEntry(a: Entry | undefined, b: Entry | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && identity(a) === identity(b));
}

/** `/lib` may be a link to `usr/lib`. */
function seenPaths(name: string, triggers: readonly string[]): (path: string) => boolean {
  const prefixes = triggers
    .filter((trigger) => trigger.startsWith('/'))
    .flatMap((trigger) => [trigger.slice(1), `usr${trigger}`]);
  const rules = derivedBy(name.split(':')[0] ?? name);
  return (path) =>
    !rules.some(({ paths }) => paths.test(path)) &&
    (prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`)) ||
      rules.some(({ from }) => from?.test(path)));
}
