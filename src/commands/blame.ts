import { type Origin, originOf, type Part, type Place, type RecordLine } from '../origin.ts';
import type { ChangingBuild, PathHistory } from '../path-history.ts';
import { count, counted, localTime } from '../report/quantity.ts';
import { table } from '../report/table.ts';
import { chooseProject } from './choose.ts';
import { print, printJson, reporting, say } from './print.ts';
import type { Command } from './session.ts';

type Arguments = [path: string, image: string | undefined];

/** `snap blame PATH [IMAGE]` */
export const blameCommand: Command<Arguments, { readonly json?: boolean }> = (session, args, options) =>
  reporting(options.json === true, () => {
    const [first, second] = args;
    const isTurned = !first.includes('/') && second?.startsWith('/');
    const [path, image] = isTurned ? [second!, first] : [first, second];
    return tellOrigin(chooseProject(session), image, path, options.json === true);
  });

/** Prints the way from a path of an image to the lines that brought it, and the builds in which it changed. */
export async function tellOrigin(
  project: string,
  image: string | undefined,
  path: string,
  json: boolean,
): Promise<number> {
  const origin = await originOf(project, image, path);
  if (json) {
    printJson(origin);
    return 0;
  }
  for (const line of lines(origin)) print(line);
  if (origin.unread !== undefined) say(`no lines of the project are named: ${origin.unread}`);
  return 0;
}

const LAYOUT = [
  { title: '' },
  { title: 'layer' },
  { title: 'number', align: 'right' },
  { title: 'key' },
  { title: 'type' },
  { title: 'by' },
] as const;

function lines(origin: Origin): string[] {
  const { parts, lines: records = [], history } = origin;
  const winner = parts.find(({ wins }) => wins) ?? parts.at(-1);
  return [
    heading(origin),
    ...(parts.length > 1 ? ['', ...table(LAYOUT, parts.map(row))] : []),
    ...(winner && winner.type !== 'records' ? ['', ...chainLines(winner, origin.excluded)] : []),
    ...(records.length > 0 ? ['', ...table(RECORDS, records.map(recordRow))] : []),
    '',
    ...historyLines(history),
  ];
}

const RECORDS = [{ title: 'layer' }, { title: 'number', align: 'right' }, { title: 'record' }] as const;

function recordRow({ record, line, layer, number }: RecordLine): string[] {
  return [layer, String(number), line ?? record];
}

/** As many changes as are told in words. */
const MOST = 8;

function historyLines({ changes, oldest, isThere, isComplete }: PathHistory): string[] {
  const more = changes.length - MOST;
  const rows = changes.slice(0, MOST).map(changeRow);
  const start = isComplete ? ', the first build' : '; older builds are gone';
  return [
    ...table([{ title: '' }, { title: '' }, { title: '' }, { title: '' }], rows).slice(1),
    ...(more > 0 ? [`and ${count(more)} more`] : []),
    ...(changes.length === 0 ? [`${isThere ? 'unchanged' : 'not there'} since ${oldest}${start}`] : []),
    ...(changes.length > 0 && !isComplete ? [`builds before ${oldest} are gone`] : []),
  ];
}

function changeRow({ build, made, change, against, layer, commit }: ChangingBuild): string[] {
  const by = layer && change !== 'removed' ? `, from ${layer.name}` : '';
  return [
    build,
    localTime(made),
    `${CHANGES[change]} since ${against}${by}`,
    commit === null ? '' : commitText(commit),
  ];
}

const CHANGES: Readonly<Record<ChangingBuild['change'], string>> = {
  added: 'added',
  removed: 'removed',
  type: 'type changed',
  content: 'content changed',
  metadata: 'owner, mode or attributes changed',
  time: 'time changed',
};

/** A commit as people write it; that files differed from it stays to be seen. */
export function commitText(commit: string): string {
  return commit.replace(/^([0-9a-f]{12})[0-9a-f]*/, '$1');
}

function heading({ path, image, removed, excluded }: Origin): string {
  const fate = removed ? ', removed' : excluded ? ', left out' : '';
  return `/${path} of ${image}${fate}`;
}

function row(part: Part): string[] {
  const { layer, number, key, type, wins } = part;
  return [wins ? '*' : '', layer, String(number), key.slice(0, 12), TYPES[type], byWords(part)];
}

const TYPES: Readonly<Record<Part['type'], string>> = {
  file: 'file',
  dir: 'folder',
  symlink: 'link',
  char: 'device',
  block: 'device',
  fifo: 'fifo',
  whiteout: 'removed',
  records: 'records',
};

function byWords(part: Part): string {
  const { by, package: owner, records } = part;
  if (records) return `${counted(records.length, 'record')}: ${shortList(records)}`;
  if (by === 'package' && owner) return `${owner.name} ${owner.version}`;
  return owner ? `${makerWords(part)}, on a file of ${owner.name}` : makerWords(part);
}

function makerWords({ by, copied }: Part): string {
  return copied === undefined ? by.replace('scripts', 'maintainer scripts') : `do_run, from ${copied}`;
}

function shortList(names: readonly string[]): string {
  return names.length > 4 ? `${names.slice(0, 3).join(', ')}, ...` : names.join(', ');
}

function chainLines(part: Part, excluded: Origin['excluded']): string[] {
  const { layer, number, key, package: owner, declared, chain = [], pinned, diverted } = part;
  const rows = [
    ['layer', `${layer}, number ${number}, key ${key.slice(0, 12)}`],
    ...(part.by === 'package' ? [] : [['made by', makerWords(part)]]),
    ...(owner ? [['package', `${owner.name} ${owner.version}`]] : []),
    ...(chain.length > 1 ? [['through', chain.join(' -> ')]] : []),
    ...(declared ? [['declared', placeWords(declared)]] : []),
    ...(pinned ? [['pinned', placeWords(pinned)]] : []),
    ...(diverted ? [['diverted', divertedWords(diverted)]] : []),
    ...(excluded ? [['left out', placeWords(excluded)]] : []),
  ];
  return table([{ title: '' }, { title: '' }], rows).slice(1);
}

function divertedWords({ by, from, to }: NonNullable<Part['diverted']>): string {
  return `${by === null ? 'by hand' : `by ${by}`}: /${from} of other packages lies at /${to}`;
}

function placeWords({ file, line, text, isOther }: Pick<Place, 'text'> & Partial<Place>): string {
  const other = isOther ? ', changed since' : '';
  return file === undefined ? `${text}, in no scriptlet any more` : `${file}:${line}  ${text}${other}`;
}
