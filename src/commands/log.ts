import { logOf } from '../list.ts';
import { printable } from '../report/printable.ts';
import { chooseProject } from './choose.ts';
import type { Command } from './session.ts';

/** `snap log LAYER`: as it was written, but for a terminal without what a terminal would obey. */
export const logCommand: Command<[layer: string], object> = async (session, [layer]) => {
  const text = await logOf(chooseProject(session), layer);
  const shown = process.stdout.isTTY ? text.split('\n').map(printable).join('\n') : text;
  process.stdout.write(shown.endsWith('\n') || shown === '' ? shown : `${shown}\n`);
  return 0;
};
