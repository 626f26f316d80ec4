import { type PlanResult, plan } from '../build.ts';
import { changedLines } from '../layers/changed-lines.ts';
import type { PlannedLayer } from '../layers/forecast.ts';
import { counted, duration } from '../report/quantity.ts';
import { table } from '../report/table.ts';
import { indented, print, printJson, reporting, say } from './print.ts';
import { type BuildOptions, buildRequest } from './request.ts';
import type { Command } from './session.ts';

/** `snap plan [CONF]` */
export const planCommand: Command<[conf?: string], BuildOptions> = (session, [name], options) =>
  reporting(options.json === true, async () =>
    printPlan(await plan(buildRequest(session, name, options)), options.json === true),
  );

type Row = PlannedLayer & { readonly lines: readonly string[] };

const LAYOUT = [
  { title: 'layer' },
  { title: 'state' },
  { title: 'about', align: 'right' },
  { title: 'why' },
] as const;

/** Prints what a build would do; `snap build --dry-run` prints the same. */
export async function printPlan(result: PlanResult, json: boolean): Promise<number> {
  const layers = await Promise.all(
    result.layers.map(async (layer): Promise<Row> => ({ ...layer, lines: await changedLines(layer.why) })),
  );
  if (json) {
    printJson({ ...result, layers });
    return 0;
  }
  const rowCells = layers.map(row);
  const shown = LAYOUT.flatMap((_, at) => (rowCells.some((cells) => cells[at] !== '') ? [at] : []));
  const [titles = '', ...rows] = table(
    shown.map((at) => LAYOUT[at]!),
    rowCells.map((cells) => shown.map((at) => cells[at]!)),
  );
  print(titles);
  for (const [at, line] of rows.entries()) {
    print(line);
    for (const changed of layers[at]?.lines ?? []) print(indented(changed));
  }
  say(total(result));
  return 0;
}

/** What a layer took that will not run is of no interest. */
function row({ name, state, seconds, reason }: PlannedLayer): string[] {
  const about = state === 'hit' || seconds === undefined ? '' : duration(seconds);
  return [name, state, about, reason];
}

function total({ layers, seconds, atMost }: PlanResult): string {
  const running = layers.filter(({ state }) => state === 'run');
  const unknown = layers.filter(({ state }) => state === 'unknown');
  const noted = unknown.filter((layer) => layer.noted).length;
  const fresh = running.filter((layer) => layer.seconds === undefined).length;
  const parts = [
    `${counted(layers.length, 'layer')}: ${running.length} to run`,
    ...(fresh > 0 ? [`${fresh} of them for the first time`] : []),
    ...(seconds > 0 ? [`about ${duration(seconds)}`] : []),
  ];
  if (unknown.length === 0) return parts.join(', ');
  const only = noted > 0 ? `, ${noted} of them only if what they looked for changes` : '';
  const then = atMost > seconds ? `, then at most about ${duration(atMost)}` : '';
  return `${parts.join(', ')}; ${unknown.length} may run too${only}${then}`;
}
