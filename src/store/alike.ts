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
 * newest of each other name that has something there. One whose manifest is damaged is passed over.
 */
export function findAlike(
  store: Layers,
  manifest: Manifest,
  name: string,
): (entry: Entry) => number | undefined {
  const kin = store.newestOf(name, KIN).flatMap((n): { n: number; other: ReadonlySet<string> }[] => {
    const whole = unlessDamaged(() => {
      const there = store.manifestOf(n);
      const different = [...differentEntries(there, manifest)].map(([path]) => path);
      return new Set<string>([...different, ...linkedPaths(there)]);
    });
    return whole ? [{ n, other: whole }] : [];
  });
  const known = new Map<string, Newest | undefined>();
  const newestOf = (one: string): Newest | undefined => {
    if (!known.has(one)) known.set(one, findNewest(store, one));
    return known.get(one);
  };
  return (entry) => {
    const own = kin.find(({ other }) => !other.has(entry.path));
    if (own) return own.n;
    for (const one of store.holderNamesOf(entry.path)) {
      const newest = one === name ? undefined : newestOf(one);
      const there = newest && store.manifestOf(newest.n).get(entry.path);
      if (there && isEqual(there, entry) && isShareable(there, newest.linked)) return newest.n;
    }
    return undefined;
  };
}

/** A layer, and its files that are hard links. */
type Newest = { readonly n: number; readonly linked: ReadonlySet<string> };

function findNewest(store: Layers, name: string): Newest | undefined {
  const [n] = store.newestOf(name, 1);
  const linked = n === undefined ? undefined : unlessDamaged(() => linkedPaths(store.manifestOf(n)));
  return n !== undefined && linked ? { n, linked } : undefined;
}

/** Whatever the reason, `snap verify` tells it: nothing is shared then. */
function unlessDamaged<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}
