import type { Lock } from '../debian/lock.ts';
import type { Conf } from '../project/conf.ts';
import type { Scriptlet } from '../project/scriptlet.ts';
import type { Store } from '../store/layers.ts';
import { type Inputs, scriptletInputs } from './key.ts';
import type { Workshop } from './run.ts';
import { addedDebs, buildLayers, layersSeen, type Sequence } from './sequence.ts';
import type { View, ViewLayer } from './view.ts';

/** What decides a layer beside what its scriptlet declares. */
export type Deciding = {
  readonly scriptlet: Scriptlet;
  readonly conf: Conf;
  readonly lock: Lock;
  readonly layers: readonly ViewLayer[];
  /** Base and layers that its build sees, and not its own. */
  readonly builder: readonly ViewLayer[];
};

/** Another way to make a scriptlet's layer than by packages and do_run. */
export type Maker = {
  /** Everything that decides the layer's content. */
  inputs(deciding: Deciding): Inputs;
  /** Puts what the layer adds to its view into the folder `upper`. */
  fill(making: Making): Promise<void>;
};

export type Making = {
  readonly workshop: Workshop;
  readonly scriptlet: Scriptlet;
  /** What the key holds. */
  readonly inputs: Inputs;
  readonly view: View;
  readonly builder: View;
  readonly upper: string;
};

/** Undefined for a scriptlet whose layer is made by packages and do_run. */
export type MakerOf = (scriptlet: Scriptlet) => Maker | undefined;

/** Base and the layers of scriptlets that are there. */
export type There = { readonly base: ViewLayer; readonly layers: ReadonlyMap<string, ViewLayer> };

/** Everything that decides a scriptlet's layer, in whatever way it is made. All that it sees, or its build, must be there. */
export function layerInputs(
  bench: {
    readonly store: Pick<Store, 'results'>;
    readonly conf: Conf;
    readonly lock: Lock;
    readonly makerOf: MakerOf;
  },
  sequence: Sequence,
  scriptlet: Scriptlet,
  { base, layers: there }: There,
): {
  readonly inputs: Inputs;
  readonly layers: readonly ViewLayer[];
  readonly builder: readonly ViewLayer[];
} {
  const { conf, lock, makerOf } = bench;
  const sees = sequence.sees.get(scriptlet.name) ?? new Set<string>();
  const layers = layersSeen(base, there, sees);
  const maker = makerOf(scriptlet);
  const builder = maker ? buildLayers(base, there, sequence, scriptlet.name) : [];
  const debs = addedDebs(lock, scriptlet.name, sees);
  const inputs = maker
    ? maker.inputs({ scriptlet, conf, lock, layers, builder })
    : scriptletInputs(bench, scriptlet, debs, layers);
  return { inputs, layers, builder };
}
