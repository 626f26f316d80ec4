import { join } from 'node:path';
import { type Lock, uncovered } from '../debian/lock.ts';
import type { Conf } from '../project/conf.ts';
import { ofClosure } from '../project/kernel.ts';
import { wantsOf } from '../project/scriptlet.ts';
import type { Store } from '../store/layers.ts';
import { checkpointName } from '../store/layout.ts';
import { sparedSeconds } from './checkpoint.ts';
import type { Ledger } from './ids.ts';
import { baseInputs, type Inputs, keyOf } from './key.ts';
import { layerInputs, type MakerOf } from './maker.ts';
import { type Reason, reasonOf, wordsOf } from './reason.ts';
import { findLayer, findScriptletLayer } from './round.ts';
import { type Sequence, waitsFor } from './sequence.ts';
import { settlements } from './settle.ts';
import { traceOf } from './standing.ts';
import { mergeView, type ViewLayer } from './view.ts';

export type PlannedLayer = {
  readonly name: string;
  /** unknown: it sees a layer that will run, and whether that comes out the same nobody knows yet. */
  readonly state: 'hit' | 'run' | 'unknown';
  /** In words; empty where there is nothing to say. */
  readonly reason: string;
  /** The same as a value. */
  readonly why?: Reason;
  /** What it took the last time; of one that will run less what it need not do again, as its packages are kept as they were configured. */
  readonly seconds?: number;
  /** Of an unknown one: it is known what its last run looked for, and it will run only if that changes. */
  readonly noted?: true;
  readonly key?: string;
  /** Of a hit: its number in the store. */
  readonly layer?: number;
  /** The layers that it waits for, in the order of the view. */
  readonly sees: readonly string[];
};

type Bench = {
  readonly store: Store;
  readonly conf: Conf;
  readonly lock: Lock;
  readonly ledger: Ledger;
  readonly rerun: ReadonlySet<string>;
  readonly makerOf: MakerOf;
};

/** What a build would do with each layer, without running any. */
export function forecast(bench: Bench, sequence: Sequence): PlannedLayer[] {
  const { store, lock, conf } = bench;
  const planned: PlannedLayer[] = [];
  const there = new Map<string, ViewLayer>();
  store.lookAhead(conf.name);
  const add = (
    name: string,
    inputs: Inputs,
    view: readonly ViewLayer[],
    sees: ReadonlySet<string>,
    find = () => findLayer(bench, inputs),
  ): void => {
    const row = bench.rerun.has(name) ? undefined : find();
    if (row) there.set(name, { name, row, sees });
    const common = { name, key: keyOf(inputs), sees: view.map((layer) => layer.name) };
    if (row) {
      const why: Reason | undefined = inputs.network === true ? { kind: 'impure' } : undefined;
      planned.push({ ...common, state: 'hit', ...told(why), seconds: row.seconds, layer: row.n });
    } else {
      const why: Reason = bench.rerun.has(name)
        ? { kind: 'asked' }
        : reasonOf(store, conf.name, name, inputs, view);
      planned.push({ ...common, state: 'run', ...told(why), ...willTake(bench, name, inputs) });
    }
  };
  add('base', baseInputs(lock, conf), [], new Set());
  const open = new Set(openIn(lock, sequence));
  for (const scriptlet of sequence.scriptlets) {
    const { name } = scriptlet;
    const sees = sequence.sees.get(name) ?? new Set<string>();
    const below = waitsFor(sequence, name);
    const missing = ['base', ...below].find((other) => !there.has(other));
    if (open.has(name) || missing !== undefined) {
      planned.push({
        name,
        ...(open.has(name)
          ? { state: 'run', ...told({ kind: 'uncovered' }) }
          : { state: 'unknown', ...told({ kind: 'below', layer: missing! }), ...isNoted(bench, name) }),
        ...lastTook(bench, name),
        sees: ['base', ...below],
      });
    } else {
      const known = { base: there.get('base')!, layers: there };
      const { inputs, layers: view } = layerInputs(bench, sequence, scriptlet, known);
      const find = () => findScriptletLayer(bench, scriptlet, inputs, () => mergeView(store, view));
      add(name, inputs, view, sees, find);
    }
  }
  const first = planned.find(({ state }) => state !== 'hit');
  if (first) {
    const sees = planned.map(({ name }) => name);
    return [
      ...planned,
      { name: 'settle', state: 'unknown', ...told({ kind: 'below', layer: first.name }), sees },
    ];
  }
  const buildOnly = new Set(sequence.scriptlets.flatMap((one) => (one.buildOnly ? [one.name] : [])));
  const view = mergeView(
    store,
    [...there.values()].filter(({ name }) => !buildOnly.has(name)),
  );
  for (const settlement of settlements(store, view, lock)) {
    add(`settle/${settlement.package}`, { ...settlement.inputs, after: [] }, view.layers, new Set());
  }
  return planned;
}

/** The same where there is no lock yet: everything runs. */
export function unlocked(bench: Pick<Bench, 'store' | 'conf'>, sequence: Sequence): PlannedLayer[] {
  const all = [
    { name: 'base', sees: [] },
    ...sequence.scriptlets.map(({ name }) => ({ name, sees: ['base', ...(sequence.sees.get(name) ?? [])] })),
  ];
  return all.map((layer) => ({
    ...layer,
    state: 'run',
    ...told({ kind: 'no-lock' }),
    ...lastTook(bench, layer.name),
  }));
}

function told(why: Reason | undefined): Pick<PlannedLayer, 'reason' | 'why'> {
  return why ? { reason: wordsOf(why), why } : { reason: '' };
}

function openIn(lock: Lock, sequence: Sequence): string[] {
  return uncovered(lock, wantsOf(sequence.scriptlets)).map(({ name }) => ofClosure(name));
}

function isNoted({ store, conf, rerun }: Bench, name: string): { noted?: true } {
  const last = rerun.has(name) ? undefined : store.lastOf(name, conf.name);
  return last && traceOf(store, last.n) !== undefined ? { noted: true } : {};
}

function willTake(bench: Bench, name: string, inputs: Inputs): { seconds?: number } {
  const { seconds } = lastTook(bench, name);
  if (seconds === undefined || bench.rerun.has(name)) return lastTook(bench, name);
  const { store, conf } = bench;
  const kept = join(store.layout.checkpoints, checkpointName(conf.name, name));
  return { seconds: Math.max(0, seconds - sparedSeconds(kept, inputs)) };
}

function lastTook({ store, conf }: Pick<Bench, 'store' | 'conf'>, name: string): { seconds?: number } {
  const last = store.lastOf(name, conf.name);
  return last ? { seconds: last.seconds } : {};
}
