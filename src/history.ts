import { SnapError } from './host/error.ts';
import { goneLayers } from './named-build.ts';
import { listConfs } from './project/conf.ts';
import {
  type BuildName,
  type BuildNote,
  buildText,
  keptBuilds,
  readBuild,
  readPins,
  readTags,
} from './store/builds.ts';
import { Store } from './store/layers.ts';

/** A build as it is told of. */
export type PastBuild = {
  /** `demo@3` */
  readonly build: string;
  readonly conf: string;
  readonly number: number;
  /** ISO 8601. */
  readonly made: string;
  readonly seconds: number;
  readonly commit: string | null;
  /** Digest of the lock's text. */
  readonly lock: string;
  readonly digest: string;
  /** The layers that were not in the store. */
  readonly ran: readonly string[];
  readonly layers: number;
  readonly paths: number;
  readonly bytes: number;
  /** Against the build that is kept before it; null for the oldest. */
  readonly growth: number | null;
  readonly tags: readonly string[];
  readonly isPinned: boolean;
  /** The layers without which it can neither be looked into nor made again. */
  readonly gone: readonly string[];
};

/** A build of which nothing can be told: what was kept of it is damaged. */
export type LostBuild = { readonly build: string; readonly isLost: true };

/**
 * The builds that are kept, by conf, the newest first; at most `most` of each.
 * @throws SnapError USAGE for a conf without builds.
 */
export function history(
  project: string,
  conf: string | undefined,
  most = Number.POSITIVE_INFINITY,
): (PastBuild | LostBuild)[] {
  using store = new Store(project);
  const kept = keptBuilds(store.layout).filter((build) => conf === undefined || build.conf === conf);
  if (kept.length === 0) throw nothingBuilt(project, conf);
  const tags = [...readTags(store.layout)];
  const pins = new Set(readPins(store.layout).map(buildText));
  const byConf = [...Map.groupBy(kept, (build) => build.conf).values()];
  return byConf.flatMap((builds) =>
    builds.slice(0, most).map((name, at) => {
      const text = buildText(name);
      const note = readBuild(store.layout, name);
      if (note === undefined) return { build: text, isLost: true };
      const own = tags.filter(([, build]) => buildText(build) === text).map(([tag]) => tag);
      return pastBuild(store, note, before(store, builds, at), own, pins.has(text));
    }),
  );
}

function before(store: Store, builds: readonly BuildName[], at: number): BuildNote | undefined {
  const name = builds[at + 1];
  return name && readBuild(store.layout, name);
}

function pastBuild(
  store: Store,
  note: BuildNote,
  older: BuildNote | undefined,
  tags: readonly string[],
  isPinned: boolean,
): PastBuild {
  const { conf, number, made, seconds, commit, lock, digest, ran, layers, paths, bytes } = note;
  return {
    build: buildText(note),
    conf,
    number,
    made: new Date(made * 1000).toISOString(),
    seconds,
    commit,
    lock,
    digest,
    ran,
    layers: layers.length,
    paths,
    bytes,
    growth: older ? bytes - older.bytes : null,
    tags,
    isPinned,
    gone: goneLayers(store, note),
  };
}

function nothingBuilt(project: string, conf: string | undefined): SnapError {
  if (conf === undefined)
    return new SnapError('USAGE', 'No conf was built yet', { hint: 'build one first: snap build' });
  const isConf = listConfs(project).includes(conf);
  return new SnapError('USAGE', `There is no build of "${conf}"`, {
    hint: isConf ? `build it first: snap build ${conf}` : 'all that is kept: snap history',
  });
}
