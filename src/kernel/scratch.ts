import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolders } from '../host/folder.ts';
import { writeFile } from '../host/write.ts';
import { BUILD, builderEnvironment, INPUT, OUT } from './builder.ts';
import type { KconfigTree } from './facts.ts';
import { type KernelJob, makeWords, requireSuccess } from './job.ts';

/** A place to configure a kernel in that is not the tree which is kept. */
export type Scratch = {
  readonly tree: KconfigTree;
  /** The configuration as the kernel completes it. */
  complete(config: string): Promise<string>;
  /** The same without what the kernel's own defaults say. */
  reduce(config: string): Promise<string>;
  /** Whether what the menus are drawn with is there. */
  canDraw(): Promise<boolean>;
  /** Opens the kernel's menus on the caller's terminal; undefined when they were left without saving. */
  edit(config: string): Promise<string | undefined>;
};

export function openScratch(job: KernelJob): Scratch {
  const build = join(job.work, 'scratch');
  mkdirSync(build, { mode: 0o755 });
  const file = join(build, '.config');
  const binds = [{ from: build, to: BUILD, writable: true }];
  const over = [join(job.tree.folder, 'patched'), job.pristine];
  const env = builderEnvironment(job.workshop.lock.epoch);
  const make = makeWords(job);

  const run = (script: string, further: typeof binds = []) =>
    job.builder.run({ script, env, over, binds: [...binds, ...further] });
  const configure = async (goal: string, config: string, result: string): Promise<string> => {
    writeFile(file, config);
    requireSuccess(job, `run make ${goal} for the kernel`, await run(`${make} -s ${goal}`));
    return readFileSync(join(build, result), 'utf8');
  };
  const tree: KconfigTree = {
    make,
    async run(script, files) {
      const [input, out] = ['scratch-files', 'scratch-out'].map((name) => join(job.work, name));
      for (const folder of [input!, out!]) makeFolders(folder, 0o755);
      for (const [name, text] of Object.entries(files)) writeFile(join(input!, name), text);
      const outcome = await run(`export FILES=${INPUT}\n{ ${script}\n} >${OUT}/stdout`, [
        { from: input!, to: INPUT, writable: false },
        { from: out!, to: OUT, writable: true },
      ]);
      requireSuccess(job, 'ask the Kconfig files of the kernel', outcome);
      return readFileSync(join(out!, 'stdout'), 'utf8');
    },
  };
  return {
    tree,
    complete: (config) => configure('olddefconfig', config, '.config'),
    reduce: (config) => configure('savedefconfig', config, 'defconfig'),
    async canDraw() {
      const { ending } = await run(`echo '#include <ncurses.h>' | gcc -E -x c - >/dev/null 2>&1`);
      return ending.exitCode === 0;
    },
    async edit(config) {
      writeFile(file, config);
      // Left alone where nothing is saved.
      rmSync(join(build, '.config.old'), { force: true });
      const words = ['/bin/sh', '-c', `exec ${make} -s menuconfig`];
      const about = { env: { ...env, TERM: process.env.TERM ?? 'dumb' }, binds, over };
      await job.builder.enter(words, about);
      const saved = readFileSync(file, 'utf8');
      return saved === config ? undefined : saved;
    },
  };
}
