import { type BigIntStats, lstatSync, statSync } from 'node:fs';

/**
 * What a path was when something was made from it, so that a later look tells whether it is still the same: device, inode, size and
 * times of what lies there and of what a link leads to; null for nothing. As git has it (racy-git.adoc): a file that changed in the
 * same tick of the clock in which it was read looks the same afterwards, so one that was as young as that proves nothing.
 */
export type Witness = readonly [path: string, state: string | null, changed: number, read: number];

/** Timestamps of files are taken from a clock that ticks every 1 to 10 ms. */
const TICK = 20;

/** The path as it is now, for something that was read from it after `read` (milliseconds since 1970). */
export function witness(path: string, read: number): Witness {
  const [state, changed] = look(path);
  return [path, state, changed, read];
}

/** Whether the path is for certain what it was when it was read. */
export function isUntouched([path, state, changed, read]: Witness): boolean {
  return wasOld(changed, read) && look(path)[0] === state;
}

/** Whether what was changed last at `changed`, and read after `read`, has another state for certain as soon as it changes; both milliseconds since 1970. */
export function wasOld(changed: number, read: number): boolean {
  return changed + TICK < read;
}

/** All of a stat that changes when somebody changes a file. */
export function stateOf({ dev, ino, mode, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${mode} ${size} ${mtimeNs} ${ctimeNs}`;
}

function look(path: string): [state: string | null, changed: number] {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return [null, 0];
  const target = stat.isSymbolicLink() ? statOf(path) : undefined;
  const states = [stat, ...(target ? [target] : [])].map(stateOf);
  return [states.join('; '), Math.max(Number(stat.ctimeMs), Number(target?.ctimeMs ?? 0))];
}

/** What lies there, or where a link leads; undefined for nothing, and for links in a circle. */
export function statOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
