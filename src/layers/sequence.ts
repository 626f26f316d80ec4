import type { Lock, PackageId } from '../debian/lock.ts';
import type { Scriptlet } from '../project/scriptlet.ts';
import type { ViewLayer } from './view.ts';

/** The scriptlets of a conf in the order of the view, those that only builds need among them, and what each of them sees. */
export type Sequence = {
  readonly scriptlets: readonly Scriptlet[];
  /** Each in that order too. */
  readonly sees: ReadonlyMap<string, ReadonlySet<string>>;
  /** Of a scriptlet with a build_need: what its build sees. */
  readonly builds: ReadonlyMap<string, ReadonlySet<string>>;
};

/** All layers that must be there before a scriptlet's can be made, the base apart. */
export function waitsFor({ sees, builds }: Sequence, name: string): Set<string> {
  return new Set([...(sees.get(name) ?? []), ...(builds.get(name) ?? [])]);
}

/** The debs that a scriptlet's layer adds: what it asks for brings, less what is in its view. */
export function addedDebs(lock: Lock, name: string, sees: ReadonlySet<string>): PackageId[] {
  const debs = lock.closures.get(name)?.debs ?? [];
  if (debs.length === 0) return [];
  const present = new Set(lock.base);
  for (const seen of sees) for (const id of lock.closures.get(seen)?.debs ?? []) present.add(id);
  return debs.filter((id) => !present.has(id));
}

/** The layers that a layer with these sees runs on; `sees` and they in the order of the view. */
export function layersSeen(
  base: ViewLayer,
  layers: ReadonlyMap<string, ViewLayer>,
  sees: Iterable<string>,
): ViewLayer[] {
  return [base, ...Array.from(sees, (name) => layers.get(name)!)];
}

/** The layers that the build of a scriptlet's layer sees. */
export function buildLayers(
  base: ViewLayer,
  layers: ReadonlyMap<string, ViewLayer>,
  { builds }: Sequence,
  name: string,
): ViewLayer[] {
  return layersSeen(base, layers, builds.get(name) ?? []);
}
