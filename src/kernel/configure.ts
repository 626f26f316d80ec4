import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SnapError } from '../host/error.ts';
import { writeFile } from '../host/write.ts';
import { BUILD, INPUT } from './builder.ts';
import { settingsText } from './data.ts';
import { type KernelJob, keyOfStage, makeWords, requireSuccess, runStage } from './job.ts';
import { overlay, readConfig } from './kconfig.ts';
import { readOwn } from './own-files.ts';
import type { Patched } from './patches.ts';
import { renewInput } from './tree.ts';

/**
 * Makes the configuration that base and fragments ask for, and returns its text. Where it comes out as it was, the file is not touched.
 * @throws SnapError RUN for what the kernel does not do as asked.
 */
export async function configure(job: KernelJob, patched: Patched): Promise<string> {
  const { tree, data } = job;
  const base = baseKey(job, patched);
  const settings = settingsText(data);
  const key = keyOfStage([base, settings, job.versionSuffix]);
  const file = join(tree.folder, 'build', '.config');
  if (tree.note.config === key) return readOwn(file);
  job.workshop.report({ kind: 'layer-step', name: job.name, step: 'configuring' });
  tree.begin();
  tree.keep({ config: undefined, built: undefined });
  const text = overlay(await baseConfig(job, base), settings === '' ? [] : data.config.settings);
  const input = join(job.work, 'config');
  writeFile(input, text);
  const make = makeWords(job);
  const outcome = await runStage(job, {
    script: [
      `cd ${BUILD}; [ ! -e .config ] || cp -p .config .config.before`,
      `cat ${INPUT} > .config`,
      `${make} olddefconfig`,
      'if [ -e .config.before ] && cmp -s .config .config.before; then mv .config.before .config; fi',
      'rm -f .config.before .config.old',
    ].join('\n'),
    binds: [{ from: input, to: INPUT }],
  });
  renewInput(tree, '.config');
  tree.end();
  requireSuccess(job, 'configure the kernel', outcome);
  const final = readOwn(file);
  refuseRandomKey(job, final);
  tree.keep({ config: key });
  return final;
}

const NOTED = 'include/config/auto.conf';

/**
 * Has make take note of a configuration that it does not know yet, in a step of its own: from these notes it knows what to compile, and a
 * build that is killed while it compiles keeps them.
 * @throws SnapError RUN for what the kernel does not do as asked.
 */
export async function noteConfiguration(job: KernelJob): Promise<void> {
  const { tree } = job;
  const [config = 0, noted = 0] = ['.config', NOTED].map(
    (name) => lstatSync(join(tree.folder, 'build', name), { throwIfNoEntry: false })?.mtimeMs,
  );
  if (noted >= config) return;
  tree.begin();
  const outcome = await runStage(job, { script: `${makeWords(job)} ${NOTED}` });
  tree.end();
  requireSuccess(job, 'configure the kernel', outcome);
}

/** What the fragments are laid over. */
export function baseOf(job: KernelJob, patched: Patched): Promise<string> {
  return baseConfig(job, baseKey(job, patched));
}

function baseKey({ data }: KernelJob, patched: Patched): string {
  const source = Object.entries(patched).filter(([path]) => mayConfigure(path));
  return keyOfStage([1, source, data.base.kind === 'target' ? data.base.name : data.base.text]);
}

/** Anything but what is only compiled may have a part in the configuration. */
function mayConfigure(path: string): boolean {
  return !/\.(?:c|h|S|s|dts|dtsi|rst|txt|lds)$/.test(path) || /^(?:scripts|tools)\//.test(path);
}

/** What the fragments are laid over, as the source itself makes it; kept in the tree. */
async function baseConfig(job: KernelJob, key: string): Promise<string> {
  const { tree, data } = job;
  if (data.base.kind === 'file') return data.base.text;
  const kept = join(tree.folder, 'base.config');
  if (tree.note.base === key) return readFileSync(kept, 'utf8');
  tree.keep({ base: undefined });
  const outcome = await runStage(job, {
    script: [
      `cd ${BUILD}; [ ! -e .config ] || cp -p .config .config.before`,
      `rm -f .config; ${makeWords(job)} ${data.base.name}`,
      'cat .config > .config.base; rm .config',
      'if [ -e .config.before ]; then mv .config.before .config; fi',
    ].join('\n'),
  });
  requireSuccess(job, `make ${data.base.name} for the kernel`, outcome);
  const text = readOwn(join(tree.folder, 'build', '.config.base'));
  writeFile(kept, text);
  tree.keep({ base: key });
  return text;
}

/** A key that is made while building is another one each time. */
function refuseRandomKey({ name }: KernelJob, text: string): void {
  const values = readConfig(text);
  if (values.get('MODULE_SIG') !== 'y' || values.get('MODULE_SIG_KEY') !== '"certs/signing_key.pem"') return;
  throw new SnapError(
    'RUN',
    `Cannot build the kernel of "${name}": CONFIG_MODULE_SIG=y without a key of your own`,
    {
      lines: ['the kernel would make a new key in each build, and no two builds would be the same'],
      hint: 'set CONFIG_MODULE_SIG=n, or name a key in CONFIG_MODULE_SIG_KEY and add it by a patch',
    },
  );
}
