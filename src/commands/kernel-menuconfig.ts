import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
import { SnapError } from '../host/error.ts';
import { tellProblem } from '../kernel/check-kconfig.ts';
import { type MenuconfigResult, menuconfig } from '../menuconfig.ts';
import { lineDiff } from '../report/line-diff.ts';
import { openScreen } from '../report/terminal.ts';
import { chooseConf, chooseProject } from './choose.ts';
import { print, say } from './print.ts';
import type { Command } from './session.ts';

type Arguments = [scriptlet: string, fragment: string];

/** `snap kernel menuconfig SCRIPTLET FRAGMENT`: prints what changed in the fragment. */
export const kernelMenuconfigCommand: Command<Arguments, { readonly conf?: string }> = async (
  session,
  [scriptlet, fragment],
  { conf },
) => {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new SnapError('USAGE', 'Cannot open menus: standard input and output are no terminal', {
      hint: 'edit the fragment, and see what comes of it: snap kernel config --diff',
    });
  }
  const project = chooseProject(session);
  const screen = openScreen('kernel', process.stderr, process.env);
  const request = {
    project,
    ...(conf === undefined ? {} : { conf: chooseConf(project, conf) }),
    scriptlet,
    fragment,
    jobs: availableParallelism(),
    signal: session.signal,
  };
  try {
    const result = await menuconfig(request, screen.report, screen.close);
    return await tell(result, project);
  } finally {
    screen.close();
  }
};

async function tell(
  { file, before, after, problems, undone }: MenuconfigResult,
  project: string,
): Promise<number> {
  const name = relative(project, file);
  if (before === after) say(`${name}: nothing changed`);
  else {
    print(name);
    for (const line of await lineDiff(before, after)) print(line);
  }
  for (const line of undone) say(line);
  for (const problem of problems) say(tellProblem(problem));
  return undone.length + problems.length > 0 ? 1 : 0;
}
