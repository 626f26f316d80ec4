/**
 * Merging changes that layers made apart. A layer is given with the layers that it saw when it ran, so that a change on top of
 * another is told from two changes side by side. Pure: what a key stands for (a path, a record) is the caller's.
 */
export type Change<V> = {
  /** Position of the layer in the order of the view. */
  readonly layer: number;
  readonly value: V;
};

export type Sees = (layer: number, other: number) => boolean;

export type Merged<V> =
  /** `top` is the last layer in the order that changed the key; where it is not the winner, an overlay would show it instead. */
  | { readonly kind: 'settled'; readonly winner: Change<V>; readonly top: Change<V> }
  | { readonly kind: 'conflict'; readonly earlier: number; readonly later: number };

/**
 * What a key is after several layers changed it, `changes` being in the order of the view and `sees` transitive.
 *
 * A change gives way to every change that saw it. Of those left over, one wins if each other either equals it or equals what the
 * winner found there: then only the winner changed anything. This is diff3's rule for one value. All else is a conflict.
 */
export function mergeChanges<V>(
  changes: readonly Change<V>[],
  sees: Sees,
  same: (a: V, b: V) => boolean,
): Merged<V> {
  const top = changes.at(-1);
  if (top === undefined) throw new Error('A merge of no change');
  if (changes.length === 1) return { kind: 'settled', winner: top, top };
  const last = changes.filter(
    (change) => !changes.some((other) => other !== change && sees(other.layer, change.layer)),
  );
  const wins = (candidate: Change<V>): boolean => {
    const unequal = last.filter((other) => !same(other.value, candidate.value));
    if (unequal.length === 0) return true;
    const found = foundBy(candidate, changes, sees, same);
    return found !== undefined && unequal.every((other) => same(other.value, found.value));
  };
  const winners = last.filter(wins);
  const winner = winners.at(-1);
  if (winner !== undefined && winners.every((other) => same(other.value, winner.value))) {
    return { kind: 'settled', winner, top };
  }
  return conflictOf(last, same);
}

/** What the layer of a change found at its key: the change that won in its own view. */
function foundBy<V>(
  change: Change<V>,
  changes: readonly Change<V>[],
  sees: Sees,
  same: (a: V, b: V) => boolean,
): Change<V> | undefined {
  const below = changes.filter((other) => sees(change.layer, other.layer));
  if (below.length === 0) return undefined;
  const merged = mergeChanges(below, sees, same);
  return merged.kind === 'settled' ? merged.winner : undefined;
}

/** The first pair, in the order of the view, whose values differ. */
function conflictOf<V>(last: readonly Change<V>[], same: (a: V, b: V) => boolean): Merged<V> {
  for (const later of last) {
    for (const earlier of last) {
      if (earlier.layer >= later.layer) break;
      if (!same(earlier.value, later.value)) {
        return { kind: 'conflict', earlier: earlier.layer, later: later.layer };
      }
    }
  }
  throw new Error('A conflict between equal changes');
}
