import { matchesGlob } from 'node:path';
import { isRecordFile, parseRecords, recordName } from '../debian/records.ts';
import { SnapError } from '../host/error.ts';
import { GLOB_HINT, isMatchable } from '../host/glob.ts';
import { type Entry, identity, printable, type TreePath } from '../store/manifest.ts';
import { sideBySide } from './difference.ts';

/** One thing in which two trees differ; of a database file the record that does. */
export type Difference = { readonly path: string; readonly what: string; readonly allowed?: string };

/** One side of a comparison: what is there, in byte order, and the content of its database files. */
export type Side = {
  readonly entries: () => Iterable<Entry>;
  readonly recordText: (path: TreePath) => string;
};

/**
 * The differences of two trees, in byte order of the paths: everything but the order of records in database files. `names` say what
 * the sides are called.
 */
export function compareTrees(a: Side, b: Side, names: readonly [string, string]): Difference[] {
  const found: Difference[] = [];
  const compare = (path: TreePath, left: Entry | undefined, right: Entry | undefined): Difference[] => {
    if (left === undefined) return [{ path, what: `only ${names[1]}` }];
    if (right === undefined) return [{ path, what: `only ${names[0]}` }];
    if (isRecordFile(path) && left.type === 'file' && right.type === 'file') {
      return [
        ...compareRecords(path, a.recordText(path), b.recordText(path), names),
        ...asDifference(left, withContent(right, left)),
      ];
    }
    return asDifference(left, right);
  };
  for (const both of sideBySide(a.entries(), b.entries(), ({ path }) => path))
    found.push(...compare(...both));
  return found;
}

function withContent(entry: Entry, like: Entry): Entry {
  return entry.type === 'file' && like.type === 'file'
    ? { ...entry, size: like.size, digest: like.digest }
    : entry;
}

function compareRecords(path: string, a: string, b: string, names: readonly [string, string]): Difference[] {
  const [left, right] = [parseRecords(path, a), parseRecords(path, b)];
  const keys = [...new Set([...left.keys(), ...right.keys()])];
  return keys.flatMap((key) => {
    const [one, other] = [left.get(key), right.get(key)];
    if (one === other) return [];
    const where = `${path}: ${recordName(key)}`;
    if (one === undefined) return [{ path: where, what: `only ${names[1]}` }];
    if (other === undefined) return [{ path: where, what: `only ${names[0]}` }];
    return [{ path: where, what: `${firstUnlike(one, other)} / ${firstUnlike(other, one)}` }];
  });
}

/** The first line of a text that the other text does not have. */
function firstUnlike(text: string, other: string): string {
  const lines = new Set(other.split('\n'));
  return printable(text.split('\n').find((line) => !lines.has(line)) ?? '').slice(0, 120);
}

function asDifference(a: Entry, b: Entry): Difference[] {
  const what = describe(a, b);
  return what === undefined ? [] : [{ path: a.path, what }];
}

function describe(a: Entry, b: Entry): string | undefined {
  if (a.type !== b.type) return `${a.type} / ${b.type}`;
  if (identity(a) === identity(b)) return a.mtime === b.mtime ? undefined : `time ${a.mtime} / ${b.mtime}`;
  if (a.mode !== b.mode) return `mode ${a.mode.toString(8)} / ${b.mode.toString(8)}`;
  if (a.uid !== b.uid || a.gid !== b.gid) return `owner ${a.uid}:${a.gid} / ${b.uid}:${b.gid}`;
  if (a.xattrs !== b.xattrs) return 'extended attributes';
  if (a.type === 'symlink' && b.type === 'symlink')
    return `-> ${printable(a.target)} / ${printable(b.target)}`;
  if (a.type === 'file' && b.type === 'file') {
    if (a.digest !== b.digest) return a.size === b.size ? 'content' : `content, ${a.size} / ${b.size} bytes`;
    return 'hard links';
  }
  return 'content';
}

export type Allowance = { readonly glob: string; readonly reason: string };

/**
 * A list of allowed differences: a line each, a glob, then ` # ` and the reason; a line that begins with # is a comment.
 * @throws SnapError CONF with `file` and the line of a glob that nothing can be matched with.
 */
export function parseAllowances(text: string, file: string): Allowance[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return [];
    const split = line.indexOf(' # ');
    const glob = (split < 0 ? line : line.slice(0, split)).trim();
    if (!isMatchable(glob)) {
      throw new SnapError('CONF', `Cannot read ${file}:${index + 1}: "${glob}" cannot be matched`, {
        hint: GLOB_HINT,
      });
    }
    return [{ glob, reason: split < 0 ? '' : line.slice(split + 3).trim() }];
  });
}

/** Marks the differences that are allowed; an allowance without a reason allows nothing. */
export function applyAllowances(
  differences: readonly Difference[],
  allowances: readonly Allowance[],
): Difference[] {
  return differences.map((difference) => {
    const found = allowances.find(
      ({ glob, reason }) => reason !== '' && (difference.path === glob || matchesGlob(difference.path, glob)),
    );
    return found ? { ...difference, allowed: found.reason } : difference;
  });
}
