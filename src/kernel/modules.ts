import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SnapError } from '../host/error.ts';
import { contentOf } from '../layers/content.ts';
import { changedMeanwhile, stageInput } from '../layers/stage.ts';
import { canonicalJson } from '../store/digest.ts';
import { removeTree } from '../store/tree.ts';
import { INPUT, MODULES, OUT } from './builder.ts';
import type { Module } from './data.ts';
import { type KernelJob, keyOfStage, makeWords, requireSuccess, runStage } from './job.ts';
import { readOwn } from './own-files.ts';
import { replaceFolder } from './tree.ts';

/**
 * Looks whether a kernel of this configuration takes the modules that are asked for, or those that its headers are for.
 * @throws SnapError RUN where it takes none.
 */
export function requireModules({ data, name, headers }: KernelJob, config: string): void {
  if (/^CONFIG_MODULES=y$/m.test(config) || (data.modules.length === 0 && !headers)) return;
  const what = data.modules.length > 0 ? 'modules' : 'headers for modules';
  throw new SnapError('RUN', `Cannot build the ${what} of "${name}": the kernel takes none`, {
    hint: 'set CONFIG_MODULES=y in a fragment',
  });
}

/**
 * Builds the external modules, each by itself against the kernel in the tree, and from nothing: one of which nothing changed is there
 * already. A module sees the symbols of those before it.
 */
export async function buildModules(job: KernelJob): Promise<void> {
  const { tree, data, workshop, name } = job;
  const symbols: string[] = [];
  const built: Record<string, string> = {};
  for (const module of data.modules) {
    const key = keyOfStage([1, tree.note.built ?? '', { ...module.content }, [...symbols]]);
    if (tree.note.modules[module.name] !== key) {
      workshop.report({ kind: 'layer-step', name, step: `module ${module.name}` });
      await buildModule(job, module, Object.keys(built));
    }
    built[module.name] = key;
    tree.keep({ modules: { ...tree.note.modules, [module.name]: key } });
    symbols.push(readOwn(join(tree.folder, 'modules', module.name, 'Module.symvers')));
  }
  for (const gone of Object.keys(tree.note.modules).filter((one) => built[one] === undefined)) {
    removeTree(Buffer.from(join(tree.folder, 'modules', gone)));
  }
  tree.keep({ modules: built });
}

async function buildModule(job: KernelJob, module: Module, before: readonly string[]): Promise<void> {
  const { tree, work, workshop, name } = job;
  const staged = join(work, `module-${module.name}`);
  stageInput(module.folder, staged, workshop.lock.epoch);
  if (canonicalJson(contentOf(staged)) !== canonicalJson({ ...module.content })) {
    throw changedMeanwhile(`of module "${module.name}" of "${name}"`);
  }
  const out = join(work, `out-${module.name}`);
  mkdirSync(out, { mode: 0o755 });
  const folder = `${MODULES}/${module.name}`;
  const symbols = before.map((one) => `${INPUT}/symbols/${one}/Module.symvers`).join(' ');
  const make = `${makeWords(job)} M=${folder}`;
  const outcome = await runStage(job, {
    script: [
      `mkdir -p ${MODULES}; cp -r ${INPUT}/source ${folder}`,
      `${make} -Otarget "KBUILD_EXTRA_SYMBOLS=${symbols}" modules`,
      `${make} -s modules_install INSTALL_MOD_PATH=${OUT} INSTALL_MOD_DIR=updates/${module.name} INSTALL_MOD_STRIP=1 DEPMOD=true`,
      `touch ${folder}/Module.symvers; cp ${folder}/Module.symvers ${OUT}/`,
    ].join('\n'),
    binds: [
      { from: staged, to: `${INPUT}/source` },
      { from: join(tree.folder, 'modules'), to: `${INPUT}/symbols` },
      { from: out, to: OUT, writable: true },
    ],
  });
  requireSuccess(job, `compile module "${module.name}"`, outcome);
  replaceFolder(out, join(tree.folder, 'modules', module.name));
}
