import { SnapError } from './host/error.ts';
import { findBuild, goneLayers, lookInto } from './named-build.ts';
import { listConfs } from './project/conf.ts';
import { didYouMean, NAME, NAME_RULE } from './project/name.ts';
import {
  type BuildNote,
  buildText,
  keptBuilds,
  readPins,
  readTags,
  removePin,
  removeTag,
  writePin,
  writeTag,
} from './store/builds.ts';
import type { Store } from './store/layers.ts';
import { layoutOf } from './store/layout.ts';

/** Where a project's builds are kept from removal; waits for whoever removes from the store. */
export type KeepRequest = {
  readonly project: string;
  readonly signal: AbortSignal;
  readonly onWait: () => void;
};

export type Tagged = {
  readonly tag: string;
  readonly build: string;
  /** The build of which it was the name until now. */
  readonly before?: string;
};

/** All tags in byte order. No lock. */
export function tags(project: string): Tagged[] {
  return [...readTags(layoutOf(project))].map(([tag, build]) => ({ tag, build: buildText(build) }));
}

/**
 * Gives a build a name. Success: it is on the disk, and the build stays.
 * @throws SnapError USAGE for a name that cannot be one, or, without `force`, is another build's.
 */
export function tag(
  { project, ...hold }: KeepRequest,
  build: string,
  name: string,
  { force = false } = {},
): Promise<Tagged> {
  return lookInto(
    project,
    (store) => {
      checkName(store, project, name);
      const note = wholeBuild(store, build);
      const before = readTags(store.layout).get(name);
      const [text, old] = [buildText(note), before && buildText(before)];
      if (old !== undefined && old !== text && !force) throw takenTag(name, old);
      writeTag(store.layout, name, note);
      return { tag: name, build: text, ...(old === undefined || old === text ? {} : { before: old }) };
    },
    hold,
  );
}

/** @throws SnapError USAGE when there is no such tag. */
export function untag({ project, ...hold }: KeepRequest, name: string): Promise<Tagged> {
  return lookInto(
    project,
    ({ layout }) => {
      const known = readTags(layout);
      const build = known.get(name);
      if (build === undefined)
        throw new SnapError('USAGE', `There is no tag "${name}"`, {
          hint: didYouMean(name, [...known.keys()], 'tags'),
        });
      removeTag(layout, name);
      return { tag: name, build: buildText(build) };
    },
    hold,
  );
}

/** The builds that are pinned, in byte order. No lock. */
export function pins(project: string): string[] {
  return readPins(layoutOf(project)).map(buildText);
}

/** Returns the build's name. Success: it is on the disk, and the build stays. */
export function pin({ project, ...hold }: KeepRequest, build: string): Promise<string> {
  return lookInto(
    project,
    (store) => {
      const note = wholeBuild(store, build);
      writePin(store.layout, note);
      return buildText(note);
    },
    hold,
  );
}

/** @throws SnapError USAGE when it is not pinned. */
export function unpin({ project, ...hold }: KeepRequest, build: string): Promise<string> {
  return lookInto(
    project,
    (store) => {
      const pinned = readPins(store.layout);
      // What was pinned is let go by its own name even when nothing is left of it.
      const name = pinned.find((one) => buildText(one) === build) ?? findBuild(store, build);
      if (!pinned.some((one) => buildText(one) === buildText(name)))
        throw new SnapError('USAGE', `Build "${buildText(name)}" is not pinned`, {
          hint: 'what is: snap pin',
        });
      removePin(store.layout, name);
      return buildText(name);
    },
    hold,
  );
}

function wholeBuild(store: Store, text: string): BuildNote {
  const build = findBuild(store, text);
  const gone = goneLayers(store, build);
  if (gone.length === 0) return build;
  throw new SnapError(
    'STORE',
    `Cannot keep build "${buildText(build)}": of its layers ${gone.map((name) => `"${name}"`).join(', ')} are gone`,
    { hint: 'which are whole: snap history' },
  );
}

function checkName({ layout }: Store, project: string, name: string): void {
  if (!NAME.test(name)) throw new SnapError('USAGE', `Cannot be a tag: "${name}"`, { hint: NAME_RULE });
  const confs = new Set([...listConfs(project), ...keptBuilds(layout).map(({ conf }) => conf)]);
  if (!confs.has(name)) return;
  throw new SnapError('USAGE', `Cannot be a tag: "${name}" is a conf, whose last build is called so`, {
    hint: 'choose another name',
  });
}

function takenTag(name: string, build: string): SnapError {
  return new SnapError('USAGE', `Tag "${name}" is ${build} already`, {
    hint: `to let go of that one: snap tag --force, or choose another name`,
  });
}
