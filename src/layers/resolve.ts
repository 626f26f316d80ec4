import { type Entry, identity, parentOf, type TreePath } from '../store/manifest.ts';
import { type Change, mergeChanges, type Sees } from './merge.ts';

export type Placed = { readonly entry: Entry; readonly layer: number };

/** What lies at one path of a view. */
export type Spot = {
  /** Undefined for nothing; a whiteout is nothing that a layer said. */
  readonly placed: Placed | undefined;
  /** Whether an overlay of the layers in order might show something else. */
  readonly corrected: boolean;
  /** The layers that left no folder here while there is one in another: what lay beneath for them is gone. */
  readonly replacing: readonly number[];
  /** The layers side by side that left different things here. */
  readonly conflict: readonly [earlier: number, later: number] | undefined;
};

export const NOTHING: Spot = { placed: undefined, corrected: false, replacing: [], conflict: undefined };

export function sameEntry(a: Entry, b: Entry): boolean {
  return a === b || identity(a) === identity(b);
}

/**
 * What layers left at a path, merged. `changes` holds the base's entry too, as layer 0, in the order of the view; `spotAt` tells what
 * lies at the folders above; without it none of them was replaced.
 */
export function resolveSpot(
  path: TreePath,
  changes: readonly Change<Entry>[],
  sees: Sees,
  spotAt: ((path: TreePath) => Spot) | undefined,
): Spot {
  const spot = mergeSpot(changes, sees);
  return spot === NOTHING || !spotAt ? spot : beneathReplaced(path, spot, sees, spotAt);
}

function mergeSpot(changes: readonly Change<Entry>[], sees: Sees): Spot {
  const [first] = changes;
  if (first === undefined) return NOTHING;
  if (changes.length === 1) {
    return { ...NOTHING, placed: { entry: first.value, layer: first.layer } };
  }
  const below = first.layer === 0 ? first.value : undefined;
  const own = below ? changes.slice(1) : changes;
  const mixed = changes.some(({ value }) => value.type === 'dir');
  const replacing = mixed ? own.filter(({ value }) => value.type !== 'dir').map(({ layer }) => layer) : [];
  const result = mergeChanges(changes, sees, sameEntry);
  if (result.kind === 'conflict') {
    const { value: entry, layer } = own.at(-1)!;
    const conflict = [result.earlier, result.later] as const;
    return { placed: { entry, layer }, corrected: false, replacing, conflict };
  }
  const { value: entry, layer } = result.winner;
  const hidden = !sameEntry(entry, result.top.value);
  const repainted = entry.type === 'dir' && below?.type === 'dir';
  const renewed = entry.type === 'dir' && own.some(({ value }) => !sameEntry(value, entry));
  return {
    placed: { entry, layer },
    corrected: hidden || repainted || renewed,
    replacing,
    conflict: undefined,
  };
}

/** What a layer left beneath a folder that another one replaced is gone, or in conflict with that. */
function beneathReplaced(path: TreePath, spot: Spot, sees: Sees, spotAt: (path: TreePath) => Spot): Spot {
  const { placed } = spot;
  if (path === '' || placed === undefined) return spot;
  let gone = false;
  let conflict = spot.conflict;
  for (let above = parentOf(path); above !== ''; above = parentOf(above)) {
    for (const by of spotAt(above).replacing) {
      if (by === placed.layer || sees(placed.layer, by)) continue;
      gone = true;
      if (sees(by, placed.layer) || placed.entry.type === 'whiteout') continue;
      conflict ??= [Math.min(by, placed.layer), Math.max(by, placed.layer)];
    }
  }
  return gone ? { ...spot, placed: undefined, corrected: false, conflict } : spot;
}
