import { type GcReport, gc, type KeptLayer, whyKept } from '../gc.ts';
import { type Amount, parseAge, parseAmount } from '../host/amount.ts';
import { SnapError } from '../host/error.ts';
import { printable } from '../report/printable.ts';
import { count, counted, duration, localTime, size } from '../report/quantity.ts';
import { table } from '../report/table.ts';
import { chooseProject } from './choose.ts';
import { HOLDING_NOUNS } from './holding-nouns.ts';
import { print, printJson, reporting, say } from './print.ts';
import type { Command } from './session.ts';

export type GcOptions = {
  readonly keepBuilds?: number;
  readonly keepYoungerThan?: string;
  readonly maxSize?: string;
  readonly minFree?: string;
  readonly dryRun?: boolean;
  readonly why?: string;
  readonly json?: boolean;
};

/** `snap gc` */
export const gcCommand: Command<[], GcOptions> = (session, _args, options) =>
  reporting(options.json === true, async () => {
    const { keepBuilds, why, dryRun = false } = options;
    const { keepYoungerThan: younger, maxSize, minFree } = options;
    const request = {
      project: chooseProject(session),
      dryRun,
      signal: session.signal,
      ...(keepBuilds === undefined ? {} : { keepBuilds }),
      ...(younger === undefined ? {} : { keepYounger: age(younger) }),
      ...(maxSize === undefined ? {} : { maxSize: amount('--max-size', maxSize) }),
      ...(minFree === undefined ? {} : { minFree: amount('--min-free', minFree) }),
    };
    if (why !== undefined) {
      const layers = await whyKept(request, why);
      if (options.json) printJson(layers);
      else for (const line of layers.flatMap(keptLines)) print(line);
      return 0;
    }
    const result = await gc(request, (event) => void (event.kind === 'note' && say(`snap: ${event.text}`)));
    if (options.json) printJson(result);
    else tell(result);
    return result.failed.length > 0 ? 1 : 0;
  });

function amount(option: string, text: string): Amount {
  const parsed = parseAmount(text);
  if (parsed) return parsed;
  throw new SnapError('USAGE', `Option "${option}" takes no "${text}"`, {
    hint: 'a size as in 20GB or 20GiB, or a share of the filesystem as in 30%',
  });
}

function age(text: string): number {
  const seconds = parseAge(text);
  if (seconds !== undefined) return seconds;
  throw new SnapError('USAGE', `Option "--keep-younger-than" takes no "${text}"`, {
    hint: 'a number with a unit, as in 14d, 12h or 2w',
  });
}

const NOUNS: Readonly<Record<GcReport['kinds'][number]['kind'], string>> = {
  ...HOLDING_NOUNS,
  result: 'cached results',
};

const KINDS = [
  { title: 'what' },
  { title: 'number', align: 'right' },
  { title: 'frees', align: 'right' },
  { title: 'to make again', align: 'right' },
] as const;

const LAYERS = [
  { title: 'layer' },
  { title: 'number', align: 'right' },
  { title: 'frees', align: 'right' },
  { title: 'to make again', align: 'right' },
  { title: 'last used' },
] as const;

/** So many layers are shown one by one. */
const SHOWN = 20;

function tell(report: GcReport): void {
  const { kinds, layers, builds, missing, notes, failed } = report;
  const rows = kinds.map((one) => [NOUNS[one.kind], count(one.count), size(one.frees), again(one.seconds)]);
  for (const line of table(KINDS, rows)) print(line);
  const largest = layers.toSorted((a, b) => b.frees - a.frees).slice(0, SHOWN);
  if (largest.length > 0) print('');
  for (const line of table(LAYERS, largest.map(layerRow))) print(line);
  if (layers.length > SHOWN) print(`and ${counted(layers.length - SHOWN, 'layer')} more: --json`);
  if (builds.length > 0) print(`\nbuilds: ${builds.join(' ')}`);
  for (const note of notes) say(`snap: ${printable(note)}`);
  for (const line of failed) say(`snap: Cannot remove ${printable(line)}`);
  say(summary(report));
  if (missing) for (const line of missingLines(missing)) say(line);
}

function layerRow({ name, number, frees, seconds, used }: GcReport['layers'][number]): string[] {
  return [name, String(number), size(frees), again(seconds), localTime(used)];
}

function again(seconds: number): string {
  return seconds > 0 ? duration(seconds) : '';
}

function summary({ kinds, frees, seconds, dryRun, failed }: GcReport): string {
  if (kinds.length === 0) return 'nothing to remove';
  const cost = seconds > 0 ? `; making it again would take about ${duration(seconds)}` : '';
  const freed = failed.length > 0 ? 'freed less than' : 'freed';
  return `${dryRun ? 'would free' : freed} ${size(frees)}${cost}`;
}

function missingLines({ bytes, keptBy }: NonNullable<GcReport['missing']>): string[] {
  const named = keptBy.slice(0, 8).join(', ');
  const more = keptBy.length > 8 ? ` and ${keptBy.length - 8} more` : '';
  return [
    `${size(bytes)} more than the limit: the rest is kept by ${named === '' ? 'what is in use' : `${named}${more}`}`,
    'hint: keep less: --keep-builds 1, fewer tags and pins, or let images go: snap clean',
  ];
}

function keptLines({ name, number, keptBy }: KeptLayer): string[] {
  const title = `${name}, number ${number}`;
  if (keptBy.length === 0) return [`${title}: nothing keeps it, the next gc removes it`];
  return [`${title}: kept by`, ...keptBy.map(({ root, because }) => `  ${root}: ${because}`)];
}
