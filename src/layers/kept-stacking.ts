import { canonicalJson, digestOf, type Json } from '../store/digest.ts';
import type { Store } from '../store/layers.ts';
import type { TreePath } from '../store/manifest.ts';
import { planStacking, type Stackable, type Stacking } from './unpacked.ts';
import { type View, viewDigests } from './view.ts';

/** What a plan says beside the debs themselves; `of` is the digest of all that it was made from. */
type KeptStacking = {
  readonly of: string;
  readonly shared: readonly TreePath[];
  readonly byDpkg: readonly (readonly [name: string, reason: string])[];
};

/** Raised when `planStacking` would plan otherwise. */
const FORMAT = 1;

/**
 * The plan for debs on a view, as `planStacking` makes it: the one that was last kept under this name where it is of the same debs on the same
 * content. Whoever works at a scriptlet's do_run changes neither.
 */
export function recallStacking(store: Store, name: string, view: View, debs: readonly Stackable[]): Stacking {
  if (debs.length === 0) return planStacking(store, view, debs);
  const made = {
    format: FORMAT,
    view: viewDigests(view.layers),
    debs: debs.map((deb) => [deb.name, deb.row.key]),
  };
  const of = digestOf(canonicalJson(made as Json));
  const key = `stacking ${name}`;
  const kept = JSON.parse(store.results.get(key) ?? 'null') as KeptStacking | null;
  if (kept?.of === of) {
    const byDpkg = new Map(kept.byDpkg);
    const stacked = debs.filter((deb) => !byDpkg.has(deb.name)).map(({ row }) => row);
    return { stacked, shared: new Set(kept.shared), byDpkg };
  }
  const plan = planStacking(store, view, debs);
  const now: KeptStacking = { of, shared: [...plan.shared], byDpkg: [...plan.byDpkg] };
  store.results.set(key, JSON.stringify(now));
  return plan;
}
