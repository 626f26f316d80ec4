import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Lock } from '../debian/lock.ts';
import { type Clock, watchClock } from '../host/clock.ts';
import { errno, SnapError } from '../host/error.ts';
import { lastLines } from '../host/program.ts';
import { writeFile } from '../host/write.ts';
import type { Conf } from '../project/conf.ts';
import { missingDeclaration } from '../project/diagnose.ts';
import type { Scriptlet } from '../project/scriptlet.ts';
import type { Report } from '../report/event.ts';
import type { LayerKind, LayerRow, Store } from '../store/layers.ts';
import type { Manifest, TreePath } from '../store/manifest.ts';
import { isTight } from '../store/reserve.ts';
import { type Captured, type CaptureOptions, capture, createdNames } from './capture.ts';
import { type Checkpoint, type Configured, keepCheckpoint, takeUp } from './checkpoint.ts';
import { giveIds, knows, type Ledger, renumbering } from './ids.ts';
import { type Inputs, keyOf } from './key.ts';
import { type Ending, runSandboxed, STACK_LIMIT, type Step } from './sandbox.ts';
import type { Top } from './tops.ts';
import { formatTrace, inOrder, type Trace, unite } from './trace.ts';
import { expectRun, isWatching, type TracedView, watchRun } from './tracer.ts';
import type { Unpacked } from './unpacked.ts';
import { type Extra, makeTop, type View } from './view.ts';

/** What all layers of one build share. */
export type Workshop = {
  readonly store: Store;
  readonly conf: Conf;
  readonly lock: Lock;
  readonly ledger: Ledger;
  /** The library that turns fsync into nothing, of the target's suite. */
  readonly eatmydata: string;
  /** Seconds that one layer may take. */
  readonly timeout: number | undefined;
  readonly keepFailed: boolean;
  /** Processes that one layer may start side by side. */
  readonly jobs: number;
  /** Kernels are compiled from nothing, and again where they are in the store. */
  readonly cleanKernel: boolean;
  /** Names of the layers to run again whatever the store has: what comes out takes the place of what is there. */
  readonly rerun: ReadonlySet<string>;
  readonly signal: AbortSignal;
  readonly report: Report;
};

export type LayerJob = {
  readonly name: string;
  readonly kind: LayerKind;
  readonly inputs: Inputs;
  readonly view: View;
  /** The folder on top of the view, where this layer shares it with others. */
  readonly top?: () => Top;
  /** Lays out, in the folder that it is given, the debs that need no dpkg to be unpacked. */
  readonly layOut?: (folder: string) => Unpacked;
  /** Whether its first step configures packages. */
  readonly hasPackages?: boolean;
  /** Whether it may be noted what the run looks for. */
  readonly isTraced?: boolean;
  /** Whether its last run was worth that. */
  readonly wasLong?: () => boolean;
  /** The same layer made by dpkg alone, for when its packages fail otherwise. */
  readonly otherwise?: () => Promise<LayerJob>;
  /** Where its packages may be as an earlier run configured them. */
  readonly checkpoint?: Checkpoint;
  /**
   * Makes the steps, those for packages first, unless they are configured already; the folder is the layer's work folder, where it may stage
   * what the steps see.
   */
  readonly prepare: (folder: string, isConfigured: boolean) => readonly Step[];
  /** Waits for the layers before this one in the order, so that ids are given in that order whatever runs first. */
  readonly earlierDone: () => Promise<void>;
  /** Instead of steps on the view: puts into the upper folder what the layer adds. */
  readonly fill?: (upper: string) => Promise<void>;
  /** Completes what the run left in the upper folder, before it is captured. */
  readonly finish?: (upper: string) => void;
  /** What runs, for whoever watches. */
  readonly what: string;
  readonly scriptlet?: Scriptlet;
};

/**
 * What tells maintainer scripts that no system is running here. No service starts: invoke-rc.d and deb-systemd-invoke ask `policy-rc.d`, and
 * nothing else. Without `ischroot` libc6 would have init start anew, and give it a second for that.
 */
export const NOT_BOOTED: readonly Extra[] = [
  { path: 'usr/sbin/policy-rc.d' as TreePath, mode: 0o755, content: '#!/bin/sh\nexit 101\n' },
  { path: 'usr/bin/ischroot' as TreePath, mode: 0o755, content: '#!/bin/sh\nexit 0\n', instead: true },
];

/** Runs one layer's steps on its view, and publishes what they changed. */
export async function runLayer(workshop: Workshop, job: LayerJob): Promise<LayerRow> {
  const { store, report } = workshop;
  const folder = store.makeWorkDir();
  const clock = watchClock();
  let keep = false;
  let top: Top | undefined;
  let unpacked: Unpacked | undefined;
  let trace: Trace | undefined;
  const started = Date.now();
  try {
    if (job.fill) return await fillLayer(workshop, job, folder, clock, job.fill);
    const configured = job.checkpoint && takeUp(job.checkpoint, folder);
    if (configured !== undefined) {
      report({ kind: 'detail', name: job.name, text: 'goes on from its packages as they were configured' });
    }
    const seen = mayTrace(job, configured) ? tracedView(workshop, job) : undefined;
    if (seen) expectRun(seen);
    unpacked = job.layOut?.(join(folder, 'unpacked'));
    top = unpacked
      ? ownTop(workshop, job, folder, unpacked.view)
      : (job.top?.() ?? ownTop(workshop, job, folder));
    const steps = job.prepare(folder, configured !== undefined);
    report({ kind: 'layer-step', name: job.name, step: job.what });
    const begun = performance.now() - 1000 * (configured?.seconds ?? 0);
    const lower = [top.path, ...(unpacked ? [unpacked.path] : []), ...stackOf(store, job.view)];
    const ofPackages = job.hasPackages && !configured ? steps[0] : undefined;
    const isTraced = seen !== undefined && lower.length + 2 <= STACK_LIMIT;
    const watched = isTraced ? watchRun({ ...seen, own: ofPackages?.command ?? [] }) : undefined;
    const ending = await runSandboxed({
      folder,
      lower,
      names: store.layout.names,
      steps,
      copiesUpper: job.checkpoint !== undefined && configured === undefined,
      notes: watched?.fd,
      timeout: workshop.timeout,
      signal: workshop.signal,
    }).finally(async () => {
      trace = await watched?.end();
    });
    if (!ending.isNoted) trace = undefined;
    else if (configured) trace = trace && configured.trace && unite(configured.trace, trace);
    const log = keepLog(workshop, job, folder);
    if (ending.exitCode !== 0) {
      if (watched?.hasFailed()) return await runLayer(workshop, { ...job, isTraced: false });
      const inPackages = ending.step === 1 && configured === undefined;
      if (job.otherwise && inPackages && !ending.timedOut) {
        report({ kind: 'detail', name: job.name, text: 'its packages once more, by dpkg alone' });
        return await runLayer(workshop, await job.otherwise());
      }
      keep = workshop.keepFailed;
      const kept = keep ? join(store.keepWorkDir(folder, job.name), 'upper') : undefined;
      throw failure(workshop, job, { ...ending, inPackages }, log, kept);
    }
    report({ kind: 'layer-step', name: job.name, step: 'capture' });
    return await captureLayer(workshop, job, folder, { clock, begun, unpacked, trace });
  } finally {
    const ran = clock.end();
    const isBelow = (path: TreePath): boolean =>
      job.view.get(path)?.type === 'dir' || unpacked?.hasFolder(path) === true;
    if (job.checkpoint) keepCheckpoint(job.checkpoint, folder, { ran, started, isBelow, trace });
    top?.release();
    if (!keep && unpacked) store.dropWorkDirAside(folder);
    else if (!keep) store.dropWorkDir(folder);
  }
}

/**
 * Whether it is worth noting what a run looks for. Of packages nobody knows yet how long they take; a short run is noted where that costs little,
 * as in a build of many layers. Of packages that were configured before, it must be known what that looked for.
 */
function mayTrace({ isTraced, wasLong, hasPackages }: LayerJob, configured: Configured | undefined): boolean {
  if (!isTraced || (configured && !configured.trace)) return false;
  return (hasPackages && !configured) || isWatching() || wasLong?.() === true;
}

function tracedView({ store }: Workshop, { view }: LayerJob): TracedView {
  return { layers: store.layout.layers, view: view.layers.map(({ row }) => row.n) };
}

async function fillLayer(
  workshop: Workshop,
  job: LayerJob,
  folder: string,
  clock: Clock,
  fill: NonNullable<LayerJob['fill']>,
): Promise<LayerRow> {
  const begun = performance.now();
  const upper = join(folder, 'upper');
  mkdirSync(upper, { mode: 0o755 });
  await fill(upper);
  workshop.report({ kind: 'layer-step', name: job.name, step: 'capture' });
  return captureLayer(workshop, job, folder, { clock, begun, unpacked: undefined, trace: undefined });
}

function ownTop({ store, lock }: Workshop, job: LayerJob, folder: string, view = job.view): Top {
  const path = join(folder, 'top');
  // A base that mmdebstrap makes lies deeper.
  makeTop(store, view, path, lock.epoch, job.kind === 'base' && !job.layOut ? [] : NOT_BOOTED);
  return { path, release: () => {} };
}

/** The trees of a view, the topmost first, by their short names. */
export function stackOf(store: Store, view: View): string[] {
  return view.layers.map(({ row }) => store.shortTreeOf(row.n)).reverse();
}

type Ran = {
  readonly clock: Clock;
  readonly begun: number;
  readonly unpacked: Unpacked | undefined;
  readonly trace: Trace | undefined;
};

async function captureLayer(
  workshop: Workshop,
  job: LayerJob,
  folder: string,
  { clock, begun, unpacked, trace }: Ran,
): Promise<LayerRow> {
  const { store, ledger, lock } = workshop;
  const upper = join(folder, 'upper');
  unpacked?.mergeInto(upper);
  job.finish?.(upper);
  const created = createdNames(upper, job.view);
  if (!knows(ledger, created)) await job.earlierDone();
  const ids = { uids: giveIds(ledger.uids, created.uids), gids: giveIds(ledger.gids, created.gids) };
  const captured = captureTree(job, upper, {
    epoch: lock.epoch,
    ran: clock.end(),
    settling: job.kind !== 'scriptlet',
    uids: renumbering(created.uids, ids.uids),
    gids: renumbering(created.gids, ids.gids),
    ...(unpacked ? { brought: unpacked.at, given: unpacked.view.records } : {}),
  });
  store.shareFiles(upper, captured.manifest, job.name, (path) => unpacked?.at(path) !== undefined);
  return publishTree(workshop, job, upper, folder, {
    ...captured,
    ids,
    seconds: (performance.now() - begun) / 1000,
    trace: trace && formatTrace(withHidden(trace, captured.manifest, job.view, unpacked)),
  });
}

/** With what the run had in sight above the folders that note: what was there for its time alone, and what the view has put right. */
function withHidden(trace: Trace, manifest: Manifest, view: View, unpacked: Unpacked | undefined): Trace {
  const isGone = (path: TreePath): boolean => !manifest.get(path) && !view.get(path);
  const passing = [...NOT_BOOTED.map(({ path }) => path), ...(unpacked?.paths() ?? [])].filter(isGone);
  const corrected = view.corrections.map(({ entry }) => entry.path);
  return { ...trace, absent: inOrder(trace.absent, passing), met: inOrder(trace.met, corrected) };
}

function captureTree(job: LayerJob, upper: string, options: CaptureOptions): Captured {
  try {
    return capture(upper, job.view, options);
  } catch (error) {
    if (errno(error) !== 'ENAMETOOLONG') throw error;
    throw new SnapError(
      'RUN',
      `Cannot keep what "${job.name}" made: a path in it is longer than 4096 bytes`,
      {
        hint: 'no program can reach such a path; mend what makes it',
        cause: error,
      },
    );
  }
}

type Made = Pick<Parameters<Store['publish']>[1], 'manifest' | 'records' | 'ids' | 'seconds' | 'trace'>;

function publishTree(workshop: Workshop, job: LayerJob, upper: string, folder: string, made: Made): LayerRow {
  const published = join(folder, 'layer');
  mkdirSync(published, { mode: 0o700 });
  renameSync(upper, join(published, 'tree'));
  const layer = {
    name: job.name,
    kind: job.kind,
    key: keyOf(job.inputs),
    inputs: job.inputs,
    view: job.view.layers.map(({ name, row }) => [name, row.n] as const),
    ...made,
  };
  return workshop.store.publish(published, layer, { again: workshop.rerun.has(job.name) });
}

/** Where the log of a layer's last run lies. */
export function logFile(store: Store, name: string): string {
  return join(store.layout.logs, `${name.replaceAll('/', '%')}.log`);
}

function keepLog(workshop: Workshop, job: LayerJob, folder: string): string {
  const file = logFile(workshop.store, job.name);
  if (existsSync(join(folder, 'log'))) copyFileSync(join(folder, 'log'), file);
  else writeFile(file, '');
  return file;
}

/** `inPackages`: it was not do_run that failed. */
type Failed = Ending & { readonly inPackages: boolean };

function failure(
  workshop: Workshop,
  job: LayerJob,
  ending: Failed,
  log: string,
  kept: string | undefined,
): SnapError {
  const tail = endOf(readFileSync(log, 'utf8'));
  const [line, status, command] = ending.report.split('\n')[0]?.split('\t') ?? [];
  const killed = ending.shortOfMemory ? ', killed for want of memory' : '';
  const inRun = job.scriptlet !== undefined && command !== undefined;
  const what = inRun
    ? `"${command}" in line ${line} of ${job.scriptlet.file} exited with ${exitStatus(Number(status))}${killed}`
    : `${stepName(job, ending)} ${endingOf(ending)}${killed}`;
  const sentence = ending.timedOut
    ? `Cannot run scriptlet "${job.name}": it was still running after ${workshop.timeout} s`
    : `Cannot run scriptlet "${job.name}": ${what}`;
  const missing = job.scriptlet && missingIn(job.scriptlet, workshop.conf, tail);
  const further = [missing && `hint: ${missing}`, kept && `what it left: ${kept}`].filter(
    (line) => line !== undefined,
  );
  return new SnapError('RUN', sentence, {
    lines: [...tail, ...further],
    hint: `full log: snap log ${job.name}`,
    cause: isTight(workshop.store.layout) ? noRoom() : undefined,
  });
}

/** What the scriptlet was told, most likely. */
export function noRoom(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
}

/** Up to 20 lines that a person can read at a glance. */
function endOf(log: string): string[] {
  const lines = log.trim() === '' ? [] : lastLines(log, 20);
  return lines.map((line) => (line.length > LINE_LIMIT ? `${line.slice(0, LINE_LIMIT)}...` : line));
}

const LINE_LIMIT = 1000;

function missingIn(scriptlet: Scriptlet, conf: Conf, tail: string[]): string | undefined {
  return missingDeclaration(scriptlet, conf, tail, (path) => existsSync(join(conf.project, path)));
}

function stepName(job: LayerJob, { inPackages }: Failed): string {
  if (job.kind !== 'scriptlet') return job.kind === 'base' ? 'mmdebstrap' : 'dpkg';
  return inPackages && job.scriptlet?.packages.length ? 'dpkg' : 'do_run';
}

function endingOf({ exitCode }: Ending): string {
  return exitCode === undefined ? 'was ended by a signal' : `exited with ${exitStatus(exitCode)}`;
}

/** A shell's exit code for a command that a signal ended is 128 more than the signal's number. */
function exitStatus(code: number): string {
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128);
  return signal ? `${code} (${signal[0]})` : String(code);
}
