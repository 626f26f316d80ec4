import { type CheckResult, check } from '../check.ts';
import { printablePath } from '../report/printable.ts';
import { counted } from '../report/quantity.ts';
import { table } from '../report/table.ts';
import { openScreen } from '../report/terminal.ts';
import { usualJobs } from '../request.ts';
import { chooseConf, chooseProject } from './choose.ts';
import { print, printJson, reporting, say } from './print.ts';
import type { Command } from './session.ts';

export type CheckOptions = { readonly jobs?: number; readonly json?: boolean };

/** `snap check [CONF]`: exit code 0 when both images are the same, 1 when they differ. */
export const checkCommand: Command<[conf?: string], CheckOptions> = (session, [name], options) =>
  reporting(options.json === true, async () => {
    const project = chooseProject(session);
    const conf = chooseConf(project, name);
    const screen = openScreen(conf, process.stderr, process.env);
    const request = { project, conf, jobs: options.jobs ?? usualJobs(), signal: session.signal };
    let result: CheckResult;
    try {
      result = await check(request, screen.report);
    } finally {
      screen.close();
    }
    if (options.json) printJson({ ...result, differences: result.differences.map(shown) });
    else printDifferences(conf, result);
    return result.same ? 0 : 1;
  });

function shown(difference: CheckResult['differences'][number]): object {
  return { ...difference, path: printablePath(difference.path) };
}

function printDifferences(conf: string, { same, differences }: CheckResult): void {
  const open = differences.filter((difference) => difference.allowed === undefined);
  const rows = open.map(({ path, what }) => [printablePath(path), what]);
  for (const line of table([{ title: 'path' }, { title: 'difference' }], rows)) print(line);
  const allowed = `${counted(differences.length - open.length, 'allowed difference')}`;
  say(
    same
      ? `${conf}: same as built the old way, ${allowed}`
      : `${conf}: not the same as built the old way, ${counted(open.length, 'difference')} and ${allowed}`,
  );
}
