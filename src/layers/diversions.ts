import type { RecordPatches } from '../store/layers.ts';
import type { SeenLayer } from './origin.ts';
import type { Claim } from './owner.ts';

/** A path that dpkg puts elsewhere for all packages but one, which has another file there. */
export type Diversion = {
  /** As dpkg wrote them down, without leading slash. */
  readonly from: string;
  readonly to: string;
  /** Undefined: one that a person made, for all packages. */
  readonly by: string | undefined;
};

const FILE = 'var/lib/dpkg/diversions';

/** The diversions that hold after these layers, in the order of the view. */
export function diversionsOf(
  contents: { recordsOf(n: number): RecordPatches },
  layers: readonly SeenLayer[],
): Diversion[] {
  const records = new Map<string, string | null>();
  for (const { row } of layers)
    for (const [key, value] of contents.recordsOf(row.n)[FILE] ?? []) records.set(key, value);
  return [...records.values()].flatMap((record): Diversion[] => {
    const [from, to, by] = record?.split('\n') ?? [];
    if (!from?.startsWith('/') || !to?.startsWith('/')) return [];
    return [{ from: from.slice(1), to: to.slice(1), by: by === ':' ? undefined : by }];
  });
}

/** Of whose archives a path may be, and under which names. `namesOf` tells the names that a path has in archives. */
export function claimOn(
  path: string,
  diversions: readonly Diversion[],
  namesOf: (path: string) => readonly string[],
): Claim & { readonly diversion?: Diversion } {
  const names = namesOf(path);
  const arrived = diversions.find(({ to }) => names.includes(to));
  if (arrived)
    return { names: namesOf(arrived.from), mayHold: (name) => name !== arrived.by, diversion: arrived };
  const left = diversions.find(({ from }) => names.includes(from));
  return left
    ? { names, mayHold: (name) => name === left.by, diversion: left }
    : { names, mayHold: () => true };
}
