import { count, size } from '../report/quantity.ts';
import { type Restored, restore } from '../restore.ts';
import { chooseProject } from './choose.ts';
import { print, printJson, reporting, say } from './print.ts';
import type { Command } from './session.ts';

export type RestoreOptions = { readonly copy?: boolean; readonly json?: boolean };

type Arguments = [build: string, folder: string];

/** `snap restore BUILD DIR` */
export const restoreCommand: Command<Arguments, RestoreOptions> = (session, [build, folder], options) =>
  reporting(options.json === true, async () => {
    const restored = await restore({
      project: chooseProject(session),
      build,
      folder,
      copy: options.copy === true,
      signal: session.signal,
      onWait: (what) => say(`waiting for ${what}`),
    });
    if (options.json) printJson(restored);
    else tell(restored);
    return 0;
  });

function tell({ build, image, paths, bytes, copied }: Restored): void {
  say(`${build}: ${count(paths)} paths, ${size(bytes)}${copied ? ', all copied' : ''}`);
  print(image);
}
