import type { Lock } from '../debian/lock.ts';
import type { KeptLayer } from '../store/builds.ts';
import type { Digest } from '../store/digest.ts';
import type { Store } from '../store/layers.ts';
import type { TreePath } from '../store/manifest.ts';
import { lookerOf, type Question } from './contribution.ts';
import { changedPaths, differentLayers, haveSameRecords, keepLayers, reviveLayers } from './kept-view.ts';
import { settlingRules } from './settle.ts';
import { INFO } from './unpacked.ts';
import { mergeView, type ViewLayer } from './view.ts';

/** What settling came to. */
export type Settling = {
  /** The conf's own layers, then those of settle. */
  readonly layers: readonly ViewLayer[];
  /** The rounds that ran, and how many of the layers are of the last one. */
  readonly rounds: number;
  readonly last: number;
};

type KeptSettling = {
  readonly format: typeof FORMAT;
  readonly rules: Digest;
  readonly arch: string;
  /** SOURCE_DATE_EPOCH: seconds. */
  readonly epoch: number;
  readonly layers: readonly KeptLayer[];
  /** How many of the layers are the conf's own. */
  readonly own: number;
  readonly rounds: number;
  readonly last: number;
  /** What the packages' triggers look at: beneath a path, or what their files are made from. */
  readonly looked: readonly (readonly [package_: string, prefix: string | null])[];
};

/** Raised when what is kept is read otherwise. */
const FORMAT = 2;

type Target = Pick<Lock, 'arch' | 'epoch'>;

/**
 * What settling a conf's layers came to the last time, where it must come to the same with these: they have the same records, so that the same
 * triggers wait, and nothing differs that these look at. Undefined where it takes settling to know. What is known is kept with these layers, as the
 * others may go.
 */
export function recallSettling(
  store: Store,
  conf: string,
  { arch, epoch }: Target,
  layers: readonly ViewLayer[],
): Settling | undefined {
  const text = store.results.get(keyOf(conf));
  const kept = JSON.parse(text ?? 'null') as KeptSettling | null;
  if (kept?.format !== FORMAT || kept.rules !== settlingRules()) return undefined;
  if (kept.arch !== arch || kept.epoch !== epoch) return undefined;
  const before = reviveLayers(store, kept.layers);
  const own = before?.slice(0, kept.own);
  if (before === undefined || own?.length !== layers.length) return undefined;
  if (own.some(({ name }, position) => name !== layers[position]!.name)) return undefined;
  const different = differentLayers(own, layers);
  if (!haveSameRecords(store, own, layers, different)) return undefined;
  const changed = changedPaths(store, mergeView(store, own), mergeView(store, layers), different);
  if (changed === undefined) return undefined;
  const lookers = kept.looked.map(([package_, prefix]) => lookerOf(package_, prefix ?? undefined));
  for (const path of changed) if (decides(path) || lookers.some((looksAt) => looksAt(path))) return undefined;
  const all = [...layers, ...before.slice(kept.own)];
  const now = JSON.stringify({ ...kept, layers: keepLayers(all) } satisfies KeptSettling);
  if (now !== text) store.results.set(keyOf(conf), now);
  return { layers: all, rounds: kept.rounds, last: kept.last };
}

/** Whether a path may decide which triggers there are, and where they look: a package's script, a link from `lib` to `usr/lib`. */
function decides(path: TreePath): boolean {
  return path.startsWith(INFO) || !path.includes('/');
}

/** Keeps it for `recallSettling`; `own` is how many of the layers are the conf's. */
export function keepSettling(
  store: Store,
  conf: string,
  { arch, epoch }: Target,
  { layers, rounds, last }: Settling,
  { own, questions }: { readonly own: number; readonly questions: readonly Question[] },
): void {
  const looked = questions.map(({ interest, prefix }) => [interest.package, prefix ?? null] as const);
  const kept: KeptSettling = {
    format: FORMAT,
    rules: settlingRules(),
    arch,
    epoch,
    layers: keepLayers(layers),
    own,
    rounds,
    last,
    looked,
  };
  store.results.set(keyOf(conf), JSON.stringify(kept));
}

/** From now on settling takes its course. */
export function forgetSettling(store: Store, conf: string): void {
  store.results.forget(keyOf(conf));
}

function keyOf(conf: string): string {
  return `settling ${conf}`;
}
