import { logOf } from '../build.ts';
import { printable } from '../report/printable.ts';
import { chooseConf, chooseProject } from './choose.ts';
import type { Command } from './session.ts';

export type LogOptions = { readonly conf?: string };

/** `snap log LAYER`: as it was written, but for a terminal without what a terminal would obey. */
export const logCommand: Command<[layer: string], LogOptions> = async (session, [layer], options) => {
  const project = chooseProject(session);
  const conf = options.conf === undefined ? undefined : chooseConf(project, options.conf);
  const text = await logOf(project, layer, conf);
  const shown = process.stdout.isTTY ? text.split('\n').map(printable).join('\n') : text;
  process.stdout.write(shown.endsWith('\n') || shown === '' ? shown : `${shown}\n`);
  return 0;
};
