import { type PlanResult, plan } from '../build.ts';
import type { PlannedLayer } from '../layers/forecast.ts';
import { counted, duration } from '../report/quantity.ts';
import { table } from '../report/table.ts';
import { print, printJson, reporting, say } from './print.ts';
import { type BuildOptions, buildRequest } from './request.ts';
import type { Command } from './session.ts';

/** `snap plan [CONF]` */
export const planCommand: Command<[conf?: string], BuildOptions> = (session, [name], options) =>
  reporting(options.json === true, async () =>
    printPlan(await plan(buildRequest(session, name, options)), options.json === true),
  );

/** Prints what a build would do; `snap build --dry-run` prints the same. */
export function printPlan(result: PlanResult, json: boolean): number {
  if (json) {
    printJson(result);
    return 0;
  }
  const layout = [
    { title: 'layer' },
    { title: 'state' },
    { title: 'took', align: 'right' as const },
    { title: 'why' },
  ];
  for (const line of table(layout, result.layers.map(row))) print(line);
  say(total(result.layers));
  return 0;
}

function row(layer: PlannedLayer): string[] {
  const took = layer.seconds === undefined ? '' : duration(layer.seconds);
  return [layer.name, layer.state, took, layer.reason];
}

function total(layers: readonly PlannedLayer[]): string {
  const running = layers.filter((layer) => layer.state === 'run');
  const unknown = layers.filter((layer) => layer.state === 'unknown').length;
  const seconds = running.reduce((sum, layer) => sum + (layer.seconds ?? 0), 0);
  const parts = [
    `${counted(layers.length, 'layer')}: ${running.length} to run`,
    ...(seconds > 0 ? [`${duration(seconds)} the last time`] : []),
    ...(unknown > 0 ? [`${unknown} known only when those have run`] : []),
  ];
  return parts.join(', ');
}
