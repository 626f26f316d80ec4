import { ledgerOf, makeBench } from './bench.ts';
import type { Lock } from './debian/lock.ts';
import { SnapError } from './host/error.ts';
import { coverLock, fetchInputs, type Inputs, readInputs, sequenceOf } from './inputs.ts';
import { withKernel } from './kernel/build.ts';
import { type KernelData, readKernelData } from './kernel/data.ts';
import type { KernelJob } from './kernel/job.ts';
import type { Patched } from './kernel/patches.ts';
import { sourceClosure } from './kernel/source.ts';
import { type Bench, runRound } from './layers/round.ts';
import type { Sequence } from './layers/sequence.ts';
import { mergeView } from './layers/view.ts';
import type { Scriptlet } from './project/scriptlet.ts';
import type { Report } from './report/event.ts';
import { layersNamed } from './shell.ts';
import { Store } from './store/layers.ts';
import { holdLock } from './store/locks.ts';

export type KernelRequest = {
  /** Absolute path of the project's folder. */
  readonly project: string;
  readonly conf: string;
  /** The scriptlet that makes the kernel; without it the only one of the conf that does. */
  readonly scriptlet?: string;
  readonly jobs: number;
  readonly signal: AbortSignal;
};

export type KernelTree = {
  readonly conf: string;
  readonly scriptlet: Scriptlet;
  readonly job: KernelJob;
  readonly patched: Patched;
};

/**
 * The patched source of a kernel in the view that it is built in, which is made where it is not there; the image is not.
 * @throws SnapError LOCK where the lock does not cover the conf: nothing is pinned here.
 */
export async function withKernelTree<T>(
  request: KernelRequest,
  report: Report,
  use: (tree: KernelTree) => Promise<T>,
): Promise<T> {
  const { project, conf, jobs, signal } = request;
  using store = new Store(project);
  const wait = (): void => report({ kind: 'note', text: 'waiting for "snap gc" to end' });
  using _held = await holdLock(store.layout.lock, 'shared', wait, signal);
  const inputs = await readInputs(project, conf, store);
  const scriptlet = kernelScriptlet(inputs, request.scriptlet);
  const data = readKernelData(scriptlet);
  const lock = await coverLock(inputs, store, { locked: true, offline: false, signal }, report);
  const needed = neededFor(inputs, lock, scriptlet);
  await fetchInputs(needed.inputs, needed.lock, store, { offline: false, signal }, report);
  const build = { project, conf, jobs, locked: true, offline: false, keepFailed: false, rerun: [], signal };
  const bench = await makeBench(inputs, lock, store, build, report);
  const builder = await builderView(inputs, bench, needed.sequence, scriptlet);
  return withKernel({ workshop: bench, scriptlet, builder }, data, (job, patched) =>
    use({ conf, scriptlet, job, patched }),
  );
}

/** What a kernel declares, and the fragments that it is made from, without anything being run. */
export async function kernelDataOf({
  project,
  conf,
  scriptlet,
}: KernelRequest): Promise<{ readonly scriptlet: Scriptlet; readonly data: KernelData }> {
  using store = new Store(project);
  const found = kernelScriptlet(await readInputs(project, conf, store), scriptlet);
  return { scriptlet: found, data: readKernelData(found) };
}

/** @throws SnapError USAGE with the scriptlets that make one. */
function kernelScriptlet({ conf, scriptlets }: Inputs, wanted: string | undefined): Scriptlet {
  const kernels = scriptlets.filter(({ kernel }) => kernel !== undefined);
  const named = wanted === undefined ? kernels : kernels.filter(({ name }) => name === wanted);
  const [found, second] = named;
  if (found && !second) return found;
  const names = kernels.map(({ name }) => `"${name}"`).join(', ');
  if (found)
    throw new SnapError('USAGE', `Several scriptlets of conf "${conf.name}" make a kernel: ${names}`, {
      hint: 'name one of them',
    });
  const what = wanted === undefined ? 'no scriptlet that makes a kernel' : `no kernel "${wanted}"`;
  throw new SnapError('USAGE', `Conf "${conf.name}" has ${what}`, {
    hint:
      names === ''
        ? 'one that does declares kernel_source; another conf may have it: snap list'
        : `its kernels: ${names}`,
  });
}

/** Only what the build of the kernel sees, and its source. */
function neededFor(inputs: Inputs, lock: Lock, { name }: Scriptlet) {
  const sequence = sequenceOf(inputs, lock);
  const seen = sequence.builds.get(name) ?? new Set<string>();
  const ids = new Set([
    ...lock.base,
    ...lock.tools,
    ...[...seen, sourceClosure(name)].flatMap((one) => lock.closures.get(one)?.debs ?? []),
  ]);
  const isNeeded = (one: Scriptlet): boolean => seen.has(one.name);
  return {
    sequence: { ...sequence, scriptlets: sequence.scriptlets.filter(isNeeded) },
    inputs: { ...inputs, scriptlets: inputs.scriptlets.filter((one) => isNeeded(one) || one.name === name) },
    lock: { ...lock, pins: new Map([...lock.pins].filter(([id]) => ids.has(id))) },
  };
}

async function builderView(inputs: Inputs, bench: Bench, sequence: Sequence, { name }: Scriptlet) {
  const round = await runRound(bench, sequence);
  const [error] = round.errors;
  if (error !== undefined) throw error;
  const known = ledgerOf(bench.lock, inputs.parent);
  const fresh = bench.ledger.uids.size + bench.ledger.gids.size > known.uids.size + known.gids.size;
  if (round.conflicts.length > 0 || fresh) {
    throw new SnapError(
      'LOCK',
      `Cannot prepare the view that the kernel of "${name}" is built in: its lock lacks ids or an order`,
      {
        hint: `build once, the lock learns them: snap build ${inputs.conf.name}`,
      },
    );
  }
  const whole = sequenceOf(inputs, bench.lock);
  const seen = whole.builds.get(name) ?? new Set<string>();
  return mergeView(bench.store, layersNamed(bench.store, inputs, bench.lock, whole, seen));
}
