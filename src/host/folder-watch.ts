import { type FSWatcher, watch } from 'node:fs';
import { errno, SnapError } from './error.ts';

/** Paths are byte strings (latin1): names of files are bytes. */
export type FolderWatch = {
  /**
   * Watches these folders, and no others, from when it returns on. One that is not there is left out. A folder that took the place of
   * another by its name is found only here: a watch is on the folder, not on its name.
   * @throws SnapError HOST when the host allows no more.
   */
  set(folders: Iterable<string>): void;
  close(): void;
};

/** Calls back with the path of what was written, made, renamed or removed in a watched folder; of the folder where no name is known. */
export function watchFolders(onEvent: (path: string) => void): FolderWatch {
  let watchers: readonly FSWatcher[] = [];
  const set = (folders: Iterable<string>): void => {
    const before = watchers;
    // The old ones end after the new ones have begun: nothing is missed in between.
    watchers = [...new Set(folders)].flatMap((folder) => watchFolder(folder, onEvent) ?? []);
    for (const watcher of before) watcher.close();
  };
  return { set, close: () => set([]) };
}

/** Undefined where there is no such folder. */
function watchFolder(folder: string, onEvent: (path: string) => void): FSWatcher | undefined {
  try {
    const watcher = watch(Buffer.from(folder, 'latin1'), { encoding: 'buffer' }, (_, name) =>
      onEvent(name === null ? folder : `${folder}/${name.toString('latin1')}`),
    );
    return watcher.on('error', () => onEvent(folder));
  } catch (error) {
    const code = errno(error) ?? '';
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw refused(folder, code, error);
  }
}

const LIMITS: Readonly<Record<string, string>> = {
  ENOSPC: 'fs.inotify.max_user_watches',
  EMFILE: 'fs.inotify.max_user_instances',
};

function refused(folder: string, code: string, cause: unknown): SnapError {
  const limit = LIMITS[code];
  const why = limit === undefined ? code : `the host's limit ${limit} is reached`;
  const hint = limit === undefined ? 'build without --watch' : `raise it: sysctl ${limit}=524288`;
  return new SnapError('HOST', `Cannot watch "${Buffer.from(folder, 'latin1')}": ${why}`, { hint, cause });
}
