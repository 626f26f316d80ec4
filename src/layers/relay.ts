import { SnapError } from '../host/error.ts';
import { canonicalJson, digestOf, type Json } from '../store/digest.ts';
import type { LayerKey, LayerRow } from '../store/layers.ts';
import type { Ledger } from './ids.ts';
import { makeSlots, type Slots } from './slots.ts';

/** A layer that is under way. */
export type Run = {
  readonly key: LayerKey;
  /** What decided it when it began, see `wantsOf`. */
  readonly want: string | undefined;
  readonly reason: string;
  /** Milliseconds of performance.now(). */
  readonly began: number;
  /** Ends its processes at once. */
  readonly stop: AbortController;
  /** Undefined: its view is in conflict. Settled once no process, mount or work folder of it is left. */
  readonly done: Promise<LayerRow | undefined>;
};

/** What builds that take each other's place share: one stops in the middle, and the next goes on with the layers that still count. */
export type Shared = {
  readonly slots: Slots;
  /** By name. */
  readonly runs: Map<string, Run>;
  /** Holds the ids that layers under way were given. */
  ledger: Ledger | undefined;
};

/** One build's part in it. */
export type Relay = {
  readonly shared: Shared;
  /** May be other ones once the build has learned an order. */
  readonly wants: () => Wants;
  /** Aborted once this build may begin nothing more. */
  readonly halt: AbortSignal;
  /** Rejects then. */
  readonly halted: Promise<never>;
};

/** By name of a layer a digest of all that decides it, as far as it is known before anything runs. */
export type Wants = ReadonlyMap<string, string>;

export function shareRuns(jobs: number): Shared {
  return { slots: makeSlots(jobs), runs: new Map(), ledger: undefined };
}

/** A build that takes over what is under way; without a signal nothing but its end stops it. */
export function joinRuns(
  shared: Shared,
  wants: () => Wants = () => new Map(),
  halt = new AbortController().signal,
): Relay {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {}); // nobody may be waiting
  halt.addEventListener('abort', () => reject(halt.reason), { once: true });
  return { shared, wants, halt, halted: promise };
}

/** Why a build that is halted ends. */
export function haltedError(): SnapError {
  return new SnapError('INTERRUPTED', 'Stopped, since what it builds has changed');
}

const BASE = 'base';
const SETTLE = 'settle/';

/**
 * What decides each layer: its own declarations and data, and those of all that it sees. `own` holds the base too. What settle
 * does depends on everything.
 */
export function wantsOf(
  own: ReadonlyMap<string, Json>,
  sees: ReadonlyMap<string, ReadonlySet<string>>,
): Wants {
  const digests = new Map([...own].map(([name, value]) => [name, digestOf(canonicalJson(value))]));
  const below = (name: string): readonly string[] => (name === BASE ? [] : [BASE, ...(sees.get(name) ?? [])]);
  const want = (names: readonly string[]): string =>
    digestOf(canonicalJson(names.map((name) => [name, digests.get(name) ?? ''])));
  return new Map([
    ...[...own.keys()].map((name) => [name, want([...below(name).toSorted(), name])] as const),
    [SETTLE, want([...own.keys()].toSorted())],
  ]);
}

export function wantFor(wants: Wants, name: string): string | undefined {
  return wants.get(name.startsWith(SETTLE) ? SETTLE : name);
}

/** The names of the layers under way that nobody wants any more as they are. */
export function obsolete(
  runs: Iterable<readonly [name: string, run: Pick<Run, 'want'>]>,
  wants: Wants,
): string[] {
  return [...runs].filter(([name, { want }]) => want !== wantFor(wants, name)).map(([name]) => name);
}

/** Stops layers, and returns once nothing of them is left. */
export async function stopRuns({ runs }: Shared, names: Iterable<string>): Promise<void> {
  const stopped = [...names].flatMap((name) => runs.get(name) ?? []);
  for (const { stop } of stopped) stop.abort(haltedError());
  await Promise.allSettled(stopped.map(({ done }) => done));
}
