import { build, plan } from '../build.ts';
import type { BuildEvent } from '../report/event.ts';
import { openScreen } from '../report/terminal.ts';
import type { BuildRequest, BuildResult } from '../request.ts';
import { printPlan } from './plan.ts';
import { reporting } from './print.ts';
import { type BuildOptions, buildRequest } from './request.ts';
import type { Command } from './session.ts';
import { tellBuild } from './tell-build.ts';

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
  tellBuild(request.conf, result, learned, options.json === true);
  return 0;
}

/** A layer as `--json` shows it when the build has failed; its key is unknown where it was not told. */
function endedLayer(event: Extract<BuildEvent, { kind: 'layer-end' }>): object {
  const { name, key = null, state, seconds, reason } = event;
  return { name, key, state, seconds, reason };
}
