import { isShareable, linkedPaths } from './content.ts';
import { type Entry, isEqual, type Manifest, type TreePath } from './manifest.ts';
import { differentEntries } from './sorted-manifest.ts';

/** Layers of one name in which a new one looks for its files: those of a few confs, or suites, that are built in turn. */
const KIN = 3;

type Layers = {
  manifestOf(n: number): Manifest;
  holderNamesOf(path: TreePath): Iterable<string>;
  /** The numbers of so many layers of a name, the newest first. */
  newestOf(name: string, most: number): readonly number[];
};

/**
 * Tells of a file of a new layer which other layer has the same one, to share its inode: the newest layers of the same name are asked, and the
 * newest of each other name that has something there.
 */
export function findAlike(
  store: Layers,
  manifest: Manifest,
  name: string,
): (entry: Entry) => number | undefined {
  const kin = store.newestOf(name, KIN).map((n) => {
    const other = [...differentEntries(store.manifestOf(n), manifest)].map(([path]) => path);
    return { n, other: new Set(other) };
  });
  const linkedIn = forEach((n: number) => linkedPaths(store.manifestOf(n)));
  const newestOf = forEach((one: string) => store.newestOf(one, 1)[0]);
  const hasAlike = (n: number, entry: Entry): boolean => {
    const there = store.manifestOf(n).get(entry.path);
    return there !== undefined && isEqual(there, entry) && isShareable(there, linkedIn(n));
  };
  return (entry) => {
    const own = kin.find(({ n, other }) => !other.has(entry.path) && !linkedIn(n).has(entry.path));
    if (own) return own.n;
    for (const one of store.holderNamesOf(entry.path)) {
      const n = one === name ? undefined : newestOf(one);
      if (n !== undefined && hasAlike(n, entry)) return n;
    }
    return undefined;
  };
}

/** Worked out once for each value that is asked for. */
function forEach<K, V>(work: (key: K) => V): (key: K) => V {
  const made = new Map<K, { readonly value: V }>();
  return (key) => {
    const there = made.get(key) ?? { value: work(key) };
    made.set(key, there);
    return there.value;
  };
}
