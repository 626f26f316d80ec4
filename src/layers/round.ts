import { join } from 'node:path';
import { controlsOf } from '../debian/deb.ts';
import { debPath } from '../debian/debs.ts';
import type { Order, PackageId } from '../debian/lock.ts';
import { fieldOf } from '../debian/records.ts';
import { SnapError } from '../host/error.ts';
import type { Scriptlet } from '../project/scriptlet.ts';
import type { LayerState } from '../report/event.ts';
import type { LayerKey, LayerRow, Store } from '../store/layers.ts';
import { checkpointName } from '../store/layout.ts';
import { runBase } from './base.ts';
import { type Checkpoint, checkpointKey, packagesKey } from './checkpoint.ts';
import { type DebTree, type DebTrees, type Trees, treesOf } from './deb-trees.ts';
import { adopt, fits } from './ids.ts';
import { forgetSettling, keepSettling, recallSettling } from './kept-settling.ts';
import { recallStacking } from './kept-stacking.ts';
import { recallView } from './kept-view.ts';
import { baseInputs, checkStaged, type Inputs, keyOf, pinOf } from './key.ts';
import { layerInputs, type Maker, type MakerOf } from './maker.ts';
import { reasonOf, wordsOf } from './reason.ts';
import { type Relay, type Run, stopRuns, wantFor } from './relay.ts';
import { type LayerJob, logFile, runLayer, type Workshop } from './run.ts';
import type { Step } from './sandbox.ts';
import { addedDebs, type Sequence, waitsFor } from './sequence.ts';
import {
  questionsOf,
  type Settlement,
  settlements,
  settleStep,
  unsettled,
  withActivated,
  withTriggers,
} from './settle.ts';
import { findStanding } from './standing.ts';
import { packageStep, scriptletStep } from './steps.ts';
import { makeTops, type Top } from './tops.ts';
import { expectRun } from './tracer.ts';
import { infoNameOf, layOut } from './unpacked.ts';
import type { Conflict, View, ViewLayer } from './view.ts';

export type LayerResult = {
  readonly name: string;
  readonly key: string;
  readonly state: LayerState;
  readonly seconds: number;
  readonly reason: string;
};

type Outcome =
  | { readonly kind: 'done'; readonly layer: ViewLayer }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** Something that it sees is not there, or is in conflict. */
  | { readonly kind: 'blocked' };

export type Round = {
  readonly layers: readonly ViewLayer[];
  readonly results: readonly LayerResult[];
  readonly conflicts: readonly Conflict[];
  readonly errors: readonly unknown[];
};

export type Bench = Workshop & {
  readonly relay: Relay;
  readonly trees: DebTrees;
  readonly makerOf: MakerOf;
};

/** The layer of the store with this key that fits the ledger of ids, or one that stands for it. */
export function findLayer(bench: Pick<Workshop, 'store' | 'ledger'>, inputs: Inputs): LayerRow | undefined {
  const key = keyOf(inputs);
  const own = newestOf(bench, key);
  if (own !== undefined) return own;
  const standing = bench.store.standingFor(key);
  return standing && isFitting(bench, standing) ? standing : undefined;
}

/** Of the layers with this key that fit the ledger of ids the newest, as one that was run again took another's place. */
function newestOf(bench: Pick<Workshop, 'store' | 'ledger'>, key: LayerKey): LayerRow | undefined {
  return bench.store.withKey(key).findLast((row) => isFitting(bench, row));
}

function isFitting({ ledger }: Pick<Workshop, 'ledger'>, { ids }: LayerRow): boolean {
  return fits(ledger, JSON.parse(ids));
}

/** The same for a scriptlet; where no layer has the key, another one may come to stand for it. A kernel's build reads other views too. */
export function findScriptletLayer(
  bench: Pick<Bench, 'store' | 'ledger' | 'conf' | 'makerOf'>,
  scriptlet: Scriptlet,
  inputs: Inputs,
  viewOf: () => View,
): LayerRow | undefined {
  const there = findLayer(bench, inputs);
  if (there !== undefined || bench.makerOf(scriptlet) !== undefined) return there;
  const standing = findStanding(bench.store, { conf: bench.conf.name, name: scriptlet.name, inputs }, viewOf);
  return standing && isFitting(bench, standing) ? standing : undefined;
}

/** Makes every layer of a sequence that is not there, side by side where nothing orders them. */
export async function runRound(bench: Bench, sequence: Sequence): Promise<Round> {
  const results: LayerResult[] = [];
  const conflicts: Conflict[] = [];
  const outcomes = new Map<string, Promise<Outcome>>();
  using tops = makeTops(bench);
  bench.store.lookAhead(bench.conf.name);
  bench.report({ kind: 'planned', layers: sequence.scriptlets.length + 1 });

  const base = obtain(bench, results, 'base', baseInputs(bench.lock, bench.conf), [], (own, inputs) => {
    const made = runBase(own, bench.trees, inputs);
    unpackAhead(bench, sequence); // after what it has asked for itself
    expectRun({ layers: bench.store.layout.layers, view: [] }); // all of them, and so of the short ones each
    return made;
  }).then(
    (row): Outcome => ({ kind: 'done', layer: { name: 'base', row, sees: new Set() } }),
    (error): Outcome => ({ kind: 'failed', error }),
  );
  outcomes.set('base', base);

  const make = async (scriptlet: Scriptlet, position: number): Promise<Outcome> => {
    const sees = sequence.sees.get(scriptlet.name) ?? new Set<string>();
    const seen = new Map<string, ViewLayer>();
    for (const name of ['base', ...waitsFor(sequence, scriptlet.name)]) {
      const outcome = await outcomes.get(name);
      if (outcome?.kind !== 'done') return { kind: 'blocked' };
      seen.set(name, outcome.layer);
    }
    const there = { base: seen.get('base')!, layers: seen };
    const { inputs, layers, builder } = layerInputs(bench, sequence, scriptlet, there);
    const debs = addedDebs(bench.lock, scriptlet.name, sees);
    const earlier = (): (Promise<Outcome> | undefined)[] => [
      base,
      ...sequence.scriptlets.slice(0, position).map(({ name }) => outcomes.get(name)),
    ];
    const earlierDone = (): Promise<void> =>
      bench.relay.shared.slots.aside(async () => void (await Promise.all(earlier())));
    const viewOf = (): View => recallView(bench.store, `${bench.conf.name} ${scriptlet.name}`, layers);
    const find = (): LayerRow | undefined => findScriptletLayer(bench, scriptlet, inputs, viewOf);
    const work = async (own: Bench): Promise<LayerRow | undefined> => {
      const view = viewOf();
      const maker = bench.makerOf(scriptlet);
      const built = maker && recallView(bench.store, `${bench.conf.name} ${scriptlet.name}#build`, builder);
      const found = [...view.conflicts, ...(built?.conflicts ?? [])];
      if (found.length > 0) {
        conflicts.push(...found);
        return undefined;
      }
      if (maker && built) {
        return runLayer(own, makerJob(own, maker, { scriptlet, inputs, view, builder: built }, earlierDone));
      }
      const trees = await treesOf(bench.trees, debs);
      const packages = { debs, preDepends: await preDependsOf(bench, debs, trees), view, trees };
      return runLayer(
        own,
        scriptletJob(bench, { scriptlet, inputs, packages }, earlierDone, () => tops.of(view)),
      );
    };
    const row = await obtain(bench, results, scriptlet.name, inputs, layers, work, find);
    return row ? { kind: 'done', layer: { name: scriptlet.name, row, sees } } : { kind: 'blocked' };
  };
  sequence.scriptlets.forEach((scriptlet, position) => {
    outcomes.set(
      scriptlet.name,
      make(scriptlet, position).catch((error): Outcome => ({ kind: 'failed', error })),
    );
  });

  const ended = await Promise.all(outcomes.values());
  if (ended.some(({ kind }) => kind === 'failed')) await bench.trees.stop();
  const buildOnly = new Set(sequence.scriptlets.flatMap((one) => (one.buildOnly ? [one.name] : [])));
  const made = ended.flatMap((outcome) => (outcome.kind === 'done' ? [outcome.layer] : []));
  const layers = made.filter(({ name }) => !buildOnly.has(name));
  const position = new Map([...outcomes.keys()].map((name, index) => [name, index]));
  return {
    layers,
    results: results.sort((a, b) => position.get(a.name)! - position.get(b.name)!),
    conflicts,
    errors: ended.flatMap((outcome) => (outcome.kind === 'failed' ? [outcome.error] : [])),
  };
}

/** A layer that is made in another way than by packages and do_run. */
function makerJob(
  workshop: Workshop,
  maker: Maker,
  what: { scriptlet: Scriptlet; inputs: Inputs; view: View; builder: View },
  earlierDone: () => Promise<void>,
): LayerJob {
  const { scriptlet, inputs, view } = what;
  return {
    name: scriptlet.name,
    kind: 'scriptlet',
    inputs,
    view,
    earlierDone,
    what: '',
    prepare: () => [],
    fill: (upper) => maker.fill({ ...what, workshop, upper }),
  };
}

/** The debs that a layer adds to a view. */
type Packages = {
  readonly debs: readonly PackageId[];
  readonly preDepends: ReadonlyMap<PackageId, readonly string[]>;
  readonly view: View;
  readonly trees: Trees;
};

/** While the base is made, there is time to unpack what goes on it. What cannot be unpacked is told by the layer that needs it. */
function unpackAhead({ lock, trees }: Bench, { scriptlets }: Sequence): void {
  const base = new Set(lock.base);
  for (const { name } of scriptlets) {
    for (const id of lock.closures.get(name)?.debs ?? [])
      if (!base.has(id)) trees.of(id).catch(() => undefined);
  }
}

type ScriptletRun = {
  readonly scriptlet: Scriptlet;
  readonly inputs: Inputs;
  readonly packages: Packages;
};

function scriptletJob(
  bench: Bench,
  { scriptlet, inputs, packages: { debs, preDepends, view, trees } }: ScriptletRun,
  earlierDone: () => Promise<void>,
  top: () => Top,
): LayerJob {
  const { lock, store, eatmydata, conf } = bench;
  const rows = [...trees].flatMap(([name, tree]) => (tree.kind === 'tree' ? [{ name, row: tree.row }] : []));
  const stacking = recallStacking(store, `${conf.name} ${scriptlet.name}`, view, rows);
  const { stacked, byDpkg } = stacking;
  const stackedDebs = new Map(
    rows
      .filter(({ row }) => stacked.includes(row))
      .map(({ name, row }) => [name, { row, infoName: infoNameOf(store, row) }]),
  );
  const closed = [...trees].flatMap(([id, tree]) =>
    tree.kind === 'dpkg' ? [[id, tree.reason] as const] : [],
  );
  for (const [id, reason] of [...closed, ...byDpkg]) {
    bench.report({ kind: 'detail', name: scriptlet.name, text: `dpkg unpacks ${id}: ${reason}` });
  }
  const prepare = (folder: string, isStacked: boolean, isConfigured: boolean): Step[] => {
    const steps: Step[] = [];
    if (debs.length > 0 && !isConfigured) {
      const options = { store, folder, eatmydata };
      steps.push(
        packageStep(lock, debs, preDepends, isStacked ? { ...options, stacked: stackedDebs } : options),
      );
    }
    if (scriptlet.hasRun) {
      const { sources: sourcesDir } = store.layout;
      steps.push(scriptletStep(scriptlet, { project: conf.project, lock, sourcesDir, folder, eatmydata }));
      checkStaged(inputs, scriptlet, join(folder, 'inputs'));
    }
    return steps;
  };
  const hasPackages = debs.length > 0;
  const job = {
    name: scriptlet.name,
    kind: 'scriptlet',
    inputs,
    view,
    scriptlet,
    earlierDone,
    hasPackages,
    isTraced: true,
    wasLong: () => wasLong(bench, scriptlet),
  } as const;
  const what = whatRuns(scriptlet, debs);
  const byDpkgAlone: LayerJob = {
    ...job,
    top,
    what,
    prepare: (folder, isConfigured) => prepare(folder, false, isConfigured),
  };
  const place = checkpointOf(bench, { scriptlet, inputs }, debs, [...stackedDebs.keys()]);
  const checkpoint = place ? { checkpoint: place } : {};
  if (stacked.length === 0) return { ...byDpkgAlone, ...checkpoint };
  return {
    ...job,
    ...checkpoint,
    layOut: (folder) => layOut(store, view, stacking, folder, lock.epoch),
    otherwise: async () => byDpkgAlone,
    what,
    prepare: (folder, isConfigured) => prepare(folder, true, isConfigured),
  };
}

/** Seconds from which on it is worth a thread's start to know that a layer need not run again: to note what it looks for takes 0.04 to 0.06. */
const LONG = 1;

function wasLong({ store, conf }: Bench, { name }: Scriptlet): boolean {
  return (store.lastOf(name, conf.name)?.seconds ?? 0) > LONG;
}

/** Bytes of debs that dpkg unpacks into a layer. With more of them a copy of it would take too long for a use that may never come. */
const COPIED = 16 * 1024 * 1024;

function checkpointOf(
  { store, conf, lock, rerun }: Bench,
  { scriptlet, inputs }: Pick<ScriptletRun, 'scriptlet' | 'inputs'>,
  debs: readonly PackageId[],
  stacked: readonly PackageId[],
): Checkpoint | undefined {
  if (debs.length === 0 || !scriptlet.hasRun || rerun.has(scriptlet.name)) return undefined;
  const byDpkg = debs.filter((id) => !stacked.includes(id));
  if (byDpkg.reduce((sum, id) => sum + pinOf(lock, id).size, 0) > COPIED) return undefined;
  return {
    folder: join(store.layout.checkpoints, checkpointName(conf.name, scriptlet.name)),
    key: checkpointKey(inputs, stacked),
    packages: packagesKey(inputs),
  };
}

/** The packages that each deb wants configured before it is unpacked. A deb without a tree is opened for it. */
export async function preDependsOf(
  { store, lock }: Bench,
  debs: readonly PackageId[],
  trees: Trees,
): Promise<Map<PackageId, readonly string[]>> {
  const closed = debs.filter((id) => trees.get(id)?.kind !== 'tree');
  const controls = await controlsOf(closed.map((id) => debPath(store.layout.debs, pinOf(lock, id))));
  const opened = new Map(closed.map((id, index) => [id, controls[index]!]));
  return new Map(debs.map((id) => [id, preDependsIn(opened.get(id) ?? stanzaOf(store, trees.get(id)!))]));
}

function stanzaOf(store: Store, tree: DebTree): string {
  const status = tree.kind === 'tree' ? store.recordsOf(tree.row.n)['var/lib/dpkg/status'] : undefined;
  return status?.[0]?.[1] ?? '';
}

function preDependsIn(control: string): string[] {
  return fieldOf(control, 'Pre-Depends')
    .split(/[,|]/)
    .map((relation) => relation.trim().split(/[\s(:]/)[0] ?? '')
    .filter(Boolean);
}

function whatRuns(scriptlet: Scriptlet, debs: readonly PackageId[]): string {
  const packages = debs.length === 1 ? '1 package' : `${debs.length} packages`;
  return [debs.length > 0 ? packages : '', scriptlet.hasRun ? 'do_run' : ''].filter(Boolean).join(', ');
}

/** What is said of a layer that ran on another view. */
const STANDING = 'looked for nothing of what changed below';

/** What is said of a layer from the store: nothing, unless the network had a part in it. */
export function hitReason(inputs: Inputs): string {
  return inputs.network === true ? wordsOf({ kind: 'impure' }) : '';
}

/** Takes a layer from the store or makes it, and tells of it. Undefined: it could not be begun. */
async function obtain<Row extends LayerRow | undefined>(
  bench: Bench,
  results: LayerResult[],
  name: string,
  inputs: Inputs,
  view: readonly ViewLayer[],
  work: Work<Row>,
  find = (): LayerRow | undefined => findLayer(bench, inputs),
): Promise<Row | LayerRow> {
  const key = keyOf(inputs);
  const there = bench.rerun.has(name) ? undefined : find();
  if (there) {
    adopt(bench.ledger, JSON.parse(there.ids));
    endLayer(bench, results, {
      name,
      key,
      state: 'hit',
      seconds: 0,
      reason: there.key === key ? hitReason(inputs) : STANDING,
    });
    return there;
  }
  bench.relay.halt.throwIfAborted();
  const joined = await joinRun(bench, results, name, key);
  if (joined) return joined;
  const why = bench.rerun.has(name)
    ? ({ kind: 'asked' } as const)
    : reasonOf(bench.store, bench.conf.name, name, inputs, view);
  const reason = wordsOf(why);
  const begun = beginRun(bench, name, key, reason, (own) => work(own, inputs));
  const run = await Promise.race([begun, bench.relay.halted]);
  return (await endOfRun(bench, results, name, run)) as Row;
}

/** Makes a layer at a bench of its own, whose signal stops that layer alone. */
type Work<Row> = (own: Bench, inputs: Inputs) => Promise<Row>;

/** Begins a layer as soon as a slot is free. */
function beginRun(
  bench: Bench,
  name: string,
  key: LayerKey,
  reason: string,
  work: (own: Bench) => Promise<LayerRow | undefined>,
): Promise<Run> {
  const { shared, wants, halt } = bench.relay;
  const { promise, resolve, reject } = Promise.withResolvers<Run>();
  const whole = shared.slots.run(async () => {
    bench.signal.throwIfAborted();
    halt.throwIfAborted();
    bench.report({ kind: 'layer-start', name, reason });
    const stop = new AbortController();
    const began = performance.now();
    const own = { ...bench, signal: AbortSignal.any([bench.signal, stop.signal]) };
    const done = work(own).finally(() => shared.runs.delete(name));
    const run = { key, want: wantFor(wants(), name), reason, began, stop, done };
    shared.runs.set(name, run);
    resolve(run);
    await done;
  });
  whole.catch(reject);
  return promise;
}

/** Goes on with what an earlier build has begun of a layer; what it began of another one by this name is stopped. */
async function joinRun(
  bench: Bench,
  results: LayerResult[],
  name: string,
  key: LayerKey,
): Promise<LayerRow | undefined> {
  const { shared } = bench.relay;
  const run = shared.runs.get(name);
  if (run === undefined) return undefined;
  if (run.key !== key || run.stop.signal.aborted) {
    await stopRuns(shared, [name]);
    return undefined;
  }
  bench.report({ kind: 'layer-start', name, reason: run.reason, seconds: secondsSince(run.began) });
  const row = await endOfRun(bench, results, name, run);
  if (!row || !fits(bench.ledger, JSON.parse(row.ids))) return undefined;
  adopt(bench.ledger, JSON.parse(row.ids));
  return row;
}

/** Waits for a layer and tells how it ended, unless this build is halted meanwhile: then it goes on for the next one. */
async function endOfRun(
  bench: Bench,
  results: LayerResult[],
  name: string,
  { key, reason, began, done }: Run,
): Promise<LayerRow | undefined> {
  const { halt, halted } = bench.relay;
  const end = (state: LayerState, error?: unknown): void =>
    endLayer(bench, results, { name, key, state, seconds: secondsSince(began), reason }, error);
  try {
    const row = await Promise.race([done, halted]);
    if (row) end('run');
    return row;
  } catch (error) {
    if (!halt.aborted) end('fail', error);
    throw error;
  }
}

function endLayer(
  { store, report }: Bench,
  results: LayerResult[],
  result: LayerResult,
  error?: unknown,
): void {
  results.push(result);
  const told =
    error instanceof SnapError
      ? { lines: [error.message, ...error.lines], log: logFile(store, result.name) }
      : {};
  report({ kind: 'layer-end', ...result, ...told });
}

function secondsSince(began: number): number {
  return (performance.now() - began) / 1000;
}

/** The linker's cache comes first: the programs that the other triggers run may need it. */
const FIRST_SETTLED = 'libc-bin';

/** Rounds of triggers that activate further triggers before snap takes it for a loop. */
const SETTLE_ROUNDS = 4;

export type Settled = {
  readonly layers: readonly ViewLayer[];
  readonly view: View;
  readonly results: readonly LayerResult[];
};

/** Runs the triggers that the layers deferred, each package's as a layer of its own on the finished view. */
export async function settleLayers(bench: Bench, layers: readonly ViewLayer[]): Promise<Settled> {
  const known = recallSettled(bench, layers);
  if (known) return known;
  const { store, conf, lock } = bench;
  const results: LayerResult[] = [];
  const orders = new Map<string, Set<string>>();
  let all = [...layers];
  let before = all;
  let isKnown = true;
  for (let round = 1; round <= SETTLE_ROUNDS; round++) {
    const last = all.length - before.length;
    const view = viewAfter(bench, all, round, last);
    const waiting = round === 1 ? undefined : new Set(unsettled(view).map((key) => key.split(':')[0]));
    const due = settlements(store, view, lock).filter(
      (one) => waiting === undefined || waiting.has(one.package.split(':')[0]),
    );
    isKnown &&= due.every((one) => one.isKnown);
    if (due.length === 0) {
      const settling = { layers: all, rounds: round - 1, last };
      if (!isKnown) forgetSettling(store, conf.name);
      else {
        const asked = { own: layers.length, questions: questionsOf(view) };
        keepSettling(store, conf.name, lock, settling, asked);
      }
      return { layers: all, view: withTriggers(view, undefined), results };
    }
    before = all;
    all = await settleRound(bench, results, all, due, round, orders);
  }
  throw new SnapError('RUN', `Cannot settle: triggers activate each other without end`, {
    hint: 'the packages are named in the log: snap log settle/NAME',
  });
}

/** The view before a round, of which the `last` layers are those of the round before. */
function viewAfter({ store, conf }: Bench, all: readonly ViewLayer[], round: number, last: number): View {
  const made = all.slice(all.length - last);
  return withActivated(recallView(store, `${conf.name} settle#${round}`, all), () =>
    made.map(({ row }) => store.recordsOf(row.n)),
  );
}

/** What it came to the last time, where that is known without settling anything. */
function recallSettled(bench: Bench, own: readonly ViewLayer[]): Settled | undefined {
  const { store, conf, lock, rerun } = bench;
  const settling = recallSettling(store, conf.name, lock, own);
  const made = settling?.layers.slice(own.length) ?? [];
  const isNewest = ({ row }: ViewLayer): boolean => newestOf(bench, row.key)?.n === row.n;
  if (settling === undefined || !made.every((layer) => !rerun.has(layer.name) && isNewest(layer)))
    return undefined;
  const view = viewAfter(bench, settling.layers, settling.rounds + 1, settling.last);
  if (view.conflicts.length > 0) return undefined;
  const results: LayerResult[] = [];
  for (const { name, row } of made) {
    adopt(bench.ledger, JSON.parse(row.ids));
    endLayer(bench, results, hitOf({ ...row, name }));
  }
  return { layers: settling.layers, view: withTriggers(view, undefined), results };
}

async function settleRound(
  bench: Bench,
  results: LayerResult[],
  layers: readonly ViewLayer[],
  due: readonly Settlement[],
  round: number,
  orders: Map<string, Set<string>>,
): Promise<ViewLayer[]> {
  const nameOf = (settlement: Settlement): string =>
    `settle/${settlement.package}${round > 1 ? `#${round}` : ''}`;
  const settle = (below: readonly ViewLayer[], settlement: Settlement, after: readonly ViewLayer[] = []) =>
    settleOne(bench, results, nameOf(settlement), [...below, ...after], settlement, after);
  const first = due.find((settlement) => settlement.package === FIRST_SETTLED);
  const below = first ? [...layers, await settle(layers, first)] : layers;
  const others = due.filter((settlement) => settlement !== first);
  for (;;) {
    const made = new Map<string, Promise<ViewLayer>>();
    for (const settlement of others) {
      const before = [...(orders.get(nameOf(settlement)) ?? [])].map((earlier) => made.get(earlier)!);
      const layer = Promise.all(before).then((after) => settle(below, settlement, after));
      made.set(nameOf(settlement), layer);
    }
    const all = [...below, ...(await Promise.all(made.values()))];
    const { conflicts } = recallView(bench.store, `${bench.conf.name} settle#${round + 1}`, all);
    if (conflicts.length === 0) return all;
    for (const { later, earlier } of conflicts) {
      const known = orders.get(later) ?? new Set();
      if (known.has(earlier)) throw new Error(`Settle cannot order "${later}" and "${earlier}"`);
      orders.set(later, known.add(earlier));
    }
  }
}

async function settleOne(
  bench: Bench,
  results: LayerResult[],
  name: string,
  below: readonly ViewLayer[],
  settlement: Settlement,
  after: readonly ViewLayer[],
): Promise<ViewLayer> {
  const inputs = { ...settlement.inputs, after: after.map(({ row }) => row.digest) };
  const row = await obtain(bench, results, name, inputs, below, (own) =>
    runLayer(own, {
      name,
      kind: 'settle',
      inputs,
      view: withTriggers(recallView(bench.store, `${bench.conf.name} ${name}`, below), settlement),
      prepare: () => [settleStep(settlement, bench.lock.epoch, bench.eatmydata)],
      earlierDone: async () => {},
      what: settlement.triggers.join(' '),
    }),
  );
  return { name, row, sees: new Set(below.map((layer) => layer.name)) };
}

/** A layer that was taken from the store, as a result. */
export function hitOf({ name, key }: LayerRow): LayerResult {
  return { name, key, state: 'hit', seconds: 0, reason: '' };
}

/** Conflicts as orders to learn: the later one in the view runs on top of the earlier. */
export function ordersFrom(conflicts: readonly Conflict[]): Order[] {
  const orders = new Map<string, Order>();
  for (const { later, earlier, path } of conflicts) {
    const key = `${later} ${earlier}`;
    if (!orders.has(key)) orders.set(key, { later, earlier, path });
  }
  return [...orders.values()];
}
