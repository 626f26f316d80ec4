import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { SnapError } from '../host/error.ts';
import { lastLines } from '../host/program.ts';
import { logFile, noRoom, type Workshop } from '../layers/run.ts';
import { canonicalJson, digestOf, type Json } from '../store/digest.ts';
import { isTight } from '../store/reserve.ts';
import type { Target } from './arch.ts';
import {
  BUILD,
  type Builder,
  type BuilderCommand,
  type BuilderOutcome,
  builderEnvironment,
  LINUX,
} from './builder.ts';
import { firstError } from './compile-progress.ts';
import type { KernelData } from './data.ts';
import type { Source } from './source.ts';
import type { BuildTree } from './tree.ts';

/** What all stages of building one kernel share. */
export type KernelJob = {
  readonly workshop: Workshop;
  /** Of the scriptlet. */
  readonly name: string;
  readonly data: KernelData;
  readonly source: Source;
  /** Folder with the pristine source in `usr/src/linux`. */
  readonly pristine: string;
  readonly target: Target;
  readonly versionSuffix: string;
  /** Whether the image gets what external modules are compiled against. */
  readonly headers: boolean;
  readonly tree: BuildTree;
  readonly builder: Builder;
  /** A work folder of the store. */
  readonly work: string;
};

export function keyOfStage(value: Json): string {
  return digestOf(canonicalJson(value));
}

/** The words of make for this kernel. */
export function makeWords({
  target,
  versionSuffix,
  workshop,
}: Pick<KernelJob, 'target' | 'versionSuffix' | 'workshop'>): string {
  const { arch, crossCompile } = target;
  const suffix = `LOCALVERSION=${versionSuffix}`;
  return `make --no-print-directory -C ${LINUX} O=${BUILD} ARCH=${arch} CROSS_COMPILE=${crossCompile} ${suffix} -j${workshop.jobs}`;
}

export type Stage = Partial<BuilderCommand> &
  Pick<BuilderCommand, 'script'> & {
    /** Where make builds, instead of the tree's own. */
    readonly build?: string;
  };

/**
 * Runs a stage in the builder view, over the patched source, with the tree's output at its place; what it prints goes to the layer's log. One
 * that is stopped ends as make does then.
 */
export async function runStage(
  { builder, tree, pristine, workshop, name }: KernelJob,
  { binds = [], build = join(tree.folder, 'build'), ...command }: Stage,
): Promise<BuilderOutcome> {
  const outcome = await builder.run({
    env: builderEnvironment(workshop.lock.epoch),
    over: [join(tree.folder, 'patched'), pristine],
    binds: [{ from: build, to: BUILD, writable: true }, ...binds],
    soft: true,
    ...command,
  });
  appendFileSync(logFile(workshop.store, name), outcome.log);
  return outcome;
}

/** @throws SnapError RUN in the words of whatever failed first, INTERRUPTED where it was stopped. */
export function requireSuccess(
  { name, workshop }: Pick<KernelJob, 'name' | 'workshop'>,
  what: string,
  { ending, log }: BuilderOutcome,
): void {
  if (ending.exitCode === 0) return;
  if (workshop.signal.aborted) throw new SnapError('INTERRUPTED', `Stopped while it was to ${what}`);
  const hint = `full log: snap log ${name}`;
  if (ending.timedOut) {
    throw new SnapError(
      'RUN',
      `Cannot ${what} of "${name}": it was still running after ${workshop.timeout} s`,
      { hint },
    );
  }
  const error = firstError(log);
  const memory = ending.shortOfMemory ? ', killed for want of memory' : '';
  throw new SnapError('RUN', `Cannot ${what} of "${name}": ${error?.what ?? 'make failed'}${memory}`, {
    lines: error?.lines ?? lastLines(log, 20),
    hint,
    cause: isTight(workshop.store.layout) ? noRoom() : undefined,
  });
}
