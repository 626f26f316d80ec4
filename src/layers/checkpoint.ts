import { existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { PackageId } from '../debian/lock.ts';
import type { Span } from '../host/clock.ts';
import { errno } from '../host/error.ts';
import { removeIfPossible } from '../host/remove.ts';
import { writeFile } from '../host/write.ts';
import { readTrace, TRACE, traceFile } from '../store/check-layer.ts';
import { canonicalJson, type Digest, digestOf } from '../store/digest.ts';
import { decodeManifest, type Entry, encodeManifest, type TreePath } from '../store/manifest.ts';
import { at, digestFile, linkEntry, makeEntry, scanTree, setTime } from '../store/tree.ts';
import { isOpaque } from './capture.ts';
import type { Inputs } from './key.ts';
import { formatTrace, parseTrace, type Trace } from './trace.ts';

/**
 * Where a scriptlet's packages are kept as they were configured, and what they were configured on. A run with the same key goes on from there
 * with do_run, as if it had configured them itself: the same content, and times of its own.
 */
export type Checkpoint = {
  /** In the store; whatever lies there may be of another key. */
  readonly folder: string;
  readonly key: Digest;
  /** `packagesKey` of the same. */
  readonly packages: Digest;
};

type Note = {
  readonly format: typeof FORMAT;
  readonly key: Digest;
  /** Not there in notes of an earlier snap. */
  readonly packages?: Digest;
  /** The digest of the manifest's bytes. */
  readonly manifest: Digest;
  /** A time in between is that of the run. */
  readonly ran: Span;
  /** What configuring took. */
  readonly seconds: number;
};

/** Raised when packages would now be configured otherwise, or the folder be read otherwise. */
const FORMAT = 1;

/** What decides how packages are configured: of a layer's inputs those that do not belong to do_run, and which debs need no dpkg to be unpacked. */
export function checkpointKey(inputs: Inputs, stacked: readonly PackageId[]): Digest {
  return digestOf(canonicalJson({ ...ofPackages(inputs), stacked }));
}

/** The same but for what only a look into the debs tells. */
export function packagesKey(inputs: Inputs): Digest {
  return digestOf(canonicalJson(ofPackages(inputs)));
}

function ofPackages({ format, suite, arch, epoch, debs, view }: Inputs): Inputs {
  return { format, suite, arch, epoch, debs, view } as Inputs;
}

/** Seconds that a run with these inputs need not take, as far as can be told beforehand: what configuring its packages took that lie in `folder`. */
export function sparedSeconds(folder: string, inputs: Inputs): number {
  try {
    const note = JSON.parse(readFileSync(join(folder, 'note.json'), 'utf8')) as Note;
    return note.format === FORMAT && note.packages === packagesKey(inputs) ? note.seconds : 0;
  } catch (error) {
    if (errno(error) === undefined && !(error instanceof SyntaxError)) throw error;
    return 0;
  }
}

type Run = {
  readonly ran: Span;
  /** When it was begun, in milliseconds of Unix time. */
  readonly started: number;
  /** Whether below what the run wrote there was a folder of that path. */
  readonly isBelow: (folder: TreePath) => boolean;
  /** What it looked for, do_run included. */
  readonly trace: Trace | undefined;
};

/** Packages as an earlier run configured them. */
export type Configured = {
  /** What configuring took. */
  readonly seconds: number;
  /** All that it may have looked for; undefined where nobody knows. */
  readonly trace: Trace | undefined;
};

/** Keeps what a run has copied in its work folder, if it has. */
export function keepCheckpoint(
  { folder, key, packages }: Checkpoint,
  work: string,
  { ran, started, isBelow, trace }: Run,
): void {
  const copied = statSync(join(work, 'copied'), { throwIfNoEntry: false });
  if (!copied) return;
  const seconds = Math.max(0, copied.mtimeMs - started) / 1000;
  removeIfPossible(() => {
    const copy = join(work, 'checkpoint');
    const entries = [
      ...scanTree(copy, { mtime: ({ mtimeNs }) => Number(mtimeNs / 1_000_000_000n) }).values(),
    ];
    // A manifest has no attributes of overlayfs: one that hides a folder would be lost. New folders have it too, where it hides nothing.
    if (entries.some(({ type, path }) => type === 'dir' && isOpaque(at(copy, path)) && isBelow(path))) return;
    const manifest = encodeManifest(entries);
    const note: Note = { format: FORMAT, key, packages, manifest: digestOf(manifest), ran, seconds };
    const kept = join(work, 'kept');
    mkdirSync(kept, { mode: 0o700 });
    renameSync(copy, join(kept, 'tree'));
    writeFile(join(kept, 'manifest'), manifest);
    writeFile(join(kept, 'note.json'), JSON.stringify(note));
    if (trace) writeFile(join(kept, TRACE), traceFile(formatTrace(trace)));
    if (existsSync(folder)) renameSync(folder, join(work, 'replaced'));
    renameSync(kept, folder);
  });
}

/**
 * Makes in a work folder's `upper`, which is not there yet, what configuring has left, each file compared with its digest; what the run had
 * written has the time of now. Undefined, with no such folder, where there is nothing of this key or it is damaged. What is of no use any more goes with the work folder.
 */
export function takeUp({ folder, key }: Checkpoint, work: string): Configured | undefined {
  const upper = join(work, 'upper');
  try {
    const note = JSON.parse(readFileSync(join(folder, 'note.json'), 'utf8')) as Note;
    const bytes = readFileSync(join(folder, 'manifest'));
    const isWhole = note.format === FORMAT && note.key === key && note.manifest === digestOf(bytes);
    if (isWhole && makeAgain([...decodeManifest(bytes).values()], join(folder, 'tree'), upper, note.ran)) {
      const trace = readTrace(join(folder, TRACE));
      return { seconds: note.seconds, trace: trace === undefined ? undefined : parseTrace(trace) };
    }
  } catch (error) {
    if (errno(error) === undefined && !(error instanceof SyntaxError)) throw error;
  }
  if (existsSync(upper)) renameSync(upper, join(work, 'damaged'));
  if (existsSync(folder)) removeIfPossible(() => renameSync(folder, join(work, 'stale')));
  return undefined;
}

/** False when a file is not what its digest says. */
function makeAgain(entries: readonly Entry[], tree: string, upper: string, ran: Span): boolean {
  const now = Math.floor(Date.now() / 1000);
  const timed = entries.map((entry) =>
    entry.mtime >= ran.from && entry.mtime <= ran.to ? { ...entry, mtime: now } : entry,
  );
  for (const entry of timed) {
    const file = at(upper, entry.path);
    const isFurther = entry.type === 'file' && entry.link !== undefined;
    if (isFurther) linkEntry(entry, file, at(upper, entry.link));
    else makeEntry(entry, file, at(tree, entry.path));
    if (entry.type === 'file' && !isFurther && digestFile(file, BigInt(entry.size)) !== entry.digest)
      return false;
  }
  for (const { type, path, mtime } of timed.toReversed()) if (type === 'dir') setTime(at(upper, path), mtime);
  return true;
}
