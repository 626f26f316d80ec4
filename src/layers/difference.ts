import type { Entry, File, TreePath } from '../store/manifest.ts';

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

/** Whether two files of one size have the same content. */
type SameContent = (before: File, after: File) => boolean;

const bySameDigest: SameContent = (before, after) => before.digest === after.digest;

/** What is different at a path; undefined for nothing. For contents is asked where type and size are equal. */
export function differenceAt(
  path: TreePath,
  before: Entry | undefined,
  after: Entry | undefined,
  isSame = bySameDigest,
): Difference | undefined {
  if (before === undefined || after === undefined) {
    if (before === after) return undefined;
    return { path, modifier: before ? '-' : '+', aspects: NONE, before, after };
  }
  const aspects = aspectsOf(before, after, isSame);
  return aspects.length === 0 ? undefined : { path, modifier: modifierOf(aspects), aspects, before, after };
}

const NONE: readonly Aspect[] = [];

/** Of what is in both trees. */
export function modifierOf(aspects: readonly Aspect[]): Modifier {
  if (aspects.includes('type')) return 'T';
  return aspects.some((aspect) => CONTENT.has(aspect)) ? 'M' : 'U';
}

const CONTENT: ReadonlySet<Aspect> = new Set(['content', 'target', 'device']);

function aspectsOf(a: Entry, b: Entry, isSame: SameContent): Aspect[] {
  if (a.type !== b.type) return ['type'];
  const aspects: Aspect[] = contentAspects(a, b, isSame);
  // The kernel gives every symlink the same mode.
  if (a.mode !== b.mode && a.type !== 'symlink') aspects.push('mode');
  if (a.uid !== b.uid || a.gid !== b.gid) aspects.push('owner');
  if (a.xattrs !== b.xattrs) aspects.push('attributes');
  if (a.type === 'file' && a.link !== (b as typeof a).link) aspects.push('links');
  if (a.mtime !== b.mtime) aspects.push('time');
  return aspects;
}

/** Of two entries of one type. */
function contentAspects(a: Entry, b: Entry, isSame: SameContent): Aspect[] {
  if (a.type === 'file' && b.type === 'file') return a.size === b.size && isSame(a, b) ? [] : ['content'];
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
