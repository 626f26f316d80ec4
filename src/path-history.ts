import { planOfRecipe } from './layers/image.ts';
import type { ImagePlan } from './layers/plan.ts';
import { type BuildName, buildText, keptBuilds, readBuild } from './store/builds.ts';
import type { Store } from './store/layers.ts';
import { type Entry, identity, isEqual, type TreePath } from './store/manifest.ts';

/** How what lies at a path differs from what lay there. */
export type PathChange = 'added' | 'removed' | 'type' | 'content' | 'metadata' | 'time';

/** A build whose image has something else at a path than the one that is kept before it. */
export type ChangingBuild = {
  /** `demo@3` */
  readonly build: string;
  /** ISO 8601. */
  readonly made: string;
  readonly commit: string | null;
  readonly change: PathChange;
  /** The build that it was compared with: not always the one just before, which may be gone. */
  readonly against: string;
  /** From which layer the image has it since; none for what is gone and for a database file. */
  readonly layer?: { readonly name: string; readonly number: number };
};

export type PathHistory = {
  /** The newest first. */
  readonly changes: readonly ChangingBuild[];
  /** The oldest build that can be looked into. */
  readonly oldest: string;
  readonly isThere: boolean;
  /** Whether that is the conf's first build, so that nothing lies before it. */
  readonly isComplete: boolean;
};

type Look = BuildName & {
  readonly made: number;
  readonly commit: string | null;
  readonly entry: Entry | undefined;
  readonly layer: { readonly name: string; readonly number: number } | undefined;
};

/**
 * The builds up to `last` in which a path changed, by the entry at that path alone. Builds that are gone, or of which a layer is, are
 * passed over. Undefined when `last` itself is such a one.
 */
export function pathHistory(store: Store, last: BuildName, path: TreePath): PathHistory | undefined {
  const looks = keptBuilds(store.layout)
    .filter(({ conf, number }) => conf === last.conf && number <= last.number)
    .flatMap((name) => lookAt(store, name, path));
  const oldest = looks.at(-1);
  if (looks[0]?.number !== last.number || oldest === undefined) return undefined;
  const changes = looks.slice(0, -1).flatMap((now, at) => changing(looks[at + 1]!, now));
  const { number, entry } = oldest;
  return { changes, oldest: buildText(oldest), isThere: entry !== undefined, isComplete: number === 1 };
}

function lookAt(store: Store, name: BuildName, path: TreePath): Look[] {
  const build = readBuild(store.layout, name);
  const plan = build && planOfRecipe(store, build);
  if (!build || !plan) return [];
  const { made, commit } = build;
  return [{ ...name, made, commit, entry: plan.at(path), layer: layerAt(plan, path) }];
}

function layerAt(plan: ImagePlan, path: TreePath): Look['layer'] {
  const part = plan.records.has(path) ? undefined : plan.partAt(path);
  const layer = part && plan.view.layers[part.layer];
  return layer && { name: layer.name, number: layer.row.n };
}

function changing(before: Look, now: Look): ChangingBuild[] {
  const change = changeBetween(before.entry, now.entry);
  if (change === undefined) return [];
  const { made, commit, layer } = now;
  return [
    {
      build: buildText(now),
      made: new Date(made * 1000).toISOString(),
      commit,
      change,
      against: buildText(before),
      ...(layer ? { layer } : {}),
    },
  ];
}

function changeBetween(before: Entry | undefined, now: Entry | undefined): PathChange | undefined {
  if (before === undefined) return now === undefined ? undefined : 'added';
  if (now === undefined) return 'removed';
  if (isEqual(before, now)) return undefined;
  if (before.type !== now.type) return 'type';
  if (contentOf(before) !== contentOf(now)) return 'content';
  return identity(before) === identity(now) ? 'time' : 'metadata';
}

function contentOf(entry: Entry): string {
  switch (entry.type) {
    case 'file':
      return entry.digest;
    case 'symlink':
      return entry.target;
    case 'char':
    case 'block':
      return `${entry.major}:${entry.minor}`;
    default:
      return '';
  }
}
