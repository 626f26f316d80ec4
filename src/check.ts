import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { makeBench } from './bench.ts';
import { build } from './build.ts';
import { watchClock } from './host/clock.ts';
import { SnapError } from './host/error.ts';
import { ownFile } from './host/own.ts';
import { lastLines } from './host/program.ts';
import { excludesOf, readInputs, sequenceOf } from './inputs.ts';
import { capture, createdNames } from './layers/capture.ts';
import {
  applyAllowances,
  compareTrees,
  type Difference,
  parseAllowances,
  type Side,
} from './layers/compare.ts';
import { giveIds, renumbering } from './layers/ids.ts';
import { currentSlot, planOfSlot, slotsOf } from './layers/image.ts';
import { type PlanContents, planImage } from './layers/plan.ts';
import { type Bench, preDependsOf } from './layers/round.ts';
import { NOT_BOOTED } from './layers/run.ts';
import { runSandboxed, type Step } from './layers/sandbox.ts';
import { addedDebs, type Sequence } from './layers/sequence.ts';
import { copyStep, linkerStep, packageStep, scriptletStep, triggerStep } from './layers/steps.ts';
import { type LayerContents, makeTop, mergeView, type View, type ViewLayer } from './layers/view.ts';
import type { Report } from './report/event.ts';
import { contentDigest, type LayerRow, Store } from './store/layers.ts';
import { at } from './store/tree.ts';

export type CheckRequest = {
  readonly project: string;
  readonly conf: string;
  readonly jobs: number;
  readonly signal: AbortSignal;
};

export type CheckResult = { readonly same: boolean; readonly differences: readonly Difference[] };

/**
 * The oracle: builds the conf a second time the old way, in one tree that every scriptlet changes in its turn, with no layers and
 * with triggers as dpkg runs them, and compares the result with the image.
 */
export async function check(request: CheckRequest, report: Report): Promise<CheckResult> {
  const asked = { ...request, locked: false, offline: false, keepFailed: false, rerun: [] };
  const allowed = allowances(request.project);
  await build(asked, report);
  using store = new Store(request.project);
  using _held = await store.hold(store.layout.lock, 'shared');
  const inputs = await readInputs(request.project, request.conf, store);
  if (!inputs.lock) throw new Error('A build left no lock');
  const bench = await makeBench(inputs, inputs.lock, store, asked, report);
  const folder = store.makeWorkDir();
  try {
    const old = await buildInOneTree(bench, sequenceOf(inputs, inputs.lock), folder);
    const plan = planImage(old.contents, old.view, excludesOf(inputs), inputs.lock.epoch);
    const oldSide: Side = {
      entries: plan.entries,
      recordText: (path) => plan.recordAt(path)?.toString('latin1') ?? '',
    };
    const found = compareTrees(imageSide(store, request.conf), oldSide, ['layered', 'the old way']);
    const differences = applyAllowances(found, allowed);
    return { same: differences.every(({ allowed }) => allowed !== undefined), differences };
  } finally {
    store.dropWorkDir(folder);
  }
}

function imageSide(store: Store, conf: string): Side {
  const slot = currentSlot(slotsOf(store.layout.images, conf));
  const plan = slot && planOfSlot(store, slot);
  if (!plan) throw new Error('A build left no image');
  return {
    entries: plan.entries,
    recordText: (path) => readFileSync(at(slot, path), 'latin1'),
  };
}

/** Snap's own list, and that of the project: `check.allow` in its folder. */
function allowances(project: string) {
  const own = ownFile('src/check.allow');
  const files = [own, join(project, 'check.allow')];
  return files.flatMap((file) =>
    existsSync(file) ? parseAllowances(readFileSync(file, 'utf8'), basename(file)) : [],
  );
}

/** What the old way made, as if it were one layer over the base. */
type OneTree = { readonly view: View; readonly contents: LayerContents & PlanContents };

/** A number that no layer of the store has. */
const ALL = -1;

/** All scriptlets in the order of the view, over one base, each on what those before it left. */
async function buildInOneTree(bench: Bench, sequence: Sequence, folder: string): Promise<OneTree> {
  const { store, lock, report } = bench;
  const base: ViewLayer = { name: 'base', row: rowNamed(bench, 'base'), sees: new Set() };
  const below = mergeView(store, [base]);
  makeTop(store, below, join(folder, 'top'), lock.epoch, NOT_BOOTED);
  const { steps, names } = await allSteps(bench, sequence, folder);
  report({ kind: 'layer-start', name: 'the old way', reason: 'in one tree' });
  const begun = performance.now();
  const clock = watchClock();
  const lower = [join(folder, 'top'), store.treeOf(base.row.n)];
  const ending = await runSandboxed({ folder, lower, steps, timeout: undefined, signal: bench.signal });
  const ran = clock.end();
  const seconds = (performance.now() - begun) / 1000;
  const state = ending.exitCode === 0 ? 'run' : 'fail';
  report({ kind: 'layer-end', name: 'the old way', state, seconds, reason: 'in one tree' });
  if (state === 'fail') {
    throw new SnapError(
      'CHECK',
      `Cannot build "${bench.conf.name}" the old way: scriptlet "${names[ending.step - 1]}" failed`,
      {
        lines: lastLines(readFileSync(join(folder, 'log'), 'utf8'), 20),
        hint: 'it runs as a layer, so it may rely on not seeing what others left',
      },
    );
  }
  const upper = join(folder, 'upper');
  const created = createdNames(upper, below);
  const captured = capture(upper, below, {
    epoch: lock.epoch,
    ran,
    settling: true,
    uids: renumbering(created.uids, giveIds(bench.ledger.uids, created.uids)),
    gids: renumbering(created.gids, giveIds(bench.ledger.gids, created.gids)),
  });
  const isBase = (n: number): boolean => n === base.row.n;
  const contents: OneTree['contents'] = {
    manifestOf: (n) => (isBase(n) ? store.manifestOf(n) : captured.manifest),
    recordsOf: (n) => (isBase(n) ? store.recordsOf(n) : captured.records),
    treeOf: (n) => (isBase(n) ? store.treeOf(n) : upper),
    holderNamesOf: () => ['base', 'all'],
    namesIn: () => [],
    results: store.results,
  };
  const digest = contentDigest(captured.manifest, captured.records);
  const row = { ...base.row, n: ALL, name: 'all', digest };
  const all: ViewLayer = { name: 'all', row, sees: new Set(['base']) };
  return { view: mergeView(contents, [base, all]), contents };
}

function rowNamed({ store, conf }: Bench, wanted: string): LayerRow {
  const layers = JSON.parse(store.lastBuild(conf.name)?.layers ?? '[]') as [string, number][];
  const row = store.layerNumbered(layers.find(([name]) => name === wanted)?.[1] ?? -1);
  if (!row) throw new Error(`A build left no layer "${wanted}"`);
  return row;
}

async function allSteps(
  bench: Bench,
  sequence: Sequence,
  folder: string,
): Promise<{ steps: Step[]; names: string[] }> {
  const { lock, store, eatmydata, conf } = bench;
  const steps: Step[] = [];
  const names: string[] = [];
  const before = new Set<string>();
  for (const scriptlet of sequence.scriptlets.filter(({ buildOnly }) => !buildOnly)) {
    const own = join(folder, scriptlet.name);
    mkdirSync(own);
    const add = (...made: Step[]): void => {
      steps.push(...made);
      names.push(...made.map(() => scriptlet.name));
    };
    if (bench.makerOf(scriptlet)) add(copyStep(store.treeOf(rowNamed(bench, scriptlet.name).n), lock));
    const debs = addedDebs(lock, scriptlet.name, before);
    if (debs.length > 0) {
      const preDepends = await preDependsOf(bench, debs, new Map());
      add(packageStep(lock, debs, preDepends, { folder: own, eatmydata, store }));
      add(triggerStep(lock, eatmydata));
    }
    if (scriptlet.hasRun) {
      const options = {
        project: conf.project,
        lock,
        sourcesDir: store.layout.sources,
        folder: own,
        eatmydata,
      };
      add(scriptletStep(scriptlet, options));
    }
    before.add(scriptlet.name);
  }
  // Triggers that a do_run has activated wait for the next dpkg, which may never come. What dpkg leaves of the linker's cache is from before
  // the last links for compilers came. Settle heeds both.
  if (steps.length > 0) steps.push(triggerStep(lock, eatmydata), linkerStep(lock, eatmydata));
  return { steps, names };
}
