import { matchesGlob } from 'node:path';

/** Whether Node can match a glob at all: it makes broken expressions of some, such as a class like `[[:alpha:]]` beside a comma. */
export function isMatchable(glob: string): boolean {
  try {
    matchesGlob('', glob);
    return true;
  } catch {
    return false;
  }
}

export const GLOB_HINT = 'write a class such as [[:alpha:]] as [A-Za-z], and keep it short';
