import { nearest, SnapError } from '../host/error.ts';
import { shell } from '../shell.ts';
import { chooseConf, chooseProject, confNames, scriptletNames } from './choose.ts';
import type { Command } from './session.ts';

export type ShellOptions = { readonly conf?: string };

type Arguments = [name: string | undefined, command: readonly string[]];

/** `snap shell [CONF|LAYER] [-- CMD...]`: the exit code is the shell's. */
export const shellCommand: Command<Arguments, ShellOptions> = async (session, [name, command], options) => {
  const project = chooseProject(session);
  const inside = { project, command, signal: session.signal };
  if (name === undefined || (options.conf === undefined && confNames(project).includes(name))) {
    return shell({ ...inside, conf: chooseConf(project, name ?? options.conf) });
  }
  if (!scriptletNames(project).includes(name)) throw unknownName(project, name);
  const conf = options.conf === undefined ? {} : { conf: chooseConf(project, options.conf) };
  return shell({ ...inside, ...conf, layer: name });
};

function unknownName(project: string, name: string): SnapError {
  const near = nearest(name, [...confNames(project), ...scriptletNames(project)]);
  return new SnapError('USAGE', `Neither a conf nor a scriptlet: "${name}"`, {
    hint:
      near.length > 0
        ? `did you mean ${near.map((found) => `"${found}"`).join(', ')}?`
        : `confs: ${confNames(project).join(', ')}`,
  });
}
