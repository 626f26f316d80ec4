import { type PlanResult, plan } from './build.ts';
import { type Inputs, readInputs } from './inputs.ts';
import { closures } from './project/order.ts';
import { type Arrow, type Box, dotOf } from './report/dot.ts';
import { svgOf } from './report/graphviz.ts';
import { counted } from './report/quantity.ts';
import type { BuildRequest } from './request.ts';
import { openHeld } from './store/held-store.ts';
import type { LayerRow, Store } from './store/layers.ts';

/**
 * The layers of a conf as a plan finds them, and what orders them. Arrows run from what is seen to who sees it. What can be told from
 * others has none: needs of needs, the base below everything, and what stands on everything (`all`, `settle`).
 */
export type Graph = {
  readonly conf: string;
  readonly layers: readonly (Box & { readonly paths?: number })[];
  readonly arrows: readonly Arrow[];
};

export async function graph(request: BuildRequest): Promise<Graph> {
  const planned = await plan(request);
  using held = openHeld(request.project);
  const { store } = held;
  const inputs = await readInputs(request.project, request.conf, store);
  return {
    conf: request.conf,
    layers: boxes(store, inputs, planned),
    arrows: [...needArrows(inputs), ...orderArrows(inputs)],
  };
}

export type GraphFormat = 'svg' | 'dot' | 'json';

export async function drawn(graph: Graph, format: GraphFormat): Promise<string> {
  if (format === 'json') return `${JSON.stringify(graph, undefined, 2)}\n`;
  const runs = graph.layers.filter(({ state }) => state === 'run').length;
  const unknown = graph.layers.filter(({ state }) => state === 'unknown').length;
  const states = runs + unknown === 0 ? 'nothing to run' : `${runs} to run, ${unknown} unknown`;
  const title = `${graph.conf}: ${counted(graph.layers.length, 'layer')}, ${states}`;
  const dot = dotOf({ title, boxes: graph.layers, arrows: graph.arrows });
  return format === 'dot' ? dot : svgOf(dot);
}

function boxes(store: Store, { conf, scriptlets }: Inputs, { layers }: PlanResult): Graph['layers'] {
  const all = new Set(scriptlets.filter(({ needsAll }) => needsAll).map(({ name }) => name));
  const known = new Set(scriptlets.map(({ name }) => name));
  return layers.map(({ name, state, reason, layer, seconds }) => {
    const row: LayerRow | undefined =
      layer === undefined ? store.lastOf(name, conf.name) : store.layerNumbered(layer);
    const kind = name === 'base' ? 'base' : all.has(name) ? 'all' : known.has(name) ? 'scriptlet' : 'settle';
    return {
      name,
      kind,
      state,
      reason,
      ...(seconds === undefined ? {} : { seconds }),
      ...(row ? { bytes: row.bytes, paths: row.paths } : {}),
    };
  });
}

/** The needs without those that another need has already. */
function needArrows({ scriptlets }: Inputs): Arrow[] {
  const sees = closures(scriptlets, []);
  const ordinary = scriptlets.filter(({ needsAll }) => !needsAll);
  const direct = (needs: readonly string[]): string[] =>
    needs.filter((need) => !needs.some((other) => other !== need && sees.get(other)?.has(need)));
  return ordinary.flatMap(({ name, needs, buildNeeds }) =>
    [...direct(needs), ...direct(buildNeeds)].map((need): Arrow => ({ kind: 'need', from: need, to: name })),
  );
}

/** The learned orders that no need brings about. */
function orderArrows({ scriptlets, lock, parent }: Inputs): Arrow[] {
  const sees = closures(scriptlets, []);
  const orders = [...(lock?.orders ?? []), ...(parent?.orders ?? [])];
  const known = new Map(orders.map((order) => [`${order.later} ${order.earlier}`, order]));
  return [...known.values()]
    .filter(({ later, earlier }) => sees.has(earlier) && sees.get(later)?.has(earlier) === false)
    .map(({ later, earlier, path }) => ({ kind: 'order', from: earlier, to: later, path }));
}
