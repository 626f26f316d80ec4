import type { Program } from './database-use.ts';

/** What is sought in a folder by listing it: names of another kind may come there. */
export type Sought = 'modules' | 'runlevels';

/**
 * What a program seeks that lists a folder; undefined where it may be any name. Python finds modules so, in the folder of its script first, and
 * looks at that once; update-rc.d finds the folders of runlevels, by a pattern.
 */
export function soughtBy({ file, words }: Program, folder: string): Sought | undefined {
  if (/\/python3[.\d]*$/.test(file)) {
    const first = words.slice(1).find((word) => !word.startsWith('-') || INSTEAD.test(word)) ?? '';
    return folderOf(first) === folder ? 'modules' : undefined;
  }
  return folder === 'etc' && words[1] === '/usr/sbin/update-rc.d' ? 'runlevels' : undefined;
}

/** Options of Python with which there is no script. */
const INSTEAD = /^-[A-Za-z]*[cm]/;

/** Without a slash in front; undefined for a relative path. */
function folderOf(path: string): string | undefined {
  return path.startsWith('/') ? path.slice(1, Math.max(1, path.lastIndexOf('/'))) : undefined;
}

/** Whether who seeks that may find a path. */
export function mayFind(sought: Sought, path: string, isFolder: boolean): boolean {
  switch (sought) {
    case 'modules':
      return isFolder || /\.(py|pyc|so)$/.test(path);
    case 'runlevels':
      return /\/rc.\.d$/.test(path);
    default:
      return sought satisfies never;
  }
}
