import { treePath } from '../debian/deb-paths.ts';
import type { RecordPatches } from '../store/layers.ts';
import type { Manifest, TreePath } from '../store/manifest.ts';
import type { Sees } from './merge.ts';

/** The databases by which dpkg puts a path elsewhere, or gives it another owner. */
const FILES = ['var/lib/dpkg/diversions', 'var/lib/dpkg/statoverride'];

/**
 * What one layer brings where another one, side by side with it, diverts or overrides: had one of them seen the other, dpkg would have done it
 * otherwise. `layers[0]` is the base, which all see.
 */
export function displaced(
  store: { manifestOf(n: number): Manifest; recordsOf(n: number): RecordPatches },
  layers: readonly { readonly row: { readonly n: number } }[],
  sees: Sees,
): { readonly earlier: number; readonly later: number; readonly path: TreePath }[] {
  const rules = layers.map(({ row }) => rulesOf(store.recordsOf(row.n)));
  return rules.flatMap((paths, ruler) => {
    if (ruler === 0) return [];
    return [...paths].flatMap((path) =>
      layers.flatMap(({ row }, other) => {
        if (other === 0 || other === ruler || sees(other, ruler) || sees(ruler, other)) return [];
        if (rules[other]!.has(path) || !bringsFile(store.manifestOf(row.n), path)) return [];
        return [{ earlier: Math.min(ruler, other), later: Math.max(ruler, other), path }];
      }),
    );
  });
}

/** All that layers above the base divert or override. */
export function ruledPaths(
  store: { recordsOf(n: number): RecordPatches },
  layers: readonly { readonly row: { readonly n: number } }[],
): TreePath[] {
  return layers.slice(1).flatMap(({ row }) => [...rulesOf(store.recordsOf(row.n))]);
}

/** The paths that a layer diverts or overrides. */
function rulesOf(records: RecordPatches): Set<TreePath> {
  const added = FILES.flatMap((file) => records[file] ?? []).filter(([, value]) => value !== null);
  return new Set(added.flatMap(([key]) => (key.startsWith('/') ? [treePath(key.slice(1))] : [])));
}

function bringsFile(manifest: Manifest, path: TreePath): boolean {
  const type = manifest.get(path)?.type;
  return type !== undefined && type !== 'dir' && type !== 'whiteout';
}
