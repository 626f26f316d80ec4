import { readFileSync, renameSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { errno } from '../host/error.ts';
import { removeFile } from '../host/remove.ts';
import { writeFile } from '../host/write.ts';
import { asDigest, type Digest } from './digest.ts';
import { type Layout, makeFolder, namesIn, syncFolder } from './layout.ts';

/** A layer of an image: its number, and the positions of those that it sees. */
export type KeptLayer = readonly [name: string, n: number, sees: readonly number[]];

/** All that an image is made from: with the layers in the store, it can be made again. */
export type Recipe = {
  /** Those of settle too, in the order of the view. */
  readonly layers: readonly KeptLayer[];
  readonly excludes: readonly string[];
  /** SOURCE_DATE_EPOCH: seconds. */
  readonly epoch: number;
  /** The lines of the database files in a manifest, each byte a character. */
  readonly records: string;
};

/** A build that gave another image than the one before. */
export type BuildNote = Recipe & {
  readonly format: number;
  readonly conf: string;
  /** Counts the builds of the conf from 1. */
  readonly number: number;
  /** Unix seconds; shown, never compared. */
  readonly made: number;
  readonly seconds: number;
  /** Equal digests are equal images. */
  readonly digest: Digest;
  readonly paths: number;
  readonly bytes: number;
  /** Of the lock's text. */
  readonly lock: Digest;
  /** The layers that were not in the store. */
  readonly ran: readonly string[];
  /** The git commit of the project, with `-dirty` where files differed from it; null where there was none. */
  readonly commit: string | null;
};

/** A build by its name: `demo@3`. */
export type BuildName = { readonly conf: string; readonly number: number };

const FORMAT = 1;

type Place = Pick<Layout, 'builds' | 'tags' | 'pins'>;

/** Keeps a build. Success: it is whole under its name, and on the disk. Needs the conf's image to be held. */
export function writeBuild(place: Place, build: Omit<BuildNote, 'format'>): void {
  const folder = join(place.builds, build.conf);
  makeFolder(folder);
  const file = join(folder, `${build.number}.json`);
  writeFile(`${file}.new`, JSON.stringify({ format: FORMAT, ...build }), { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
  syncFolder(folder);
  if (build.number === 1) syncFolder(place.builds);
}

/** Undefined where there is none, or one that a power cut has cut off. No lock. */
export function readBuild(place: Place, { conf, number }: BuildName): BuildNote | undefined {
  const text = readIfThere(join(place.builds, conf, `${number}.json`));
  try {
    const note = JSON.parse(text ?? 'null') as BuildNote | null;
    return note?.format === FORMAT && asDigest(note.digest) ? note : undefined;
  } catch {
    return undefined;
  }
}

/** All builds that are kept, by conf in byte order, the newest first. No lock. */
export function keptBuilds(place: Place): BuildName[] {
  return namesIn(place.builds).flatMap((conf) => {
    const numbers = namesIn(join(place.builds, conf)).flatMap(
      (file) => /^(\d+)\.json$/.exec(file)?.[1] ?? [],
    );
    return numbers
      .map(Number)
      .sort((a, b) => b - a)
      .map((number) => ({ conf, number }));
  });
}

/** Needs the store's lock, exclusive. */
export function removeBuild(place: Place, { conf, number }: BuildName): void {
  removeFile(join(place.builds, conf, `${number}.json`));
  try {
    rmdirSync(join(place.builds, conf));
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errno(error) ?? '')) throw error;
  }
}

/** What builds are called besides: a tag keeps its build. No lock. */
export function readTags(place: Place): ReadonlyMap<string, BuildName> {
  return new Map(
    namesIn(place.tags).flatMap((tag): [string, BuildName][] => {
      if (tag.endsWith('~')) return []; // one that was not finished
      const build = asBuildName(readIfThere(join(place.tags, tag))?.trim() ?? '');
      return build ? [[tag, build]] : [];
    }),
  );
}

/**
 * Gives a build a name, in one step and on the disk; one of that name before is another build's no more. Needs the store's lock, shared.
 */
export function writeTag(place: Place, tag: string, build: BuildName): void {
  const file = join(place.tags, tag);
  writeFile(`${file}~`, `${buildText(build)}\n`, { mode: 0o600, flush: true });
  renameSync(`${file}~`, file);
  syncFolder(place.tags);
}

export function removeTag(place: Place, tag: string): void {
  removeFile(join(place.tags, tag));
}

/** The builds that are kept until they are let go. No lock. */
export function readPins(place: Place): readonly BuildName[] {
  return namesIn(place.pins).flatMap((name) => asBuildName(name) ?? []);
}

/** Success: it is on the disk. Needs the store's lock, shared. */
export function writePin(place: Place, build: BuildName): void {
  writeFile(join(place.pins, buildText(build)), '', { mode: 0o600 });
  syncFolder(place.pins);
}

export function removePin(place: Place, build: BuildName): void {
  removeFile(join(place.pins, buildText(build)));
}

/** `demo@3` */
export function buildText({ conf, number }: BuildName): string {
  return `${conf}@${number}`;
}

function asBuildName(text: string): BuildName | undefined {
  const [, conf, number] = /^([^@~/]+)@([1-9]\d*)$/.exec(text) ?? [];
  return conf === undefined ? undefined : { conf, number: Number(number) };
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (errno(error) === 'ENOENT' || errno(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
