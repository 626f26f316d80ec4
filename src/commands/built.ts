import { join } from 'node:path';
import type { BuildResult } from '../build.ts';
import type { BuildEvent, Report } from '../report/event.ts';
import { printable } from '../report/printable.ts';
import { count, counted, duration, size } from '../report/quantity.ts';
import { openScreen } from '../report/terminal.ts';
import type { BuildRequest } from '../request.ts';

/** A build as it is shown: its events go to `report`, and what is said in the end comes from them. */
export type Shown = {
  readonly report: Report;
  /** The layers that have ended, as `--json` shows them when the build has failed. */
  readonly ended: readonly object[];
  /** Takes the changing lines off the screen. */
  readonly close: () => void;
  /** What is said of the image. */
  readonly summary: (result: BuildResult) => string[];
};

export function showBuild(request: BuildRequest): Shown {
  const screen = openScreen(request.conf, process.stderr, process.env);
  const ended: object[] = [];
  const learned = { orders: 0, ids: 0 };
  const report = (event: BuildEvent): void => {
    if (event.kind === 'layer-end') ended.push(endedLayer(event));
    if (event.kind === 'learned') learned.orders++;
    if (event.kind === 'ids') learned.ids++;
    screen.report(event);
  };
  return { report, ended, close: screen.close, summary: (result) => summary(request, result, learned) };
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
