import { type Origin, originOf, type Part, type Place } from '../origin.ts';
import { counted } from '../report/quantity.ts';
import { table } from '../report/table.ts';
import { print, printJson } from './print.ts';

/** `snap why --path PATH`: prints the way from a file of the image to the lines that brought it. */
export async function tellOrigin(
  project: string,
  { conf }: { readonly conf?: string },
  path: string,
  json: boolean,
): Promise<number> {
  const origin = await originOf(project, conf, path);
  if (json) printJson(origin);
  else for (const line of lines(origin)) print(line);
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
  const { parts } = origin;
  const winner = parts.find(({ wins }) => wins) ?? parts.at(-1);
  return [
    heading(origin),
    ...(parts.length > 1 ? ['', ...table(LAYOUT, parts.map(row))] : []),
    ...(winner && winner.type !== 'records' ? ['', ...chainLines(winner, origin.excluded)] : []),
  ];
}

function heading({ path, conf, removed, excluded }: Origin): string {
  const fate = removed ? ', removed' : excluded ? ', left out' : '';
  return `/${path} of ${conf}${fate}`;
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

function chainLines(part: Part, excluded: Place | undefined): string[] {
  const { layer, number, key, package: owner, declared, chain = [], pinned } = part;
  const rows = [
    ['layer', `${layer}, number ${number}, key ${key.slice(0, 12)}`],
    ...(part.by === 'package' ? [] : [['made by', makerWords(part)]]),
    ...(owner ? [['package', `${owner.name} ${owner.version}`]] : []),
    ...(chain.length > 1 ? [['through', chain.join(' -> ')]] : []),
    ...(declared ? [['declared', placeWords(declared)]] : []),
    ...(pinned ? [['pinned', placeWords(pinned)]] : []),
    ...(excluded ? [['left out', placeWords(excluded)]] : []),
  ];
  return table([{ title: '' }, { title: '' }], rows).slice(1);
}

function placeWords({ file, line, text }: Place): string {
  return `${file}:${line}  ${text}`;
}
