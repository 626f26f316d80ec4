import { join } from 'node:path';
import { type BuildResult, build, plan } from '../build.ts';
import type { BuildEvent } from '../report/event.ts';
import { printable } from '../report/printable.ts';
import { count, counted, duration, size } from '../report/quantity.ts';
import { openScreen } from '../report/terminal.ts';
import type { BuildRequest } from '../request.ts';
import { printPlan } from './plan.ts';
import { print, printJson, reporting, say } from './print.ts';
import { type BuildOptions, buildRequest } from './request.ts';
import type { Command } from './session.ts';

/** `snap build [CONF]` */
export const buildCommand: Command<[conf?: string], BuildOptions> = (session, [name], options) => {
  const ended: object[] = [];
  const work = async () => {
    const request = buildRequest(session, name, options);
    if (options.dryRun) return printPlan(await plan(request), options.json === true);
    return runBuild(request, options, ended);
  };
  return reporting(options.json === true, work, () => (options.dryRun ? {} : { image: null, layers: ended }));
};

async function runBuild(request: BuildRequest, options: BuildOptions, ended: object[]): Promise<number> {
  const screen = openScreen(request.conf, process.stderr, process.env);
  const learned = { orders: 0, ids: 0 };
  const report = (event: BuildEvent): void => {
    if (event.kind === 'layer-end') ended.push(endedLayer(event));
    if (event.kind === 'learned') learned.orders++;
    if (event.kind === 'ids') learned.ids++;
    screen.report(event);
  };
  let result: BuildResult;
  try {
    result = await build(request, report);
  } finally {
    screen.close();
  }
  for (const line of summary(request, result, learned)) say(line);
  if (options.json) printJson(result);
  else print(result.image);
  return 0;
}

/** A layer as `--json` shows it when the build has failed; its key is unknown where it was not told. */
function endedLayer(event: Extract<BuildEvent, { kind: 'layer-end' }>): object {
  const { name, key = null, state, seconds, reason } = event;
  return { name, key, state, seconds, reason };
}

function summary(
  request: BuildRequest,
  result: BuildResult,
  learned: { readonly orders: number; readonly ids: number },
): string[] {
  const ran = result.layers.filter((layer) => layer.state === 'run').length;
  const layers =
    ran === 0
      ? `nothing changed in ${counted(result.layers.length, 'layer')}`
      : `${counted(ran, 'layer')} run, ${count(result.layers.length - ran)} unchanged`;
  const image = `${counted(result.paths, 'path')}, ${size(result.bytes)}`;
  const lock = join('conf', `${request.conf}.lock`);
  const news = [
    ...(learned.orders > 0 ? [counted(learned.orders, 'order')] : []),
    ...(learned.ids > 0 ? [counted(learned.ids, 'id')] : []),
  ];
  return [
    `${printable(request.conf)}: ${layers}, ${duration(result.seconds)}; image: ${image}`,
    ...(news.length > 0 ? [`${news.join(' and ')} learned, kept in ${lock}: commit it`] : []),
  ];
}
