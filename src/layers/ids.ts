import type { Records } from '../debian/records.ts';
import type { GivenIds } from '../store/layers.ts';

/** The ids of users and groups that a conf has given away, name -> id. */
export type Ledger = { readonly uids: Map<string, number>; readonly gids: Map<string, number> };

/** The ids below this are given by Debian policy, the same on every system; those from `LAST` on mean nobody. */
const FIRST = 100;
const FIRST_PERSON = 1000;
const LAST = 65_533;

/** The names of a passwd or group file with their ids, in the file's order. */
export function idsOf(records: Records): Map<string, number> {
  const ids = new Map<string, number>();
  for (const [key, line] of records) if (!key.includes('\0')) ids.set(key, Number(line.split(':')[2]));
  return ids;
}

/** The names that are in `after` but not in `before`, with the ids that they were given. */
export function newNames(before: Records, after: Records): Map<string, number> {
  const known = idsOf(before);
  return new Map([...idsOf(after)].filter(([name, id]) => !known.has(name) && id >= FIRST && id < LAST));
}

/** Whether every name is in the ledger, so that its id is known without looking at any other layer. */
export function knows(
  ledger: Ledger,
  created: { uids: Map<string, number>; gids: Map<string, number> },
): boolean {
  return (
    [...created.uids.keys()].every((name) => ledger.uids.has(name)) &&
    [...created.gids.keys()].every((name) => ledger.gids.has(name))
  );
}

/**
 * Settles the ids of new names: the ledger's; for a name that it does not hold the id that the run gave, or the next free one of
 * the same kind (system or person) where that is taken. New ones are added to the ledger.
 */
export function giveIds(
  ledger: Map<string, number>,
  created: ReadonlyMap<string, number>,
): Record<string, number> {
  const given: Record<string, number> = {};
  for (const [name, wish] of created) {
    const id = ledger.get(name) ?? nextFree(new Set(ledger.values()), wish);
    ledger.set(name, id);
    given[name] = id;
  }
  return given;
}

function nextFree(taken: ReadonlySet<number>, wish: number): number {
  if (!taken.has(wish)) return wish;
  let id = wish < FIRST_PERSON ? FIRST : FIRST_PERSON;
  while (taken.has(id)) id++;
  return id;
}

/** The renumbering from the ids of the run to those given: only what moves. */
export function renumbering(
  created: ReadonlyMap<string, number>,
  given: Readonly<Record<string, number>>,
): Map<number, number> {
  const moves = new Map<number, number>();
  for (const [name, from] of created) {
    const to = given[name];
    if (to !== undefined && to !== from) moves.set(from, to);
  }
  return moves;
}

/** Whether a layer that gave these ids fits a ledger. */
export function fits(ledger: Ledger, ids: GivenIds): boolean {
  return fitsOne(ledger.uids, ids.uids) && fitsOne(ledger.gids, ids.gids);
}

function fitsOne(ledger: ReadonlyMap<string, number>, ids: Readonly<Record<string, number>>): boolean {
  const taken = new Map([...ledger].map(([name, id]) => [id, name]));
  return Object.entries(ids).every(
    ([name, id]) => (ledger.get(name) ?? id) === id && (taken.get(id) ?? name) === name,
  );
}

/** Adds the ids of a layer that fits to the ledger. */
export function adopt(ledger: Ledger, ids: GivenIds): void {
  for (const [name, id] of Object.entries(ids.uids)) ledger.uids.set(name, id);
  for (const [name, id] of Object.entries(ids.gids)) ledger.gids.set(name, id);
}
