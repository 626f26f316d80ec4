import { type DuReport, du } from '../du.ts';
import { count, size } from '../report/quantity.ts';
import { table } from '../report/table.ts';
import { chooseProject } from './choose.ts';
import { HOLDING_NOUNS } from './holding-nouns.ts';
import { print, printJson, reporting, say } from './print.ts';
import type { Command } from './session.ts';

export type DuOptions = { readonly json?: boolean };

const NOUNS: Readonly<Record<DuReport['kinds'][number]['kind'], string>> = {
  ...HOLDING_NOUNS,
  other: 'index and others',
};

const LAYOUT = [
  { title: 'what' },
  { title: 'number', align: 'right' },
  { title: 'on disk', align: 'right' },
  { title: 'shared with the store', align: 'right' },
] as const;

/** `snap du` */
export const duCommand: Command<[], DuOptions> = (session, _args, options) =>
  reporting(options.json === true, async () => {
    const report = await du(chooseProject(session));
    if (options.json) printJson(report);
    else tell(report);
    return 0;
  });

function tell({ kinds, store, images, total, free }: DuReport): void {
  const rows = [
    ...kinds.map(({ kind, count: number, bytes }) => [NOUNS[kind], count(number), size(bytes), '']),
    ['store', '', size(store), ''],
    ...images.map(({ name, own, shared }) => [`image ${name}`, '', size(own), size(shared)]),
    ['in all', '', size(total), ''],
  ];
  for (const line of table(LAYOUT, rows)) print(line);
  say(`${size(free)} free on the filesystem`);
}
