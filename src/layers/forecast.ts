import { type Lock, uncovered } from '../debian/lock.ts';
import type { Conf } from '../project/conf.ts';
import type { Store } from '../store/layers.ts';
import type { Ledger } from './ids.ts';
import { baseInputs, type Inputs, keyOf, scriptletInputs } from './key.ts';
import { reasonOf } from './reason.ts';
import { addedDebs, findLayer, hitReason, layersSeen, type Sequence } from './round.ts';
import { settlements } from './settle.ts';
import { mergeView, type ViewLayer } from './view.ts';

export type PlannedLayer = {
  readonly name: string;
  /** unknown: it sees a layer that will run, and whether that comes out the same nobody knows yet. */
  readonly state: 'hit' | 'run' | 'unknown';
  readonly reason: string;
  /** What it took the last time. */
  readonly seconds?: number;
  readonly key?: string;
};

type Bench = { readonly store: Store; readonly conf: Conf; readonly lock: Lock; readonly ledger: Ledger };

/** What a build would do with each layer, without running any. */
export function forecast(bench: Bench, sequence: Sequence): PlannedLayer[] {
  const { store, lock, conf } = bench;
  const planned: PlannedLayer[] = [];
  const there = new Map<string, ViewLayer>();
  const add = (name: string, inputs: Inputs, view: readonly ViewLayer[], sees: ReadonlySet<string>): void => {
    const row = findLayer(bench, inputs);
    if (row) there.set(name, { name, row, sees });
    planned.push({
      name,
      state: row ? 'hit' : 'run',
      reason: row ? hitReason(inputs) : reasonOf(store, conf.name, name, inputs, view),
      ...lastTook(bench, name),
      key: keyOf(inputs),
    });
  };
  add('base', baseInputs(lock), [], new Set());
  const open = new Set(openIn(lock, sequence));
  for (const scriptlet of sequence.scriptlets) {
    const { name } = scriptlet;
    const sees = sequence.sees.get(name) ?? new Set<string>();
    const missing = ['base', ...sees].find((other) => !there.has(other));
    if (open.has(name)) {
      planned.push({
        name,
        state: 'run',
        reason: 'the lock does not cover its packages yet',
        ...lastTook(bench, name),
      });
    } else if (missing !== undefined) {
      planned.push({
        name,
        state: 'unknown',
        reason: `sees "${missing}", which is not there yet`,
        ...lastTook(bench, name),
      });
    } else {
      const view = layersSeen(there.get('base')!, there, sequence, sees);
      add(
        name,
        scriptletInputs(scriptlet, conf.project, lock, addedDebs(lock, name, sees), view),
        view,
        sees,
      );
    }
  }
  if (planned.some(({ state }) => state !== 'hit')) {
    return [...planned, { name: 'settle', state: 'unknown', reason: 'what it sees is not there yet' }];
  }
  const view = mergeView(store, [...there.values()]);
  for (const settlement of settlements(store, view, lock)) {
    add(`settle/${settlement.package}`, { ...settlement.inputs, after: [] }, view.layers, new Set());
  }
  return planned;
}

function openIn(lock: Lock, sequence: Sequence): string[] {
  const wants = new Map(sequence.scriptlets.map(({ name, packages }) => [name, packages]));
  return uncovered(lock, wants).map(({ name }) => name);
}

function lastTook({ store, conf }: Bench, name: string): { seconds?: number } {
  const last = store.lastOf(name, conf.name);
  return last ? { seconds: last.seconds } : {};
}
