import { canonicalJson, type Digest, digestOf } from '../store/digest.ts';
import type { LayerRow, Store } from '../store/layers.ts';
import type { Entry, File, TreePath } from '../store/manifest.ts';
import { at } from '../store/tree.ts';
import { globMatcher } from './globs.ts';
import { keepLayers } from './kept-view.ts';
import { once } from './once.ts';
import { type Placed, recordBytes, type View } from './view.ts';

/** What an image holds, and where the content of each file comes from. Everything is worked out when it is asked for. */
export type ImagePlan = {
  readonly view: View;
  readonly excludes: readonly string[];
  readonly epoch: number;
  /** Of all that decides the image: equal digests are equal images. */
  readonly digest: Digest;
  /** The database files, which lie in no layer. */
  readonly records: ReadonlyMap<TreePath, Entry>;
  at(path: TreePath): Entry | undefined;
  partAt(path: TreePath): Part | undefined;
  /** Everything in byte order. */
  parts(): Iterable<Part>;
  /** The entries alone. */
  entries(): Iterable<Entry>;
  /** The hard links that a path is one of. */
  linksAt(path: TreePath): readonly TreePath[];
  /** The tree of the layer that a part comes from; of no meaning for a database file. */
  treeOf(part: Part): string;
  /** The file of a layer that a part is made from. */
  sourceOf(part: Part): Buffer;
  /** Content of a database file; undefined for any other. */
  recordAt(path: TreePath): Buffer | undefined;
};

/** One path of an image. */
export type Part = {
  readonly entry: Entry;
  /** Position of the layer that it comes from; of no meaning for a database file. */
  readonly layer: number;
  /**
   * Whether it is a file or a symlink that people change in place, or programs do: never linked, so that such an edit cannot reach the
   * store. Of hard links all are, if one is.
   */
  readonly isCopied: boolean;
};

/** What planning reads of a store. */
export type PlanContents = Pick<Store, 'manifestOf' | 'treeOf' | 'results'>;

const FORMAT = 2;

/**
 * A view as an image: record files written out, and what `excludes` name left out. `records` are the entries of the record files
 * where they are known already, their content then is not.
 */
export function planImage(
  store: PlanContents,
  view: View,
  excludes: readonly string[],
  epoch: number,
  records?: ReadonlyMap<TreePath, Entry>,
): ImagePlan {
  const isExcluded = globMatcher(excludes);
  const placedAt = (path: TreePath): Placed | undefined => (isExcluded(path) ? undefined : view.at(path));
  const linksIn = (layer: number): Links => linksOf(store, view.layers[layer]!.row);
  const recordEntries = once(() => records ?? recordFiles(view, isExcluded, epoch));
  const groupOf = (placed: Placed | undefined): readonly TreePath[] => {
    if (placed?.entry.type !== 'file') return [];
    const root = rootOf(placed.entry);
    const members = linksIn(placed.layer).get(root);
    if (members === undefined) return [];
    return members.filter((path) => isOf(root, placed.layer, placedAt(path)));
  };
  const partOf = (placed: Placed): Part => {
    const { entry, layer } = placed;
    if (entry.type === 'symlink') return { entry, layer, isCopied: isOwn(entry.path) };
    if (entry.type !== 'file') return { entry, layer, isCopied: false };
    const group = groupOf(placed);
    const link = group[0] === entry.path ? undefined : group[0];
    const isCopied = entry.size === 0 || isOwn(entry.path) || group.some(isOwn);
    return { entry: link === entry.link ? entry : { ...entry, link }, layer, isCopied };
  };
  const recordPart = (entry: Entry): Part => ({ entry, layer: 0, isCopied: true });
  const trees: string[] = [];
  const digest = once(() => planDigest(view, excludes, epoch));
  const plan: ImagePlan = {
    view,
    excludes,
    epoch,
    get digest() {
      return digest();
    },
    get records() {
      return recordEntries();
    },
    at: (path) => plan.partAt(path)?.entry,
    partAt(path) {
      const record = recordEntries().get(path);
      const placed = record ? undefined : placedAt(path);
      return record ? recordPart(record) : placed && partOf(placed);
    },
    *parts() {
      const records = [...recordEntries().values()];
      let next = records.shift();
      for (const placed of view.entries()) {
        for (; next && next.path < placed.entry.path; next = records.shift()) yield recordPart(next);
        if (!isExcluded(placed.entry.path)) yield partOf(placed);
      }
      for (; next; next = records.shift()) yield recordPart(next);
    },
    *entries() {
      for (const { entry } of plan.parts()) yield entry;
    },
    linksAt: (path) => groupOf(placedAt(path)),
    treeOf({ layer }) {
      trees[layer] ??= store.treeOf(view.layers[layer]!.row.n);
      return trees[layer];
    },
    sourceOf: (part) => at(plan.treeOf(part), part.entry.path),
    recordAt: (path) => {
      const file = recordEntries().has(path) ? view.records.get(path) : undefined;
      return file && recordBytes(path, file);
    },
  };
  return plan;
}

/** The same image, of which no file is linked to one of the store. */
export function asCopies(plan: ImagePlan): ImagePlan {
  const copied = (part: Part): Part => ({ ...part, isCopied: true });
  const partAt = (path: TreePath): Part | undefined => {
    const part = plan.partAt(path);
    return part && copied(part);
  };
  function* parts(): Generator<Part> {
    for (const part of plan.parts()) yield copied(part);
  }
  return Object.create(plan, { partAt: { value: partAt }, parts: { value: parts } }) as ImagePlan;
}

/** The name of the layer that a part is of; undefined for a database file, to which several add. */
export function layerOf(plan: ImagePlan, part: Part | undefined): string | undefined {
  if (part === undefined || plan.records.has(part.entry.path)) return undefined;
  return plan.view.layers[part.layer]?.name;
}

function planDigest(view: View, excludes: readonly string[], epoch: number): Digest {
  const layers = keepLayers(view.layers).map(([, , sees], index) => [view.layers[index]!.row.digest, sees]);
  return digestOf(canonicalJson([FORMAT, epoch, excludes, layers]));
}

function isOwn(path: TreePath): boolean {
  return path.startsWith('etc/') || path.startsWith('var/');
}

function rootOf(entry: File): TreePath {
  return entry.link ?? entry.path;
}

/** Whether a path shows what a layer left there as one of the hard links of `root`. */
function isOf(root: TreePath, layer: number, placed: Placed | undefined): boolean {
  return placed?.layer === layer && placed.entry.type === 'file' && rootOf(placed.entry) === root;
}

function recordFiles(
  view: View,
  isExcluded: (path: TreePath) => boolean,
  epoch: number,
): Map<TreePath, Entry> {
  const entries = new Map<TreePath, Entry>();
  for (const [name, file] of [...view.records].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const path = name as TreePath;
    if (isExcluded(path)) continue;
    const content = recordBytes(path, file);
    const { mode, uid, gid } = file;
    const size = content.length;
    const metadata = { path, mode, uid, gid, mtime: epoch, xattrs: '', link: undefined };
    entries.set(path, { ...metadata, type: 'file', size, digest: digestOf(content) });
  }
  return entries;
}

type Links = ReadonlyMap<TreePath, readonly TreePath[]>;

const known = new WeakMap<PlanContents, Map<string, Links>>();

/** The hard links of a layer: all their paths in byte order, by the first. A layer is looked through for them once. */
function linksOf(store: PlanContents, { n, digest }: LayerRow): Links {
  const links = known.get(store) ?? new Map<string, Links>();
  known.set(store, links);
  const own = links.get(digest) ?? recallLinks(store, n, digest);
  links.set(digest, own);
  return own;
}

function recallLinks(store: PlanContents, n: number, digest: Digest): Links {
  const text = store.results.get(`links ${digest}`);
  if (text !== undefined) return ordered(JSON.parse(text) as [TreePath, TreePath[]][]);
  const links = new Map<TreePath, TreePath[]>();
  for (const entry of store.manifestOf(n).values()) {
    if (entry.type !== 'file' || entry.link === undefined) continue;
    links.set(entry.link, [...(links.get(entry.link) ?? [entry.link]), entry.path]);
  }
  store.results.set(`links ${digest}`, JSON.stringify([...links]));
  return ordered(links);
}

/** In layers of old the first one may be the one that a walk met first: of `a/b` and `a-` the first. */
function ordered(links: Iterable<[TreePath, TreePath[]]>): Links {
  return new Map([...links].map(([root, paths]) => [root, paths.toSorted()]));
}
