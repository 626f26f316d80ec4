import { matchesGlob } from 'node:path';
import { parentOf, type TreePath } from '../store/manifest.ts';

/** What one part of a glob takes: a name between two slashes. */
type Part = (name: string) => boolean;

/** The parts of a glob that are left below a folder; at least one. */
type Rest = { readonly parts: readonly Part[]; readonly from: number };

/** What can match below a folder; undefined where all is left out. */
type Below = readonly Rest[] | undefined;

/**
 * Whether globs, in the bytes of paths, name a path, as `exclude_path` does; what lies below a path that they name is named too. Matches as
 * `matchesGlob` of node:path does, which reads the pattern again each time and costs an image of many paths seconds.
 */
export function globMatcher(globs: readonly string[]): (path: TreePath) => boolean {
  const patterns = globs.map((glob) => glob.replace(/^\/+/, '').replace(/\/+$/, ''));
  if (patterns.length === 0) return () => false;
  const simple = patterns.filter(isSimple);
  const others = patterns.filter((pattern) => !isSimple(pattern));
  const memo = new Map<string, Part>();
  const top: Below = simple.map((pattern) => ({
    parts: pattern.split('/').map((part) => partOf(part, memo)),
    from: 0,
  }));
  const folders = new Map<TreePath, Below>([['' as TreePath, top]]);

  const exact = new Set(patterns);
  const isWhole = (path: TreePath): boolean =>
    exact.has(path) || others.some((pattern) => matchesGlob(path, pattern));
  const below = (folder: TreePath): Below => {
    if (folders.has(folder)) return folders.get(folder);
    const left = below(parentOf(folder));
    const rests = left && advance(left, nameOf(folder), () => isWhole(folder));
    folders.set(folder, rests);
    return rests;
  };
  return (path) => {
    if (path === '') return false;
    const left = below(parentOf(path));
    return left === undefined || left.some((rest) => ends(rest, nameOf(path))) || isWhole(path);
  };
}

function advance(left: readonly Rest[], name: string, isWhole: () => boolean): Below {
  if (left.some((rest) => ends(rest, name)) || isWhole()) return undefined;
  return left.flatMap(({ parts, from }) =>
    from + 1 < parts.length && parts[from]!(name) ? [{ parts, from: from + 1 }] : [],
  );
}

function ends({ parts, from }: Rest, name: string): boolean {
  return from + 1 === parts.length && parts[from]!(name);
}

function nameOf(path: TreePath): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Whether each part of a glob stands for one name, whatever the others are: no braces, no `**`, nothing that Node rewrites first. */
function isSimple(pattern: string): boolean {
  return pattern !== '' && !/[\\{}()]|\*\*|(^|\/)\.{0,2}(\/|$)/.test(pattern);
}

function partOf(part: string, memo: Map<string, Part>): Part {
  const known = memo.get(part);
  if (known) return known;
  const made = /[*?[\]!+@]/.test(part) ? remembered(part) : (name: string) => name === part;
  memo.set(part, made);
  return made;
}

/** Names recur in thousands of folders. */
function remembered(part: string): Part {
  const answers = new Map<string, boolean>();
  return (name) => {
    const before = answers.get(name);
    if (before !== undefined) return before;
    const answer = matchesGlob(name, part);
    if (answers.size < NAMES) answers.set(name, answer);
    return answer;
  };
}

const NAMES = 10_000;
