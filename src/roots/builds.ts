import { existsSync } from 'node:fs';
import { SnapError } from '../host/error.ts';
import { currentSlot, imageNames, readFolderNote, slotsOf } from '../layers/image.ts';
import { listConfs } from '../project/conf.ts';
import { type BuildName, buildText, keptBuilds, readBuild, readPins, readTags } from '../store/builds.ts';
import type { Holding, Root } from '../store/gc.ts';
import { layerId } from '../store/holdings.ts';
import type { Layout } from '../store/layout.ts';

/** Builds of each conf that are kept: the one that is shown, the one before it to go back to, and one more to compare with. */
export const KEEP_BUILDS = 3;

/** What a person asks to be kept. */
export type Keep = {
  readonly keepBuilds?: number;
  /** Seconds. */
  readonly keepYounger?: number;
};

/** What is shown, and what lies in the slot beside it, which the next build changes into its image. */
export function imageRoots({ images }: Layout): Root[] {
  return imageNames(images).flatMap((conf): Root[] => {
    const slots = slotsOf(images, conf);
    const shown = shownSlot(images, conf);
    return slots.slots.flatMap((slot): Root[] => {
      const note = existsSync(slot) ? readFolderNote(`${slot}.json`) : undefined;
      if (!note) return [];
      const keeps = note.layers.map(([, n]) => layerId(n));
      return slot === shown
        ? [{ kind: 'image', name: conf, because: `images/${conf} shows it`, keeps }]
        : [{ kind: 'slot', name: conf, because: `the next build of "${conf}" begins with it`, keeps }];
    });
  });
}

function shownSlot(images: string, conf: string): string | undefined {
  try {
    return currentSlot(slotsOf(images, conf));
  } catch (error) {
    if (error instanceof SnapError) return undefined; // something of the person's own
    throw error;
  }
}

/** The last builds of each conf that is there, or has an image; and those that a person named. */
export function buildRoots(
  layout: Layout,
  { keepBuilds = KEEP_BUILDS, project }: Keep & { readonly project: string },
  images: readonly Root[],
): Root[] {
  const confs = new Set([...listConfs(project), ...images.map(({ name }) => name)]);
  const builds = keptBuilds(layout);
  const counts = new Map<string, number>();
  const last = builds.flatMap((build): Root[] => {
    const keeps = confs.has(build.conf) ? buildIds(layout, build) : [];
    const count = (counts.get(build.conf) ?? 0) + (keeps.length > 0 ? 1 : 0);
    counts.set(build.conf, count);
    if (keeps.length === 0 || count > keepBuilds) return [];
    const because =
      keepBuilds === 1
        ? `the last build of "${build.conf}"`
        : `one of the last ${keepBuilds} builds of "${build.conf}"`;
    return [{ kind: 'build', name: buildText(build), because, keeps }];
  });
  const tags = [...readTags(layout)].map(([tag, build]): Root => {
    return {
      kind: 'tag',
      name: tag,
      because: `it names ${buildText(build)}`,
      keeps: buildIds(layout, build),
    };
  });
  const pins = readPins(layout).map((build): Root => {
    return { kind: 'pin', name: buildText(build), because: 'it is pinned', keeps: buildIds(layout, build) };
  });
  return [...last, ...tags, ...pins];
}

function buildIds(layout: Layout, build: BuildName): string[] {
  const note = readBuild(layout, build);
  return note ? [`build ${buildText(build)}`, ...note.layers.map(([, n]) => layerId(n))] : [];
}

/** What was used lately. A time that lies ahead is now: the clock was set back. */
export function youngRoots(holdings: readonly Holding[], seconds: number | undefined): Root[] {
  if (seconds === undefined) return [];
  const now = Date.now() / 1000;
  const young = holdings.filter(
    ({ used, waste }) => !waste && used > 0 && Math.min(used, now) >= now - seconds,
  );
  return young.length === 0
    ? []
    : [
        {
          kind: 'young',
          name: 'ones',
          because: 'it was used lately: --keep-younger-than',
          keeps: young.flatMap(({ id, needs }) => [id, ...needs]),
        },
      ];
}
