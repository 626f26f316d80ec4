import type { BuildEvent, Report } from '../report/event.ts';
import { openScreen } from '../report/terminal.ts';
import type { BuildRequest } from '../request.ts';
import type { Learned } from './tell-build.ts';

/** A build as it is shown: its events go to `report`, and what is said in the end comes from them. */
export type Shown = {
  readonly report: Report;
  /** The layers that have ended, as `--json` shows them when the build has failed. */
  readonly ended: readonly object[];
  /** Takes the changing lines off the screen. */
  readonly close: () => void;
  readonly learned: Learned;
};

export function showBuild(request: BuildRequest, verbose = false): Shown {
  const screen = openScreen(request.conf, process.stderr, process.env);
  const ended: object[] = [];
  const learned = { orders: 0, ids: 0 };
  const report = (event: BuildEvent): void => {
    if (event.kind === 'layer-end') ended.push(endedLayer(event));
    if (event.kind === 'learned') learned.orders++;
    if (event.kind === 'ids') learned.ids++;
    if (event.kind === 'detail') {
      if (verbose) screen.report({ kind: 'note', text: `${event.name}: ${event.text}` });
    } else screen.report(event);
  };
  return { report, ended, close: screen.close, learned };
}

/** A layer as `--json` shows it when the build has failed; its key is unknown where it was not told. */
function endedLayer(event: Extract<BuildEvent, { kind: 'layer-end' }>): object {
  const { name, key = null, state, seconds, reason } = event;
  return { name, key, state, seconds, reason };
}
