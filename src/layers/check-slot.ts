import { existsSync, lstatSync } from 'node:fs';
import { checkTree, type Fault } from '../store/check-tree.ts';
import type { Store } from '../store/layers.ts';
import type { Entry } from '../store/manifest.ts';
import { planOfSlot } from './image.ts';
import type { ImagePlan, Part } from './plan.ts';

/** What was found of a slot; without a plan nobody knows what should lie in it. */
export type SlotReport = { readonly plan: ImagePlan | undefined; readonly faults: readonly Fault[] };

/**
 * Compares what lies in a slot with the plan that it was made by; with `deep` also the content of the files that are none of a layer's
 * own. Undefined: nothing lies there. The caller holds the conf's image for itself.
 */
export function checkSlot(store: Store, slot: string, deep: boolean): SlotReport | undefined {
  if (!existsSync(slot)) return undefined;
  const plan = planOfSlot(store, slot);
  if (!plan) return { plan, faults: [] };
  let part: Part | undefined;
  const entries = function* (): Generator<Entry> {
    for (part of plan.parts()) yield part.entry;
  };
  const isLayersOwn = (inode: string): boolean => {
    if (part === undefined || plan.records.has(part.entry.path)) return false;
    const source = lstatSync(plan.sourceOf(part), { throwIfNoEntry: false });
    return source !== undefined && `${source.dev}:${source.ino}` === inode;
  };
  const faults = checkTree(slot, entries(), {
    reads: (_, stat) => deep && !isLayersOwn(`${stat.dev}:${stat.ino}`),
  });
  return { plan, faults };
}
