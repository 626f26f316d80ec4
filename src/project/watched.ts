import { join } from 'node:path';
import type { Conf } from './conf.ts';
import type { Scriptlet } from './scriptlet.ts';

/**
 * The files and folders that a build of a conf reads of what a person may save: absolute paths, whether they are there or not. A folder stands
 * for all that is in it.
 */
export function inputPaths(conf: Conf, scriptlets: readonly Scriptlet[]): string[] {
  const inProject = (...parts: readonly string[]): string => join(conf.project, ...parts);
  const confs = [conf.name, ...conf.parents];
  const asksForCommit = scriptlets.some(({ vars }) => 'SNAP_COMMIT' in vars);
  return [
    ...new Set([
      ...confs.map((name) => inProject('conf', `${name}.toml`)),
      ...confs.slice(0, 2).map((name) => inProject('conf', `${name}.lock`)),
      ...scriptlets.flatMap(({ name, files }) => [
        inProject('scriptlets', `${name}.sh`),
        inProject('scriptlets', name),
        ...files.map((file) => inProject(file)),
      ]),
      ...conf.mirrors.flatMap(({ signedBy }) => signedBy ?? []),
      ...(asksForCommit ? [inProject('.git', 'logs', 'HEAD')] : []),
    ]),
  ];
}

/** Whether something that happened at a path may have changed an input: at it, below it, or above it. Byte strings, all. */
export function concerns(path: string, inputs: Iterable<string>): boolean {
  for (const input of inputs) {
    if (path === input || input.startsWith(`${path}/`)) return true;
    if (path.startsWith(`${input}/`))
      return !path
        .slice(input.length + 1)
        .split('/')
        .some(isEditors);
  }
  return false;
}

/**
 * Names that editors give to files of their own beside the one that is edited: swap files, locks, backups, what is written before it is
 * renamed. They come and go while a person types, without anything being saved.
 */
const EDITORS = [
  /^\..*\.sw[a-z]x?$/, // vim, nano
  /^4913$/, // vim, to try whether it may write here
  /~$/, // backups
  /^#.*#$/, // Emacs: what is not saved yet
  /^\.#/, // Emacs: its lock
  /^\.~lock\..*#$/, // LibreOffice
  /^\.goutputstream-/, // GLib
  /___jb_(?:tmp|old)___$/, // JetBrains
  /\.kate-swp$/,
];

/** Whether a name is that of an editor's own file. */
export function isEditors(name: string): boolean {
  return EDITORS.some((pattern) => pattern.test(name));
}

/** All folders above a path, up to `top` or, outside of that, to the nearest one alone. */
export function foldersAbove(path: string, top: string): string[] {
  const folders: string[] = [];
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    folders.push(path.slice(0, end));
    if (end <= top.length || !path.startsWith(`${top}/`)) break;
  }
  return folders;
}
