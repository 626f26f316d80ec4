import { readBuild } from '../store/builds.ts';
import { canonicalJson } from '../store/digest.ts';
import type { LayerRow, Store } from '../store/layers.ts';
import type { Entry, TreePath } from '../store/manifest.ts';
import { changedPaths, reviveLayers } from './kept-view.ts';
import { type Inputs, keyOf } from './key.ts';
import { parseTrace, stands, type Trace } from './trace.ts';
import { mergeView, type View, type ViewLayer } from './view.ts';

/**
 * Finds that the layer of the conf's last build would come out the same: only its view is another one by now, and of what came to that its run
 * looked for nothing. Then it stands for the key of these inputs. `view` is called when all else is the same. Needs the store's lock, shared.
 */
export function findStanding(
  store: Store,
  { conf, name, inputs }: { readonly conf: string; readonly name: string; readonly inputs: Inputs },
  view: () => View,
): LayerRow | undefined {
  const last = store.lastOf(name, conf);
  if (last === undefined || inputs.network === true) return undefined;
  if (!isSameButView(inputs, store.noteOf(last.n).inputs as Inputs)) return undefined;
  const trace = traceOf(store, last.n);
  const ran = trace && ranLast(store, conf, name);
  if (!ran || ran.row.n !== last.n || !standsOn(store, ran, trace, view())) return undefined;
  store.letStand(last, keyOf(inputs));
  return last;
}

/** What a layer's run looked for; undefined where nobody knows. */
export function traceOf(store: Store, n: number): Trace | undefined {
  const text = store.traceOf(n);
  return text === undefined ? undefined : parseTrace(text);
}

/** A layer, and what it saw. */
type Ran = { readonly row: LayerRow; readonly view: readonly ViewLayer[] };

/** Whether a layer would come out the same on another view. */
export function standsOn(store: Store, { row, view }: Ran, trace: Trace, now: View): boolean {
  const before = mergeView(store, view);
  const changed = changedPaths(store, before, now);
  if (changed === undefined || now.conflicts.length > 0) return false;
  const named = Map.groupBy(view, (layer) => layer.row.name);
  const entriesAt = (path: TreePath): Entry[] =>
    store
      .holderNamesOf(path)
      .flatMap((name) => named.get(name) ?? [])
      .flatMap((layer) => store.manifestOf(layer.row.n).get(path) ?? []);
  return stands(trace, store.manifestOf(row.n), { before, now, changed, entriesAt });
}

/** A layer of the conf's last build, and what it saw there. A layer that stood in it ran on another view, which for it was the same. */
function ranLast(store: Store, conf: string, name: string): Ran | undefined {
  const build = store.lastBuild(conf);
  const layers = build && reviveBuild(store, build);
  const own = layers?.find((layer) => layer.name === name);
  if (!layers || !own) return undefined;
  return {
    row: own.row,
    view: layers.filter((layer, position) => position === 0 || own.sees.has(layer.name)),
  };
}

const revived = new WeakMap<Store, { readonly name: string; readonly layers: ViewLayer[] | undefined }>();

/** All layers of a build ask one after the other. */
function reviveBuild(
  store: Store,
  { conf, number }: { conf: string; number: number },
): ViewLayer[] | undefined {
  const name = `${conf}@${number}`;
  const known = revived.get(store);
  if (known?.name === name) return known.layers;
  const note = readBuild(store.layout, { conf, number });
  const layers = note && reviveLayers(store, note.layers);
  revived.set(store, { name, layers });
  return layers;
}

function isSameButView(a: Inputs, b: Inputs): boolean {
  return canonicalJson({ ...a, view: [] }) === canonicalJson({ ...b, view: [] });
}
