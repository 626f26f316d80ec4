import { relative } from 'node:path';
import { type LockResult, lock } from '../lock.ts';
import { counted } from '../report/quantity.ts';
import { table } from '../report/table.ts';
import { openScreen } from '../report/terminal.ts';
import { chooseConf, chooseProject } from './choose.ts';
import { print, printJson, reporting, say } from './print.ts';
import type { Command } from './session.ts';

export type LockOptions = {
  /** True: every package; a list: these. */
  readonly update?: true | readonly string[];
  readonly offline?: boolean;
  readonly json?: boolean;
};

/** `snap lock [CONF]` */
export const lockCommand: Command<[conf?: string], LockOptions> = (session, [name], options) =>
  reporting(options.json === true, async () => {
    const project = chooseProject(session);
    const conf = chooseConf(project, name);
    const screen = openScreen(conf, process.stderr, process.env);
    const request = { project, conf, offline: options.offline ?? false, signal: session.signal };
    let result: LockResult;
    try {
      result = await lock({ ...request, ...moving(options.update) }, screen.report);
    } finally {
      screen.close();
    }
    if (options.json) printJson(result);
    else printMoved(project, result);
    return 0;
  });

function moving(update: LockOptions['update']): { update?: 'all' | readonly string[] } {
  if (update === undefined) return {};
  return { update: update === true ? 'all' : update };
}

function printMoved(project: string, { file, moved }: LockResult): void {
  const rows = moved.map(({ name, from, to }) => [name, from ?? '-', to ?? '-']);
  for (const line of table([{ title: 'package' }, { title: 'from' }, { title: 'to' }], rows)) print(line);
  const path = relative(project, file);
  say(moved.length === 0 ? `${path}: no pin moved` : `${path}: ${counted(moved.length, 'pin')} moved`);
}
