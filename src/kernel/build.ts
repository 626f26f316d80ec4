import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SnapError } from '../host/error.ts';
import { writeFile } from '../host/write.ts';
import type { Making } from '../layers/maker.ts';
import { logFile, type Workshop } from '../layers/run.ts';
import { type View, viewDigests } from '../layers/view.ts';
import { targetOf } from './arch.ts';
import { requireAsAsked } from './as-asked.ts';
import { BUILD, OUT, openBuilder } from './builder.ts';
import {
  beginCompiling,
  type Compiling,
  compilingWords,
  readMakeOutput,
  TOTAL_MARK,
} from './compile-progress.ts';
import { configure, noteConfiguration } from './configure.ts';
import type { KernelData } from './data.ts';
import { makeHeaders } from './headers.ts';
import { install } from './install.ts';
import { type KernelJob, keyOfStage, makeWords, requireSuccess, runStage } from './job.ts';
import { buildModules, requireModules } from './modules.ts';
import { readOwn } from './own-files.ts';
import { applyPatches, type Patched } from './patches.ts';
import { sourceOf, unpackSource } from './source.ts';
import { givePatched, openTree, replaceFolder, shadowsHeader } from './tree.ts';

/** Builds a kernel with its modules as far as the kept tree does not hold it yet, and leaves what is installed in the layer. */
export async function buildKernel(making: Making, data: KernelData): Promise<void> {
  writeFile(logFile(making.workshop.store, making.scriptlet.name), '');
  await withKernel(making, data, async (job, patched) => {
    const config = await configure(job, patched);
    await requireAsAsked(job, config);
    requireModules(job, config);
    await compile(job, patched, config);
    await buildModules(job);
    await makeHeaders(job);
    await install(job, making);
  });
}

/** The kept tree of a kernel with the source as its patches leave it, for this process alone until `use` has ended. */
export async function withKernel<T>(
  { workshop, scriptlet, builder: view }: Pick<Making, 'workshop' | 'scriptlet' | 'builder'>,
  data: KernelData,
  use: (job: KernelJob, patched: Patched) => Promise<T>,
): Promise<T> {
  const { store, lock } = workshop;
  const { name, kernel } = scriptlet;
  const source = sourceOf(name, kernel!, lock, store.layout);
  const target = targetOf(name, lock.arch, kernel!.arch);
  const pristine = await unpackSource(workshop, name, source);
  const basis = keyOfStage([2, source.sha256, { ...target }, lock.epoch, viewDigests(view.layers)]);
  using tree = await openTree(workshop, name, source.sha256, {
    basis,
    clean: workshop.cleanKernel,
    floor: () => youngest(workshop, view),
  });
  const work = store.makeWorkDir();
  try {
    const builder = openBuilder(workshop, view, work);
    const { versionSuffix, headers } = kernel!;
    const shared = { workshop, name, data, source, pristine, target, versionSuffix, headers };
    const job: KernelJob = { ...shared, tree, builder, work };
    return await use(job, await patch(job));
  } finally {
    store.dropWorkDir(work);
  }
}

/** When the last file of a view was written, or its time begins. Unix seconds. */
function youngest({ store, lock }: Workshop, { layers }: View): number {
  let latest = lock.epoch;
  for (const { row } of layers) {
    for (const { mtime } of store.manifestOf(row.n).values()) if (mtime > latest) latest = mtime;
  }
  return latest + 1;
}

/** The source as the patches leave it; what they change gets the times by which make knows what to compile. */
async function patch(job: KernelJob): Promise<Patched> {
  const { tree, data, workshop, name, builder, work, pristine } = job;
  const key = keyOfStage(data.patches.map(({ strip, reverse, digest }) => [strip, reverse, digest]));
  const place = join(tree.folder, 'patched');
  if (tree.note.patches === key) {
    return Object.fromEntries(Object.entries(tree.note.given).map(([path, [what]]) => [path, what]));
  }
  if (data.patches.length > 0) {
    const count = data.patches.length;
    workshop.report({ kind: 'layer-step', name, step: count === 1 ? '1 patch' : `${count} patches` });
  }
  const folder = join(work, 'patched');
  const { epoch } = workshop.lock;
  const patched = await applyPatches(builder, name, pristine, data.patches, { folder, work, epoch });
  if (!tree.isFresh && shadowsHeader(tree, patched, pristine)) {
    const text = 'a patch brings a header by a name that is in use: compiled from nothing';
    workshop.report({ kind: 'detail', name, text });
    tree.clear();
  }
  tree.begin();
  tree.keep({ patches: undefined, built: undefined });
  replaceFolder(folder, place);
  givePatched(tree, pristine, patched);
  tree.keep({ patches: key });
  return Object.fromEntries(Object.entries(tree.note.given).map(([path, [what]]) => [path, what]));
}

/** Brings the tree to what source and configuration say, and installs the kernel in the tree's `out`. */
async function compile(job: KernelJob, patched: Patched, config: string): Promise<void> {
  const { tree, work, workshop, name } = job;
  const key = keyOfStage([1, { ...patched }, config, job.versionSuffix]);
  if (tree.note.built === key) return;
  await noteConfiguration(job);
  const make = makeWords(job);
  const out = join(work, 'out');
  mkdirSync(out, { mode: 0o755 });
  const whole = tree.note.files === undefined;
  const begun = performance.now();
  tree.begin();
  tree.keep({ built: undefined });
  let compiling = beginCompiling(whole ? undefined : tree.note.files);
  const onOutput = (text: string): void => {
    const before = compilingWords(compiling);
    compiling = readMakeOutput(compiling, text);
    const words = compilingWords(whole ? compiling : { ...compiling, total: undefined });
    if (words !== before) workshop.report({ kind: 'layer-step', name, step: words });
  };
  workshop.report({ kind: 'layer-step', name, step: 'make' });
  const outcome = await runStage(job, {
    script: [...(whole ? countFiles(make) : []), `${make} -Otarget all`, ...installKernel(make)].join('\n'),
    binds: [{ from: out, to: OUT, writable: true }],
    onOutput,
  });
  tree.end();
  tellWarnings(job, compiling);
  requireSuccess(job, 'compile the kernel', outcome);
  replaceFolder(out, join(tree.folder, 'out'));
  const release = releaseIn(job, join(tree.folder, 'out', 'release'));
  const seconds = (performance.now() - begun) / 1000;
  tree.keep({ built: key, release, ...(whole ? { seconds, files: compiling.files } : {}) });
}

/** make tells what it would do once all that is generated is there. */
function countFiles(make: string): string[] {
  return [
    `${make} -Otarget prepare`,
    `echo "${TOTAL_MARK}$({ ${make} -n -k all 2>/dev/null || :; } | grep -cE "echo '  (HOST)?(CC|AS) " || :)"`,
  ];
}

/** It becomes a part of paths. */
function releaseIn({ name }: KernelJob, file: string): string {
  const release = readOwn(file).trim();
  if (/^[A-Za-z0-9][A-Za-z0-9._+~-]*$/.test(release)) return release;
  throw new SnapError(
    'RUN',
    `Cannot install the kernel of "${name}": "${release}" is no version of a kernel`,
    {
      hint: 'see CONFIG_LOCALVERSION and the files "localversion*" that patches add',
    },
  );
}

function installKernel(make: string): string[] {
  return [
    `release=$(cat ${BUILD}/include/config/kernel.release); image=$(${make} -s image_name)`,
    `echo "$release" > ${OUT}/release`,
    `install -D -m 0644 "${BUILD}/$image" "${OUT}/boot/vmlinuz-$release"`,
    `install -m 0644 ${BUILD}/System.map "${OUT}/boot/System.map-$release"`,
    `install -m 0644 ${BUILD}/.config "${OUT}/boot/config-$release"`,
    `if grep -qx CONFIG_MODULES=y ${BUILD}/.config; then`,
    `  ${make} -s modules_install INSTALL_MOD_PATH=${OUT} INSTALL_MOD_STRIP=1 DEPMOD=true`,
    `  rm -f ${OUT}/lib/modules/*/build ${OUT}/lib/modules/*/source`,
    'fi',
    `if grep -qx CONFIG_OF=y ${BUILD}/.config && [ -n "$(find ${BUILD}/arch/*/boot/dts -name '*.dtb' -print -quit 2>/dev/null)" ]; then`,
    `  ${make} -s dtbs_install "INSTALL_DTBS_PATH=${OUT}/dtbs"`,
    'fi',
  ];
}

function tellWarnings({ workshop, name }: KernelJob, { warnings }: Compiling): void {
  if (warnings === 0) return;
  const text = `${warnings} warning${warnings === 1 ? '' : 's'} of the compiler: snap log ${name}`;
  workshop.report({ kind: 'detail', name, text });
}
