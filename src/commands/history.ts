import { history, type LostBuild, type PastBuild } from '../history.ts';
import { localTime, size } from '../report/quantity.ts';
import { table } from '../report/table.ts';
import { commitText } from './blame.ts';
import { chooseProject, confNamed } from './choose.ts';
import { print, printJson, reporting } from './print.ts';
import type { Command } from './session.ts';

export type HistoryOptions = { readonly newest?: number; readonly json?: boolean };

const LAYOUT = [
  { title: 'build' },
  { title: 'made' },
  { title: 'commit' },
  { title: 'lock' },
  { title: 'ran', align: 'right' },
  { title: '' },
  { title: 'size', align: 'right' },
  { title: 'change', align: 'right' },
  { title: '' },
] as const;

/** `snap history [CONF]` */
export const historyCommand: Command<[conf?: string], HistoryOptions> = (session, [conf], options) =>
  reporting(options.json === true, async () => {
    const builds = history(chooseProject(session), conf && confNamed(conf), options.newest);
    if (options.json) printJson(builds);
    else for (const line of table(LAYOUT, builds.map(row))) print(line);
    return 0;
  });

function row(past: PastBuild | LostBuild): string[] {
  if ('isLost' in past) return [past.build, 'what was kept of it cannot be read'];
  const { build, made, commit, lock, ran, bytes, growth } = past;
  return [
    build,
    localTime(made),
    commit === null ? '' : commitText(commit),
    lock.slice(0, 12),
    String(ran.length),
    ran.length > 3 ? `${ran.slice(0, 3).join(', ')}, ...` : ran.join(', '),
    size(bytes),
    growth === null || growth === 0 ? '' : `${growth > 0 ? '+' : '-'}${size(Math.abs(growth))}`,
    marks(past),
  ];
}

function marks({ tags, isPinned, gone }: PastBuild): string {
  const lost = gone.length === 0 ? [] : [`cannot be looked into: ${gone.join(', ')} gone`];
  return [...tags, ...(isPinned ? ['pinned'] : []), ...lost].join(', ');
}
