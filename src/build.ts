import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { holdForBuild, ledgerOf, makeBench } from './bench.ts';
import { type Lock, withIds, withOrders } from './debian/lock.ts';
import { writeLock } from './debian/lock-file.ts';
import { formatLock } from './debian/lock-text.ts';
import { SnapError } from './host/error.ts';
import { notice } from './host/notice.ts';
import { type Witness, witness } from './host/witness.ts';
import {
  checkInputs,
  coverLock,
  fetchInputs,
  type Inputs,
  inputPaths,
  readInputs,
  sequenceOf,
} from './inputs.ts';
import { settleKernels } from './kernel/kept.ts';
import { makerOf } from './kernel/layer.ts';
import { expectedSeconds } from './layers/estimate.ts';
import { forecast, type PlannedLayer, unlocked } from './layers/forecast.ts';
import { dropPrepared } from './layers/image.ts';
import { recallView } from './layers/kept-view.ts';
import { once } from './layers/once.ts';
import { joinRuns, type Relay, shareRuns } from './layers/relay.ts';
import { type Bench, hitOf, type LayerResult, ordersFrom, runRound, settleLayers } from './layers/round.ts';
import type { View, ViewLayer } from './layers/view.ts';
import { type Output, prepareOutput, putOutput, recallImage, recordBuild, settledRows } from './output.ts';
import { commitIfAny } from './project/commit.ts';
import type { Report } from './report/event.ts';
import type { BuildRequest, BuildResult } from './request.ts';
import { explainFull, keepWithin } from './room.ts';
import { digestOf } from './store/digest.ts';
import { Store } from './store/layers.ts';
import { keepReserve } from './store/reserve.ts';
import { rememberUnchanged } from './unchanged.ts';

/** Seconds: whoever adds package after package does not wait for the mirror each time. `snap lock` always asks it. */
const INDEX_AGE = 3600;

/** A whole build, from what a person wrote to the image on disk. */
export async function build(request: BuildRequest, report: Report): Promise<BuildResult> {
  try {
    const result = await buildAlone(request, report);
    await tidyUp(request, report);
    return result;
  } catch (error) {
    throw await explainFull(request, error, () => neededBytes(request));
  }
}

async function buildAlone(request: BuildRequest, report: Report): Promise<BuildResult> {
  using store = new Store(request.project);
  using _held = await holdForBuild(store, request, report);
  store.sweepWork();
  try {
    const result = await buildHeld(store, request, report, joinRuns(shareRuns(request.jobs)));
    keepReserve(store.layout);
    return result;
  } finally {
    await store.workDropped();
  }
}

/** Keeps the store within its size. The build is done: nothing that comes now makes it fail. Holds no lock before. */
export async function tidyUp({ project, conf, signal }: BuildRequest, report: Report): Promise<void> {
  try {
    const text = await keepWithin(project, conf, signal);
    if (text !== undefined) report({ kind: 'note', text });
  } catch (error) {
    if (signal.aborted) return;
    report({ kind: 'note', text: `the store was not tidied up: ${(error as Error).message}` });
  }
}

/** What the layers that are still to run took the last time. */
async function neededBytes(request: BuildRequest): Promise<number | undefined> {
  using store = new Store(request.project);
  const inputs = await readInputs(request.project, request.conf, store);
  const open = planLayers(store, inputs, request).filter(({ state }) => state !== 'hit');
  const known = open.flatMap(({ name }) => store.lastOf(name, request.conf) ?? []);
  return known.length > 0 ? known.reduce((sum, { bytes }) => sum + bytes, 0) : undefined;
}

/** The build in a store that is held for it. When it is halted, layers may go on after it has ended: they are in the relay. */
export async function buildHeld(
  store: Store,
  request: BuildRequest,
  report: Report,
  relay: Relay,
): Promise<BuildResult> {
  const begun = performance.now();
  const read = Date.now();
  const inputs = await readInputs(request.project, request.conf, store);
  const signal = AbortSignal.any([request.signal, relay.halt]);
  await checkInputs(inputs, store, signal);
  const lock = await coverLock(inputs, store, { ...request, signal, indexAge: INDEX_AGE }, report);
  await saveLock(inputs, lock, request, report);
  await fetchInputs(inputs, lock, store, { ...request, signal }, report);
  const bench = await makeBench(inputs, lock, store, request, report, relay);
  const seen = whenIdle(() => witnesses(inputs, read));
  const made = await makeLayers(inputs, bench, request);
  await keepIds(inputs, made.bench, request);
  const commit = made.recalled ? undefined : commitIfAny(request.project); // git looks while the image is assembled
  const { output, results } = made.recalled ?? (await finish(inputs, made, request, report));
  await store.workDropped(); // what is removed before the disk is settled is never written to it
  store.settleDisk();
  settleKernels(store.layout);
  const seconds = (performance.now() - begun) / 1000;
  const lockText = formatLock(withIds(made.bench.lock, made.bench.ledger));
  await recordBuild(store, request.conf, output, async () => ({
    seconds,
    lock: digestOf(lockText),
    ran: [...made.results, ...results].filter(({ state }) => state === 'run').map(({ name }) => name),
    commit: await (commit ?? commitIfAny(request.project)),
  }));
  const { path: image, digest, paths, bytes } = output;
  const result = { image, digest, seconds, paths, bytes, layers: [...made.results, ...results] };
  if (request.output === undefined)
    rememberUnchanged(store, request.conf, result, withLock(seen(), inputs, lockText));
  return result;
}

/** Does the work as soon as this process waits for something, or at the latest when its result is asked for. */
function whenIdle<T>(work: () => T): () => T {
  const result = once(work);
  setImmediate(() => {
    try {
      result();
    } catch {
      // whoever asks for it is told
    }
  });
  return result;
}

/** The inputs as they are after they were read: one that changes now is another one the next time, whatever the build makes of it. */
function witnesses(inputs: Inputs, read: number): Witness[] | undefined {
  return inputPaths(inputs)?.map((path) => witness(path, read));
}

/** With the lock, which the build may have written itself, as it is now. */
function withLock(
  seen: readonly Witness[] | undefined,
  { lockFile }: Inputs,
  lockText: string,
): readonly Witness[] | undefined {
  const now = Date.now();
  const isOwn = readFileSync(lockFile, 'utf8') === lockText;
  return seen?.map((one) => (isOwn && one[0] === lockFile ? witness(lockFile, now) : one));
}

/** A lock that is still the one that was read lies there already. */
async function saveLock(
  { lockFile: file, lock: read }: Inputs,
  lock: Lock,
  { locked }: BuildRequest,
  report: Report,
): Promise<void> {
  if (lock !== read && !locked && (await writeLock(file, lock))) report({ kind: 'lock', file });
}

/** The ids of new names go into the lock. */
async function keepIds(
  inputs: Inputs,
  { lock, ledger, report }: Bench,
  request: BuildRequest,
): Promise<void> {
  const fresh = [
    ...[...ledger.uids]
      .filter(([name]) => !lock.uids.has(name))
      .map(([name, id]) => ({ what: 'uid' as const, name, id })),
    ...[...ledger.gids]
      .filter(([name]) => !lock.gids.has(name))
      .map(([name, id]) => ({ what: 'gid' as const, name, id })),
  ];
  if (request.locked && fresh.length > 0) {
    const names = fresh.map(({ what, name }) => `${what} of "${name}"`);
    throw new SnapError(
      'LOCK',
      `Cannot build "${request.conf}" with --locked: its lock lacks the ${names.join(', ')}`,
      {
        hint: `build once without --locked and commit ${basename(inputs.lockFile)}`,
      },
    );
  }
  if (fresh.length === 0) return;
  for (const one of fresh) report({ kind: 'ids', ...one });
  await saveLock(inputs, withIds(lock, ledger), request, report);
}

type Finished = { readonly output: Output; readonly results: readonly LayerResult[] };

type Made = {
  readonly bench: Bench;
  /** Base and scriptlets in the order of the view. */
  readonly layers: readonly ViewLayer[];
  readonly results: readonly LayerResult[];
  /** The image when it is there already. */
  readonly recalled: Finished | undefined;
};

/** Rounds of layers, until no two layers side by side are in conflict. Every conflict ends as an order in the lock. */
async function makeLayers(inputs: Inputs, first: Bench, request: BuildRequest): Promise<Made> {
  const ran = new Map<string, LayerResult>();
  for (let bench = first; ; ) {
    const round = await runRound(bench, sequenceOf(inputs, bench.lock));
    for (const result of round.results) {
      if (result.state !== 'hit' || !ran.has(result.name)) ran.set(result.name, result);
    }
    bench.relay.halt.throwIfAborted();
    if (round.errors.length > 0) throw failureOf(request.conf, round.errors, round.results);
    const { layers } = round;
    const whole = round.conflicts.length === 0;
    const recalled = whole ? recall(inputs, bench, layers, request) : undefined;
    const conflicts =
      whole && !recalled
        ? recallView(bench.store, `${request.conf} settle#1`, layers).conflicts
        : round.conflicts;
    if (conflicts.length === 0) return { bench, layers, results: [...ran.values()], recalled };
    const lock = await learn(inputs, bench, ordersFrom(conflicts), request);
    bench = { ...bench, lock, rerun: new Set() };
  }
}

function recall(
  inputs: Inputs,
  { store, lock }: Bench,
  layers: readonly ViewLayer[],
  { output: folder }: BuildRequest,
) {
  const output = folder === undefined ? recallImage(store, inputs, lock, layers) : undefined;
  return output && { output, results: settledRows(store, output, layers).map(hitOf) };
}

async function learn(
  inputs: Inputs,
  bench: Bench,
  orders: Lock['orders'],
  request: BuildRequest,
): Promise<Lock> {
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
  await saveLock(inputs, lock, request, bench.report);
  return lock;
}

/** Runs what triggers the layers deferred, and puts the image in its place. */
async function finish(
  inputs: Inputs,
  { bench, layers }: Made,
  request: BuildRequest,
  report: Report,
): Promise<Finished> {
  const { store, lock } = bench;
  const { prepared, settled } = await settleAndPrepare(inputs, { bench, layers }, request);
  const { view, results } = settled;
  const finished = { view, layers, prepared };
  return { output: await putOutput(store, inputs, lock, finished, request, report), results };
}

/** A first image is begun while triggers run: most of them wait for one program, and change few paths. */
async function settleAndPrepare(
  inputs: Inputs,
  { bench, layers }: Pick<Made, 'bench' | 'layers'>,
  { conf, output }: BuildRequest,
) {
  const { store, lock, relay } = bench;
  const failed = new AbortController();
  const view = (): View => recallView(store, `${conf} settle#1`, layers);
  const settling = settleLayers(bench, layers);
  const preparing =
    output === undefined ? prepareOutput(store, inputs, lock, view, failed.signal) : undefined;
  preparing?.catch(() => undefined); // until settle has ended
  try {
    const settled = await settling;
    relay.halt.throwIfAborted();
    return { settled, prepared: await preparing };
  } catch (error) {
    failed.abort();
    dropPrepared((await preparing)?.keys() ?? []);
    throw error;
  }
}

/** One failure for all layers that failed; each was told when it happened. Anything but a failure of a layer goes first. */
function failureOf(conf: string, errors: readonly unknown[], results: readonly LayerResult[]): unknown {
  const other = errors.find((error) => !(error instanceof SnapError) || error.code !== 'RUN');
  if (other !== undefined) return other;
  const failed = results.filter(({ state }) => state === 'fail').map(({ name }) => name);
  const names = failed.map((name) => `"${name}"`).join(', ');
  return new SnapError('RUN', `Cannot build "${conf}": ${names} failed`, {
    cause: errors[0],
    hint: `full log: snap log ${failed[0]}; what ran well is kept`,
  });
}

export type PlanResult = {
  readonly layers: readonly PlannedLayer[];
  /** What the layers that will run may take together, going by the last time. */
  readonly seconds: number;
  /** The same if all of which nobody knows run too. */
  readonly atMost: number;
};

/** What `build` would do. */
export async function plan(request: BuildRequest): Promise<PlanResult> {
  using store = new Store(request.project);
  const onWait = (): void => notice('waiting for "snap gc" to end');
  using _held = await store.hold(store.layout.lock, 'shared', onWait, request.signal);
  const inputs = await readInputs(request.project, request.conf, store);
  const layers = planLayers(store, inputs, request);
  const expected = (...states: readonly PlannedLayer['state'][]): number => {
    const runs = new Set(layers.filter(({ state }) => states.includes(state)).map(({ name }) => name));
    return expectedSeconds(layers, request.jobs, runs);
  };
  return { layers, seconds: expected('run'), atMost: expected('run', 'unknown') };
}

function planLayers(store: Store, inputs: Inputs, request: BuildRequest): PlannedLayer[] {
  const { conf, lock, parent } = inputs;
  if (!lock) return unlocked({ store, conf }, sequenceOf(inputs, { orders: [] }));
  const bench = { store, conf, lock, ledger: ledgerOf(lock, parent), rerun: new Set(request.rerun), makerOf };
  return forecast(bench, sequenceOf(inputs, lock));
}
