import { makeBench } from './bench.ts';
import { type Lock, withIds } from './debian/lock.ts';
import { writeLock } from './debian/lock-file.ts';
import { SnapError } from './host/error.ts';
import { coverLock, fetchInputs, type Inputs, readInputs, sequenceOf } from './inputs.ts';
import { withKernel } from './kernel/build.ts';
import { readKernelData } from './kernel/data.ts';
import type { KernelJob } from './kernel/job.ts';
import type { Patched } from './kernel/patches.ts';
import { type Bench, runRound } from './layers/round.ts';
import type { Sequence } from './layers/sequence.ts';
import { mergeView } from './layers/view.ts';
import { listConfs } from './project/conf.ts';
import { sourceClosure } from './project/kernel.ts';
import type { Scriptlet } from './project/scriptlet.ts';
import type { Report } from './report/event.ts';
import { layersNamed } from './shell.ts';
import { Store } from './store/layers.ts';

export type KernelRequest = {
  /** Absolute path of the project's folder. */
  readonly project: string;
  /** Without it the conf with this kernel that was built last. */
  readonly conf?: string;
  /** The scriptlet that makes the kernel; without it the only one that does. */
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
  const { project, jobs, signal } = request;
  using store = new Store(project);
  const wait = (): void => report({ kind: 'note', text: 'waiting for "snap gc" to end' });
  using _held = await store.hold(store.layout.lock, 'shared', wait, signal);
  const { conf, inputs, scriptlet } = await findIn(store, request);
  const data = readKernelData(scriptlet);
  const lock = await coverLock(inputs, store, { locked: true, offline: false, signal }, report);
  const needed = neededFor(inputs, lock, scriptlet);
  await fetchInputs(needed.inputs, needed.lock, store, { offline: false, signal }, report);
  const build = { project, conf, jobs, locked: true, offline: false, keepFailed: false, rerun: [], signal };
  const bench = await makeBench(inputs, lock, store, build, report);
  const builder = await builderView(inputs, bench, needed.sequence, scriptlet);
  return await withKernel({ workshop: bench, scriptlet, builder }, data, (job, patched) =>
    use({ conf, scriptlet, job, patched }),
  );
}

export type FoundKernel = { readonly conf: string; readonly inputs: Inputs; readonly scriptlet: Scriptlet };

/**
 * The scriptlet that makes the kernel, and a conf that it is in.
 * @throws SnapError USAGE with the kernels there are.
 */
export async function findKernel(request: KernelRequest): Promise<FoundKernel> {
  using store = new Store(request.project);
  return await findIn(store, request);
}

async function findIn(store: Store, request: KernelRequest): Promise<FoundKernel> {
  const { project, conf, scriptlet } = request;
  const confs = conf === undefined ? await confsWithKernel(store, project) : [conf];
  const all = await Promise.all(confs.map((name) => readInputs(project, name, store)));
  const kernels = all.flatMap((inputs) => kernelsOf(inputs).map((one) => ({ inputs, scriptlet: one })));
  const named = kernels.filter((one) => scriptlet === undefined || one.scriptlet.name === scriptlet);
  const [found] = named;
  const names = [...new Set(kernels.map((one) => one.scriptlet.name))].sort();
  if (!found) throw noKernel(request, names);
  if (named.some((one) => one.scriptlet.name !== found.scriptlet.name)) {
    throw new SnapError('USAGE', `Several scriptlets make a kernel: ${quoted(names)}`, {
      hint: 'name one of them',
    });
  }
  return { conf: found.inputs.conf.name, ...found };
}

/** The one that was built last first. A conf that cannot be read is not asked. */
async function confsWithKernel(store: Store, project: string): Promise<string[]> {
  const confs = await Promise.all(
    listConfs(project).map(async (name) => {
      const inputs = await readInputs(project, name, store).catch(() => undefined);
      const made = store.lastBuild(name)?.made ?? 0;
      return inputs && kernelsOf(inputs).length > 0 ? [{ name, made }] : [];
    }),
  );
  return confs
    .flat()
    .sort((a, b) => b.made - a.made)
    .map(({ name }) => name);
}

function kernelsOf({ scriptlets }: Inputs): Scriptlet[] {
  return scriptlets.filter(({ kernel }) => kernel !== undefined);
}

function noKernel({ conf, scriptlet }: KernelRequest, names: readonly string[]): SnapError {
  const where = conf === undefined ? 'No conf' : `Conf "${conf}"`;
  const has = conf === undefined ? 'has' : 'does not have';
  const what = scriptlet === undefined ? 'a scriptlet that makes a kernel' : `a kernel "${scriptlet}"`;
  return new SnapError('USAGE', `${where} ${has} ${what}`, {
    hint:
      names.length > 0 ? `there are: ${quoted(names)}` : 'a scriptlet that makes one declares kernel_source',
  });
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
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

/** Base and layers that the build of the kernel sees, made as a build makes them; the ids that they bring go into the lock. */
async function builderView(inputs: Inputs, bench: Bench, sequence: Sequence, { name }: Scriptlet) {
  const round = await runRound(bench, sequence);
  const [error] = round.errors;
  if (error !== undefined) throw error;
  if (round.conflicts.length > 0) {
    throw new SnapError(
      'CONFLICT',
      `Cannot make the view that the kernel of "${name}" is built in: its lock lacks an order`,
      {
        hint: `build once, the lock learns it: snap build ${inputs.conf.name}`,
      },
    );
  }
  const lock = withIds(bench.lock, bench.ledger);
  if (await writeLock(inputs.lockFile, lock)) bench.report({ kind: 'lock', file: inputs.lockFile });
  const whole = sequenceOf(inputs, lock);
  const seen = whole.builds.get(name) ?? new Set<string>();
  return mergeView(bench.store, layersNamed(bench.store, inputs, lock, whole, seen));
}
