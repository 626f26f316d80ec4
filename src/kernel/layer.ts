import { debInputs, type Inputs } from '../layers/key.ts';
import type { Deciding, Maker, MakerOf } from '../layers/maker.ts';
import { changedMeanwhile } from '../layers/stage.ts';
import { viewDigests } from '../layers/view.ts';
import { sourceClosure } from '../project/kernel.ts';
import { canonicalJson, digestOf } from '../store/digest.ts';
import { requireNative, targetOf } from './arch.ts';
import { buildKernel } from './build.ts';
import { type KernelData, readKernelData, settingsText } from './data.ts';

/** Raised when the same inputs would now give another kernel. */
const FORMAT = 1;

/** Raised when the same kernel would now come with other headers. */
const HEADERS = 2;

/** A kernel is one more way to make a layer. */
export const makerOf: MakerOf = ({ kernel }) => (kernel ? kernelMaker : undefined);

const kernelMaker: Maker = {
  inputs: (deciding) => kernelInputs(deciding, readKernelData(deciding.scriptlet)),
  async fill(making) {
    const { scriptlet, workshop, inputs, view, builder } = making;
    const data = readKernelData(scriptlet);
    const { conf, lock } = workshop;
    const deciding = { scriptlet, conf, lock, layers: view.layers, builder: builder.layers };
    if (canonicalJson(kernelInputs(deciding, data)) !== canonicalJson(inputs)) {
      throw changedMeanwhile(`of scriptlet "${scriptlet.name}"`);
    }
    await buildKernel(making, data);
  },
};

/** Everything that decides a kernel's layer. Comments and order of fragments are not in it where they mean nothing. */
function kernelInputs(deciding: Deciding, data: KernelData): Inputs {
  const { scriptlet, lock, layers, builder } = deciding;
  const kernel = scriptlet.kernel!;
  const target = targetOf(scriptlet.name, lock.arch, kernel.arch);
  if (kernel.headers) requireNative(scriptlet, target);
  const { arch, crossCompile } = target;
  return {
    format: FORMAT,
    kind: 'kernel',
    suite: lock.suite,
    arch: lock.arch,
    epoch: lock.epoch,
    target: `${arch} ${crossCompile}`.trimEnd(),
    ...sourceInputs(deciding),
    patches: data.patches.map(
      ({ path, strip, reverse, digest }) => `${path} -p${strip}${reverse ? ' -R' : ''} ${digest}`,
    ),
    baseConfig: data.base.kind === 'target' ? data.base.name : digestOf(data.base.text),
    kconfig: settingsText(data),
    modules: Object.fromEntries(data.modules.map(({ name, content }) => [name, { ...content }])),
    moduleOrder: data.modules.map(({ name }) => name),
    versionSuffix: kernel.versionSuffix,
    // Only where they are asked for: the keys of other kernels are as they were.
    ...(kernel.headers ? { headers: HEADERS } : {}),
    builder: viewDigests(builder),
    view: viewDigests(layers),
  };
}

/** The source as other layers hold what they are made from, so that whoever keeps the layer keeps that. */
function sourceInputs({ scriptlet: { name, kernel }, lock }: Deciding): Inputs {
  const source = kernel!.source;
  if (source.kind === 'url') return { sources: [`kernel ${source.sha256}`] };
  const ids = lock.closures.get(sourceClosure(name))?.debs ?? [];
  return {
    debs: debInputs(
      lock,
      ids.filter((id) => lock.pins.get(id)?.name === source.name),
    ),
  };
}
