import { nearest, SnapError } from './host/error.ts';
import { planOfRecipe } from './layers/image.ts';
import type { ImagePlan } from './layers/plan.ts';
import {
  type BuildName,
  type BuildNote,
  buildText,
  keptBuilds,
  readBuild,
  readTags,
} from './store/builds.ts';
import type { Store } from './store/layers.ts';

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
 * The image of a build as a plan: every path, and where its content comes from.
 * @throws SnapError STORE when a layer that it is made from was removed.
 */
export function planOfBuild(store: Store, build: BuildNote): ImagePlan {
  const plan = planOfRecipe(store, build);
  if (plan) return plan;
  const gone = build.layers
    .filter(([, n]) => store.layerNumbered(n) === undefined)
    .map(([name]) => `"${name}"`);
  throw new SnapError(
    'STORE',
    `Cannot look into build "${buildText(build)}": of its layers ${gone.join(', ')} are gone`,
    {
      hint: `builds that are to stay are tagged or pinned: snap pin ${build.conf}`,
    },
  );
}

function hintFor(store: Store, text: string): string {
  const kept = keptBuilds(store.layout);
  const [conf] = text.split(/[@~]/);
  const own = kept.filter((build) => build.conf === conf).map(buildText);
  if (own.length > 0) return `builds of "${conf}" that are kept: ${own.slice(0, 8).reverse().join(' ')}`;
  const near = nearest(text, new Set([...kept.map((build) => build.conf), ...readTags(store.layout).keys()]));
  return near.length > 0
    ? `did you mean ${near.map((one) => `"${one}"`).join(' or ')}?`
    : `a build is named ${BUILD_NAMES}`;
}
