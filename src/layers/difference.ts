import type { Entry, TreePath } from '../store/manifest.ts';

/** In what two entries of one path are not the same. */
export type Aspect =
  | 'type'
  | 'content'
  | 'target'
  | 'device'
  | 'mode'
  | 'owner'
  | 'attributes'
  | 'links'
  | 'time';

/** Added, removed, content, metadata, type. */
export type Modifier = '+' | '-' | 'M' | 'U' | 'T';

/** One path in which two trees differ. */
export type Difference = {
  readonly path: TreePath;
  readonly modifier: Modifier;
  /** None for what is in one of the trees only. */
  readonly aspects: readonly Aspect[];
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
};

/** What is different at a path; undefined for nothing. A digest is asked for where type and size are equal. */
export function differenceAt(
  path: TreePath,
  before: Entry | undefined,
  after: Entry | undefined,
): Difference | undefined {
  if (before === undefined || after === undefined) {
    if (before === after) return undefined;
    return { path, modifier: before ? '-' : '+', aspects: NONE, before, after };
  }
  const aspects = aspectsOf(before, after);
  return aspects.length === 0 ? undefined : { path, modifier: modifierOf(aspects), aspects, before, after };
}

const NONE: readonly Aspect[] = [];

function modifierOf(aspects: readonly Aspect[]): Modifier {
  if (aspects.includes('type')) return 'T';
  return aspects.some((aspect) => CONTENT.has(aspect)) ? 'M' : 'U';
}

const CONTENT: ReadonlySet<Aspect> = new Set(['content', 'target', 'device']);

function aspectsOf(a: Entry, b: Entry): Aspect[] {
  if (a.type !== b.type) return ['type'];
  const aspects: Aspect[] = contentAspects(a, b);
  // The kernel gives every symlink the same mode.
  if (a.mode !== b.mode && a.type !== 'symlink') aspects.push('mode');
  if (a.uid !== b.uid || a.gid !== b.gid) aspects.push('owner');
  if (a.xattrs !== b.xattrs) aspects.push('attributes');
  if (a.type === 'file' && a.link !== (b as typeof a).link) aspects.push('links');
  if (a.mtime !== b.mtime) aspects.push('time');
  return aspects;
}

/** Of two entries of one type. */
function contentAspects(a: Entry, b: Entry): Aspect[] {
  if (a.type === 'file' && b.type === 'file')
    return a.size === b.size && a.digest === b.digest ? [] : ['content'];
  if (a.type === 'symlink' && b.type === 'symlink') return a.target === b.target ? [] : ['target'];
  if ('major' in a && 'major' in b) return a.major === b.major && a.minor === b.minor ? [] : ['device'];
  return [];
}

/** The differences of two lists of entries in byte order. */
export function* differencesBetween(before: Iterable<Entry>, after: Iterable<Entry>): Generator<Difference> {
  for (const [path, was, is] of sideBySide(before, after, (entry) => entry.path)) {
    const difference = differenceAt(path, was, is);
    if (difference) yield difference;
  }
}

/** Two lists in byte order of their paths, a path at a time. */
export function* sideBySide<T>(
  before: Iterable<T>,
  after: Iterable<T>,
  pathOf: (one: T) => TreePath,
): Generator<[path: TreePath, was: T | undefined, is: T | undefined]> {
  const olds = before[Symbol.iterator]();
  const news = after[Symbol.iterator]();
  let [old, now] = [olds.next(), news.next()];
  while (!old.done || !now.done) {
    const [a, b] = [old.done ? undefined : pathOf(old.value), now.done ? undefined : pathOf(now.value)];
    const path = b === undefined || (a !== undefined && a <= b) ? a! : b;
    yield [path, a === path ? old.value : undefined, b === path ? now.value : undefined];
    if (a === path) old = olds.next();
    if (b === path) now = news.next();
  }
}

/** What an entry adds to the size of its tree: hard links count once. */
export function bytesOf(entry: Entry | undefined): number {
  return entry?.type === 'file' && entry.link === undefined ? entry.size : 0;
}

/**
 * Files that lie elsewhere now: by each path the other one. The content tells, where one file alone went and one alone came with it.
 */
export function movesAmong(differences: readonly Difference[]): Map<TreePath, TreePath> {
  const gone = Map.groupBy(
    differences.filter(({ before, after }) => !after && canMove(before)),
    sizeOf,
  );
  const moves = new Map<TreePath, TreePath>();
  if (gone.size === 0) return moves;
  const come = Map.groupBy(
    differences.filter(({ before, after }) => !before && canMove(after)),
    sizeOf,
  );
  for (const [size, left] of gone) {
    const others = come.get(size);
    if (others === undefined) continue;
    const [byContent, byContentNow] = [left, others].map((list) => Map.groupBy(list, contentOf));
    for (const [content, [one, another]] of byContent!) {
      const [other, more] = byContentNow!.get(content) ?? [];
      if (!one || !other || another || more) continue;
      moves.set(one.path, other.path).set(other.path, one.path);
    }
  }
  return moves;
}

function canMove(entry: Entry | undefined): boolean {
  return bytesOf(entry) > 0;
}

function sizeOf({ before, after }: Difference): number {
  return bytesOf(before ?? after);
}

function contentOf({ before, after }: Difference): string {
  const entry = before ?? after;
  return entry?.type === 'file' ? entry.digest : '';
}
