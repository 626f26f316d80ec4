/**
 * The times of a build tree. make compares times, and what it compares here does not depend on what the clock says: pristine files are
 * older than anything; what a build of generation g is given anew has a time of its own, after all that the builder view holds, and all that
 * the build makes gets that time afterwards. So a file that changed is younger than whatever was made before, and what is made from it
 * is not older. What has a time of the clock was made by a build that never ended.
 */
export const PRISTINE = 1000;

/** Seconds from one generation to the next: ext4 and its kin keep nanoseconds, a number of JavaScript microseconds. */
const STEP = 0.000_01;

/** Seconds after the builder view's youngest file within which all generations lie. */
const SPAN = 1;

/** No tree lives to see it. */
export const GENERATIONS = SPAN / STEP;

/** The time of a generation; `floor` is that of the builder view's youngest file. Unix seconds. */
export function timeOf(floor: number, generation: number): number {
  return floor + generation * STEP;
}

/** Whether the clock gave a file its time. */
export function isOfClock(floor: number, { mtimeNs }: { readonly mtimeNs: bigint }): boolean {
  return mtimeNs > BigInt(floor + SPAN) * 1_000_000_000n;
}

/** Whether what is made now can be told by its time from what is there. */
export function clockServes(floor: number, now = Date.now()): boolean {
  return now / 1000 > floor + 2 * SPAN;
}
