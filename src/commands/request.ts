import { resolve } from 'node:path';
import { type BuildRequest, usualJobs } from '../request.ts';
import { chooseConf, chooseProject } from './choose.ts';
import type { Session } from './session.ts';

export type BuildOptions = {
  readonly jobs?: number;
  readonly locked?: boolean;
  readonly offline?: boolean;
  readonly dryRun?: boolean;
  readonly timeout?: number;
  readonly keepFailed?: boolean;
  readonly cleanKernel?: boolean;
  readonly output?: string;
  readonly rerun?: readonly string[];
  readonly watch?: boolean;
  readonly verbose?: boolean;
  readonly json?: boolean;
};

/** What `build` and `plan` are asked for. */
export function buildRequest(
  session: Session,
  name: string | undefined,
  options: BuildOptions,
): BuildRequest {
  const project = chooseProject(session);
  return {
    project,
    conf: chooseConf(project, name),
    jobs: options.jobs ?? usualJobs(),
    locked: options.locked ?? false,
    offline: options.offline ?? false,
    keepFailed: options.keepFailed ?? false,
    cleanKernel: options.cleanKernel ?? false,
    rerun: options.rerun ?? [],
    signal: session.signal,
    ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
    ...(options.output === undefined ? {} : { output: resolve(options.output) }),
  };
}
