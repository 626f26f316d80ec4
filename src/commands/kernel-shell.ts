import { availableParallelism } from 'node:os';
import { kernelShell } from '../kernel-shell.ts';
import { openScreen } from '../report/terminal.ts';
import { chooseConf, chooseProject } from './choose.ts';
import type { Command } from './session.ts';

type Arguments = [scriptlet: string | undefined, command: readonly string[]];

/** `snap kernel shell [SCRIPTLET] [-- CMD...]`: the exit code is the shell's. */
export const kernelShellCommand: Command<Arguments, { readonly conf?: string }> = async (
  session,
  [scriptlet, command],
  { conf },
) => {
  const project = chooseProject(session);
  const screen = openScreen('kernel', process.stderr, process.env);
  const request = {
    project,
    ...(conf === undefined ? {} : { conf: chooseConf(project, conf) }),
    ...(scriptlet === undefined ? {} : { scriptlet }),
    command,
    jobs: availableParallelism(),
    signal: session.signal,
  };
  try {
    return await kernelShell(request, screen.report, screen.close);
  } finally {
    screen.close();
  }
};
