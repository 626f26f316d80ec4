import { availableParallelism } from 'node:os';
import type { LayerResult } from './layers/round.ts';

/** What a person asks of a build. */
export type BuildRequest = {
  /** Absolute path of the project's folder. */
  readonly project: string;
  /** The conf's name. */
  readonly conf: string;
  /** Layers that run at a time. */
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
  /** Compile kernels from nothing, whether or not they are in the store. */
  readonly cleanKernel?: boolean;
  readonly signal: AbortSignal;
};

/** What came of it. */
export type BuildResult = {
  /** Absolute path. */
  readonly image: string;
  readonly digest: string;
  readonly seconds: number;
  readonly paths: number;
  readonly bytes: number;
  readonly layers: readonly LayerResult[];
};

/** Layers wait for snap itself, which is one thread, and for the disk. */
export function usualJobs(): number {
  return availableParallelism() + 2;
}
