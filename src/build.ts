import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { basename, join, resolve as resolvePath } from 'node:path';
import { debPath } from './debian/debs.ts';
import { type Lock, withIds, withOrders } from './debian/lock.ts';
import { writeLock } from './debian/lock-file.ts';
import { SnapError } from './host/error.ts';
import { run } from './host/program.ts';
import { checkInputs, coverLock, fetchInputs, type Inputs, readInputs, sequenceOf } from './inputs.ts';
import { forecast, type PlannedLayer } from './layers/forecast.ts';
import type { Ledger } from './layers/ids.ts';
import { type ImagePlan, planImage, settleImage, slotsOf, updateFolder } from './layers/image.ts';
import { pinOf } from './layers/key.ts';
import {
  type Bench,
  type LayerResult,
  ordersFrom,
  type Round,
  runRound,
  settleLayers,
} from './layers/round.ts';
import { makeSlots } from './layers/slots.ts';
import type { View, ViewLayer } from './layers/view.ts';
import type { Report } from './report/event.ts';
import { digestOf } from './store/digest.ts';
import { Store } from './store/layers.ts';
import { type Held, holdLock } from './store/locks.ts';

export type BuildRequest = {
  /** Absolute path of the project's folder. */
  readonly project: string;
  /** The conf's name. */
  readonly conf: string;
  readonly jobs: number;
  readonly locked: boolean;
  readonly offline: boolean;
  /** Seconds that one scriptlet may take. */
  readonly timeout?: number;
  readonly keepFailed: boolean;
  /** Absolute path of the folder that gets the image instead of `images/`. */
  readonly output?: string;
  /** Layers to run again whatever the store has. */
  readonly rerun: readonly string[];
  readonly signal: AbortSignal;
};

export type BuildResult = {
  /** Absolute path. */
  readonly image: string;
  readonly digest: string;
  readonly seconds: number;
  readonly paths: number;
  readonly bytes: number;
  readonly layers: readonly LayerResult[];
};

/** A whole build, from what a person wrote to the image on disk. */
export async function build(request: BuildRequest, report: Report): Promise<BuildResult> {
  const begun = performance.now();
  using store = new Store(request.project);
  using _held = await holdForBuild(store, request, report);
  const inputs = await readInputs(request.project, request.conf, store);
  await checkInputs(inputs, store);
  const covered = await coverLock(inputs, store, request, report);
  await saveLock(inputs, covered, request);
  await fetchInputs(inputs, covered, store, request, report);
  const bench = await makeBench(inputs, covered, store, request, report);
  const made = await makeLayers(inputs, bench, request);
  const settled = await settleLayers(made.bench, made.layers);
  await saveLock(inputs, withIds(made.bench.lock, bench.ledger), request);
  const results = [...made.results, ...settled.results];
  const image = assemble(store, inputs, made.bench.lock, settled.view, request, report);
  store.settleDisk();
  return conclude(store, inputs, image, settled.layers, results, (performance.now() - begun) / 1000);
}

/** The store for adding, and the conf's image for this build alone. */
async function holdForBuild(
  store: Store,
  { conf, signal }: BuildRequest,
  report: Report,
): Promise<Held & Disposable> {
  const held: Held[] = [];
  const release = (): void => {
    for (const one of held) one.release();
  };
  try {
    const wait = (what: string) => () => report({ kind: 'note', text: `waiting for ${what}` });
    held.push(await holdLock(store.layout.lock, 'shared', wait('"snap gc" to end'), signal));
    const busy = join(store.layout.images, `.${conf}.busy`);
    held.push(await holdLock(busy, 'exclusive', wait(`another build of "${conf}" to end`), signal));
  } catch (error) {
    release();
    throw error;
  }
  return { release, [Symbol.dispose]: release };
}

async function saveLock(inputs: Inputs, lock: Lock, { locked }: BuildRequest): Promise<void> {
  if (!locked) await writeLock(inputs.lockFile, lock);
}

export async function makeBench(
  inputs: Inputs,
  lock: Lock,
  store: Store,
  request: BuildRequest,
  report: Report,
): Promise<Bench> {
  return {
    store,
    conf: inputs.conf,
    lock,
    ledger: ledgerOf(lock, inputs.parent),
    eatmydata: await eatmydataOf(lock, store),
    timeout: request.timeout,
    keepFailed: request.keepFailed,
    signal: request.signal,
    report,
    slots: makeSlots(request.jobs),
    rerun: new Set(request.rerun),
  };
}

/** The lock's ids; a name that it does not hold has the id that the conf's parent gave it, so that their layers are the same. */
export function ledgerOf(lock: Lock, parent: Lock | undefined): Ledger {
  const join = (own: ReadonlyMap<string, number>, inherited: ReadonlyMap<string, number> = new Map()) => {
    const taken = new Set(own.values());
    const added = [...inherited].filter(([name, id]) => !own.has(name) && !taken.has(id));
    return new Map([...own, ...added]);
  };
  return { uids: join(lock.uids, parent?.uids), gids: join(lock.gids, parent?.gids) };
}

/** libeatmydata of the target's suite, unpacked once from the locked deb. */
export async function eatmydataOf(lock: Lock, store: Store): Promise<string> {
  const pin = pinOf(lock, lock.tools[0]!);
  const folder = join(store.layout.tools, pin.sha256);
  if (!existsSync(folder)) {
    const unpacked = store.makeWorkDir();
    await run(['dpkg-deb', '--extract', debPath(store.layout.debs, pin), unpacked]);
    const library = readdirSync(unpacked, { recursive: true, encoding: 'utf8' }).find((file) =>
      /\/libeatmydata\.so$/.test(file),
    );
    if (!library) throw new SnapError('LOCK', `The deb of "${pin.name}" holds no libeatmydata.so`);
    const made = store.makeWorkDir();
    copyFileSync(join(unpacked, library), join(made, 'libeatmydata.so'));
    if (!existsSync(folder)) renameSync(made, folder);
    store.dropWorkDir(unpacked);
  }
  return join(folder, 'libeatmydata.so');
}

type Made = Pick<Round, 'layers' | 'results'> & { readonly bench: Bench };

/** Rounds of layers, until no two layers side by side are in conflict. Every conflict ends as an order in the lock. */
async function makeLayers(inputs: Inputs, first: Bench, request: BuildRequest): Promise<Made> {
  const ran = new Map<string, LayerResult>();
  for (let bench = first; ; ) {
    const round = await runRound(bench, sequenceOf(inputs, bench.lock));
    for (const result of round.results) {
      if (result.state !== 'hit' || !ran.has(result.name)) ran.set(result.name, result);
    }
    if (round.errors.length > 0) throw failureOf(round.errors);
    if (round.conflicts.length === 0) return { layers: round.layers, results: [...ran.values()], bench };
    const orders = ordersFrom(round.conflicts);
    const [order] = orders;
    if (request.locked && order) {
      const { earlier, later, path } = order;
      throw new SnapError(
        'CONFLICT',
        `Scriptlets "${earlier}" and "${later}" both write "${path}", in no order`,
        {
          hint: `let one need the other, or build once without --locked and commit ${basename(inputs.lockFile)}`,
        },
      );
    }
    for (const one of orders) bench.report({ kind: 'learned', ...one });
    const lock = withOrders(bench.lock, orders);
    await saveLock(inputs, lock, request);
    bench = { ...bench, lock, rerun: new Set() };
  }
}

/** The first failure; what else failed is named in it. */
function failureOf(errors: readonly unknown[]): unknown {
  const [first, ...others] = errors;
  if (!(first instanceof SnapError) || others.length === 0) return first;
  const more = others.map((error) => (error instanceof Error ? error.message : String(error)));
  return new SnapError(first.code, first.message, {
    lines: [...first.lines, ...more],
    cause: first,
    ...(first.hint === undefined ? {} : { hint: first.hint }),
  });
}

export type PlanResult = { readonly layers: readonly PlannedLayer[] };

/** What `build` would do. */
export async function plan(request: BuildRequest): Promise<PlanResult> {
  using store = new Store(request.project);
  const inputs = await readInputs(request.project, request.conf, store);
  if (!inputs.lock) {
    const names = ['base', ...inputs.scriptlets.map(({ name }) => name)];
    return { layers: names.map((name) => ({ name, state: 'run', reason: 'there is no lock yet' })) };
  }
  const { conf, lock } = inputs;
  const bench = { store, conf, lock, ledger: ledgerOf(lock, inputs.parent) };
  return { layers: forecast(bench, sequenceOf(inputs, lock)) };
}

type Image = { readonly path: string; readonly plan: ImagePlan };

function assemble(
  store: Store,
  inputs: Inputs,
  lock: Lock,
  view: View,
  request: BuildRequest,
  report: Report,
): Image {
  report({ kind: 'stage', name: 'Assembling the image' });
  const excludes = inputs.scriptlets.flatMap((scriptlet) => scriptlet.excludes);
  const plan = planImage(store, view, excludes, lock.epoch);
  const path = request.output
    ? putOutput(store, request.output, plan)
    : putImage(store, inputs.conf.name, plan);
  report({ kind: 'image', path, paths: plan.manifest.size, bytes: plan.bytes });
  return { path, plan };
}

function putImage(store: Store, name: string, plan: ImagePlan): string {
  return settleImage(slotsOf(store.layout.images, name), plan);
}

/** A folder of the person's own: it must be empty, or be what an earlier build put there. */
function putOutput(store: Store, output: string, plan: ImagePlan): string {
  const folder = resolvePath(output);
  const manifest = join(store.layout.root, 'outputs', `${digestOf(folder)}.manifest`);
  mkdirSync(join(store.layout.root, 'outputs'), { recursive: true, mode: 0o700 });
  if (existsSync(folder) && !existsSync(manifest) && readdirSync(folder).length > 0) {
    throw new SnapError('USAGE', `Cannot build into "${folder}": it is not empty`, {
      hint: 'name a new folder',
    });
  }
  updateFolder(folder, manifest, plan);
  return folder;
}

function conclude(
  store: Store,
  { conf }: Inputs,
  { path, plan }: Image,
  layers: readonly ViewLayer[],
  results: readonly LayerResult[],
  seconds: number,
): BuildResult {
  const summary = { digest: plan.digest, seconds, paths: plan.manifest.size, bytes: plan.bytes };
  const numbered = layers.map(({ name, row }) => [name, row.n]);
  const last = store.lastBuild(conf.name);
  if (last?.digest !== plan.digest || last.layers !== JSON.stringify(numbered)) {
    const made = Math.floor(Date.now() / 1000);
    store.addBuild({ conf: conf.name, made, ...summary, layers: JSON.stringify(numbered) });
  }
  return { image: path, ...summary, layers: results };
}
