import { availableParallelism } from 'node:os';
import { tellProblem } from '../kernel/check-kconfig.ts';
import { configLine, tellContradiction } from '../kernel/kconfig.ts';
import { tellOrigin } from '../kernel/origins.ts';
import { type KernelConfig, kernelConfig } from '../kernel-config.ts';
import { counted } from '../report/quantity.ts';
import { table } from '../report/table.ts';
import { openScreen } from '../report/terminal.ts';
import { chooseConf, chooseProject } from './choose.ts';
import { print, printJson, reporting, say } from './print.ts';
import type { Command } from './session.ts';

export type KernelConfigOptions = { readonly diff?: boolean; readonly json?: boolean };

type Arguments = [conf: string | undefined, scriptlet: string | undefined];

/** `snap kernel config [CONF] [SCRIPTLET]`: 1 where something is not as asked for. */
export const kernelConfigCommand: Command<Arguments, KernelConfigOptions> = (
  session,
  [conf, scriptlet],
  { diff = false, json = false },
) =>
  reporting(json, async () => {
    const project = chooseProject(session);
    const request = {
      project,
      ...(conf === undefined ? {} : { conf: chooseConf(project, conf) }),
      ...(scriptlet === undefined ? {} : { scriptlet }),
      jobs: availableParallelism(),
      diff,
      signal: session.signal,
    };
    const screen = openScreen('kernel', process.stderr, process.env);
    let config: KernelConfig;
    try {
      config = await kernelConfig(request, screen.report);
    } finally {
      screen.close();
    }
    if (json) printJson(valueOfConfig(config));
    else printConfig(config, diff);
    return config.problems.length > 0 ? 1 : 0;
  });

function printConfig(
  { scriptlet, base, lines, problems, contradictions }: KernelConfig,
  diff: boolean,
): void {
  const rows = lines.map((line) => [
    configLine(line.symbol, line.value),
    ...(diff ? [line.base ?? ''] : []),
    tellOrigin(line.origin),
  ]);
  const titles = [{ title: 'setting' }, ...(diff ? [{ title: base }] : []), { title: 'from' }];
  for (const line of table(titles, rows)) print(line);
  for (const contradiction of contradictions) say(tellContradiction(contradiction));
  for (const problem of problems) say(tellProblem(problem));
  const wrong = problems.length > 0 ? `, ${problems.length} not as asked for` : '';
  say(`${scriptlet}: ${counted(lines.length, 'line')}${diff ? ` not as in ${base}` : ''}${wrong}`);
}

function valueOfConfig({ problems, contradictions, lines, ...rest }: KernelConfig): object {
  return {
    ...rest,
    lines: lines.map((line) => ({ ...line, base: line.base ?? null })),
    problems: problems.map((problem) => ({ ...problem, text: tellProblem(problem) })),
    contradictions: contradictions.map((one) => ({ ...one, text: tellContradiction(one) })),
  };
}
