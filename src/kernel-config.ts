import { kconfigTree, problemsOf } from './kernel/as-asked.ts';
import type { Problem, SymbolFacts } from './kernel/check-kconfig.ts';
import { baseOf, configure } from './kernel/configure.ts';
import { askKconfig } from './kernel/facts.ts';
import { type Contradiction, readConfig } from './kernel/kconfig.ts';
import {
  type ConfigLine,
  type Configuration,
  differencesFrom,
  originsOf,
  unexplained,
} from './kernel/origins.ts';
import { type KernelRequest, type KernelTree, withKernelTree } from './kernel-tree.ts';
import type { Report } from './report/event.ts';

export type KernelConfig = {
  readonly conf: string;
  readonly scriptlet: string;
  /** What the fragments are laid over. */
  readonly base: string;
  readonly lines: readonly ConfigLine[];
  readonly problems: readonly Problem[];
  readonly contradictions: readonly Contradiction[];
};

export type KernelConfigRequest = KernelRequest & {
  /** Only what is not as in the base. */
  readonly diff: boolean;
};

/** The configuration that a build would take, whether or not it is as asked for, and where each line comes from. */
export function kernelConfig(request: KernelConfigRequest, report: Report): Promise<KernelConfig> {
  return withKernelTree(request, report, async (tree) => {
    const { job, conf, scriptlet } = tree;
    const text = await configure(job, tree.patched);
    const configuration = await explained(tree, text);
    const lines = originsOf(configuration);
    return {
      conf,
      scriptlet: scriptlet.name,
      base: configuration.baseName,
      lines: request.diff ? differencesFrom(configuration, lines) : lines,
      problems: await problemsOf(job, text),
      contradictions: job.data.config.contradictions,
    };
  });
}

async function explained({ job, patched }: KernelTree, text: string): Promise<Configuration> {
  const final = readConfig(text);
  const base = readConfig(await baseOf(job, patched));
  const { settings } = job.data.config;
  const symbols = unexplained({ final, base, settings });
  const none: ReadonlyMap<string, SymbolFacts> = new Map();
  const facts = symbols.length > 0 ? (await askKconfig(kconfigTree(job), symbols)).symbols : none;
  return { final, base, baseName: job.data.base.name, settings, facts };
}
