import type { Extent } from './layers/image.ts';
import { findBuild, lookInto, planOfBuild } from './named-build.ts';
import { fillFolder, outputFolder } from './output.ts';
import { buildText } from './store/builds.ts';

export type RestoreRequest = {
  readonly project: string;
  /** As `findBuild` takes it. */
  readonly build: string;
  /** The folder that gets the image: new, empty, or one that an image was put into before. */
  readonly folder: string;
  /** Every file a copy: the folder is the person's own then, and nothing is put into it again. */
  readonly copy: boolean;
  readonly signal: AbortSignal;
  readonly onWait: (what: string) => void;
};

export type Restored = Extent & {
  /** `demo@3` */
  readonly build: string;
  /** Absolute path. */
  readonly image: string;
  readonly digest: string;
  readonly copied: boolean;
};

/**
 * Makes the image of a build again, from its layers alone. Nothing runs.
 * @throws SnapError STORE when a layer of it is gone, USAGE when the folder holds something else.
 */
export function restore(request: RestoreRequest): Promise<Restored> {
  const { project, copy, signal, onWait } = request;
  const hold = { signal, onWait: () => onWait('"snap gc" to end') };
  return lookInto(
    project,
    async (store) => {
      const build = findBuild(store, request.build);
      const plan = planOfBuild(store, build);
      const folder = outputFolder(store, request.folder);
      const waiting = (): void => onWait(`another image to be put into ${folder.path}`);
      using _held = await store.hold(`${folder.note}.busy`, 'exclusive', waiting, signal);
      const { paths, bytes } = await fillFolder(store, folder, plan, copy);
      return {
        build: buildText(build),
        image: folder.path,
        digest: plan.digest,
        paths,
        bytes,
        copied: copy,
      };
    },
    hold,
  );
}
