import { nearest, SnapError } from './host/error.ts';
import { type Difference, decidedOf, differences } from './layers/reason.ts';
import { listConfs } from './project/conf.ts';
import { openHeld } from './store/held-store.ts';
import type { BuildRow, LayerRow, Store } from './store/layers.ts';

/** A layer as a build of the conf had it. */
export type Occurrence = {
  readonly build: number;
  /** When that build ended; ISO 8601. */
  readonly built: string;
  readonly layer: number;
  readonly key: string;
  /** What making the layer took. */
  readonly seconds: number;
};

export type Why = {
  readonly conf: string;
  readonly name: string;
  /** The layer as it is, in the build in which it got its key. */
  readonly now: Occurrence;
  /** Undefined: no build had it with another key. */
  readonly before: Occurrence | undefined;
  /** The first one is the reason. */
  readonly differences: readonly Difference[];
};

export type WhyRequest = {
  readonly project: string;
  /** Without it the conf with this layer that was built last. */
  readonly conf?: string;
  readonly layer: string;
  /** A build's number, or `~N` for the N-th before the last one. Without it the last build in which the layer had another key. */
  readonly against?: string;
};

/**
 * Why a layer ran: all inputs in which it differs from the layer of that name in an earlier build.
 * @throws SnapError USAGE for a layer or build that is not there, STORE when a layer was removed.
 */
export function why(request: WhyRequest): Why {
  using held = openHeld(request.project);
  const { store } = held;
  const { layer: name } = request;
  const conf = request.conf ?? builtLast(store, request.project, name);
  const builds = store.buildsOf(conf);
  const having = builds.flatMap((build) => occurrence(store, build, name));
  const [last] = having;
  if (!last && builds.some((build) => hasLayer(build, name))) throw goneLayer(conf, name);
  if (!last) throw noLayer(store, [conf], name, builds.length > 0 ? `Conf "${conf}" has` : 'There is');
  const other = having.find(({ key }) => key !== last.key);
  const before = request.against === undefined ? other : against(builds, having, request.against, name);
  const now = before === other ? having.findLast(({ build }) => build > (other?.build ?? 0))! : last;
  const found = before
    ? [...differences(store, decidedOf(store, before.layer), decidedOf(store, now.layer))]
    : [];
  return { conf, name, now, before, differences: found };
}

function layersIn(build: BuildRow): readonly (readonly [name: string, n: number])[] {
  return JSON.parse(build.layers);
}

function hasLayer(build: BuildRow, name: string): boolean {
  return layersIn(build).some(([one]) => one === name);
}

/** The layer in that build, if it had it; one that was removed since has no key to compare. */
function occurrence(store: Store, build: BuildRow, name: string): Occurrence[] {
  const n = layersIn(build).find(([one]) => one === name)?.[1];
  const row = n === undefined ? undefined : store.layerNumbered(n);
  return row ? [occurred(build, row)] : [];
}

function occurred({ number, made }: BuildRow, { n, key, seconds }: LayerRow): Occurrence {
  return { build: number, built: new Date(made * 1000).toISOString(), layer: n, key, seconds };
}

function against(
  builds: readonly BuildRow[],
  having: readonly Occurrence[],
  given: string,
  name: string,
): Occurrence {
  const back = /^~(\d*)$/.exec(given);
  const number = back ? builds[back[1] === '' ? 1 : Number(back[1])]?.number : Number(given);
  const build = builds.find((one) => one.number === number);
  const range = `builds: ${builds.at(-1)?.number} to ${builds[0]?.number}`;
  if (!build) throw new SnapError('USAGE', `There is no build "${given}"`, { hint: range });
  const found = having.find((one) => one.build === number);
  if (found) return found;
  if (!hasLayer(build, name))
    throw new SnapError('USAGE', `Build ${number} had no layer "${name}"`, { hint: range });
  throw new SnapError('STORE', `Cannot compare: "${name}" of build ${number} is not in the store any more`, {
    hint: 'name another build: --against',
  });
}

function builtLast(store: Store, project: string, name: string): string {
  const confs = listConfs(project);
  const last = confs
    .flatMap((conf) => store.buildsOf(conf))
    .filter((build) => hasLayer(build, name))
    .sort((a, b) => b.made - a.made)[0];
  if (last) return last.conf;
  throw noLayer(store, confs, name, 'There is');
}

function goneLayer(conf: string, name: string): SnapError {
  return new SnapError('STORE', `Cannot tell why "${name}" ran: it is not in the store any more`, {
    hint: `layers that a build would run: snap plan ${conf}`,
  });
}

function noLayer(store: Store, confs: readonly string[], name: string, where: string): SnapError {
  const names = confs.flatMap((conf) =>
    store.buildsOf(conf).flatMap((build) => layersIn(build).map(([one]) => one)),
  );
  const near = nearest(name, new Set(names)).map((found) => `"${found}"`);
  return new SnapError('USAGE', `${where} no layer "${name}" in any build`, {
    hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'layers that a build would run: snap plan',
  });
}
