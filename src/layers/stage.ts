import {
  chmodSync,
  copyFileSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { errno, SnapError } from '../host/error.ts';
import { makeFolders } from '../host/folder.ts';
import type { TreePath } from '../store/manifest.ts';
import { at, copyFile, setTime, walk } from '../store/tree.ts';

/**
 * Copies a file or folder of the project to `to` the way a scriptlet sees it, whatever the umask of the clone: root's, 0644 or
 * 0755, at SOURCE_DATE_EPOCH. Sockets, devices and fifos are left out.
 */
export function stageInput(from: string, to: string, epoch: number): void {
  try {
    copyInput(from, to, epoch);
  } catch (error) {
    if (errno(error) === 'ENOENT') throw changedMeanwhile(`in "${from}"`, error);
    throw error;
  }
}

/** What a person saves or renames while snap reads it is no failure of theirs. */
export function changedMeanwhile(which: string, cause?: unknown): SnapError {
  return new SnapError('CHANGED', `Cannot go on: files ${which} changed while snap read them`, {
    hint: 'build again; with --watch snap does so by itself',
    cause,
  });
}

function copyInput(from: string, to: string, epoch: number): void {
  makeFolders(dirname(to), 0o755);
  const folders: TreePath[] = [];
  for (const { path, stat } of walk(from)) {
    const [source, target] = [at(from, path), at(to, path)];
    if (stat.isDirectory()) {
      mkdirSync(target, { mode: 0o755 });
      folders.push(path);
    } else if (stat.isSymbolicLink()) {
      symlinkSync(readlinkSync(source, { encoding: 'buffer' }), target);
    } else if (stat.isFile()) {
      copyFile(source, target);
      chmodSync(target, stat.mode & 0o100n ? 0o755 : 0o644);
    } else {
      continue;
    }
    lchownSync(target, 0, 0);
    setTime(target, epoch);
  }
  for (const path of folders.reverse()) setTime(at(to, path), epoch);
}

/**
 * Stages files at their own relative paths below `folder`, which is made even when there are none.
 * @throws SnapError RUN when a folder on the way is a symlink: it may lead out of the project, and so may what is written below its copy.
 */
export function stageFiles(project: string, files: readonly string[], folder: string, epoch: number): void {
  mkdirSync(folder, { mode: 0o755 });
  for (const file of files) {
    for (let parent = dirname(file); parent !== '.'; parent = dirname(parent)) {
      if (isFolder(join(project, parent))) continue;
      throw new SnapError('RUN', `Cannot use file "${file}": "${parent}" on the way is a symlink`, {
        hint: 'name the path that it leads to in use_file',
      });
    }
    stageInput(join(project, file), join(folder, file), epoch);
  }
}

/** Shows a step a file that nobody changes: by a link, or where none can be made by a copy. */
export function stageFixed(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (!['EXDEV', 'EMLINK', 'EPERM'].includes(errno(error) ?? '')) throw error;
    copyFileSync(from, to);
  }
}

export function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
