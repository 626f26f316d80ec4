import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { eatmydataOf, ledgerOf } from './bench.ts';
import type { Lock } from './debian/lock.ts';
import { SnapError } from './host/error.ts';
import { type Inputs, readInputs, sequenceOf } from './inputs.ts';
import { makerOf } from './kernel/layer.ts';
import { currentSlot, slotsOf } from './layers/image.ts';
import { baseInputs } from './layers/key.ts';
import { layerInputs } from './layers/maker.ts';
import { findLayer } from './layers/round.ts';
import { NOT_BOOTED, stackOf } from './layers/run.ts';
import { type EnterRequest, enterSandbox } from './layers/sandbox.ts';
import { layersSeen, type Sequence } from './layers/sequence.ts';
import { scriptletStep, shellStep } from './layers/steps.ts';
import { makeTop, mergeView, type ViewLayer } from './layers/view.ts';
import { listConfs, loadConf } from './project/conf.ts';
import { Store } from './store/layers.ts';

export type ShellRequest = {
  readonly project: string;
  /** With a layer: the conf that it is seen in; without that, the one that was built last. */
  readonly conf?: string;
  /** The scriptlet whose view is entered instead of the image. */
  readonly layer?: string;
  /** Instead of an interactive shell. */
  readonly command: readonly string[];
  readonly signal: AbortSignal;
};

/** A root shell in a throw-away overlay of an image, or of what a scriptlet sees when it runs. Returns its exit code. */
export async function shell(request: ShellRequest): Promise<number> {
  using store = new Store(request.project);
  using _held = await store.hold(store.layout.lock, 'shared');
  const folder = store.makeWorkDir();
  try {
    const entered =
      request.layer === undefined ? imageOf(store, request) : await viewOf(store, request, folder);
    return await enterSandbox({ folder, ...entered, signal: request.signal });
  } finally {
    store.dropWorkDir(folder);
  }
}

type Entered = Pick<EnterRequest, 'lower' | 'names' | 'step'>;

function imageOf(store: Store, { conf = '', command }: ShellRequest): Entered {
  const slot = currentSlot(slotsOf(store.layout.images, conf));
  if (!slot)
    throw new SnapError('USAGE', `There is no image of "${conf}"`, {
      hint: `build it first: snap build ${conf}`,
    });
  return { lower: [realpathSync(slot)], step: shellStep(command) };
}

/** The scriptlet's view with its packages not yet installed, its data and its functions at hand. */
async function viewOf(
  store: Store,
  { project, conf, layer = '', command }: ShellRequest,
  folder: string,
): Promise<Entered> {
  const name = conf ?? builtLast(store, project, layer);
  const inputs = await readInputs(project, name, store);
  const scriptlet = inputs.scriptlets.find((one) => one.name === layer);
  const { lock } = inputs;
  if (!scriptlet)
    throw new SnapError('USAGE', `Conf "${name}" has no scriptlet "${layer}"`, {
      hint: 'name another conf: --conf',
    });
  if (!lock) throw notBuilt(name, layer);
  const layers = layersBelow(store, inputs, lock, layer);
  const view = mergeView(store, layers);
  makeTop(store, view, join(folder, 'top'), lock.epoch, NOT_BOOTED);
  const own = join(folder, 'scriptlet');
  mkdirSync(own);
  const eatmydata = await eatmydataOf(lock, store);
  const step = scriptletStep(scriptlet, {
    project,
    lock,
    sourcesDir: store.layout.sources,
    folder: own,
    eatmydata,
  });
  return {
    lower: [join(folder, 'top'), ...stackOf(store, view)],
    names: store.layout.names,
    step: {
      ...step,
      ...shellStep(command),
      env: { ...step.env, ...shellStep(command).env },
      binds: step.binds,
    },
  };
}

/** The layers that a scriptlet sees, all of which must be there. */
function layersBelow(store: Store, inputs: Inputs, lock: Lock, layer: string): ViewLayer[] {
  const sequence = sequenceOf(inputs, lock);
  return layersNamed(store, inputs, lock, sequence, sequence.sees.get(layer) ?? new Set());
}

/**
 * Base and the layers of these scriptlets, and of all that they see, in the order of the view.
 * @throws SnapError USAGE where one of them is not built.
 */
export function layersNamed(
  store: Store,
  inputs: Inputs,
  lock: Lock,
  sequence: Sequence,
  wanted: ReadonlySet<string>,
): ViewLayer[] {
  const bench = { store, ledger: ledgerOf(lock, inputs.parent) };
  const there = new Map<string, ViewLayer>();
  const base = findLayer(bench, baseInputs(lock, inputs.conf));
  if (!base) throw notBuilt(inputs.conf.name, 'base');
  const baseLayer: ViewLayer = { name: 'base', row: base, sees: new Set() };
  for (const scriptlet of sequence.scriptlets.filter(({ name }) => wanted.has(name))) {
    const sees = sequence.sees.get(scriptlet.name) ?? new Set<string>();
    const deciding = { store, conf: inputs.conf, lock, makerOf };
    const known = layerInputs(deciding, sequence, scriptlet, { base: baseLayer, layers: there });
    const row = findLayer(bench, known.inputs);
    if (!row) throw notBuilt(inputs.conf.name, scriptlet.name);
    there.set(scriptlet.name, { name: scriptlet.name, row, sees });
  }
  return layersSeen(baseLayer, there, there.keys());
}

function notBuilt(conf: string, layer: string): SnapError {
  return new SnapError('USAGE', `Layer "${layer}" of "${conf}" is not built`, {
    hint: `build it first: snap build ${conf}`,
  });
}

/** The conf with this scriptlet that was built last. */
function builtLast(store: Store, project: string, layer: string): string {
  const built = listConfs(project)
    .filter((name) => loadConf(project, name).scriptlets.includes(layer))
    .map((name) => ({ name, made: store.lastBuild(name)?.made ?? 0 }))
    .sort((a, b) => b.made - a.made)[0];
  if (!built) throw new SnapError('USAGE', `No conf has the scriptlet "${layer}"`);
  return built.name;
}
