import type { Example } from '../example.ts';

/** What one build took, seconds. */
export type Timing = {
  /** The whole process, or processes. */
  readonly seconds: number;
  /** The part of it that made the base, where the tool makes one apart. */
  readonly base?: number | undefined;
};

/** One way to make the image. */
export type Tool = {
  readonly name: string;
  readonly version: string;
  /** Throws away everything but debs and indexes. */
  forget(): void;
  /** Brings the image up to date with the example, as a person would. */
  build(): Promise<Timing>;
};

/** Where a tool works. */
export type Place = {
  /** The project that this file is part of. */
  readonly own: string;
  readonly example: Example;
  /** A folder for the tool alone; it is not there yet. */
  readonly folder: string;
  /** A Debian archive with all debs, see `makeRepository`. */
  readonly repository: string;
};
