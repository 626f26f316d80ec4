import { dirname } from 'node:path';
import { errno, nearest, SnapError } from './host/error.ts';
import { planOfRecipe } from './layers/image.ts';
import type { ImagePlan } from './layers/plan.ts';
import { listConfs } from './project/conf.ts';
import {
  type BuildName,
  type BuildNote,
  buildText,
  keptBuilds,
  readBuild,
  readTags,
} from './store/builds.ts';
import { Store } from './store/layers.ts';

/** What builds are called on the command line. */
export const BUILD_NAMES = 'CONF (its last build), CONF@3, CONF~1 (the one before the last), or a tag';

/**
 * The build that a person named: `demo` (the last one), `demo@3`, `demo~1` (the one before the last), or a tag; undefined when
 * no build is called that.
 */
export function namedBuild(store: Store, text: string): BuildName | undefined {
  const [, conf, number, back] = /^([^@~/]+)(?:@([1-9]\d*)|~(\d*))?$/.exec(text) ?? [];
  const kept = keptBuilds(store.layout).filter((build) => build.conf === conf);
  if (number !== undefined) return kept.find((build) => build.number === Number(number));
  if (back !== undefined) return kept[back === '' ? 1 : Number(back)];
  return readTags(store.layout).get(text) ?? kept[0];
}

/**
 * The build that a person named, or, where none is named, the one that was made last.
 * @throws SnapError as `findBuild`; USAGE when nothing was built yet.
 */
export function chooseBuild(store: Store, text: string | undefined): BuildNote {
  if (text !== undefined) return findBuild(store, text);
  const kept = keptBuilds(store.layout);
  const newest = kept.filter(({ conf }, at) => kept[at - 1]?.conf !== conf);
  const [last] = newest
    .flatMap((name) => readBuild(store.layout, name) ?? [])
    .sort((a, b) => b.made - a.made);
  if (last) return last;
  throw new SnapError('USAGE', 'No conf was built yet', { hint: 'build one first: snap build' });
}

/**
 * @throws SnapError USAGE when no build is called that, with the nearest names; STORE when what was kept of it is damaged.
 */
export function findBuild(store: Store, text: string): BuildNote {
  const name = namedBuild(store, text);
  if (name === undefined)
    throw new SnapError('USAGE', `There is no build "${text}"`, { hint: hintFor(store, text) });
  const build = readBuild(store.layout, name);
  if (build) return build;
  throw new SnapError('STORE', `Cannot read what was kept of build "${buildText(name)}"`, {
    hint: 'look for damage: snap verify',
  });
}

/**
 * Looks into a project's store; with `hold` nothing is taken away from it meanwhile.
 * @throws SnapError STORE when a layer was taken away under the look.
 */
export async function lookInto<T>(
  project: string,
  work: (store: Store) => T | Promise<T>,
  hold?: { readonly signal: AbortSignal; readonly onWait: () => void },
): Promise<T> {
  using store = new Store(project);
  const held = hold && (await store.hold(store.layout.lock, 'shared', hold.onWait, hold.signal));
  try {
    return await work(store);
  } catch (error) {
    const path = errno(error) === 'ENOENT' ? String((error as NodeJS.ErrnoException).path) : '';
    if (!path.startsWith(`${store.layout.layers}/`)) throw error;
    const layer = path.slice(store.layout.layers.length + 1).split('/')[0];
    throw new SnapError('STORE', `Cannot read layer ${layer}: it is not whole, or was taken away meanwhile`, {
      hint: 'look for damage: snap verify',
      cause: error,
    });
  } finally {
    held?.release();
  }
}

/** The layers of a build that are not in the store any more. */
export function goneLayers(store: Store, { layers }: BuildNote): string[] {
  return layers.filter(([, n]) => store.layerNumbered(n) === undefined).map(([name]) => name);
}

/**
 * The image of a build as a plan: every path, and where its content comes from.
 * @throws SnapError STORE when a layer that it is made from was removed, or another one has its number.
 */
export function planOfBuild(store: Store, build: BuildNote): ImagePlan {
  const plan = planAsNoted(store, build);
  if (plan.digest === build.digest) return plan;
  throw cannotLook(build, 'its layers are not those that it was made from', 'look for damage: snap verify');
}

/**
 * The same, without asking whether the layers are still those that had these numbers: that takes a digest, for which WebAssembly is loaded.
 * @throws SnapError STORE when a layer that it is made from was removed.
 */
export function planAsNoted(store: Store, build: BuildNote): ImagePlan {
  const plan = planOfRecipe(store, build);
  if (plan) return plan;
  const gone = goneLayers(store, build).map((name) => `"${name}"`);
  const hint = `builds that are to stay are tagged or pinned: snap pin ${build.conf}`;
  throw cannotLook(build, `of its layers ${gone.join(', ')} are gone`, hint);
}

function cannotLook(build: BuildNote, why: string, hint: string): SnapError {
  return new SnapError('STORE', `Cannot look into build "${buildText(build)}": ${why}`, { hint });
}

function hintFor(store: Store, text: string): string {
  const kept = keptBuilds(store.layout);
  const [conf] = text.split(/[@~]/);
  const own = kept.filter((build) => build.conf === conf).map(buildText);
  if (own.length > 0) return `builds of "${conf}" that are kept: ${own.slice(0, 8).reverse().join(' ')}`;
  if (listConfs(dirname(store.layout.root)).includes(text)) return `build it first: snap build ${text}`;
  const near = nearest(text, new Set([...kept.map((build) => build.conf), ...readTags(store.layout).keys()]));
  return near.length > 0
    ? `did you mean ${near.map((one) => `"${one}"`).join(' or ')}?`
    : `a build is named ${BUILD_NAMES}`;
}
