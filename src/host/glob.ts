import { matchesGlob } from 'node:path';

/** Whether Node can match a glob at all: it makes broken expressions of some, such as a class like `[[:alpha:]]` beside a comma. */
export function isMatchable(glob: string): boolean {
  // Nothing in it that Node makes an expression of. Its matcher takes 7 ms to load, with nearly every project.
  if (glob.length < 1000 && /^(?:[\w./ *?-]|\[!?\w+\])*$/.test(glob)) return true;
  try {
    matchesGlob('', glob);
    return true;
  } catch {
    return false;
  }
}

export const GLOB_HINT = 'write a class such as [[:alpha:]] as [A-Za-z], and keep it short';
