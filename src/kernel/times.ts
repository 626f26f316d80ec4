/**
 * The times of a build tree, in seconds of 1970. make compares times, and nothing here depends on what the clock says: pristine files have
 * the oldest one; what a build of generation g is given anew has OLDEST + g, and all that it makes gets that time afterwards. So
 * a file that changed is younger than whatever was made before, and what is made from it is not older. What has a time of the clock
 * was made by a build that never ended.
 */
export const OLDEST = 1000;

/** No generation reaches it, and no clock stands before it. */
export const CLOCK = 1_000_000;

export function timeOf(generation: number): number {
  return OLDEST + generation;
}
