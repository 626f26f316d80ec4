import { clean } from '../clean.ts';
import { counted, size } from '../report/quantity.ts';
import { chooseProject } from './choose.ts';
import { printJson, reporting, say } from './print.ts';
import type { Command } from './session.ts';

export type CleanOptions = { readonly json?: boolean };

/** `snap clean [CONF...]` */
export const cleanCommand: Command<[confs: string[]], CleanOptions> = (session, [confs], options) =>
  reporting(options.json === true, async () => {
    const cleaned = await clean(
      chooseProject(session),
      confs.map((conf) => conf.replace(/^.*\//, '').replace(/\.toml$/, '')),
    );
    const freed = cleaned.reduce((sum, image) => sum + image.freed, 0);
    if (options.json) printJson({ images: cleaned, freed });
    else if (cleaned.length === 0) say('nothing to remove: there is no image');
    else say(`removed ${counted(cleaned.length, 'image')}, freed ${size(freed)}; the store is as it was`);
    return 0;
  });
