import { build, plan } from '../build.ts';
import { SnapError } from '../host/error.ts';
import type { BuildRequest, BuildResult } from '../request.ts';
import { type Shown, showBuild } from './built.ts';
import { printPlan } from './plan.ts';
import { printJson, printJsonLine, reporting } from './print.ts';
import { type BuildOptions, buildRequest } from './request.ts';
import type { Command } from './session.ts';
import { tellBuild } from './tell-build.ts';

/** `snap build [CONF]` */
export const buildCommand: Command<[conf?: string], BuildOptions> = (session, [name], options) => {
  let shown: Shown | undefined;
  const work = async () => {
    const request = buildRequest(session, name, options);
    if (options.watch) return watched(request, options);
    if (options.dryRun) return printPlan(await plan(request), options.json === true);
    shown = showBuild(request, options.verbose);
    return runBuild(request, options, shown);
  };
  const known = () => (options.dryRun ? {} : { image: null, layers: shown?.ended ?? [] });
  return reporting(options.json === true, work, known, options.watch ? printJsonLine : printJson);
};

async function watched(request: BuildRequest, { dryRun, json = false }: BuildOptions): Promise<number> {
  if (dryRun) {
    throw new SnapError('USAGE', 'Cannot watch with --dry-run: it builds nothing', {
      hint: 'take one of them out; snap plan tells what would run',
    });
  }
  const { watchBuilds } = await import('./watch.ts');
  return watchBuilds(request, json);
}

async function runBuild(request: BuildRequest, options: BuildOptions, shown: Shown): Promise<number> {
  let result: BuildResult;
  try {
    result = await build(request, shown.report);
  } finally {
    shown.close();
  }
  tellBuild(request.conf, result, shown.learned, options.json ? printJson : undefined);
  return 0;
}
