import { relative } from 'node:path';
import { type ListedConf, list } from '../list.ts';
import { count, localTime, size } from '../report/quantity.ts';
import { table } from '../report/table.ts';
import { chooseProject } from './choose.ts';
import { print, printJson, reporting } from './print.ts';
import type { Command } from './session.ts';

export type ListOptions = { readonly json?: boolean };

const LAYOUT = [
  { title: 'conf' },
  { title: 'built' },
  { title: 'layers', align: 'right' },
  { title: 'paths', align: 'right' },
  { title: 'size', align: 'right' },
  { title: 'image' },
] as const;

/** `snap list` */
export const listCommand: Command<[], ListOptions> = (session, _args, options) =>
  reporting(options.json === true, async () => {
    const project = chooseProject(session);
    const confs = await list(project);
    if (options.json) printJson(confs);
    else
      for (const line of table(
        LAYOUT,
        confs.map((conf) => row(project, conf)),
      ))
        print(line);
    return 0;
  });

function row(project: string, conf: ListedConf): string[] {
  const { name, built, layers, paths, bytes, image } = conf;
  return [
    name,
    built === undefined ? 'not yet' : localTime(built),
    layers === undefined ? '' : count(layers),
    paths === undefined ? '' : count(paths),
    bytes === undefined ? '' : size(bytes),
    image === undefined ? '' : inProject(project, image),
  ];
}

function inProject(project: string, path: string): string {
  const short = relative(project, path);
  return short.startsWith('..') ? path : short;
}
