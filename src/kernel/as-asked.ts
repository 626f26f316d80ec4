import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolders } from '../host/folder.ts';
import { writeFile } from '../host/write.ts';
import { INPUT, OUT } from './builder.ts';
import { kconfigError, type Problem } from './check-kconfig.ts';
import { findProblems, type KconfigTree } from './facts.ts';
import { type KernelJob, makeWords, requireSuccess, runStage } from './job.ts';
import { tellContradiction } from './kconfig.ts';

/**
 * Tells which fragments contradict each other, and looks whether the configuration is what they ask for.
 * @throws SnapError SCRIPTLET with every setting that came out otherwise, and why.
 */
export async function requireAsAsked(job: KernelJob, config: string): Promise<void> {
  const { workshop, name } = job;
  for (const contradiction of job.data.config.contradictions) {
    workshop.report({ kind: 'note', text: `kernel of "${name}": ${tellContradiction(contradiction)}` });
  }
  const problems = await problemsOf(job, config);
  if (problems.length > 0) throw kconfigError(`the kernel of "${name}"`, problems);
}

/** What came out otherwise than the fragments ask for. */
export function problemsOf(job: KernelJob, config: string): Promise<Problem[]> {
  return findProblems(kconfigTree(job), job.data.config.settings, config);
}

/** The configured build tree; whoever asks it writes to it. */
export function kconfigTree(job: KernelJob): KconfigTree {
  return {
    make: makeWords(job),
    async run(script, files) {
      const input = join(job.work, 'kconfig-files');
      const out = join(job.work, 'kconfig-out');
      for (const folder of [input, out]) makeFolders(folder, 0o755);
      for (const [file, text] of Object.entries(files)) writeFile(join(input, file), text);
      job.tree.begin();
      const outcome = await runStage(job, {
        script: `export FILES=${INPUT}\n{ ${script}\n} >${OUT}/stdout`,
        binds: [
          { from: input, to: INPUT },
          { from: out, to: OUT, writable: true },
        ],
      });
      job.tree.end();
      requireSuccess(job, 'ask the Kconfig files of the kernel', outcome);
      return readFileSync(join(out, 'stdout'), 'utf8');
    },
  };
}
