import { pin, pins, unpin } from '../keep.ts';
import { chooseProject } from './choose.ts';
import { keepRequest } from './keep-request.ts';
import { print, printJson, reporting } from './print.ts';
import type { Command } from './session.ts';

export type PinOptions = { readonly json?: boolean };

/** `snap pin [BUILD]` */
export const pinCommand: Command<[build?: string], PinOptions> = (session, [build], options) =>
  reporting(options.json === true, async () => {
    const project = chooseProject(session);
    if (build === undefined) {
      if (options.json) printJson(pins(project));
      else for (const name of pins(project)) print(name);
      return 0;
    }
    const name = await pin(keepRequest(session, project), build);
    if (options.json) printJson({ build: name, pinned: true });
    else print(`${name} stays until: snap unpin ${name}`);
    return 0;
  });

/** `snap unpin BUILD` */
export const unpinCommand: Command<[build: string], PinOptions> = (session, [build], options) =>
  reporting(options.json === true, async () => {
    const name = await unpin(keepRequest(session, chooseProject(session)), build);
    if (options.json) printJson({ build: name, pinned: false });
    else print(`${name} is not pinned any more`);
    return 0;
  });
