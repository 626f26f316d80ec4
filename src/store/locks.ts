import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { errno } from '../host/error.ts';
import { removeIfPossible } from '../host/remove.ts';
import { lettingSignalsEnd } from '../host/signals.ts';
import { tryLock } from '../host/syscall.ts';

/** A lock on a file that ends with `release`, which is what `using` calls, or with the process, however that ends. */
export type Held = Disposable & { release(): void };

/**
 * Takes the store's lock: shared for whoever adds to it, exclusive for whoever removes from it. Waits as long as it takes.
 * @param onWait is called once when another process holds it.
 */
export async function holdLock(
  file: string,
  mode: 'shared' | 'exclusive',
  onWait: () => void = () => {},
  signal?: AbortSignal,
): Promise<Held> {
  const fd = openLockFile(file);
  if (fd === undefined) return heldBy(undefined);
  try {
    for (let told = false; !tryLock(fd, mode === 'exclusive'); told = true) {
      if (!told) onWait();
      await wait(50, undefined, signal ? { signal } : {});
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return heldBy(fd);
}

/** The same without a wait: undefined when another process holds it. */
export function tryHold(file: string, mode: 'shared' | 'exclusive' = 'exclusive'): Held | undefined {
  return holdLockNow(file, mode, { patience: 0, onWait: () => {} });
}

/** Of a file that stays open; undefined where there is nothing to lock. */
function heldBy(fd: number | undefined): Held {
  let open = fd;
  const release = (): void => {
    if (open !== undefined) closeSync(open);
    open = undefined;
  };
  return { release, [Symbol.dispose]: release };
}

/** Undefined on a read-only filesystem that has no such file: nobody can remove anything there either. */
function openLockFile(file: string): number | undefined {
  try {
    return openSync(file, 'a', 0o600);
  } catch (error) {
    if (errno(error) !== 'EROFS') throw error;
  }
  try {
    return openSync(file, 'r');
  } catch (error) {
    if (errno(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Seconds that are waited without a word: most locks are free by then. */
const SILENT = 2;

/**
 * The same without giving way to anything else meanwhile, but to signals, which end the process at once. Undefined when it is held after
 * `patience` seconds; without a limit where that is infinite.
 */
export function holdLockNow(
  file: string,
  mode: 'shared' | 'exclusive',
  { patience, onWait }: { readonly patience: number; readonly onWait: () => void },
): Held | undefined {
  const fd = openLockFile(file);
  if (fd === undefined) return heldBy(undefined);
  const isFree = (seconds: number): boolean => waitForLock(fd, mode, Math.min(seconds, patience));
  if (isFree(SILENT)) return heldBy(fd);
  const isFreeLater = (): boolean => {
    onWait();
    return isFree(patience - SILENT);
  };
  if (patience > SILENT && lettingSignalsEnd(isFreeLater)) return heldBy(fd);
  closeSync(fd);
  return undefined;
}

/** False when it is held by others after so many seconds. */
function waitForLock(fd: number, mode: 'shared' | 'exclusive', seconds: number): boolean {
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; !tryLock(fd, mode === 'exclusive'); waited += 0.05) {
    if (waited >= seconds) return false;
    Atomics.wait(sleeper, 0, 0, 50);
  }
  return true;
}

/** A folder whose maker holds its lock: `sweepFolders` takes it away once the maker is gone. */
export type HeldFolder = Held & { readonly path: string };

/** Makes a folder in `parent` that is this process's own. `name` is asked again when somebody swept it the moment it was made. */
export function makeHeldFolder(parent: string, name: () => string): HeldFolder {
  for (;;) {
    const path = join(parent, name());
    mkdirSync(path, { mode: 0o700 });
    const held = holdFolder(path);
    if (held) return { path, ...held };
  }
}

/** Calls `remove` for the folders of that name in `parent` that nobody holds any more. What it cannot remove stays for the next time. */
export function sweepFolders(parent: string, name: RegExp, remove: (folder: string) => void): void {
  for (const found of readdirSync(parent).filter((one) => name.test(one))) {
    const folder = join(parent, found);
    const held = holdFolder(folder);
    if (!held) continue;
    try {
      removeIfPossible(() => remove(folder));
    } finally {
      held.release();
    }
  }
}

/** Undefined when another process holds it, or has removed it. */
function holdFolder(path: string): Held | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (errno(error) === 'ENOENT' || errno(error) === 'ENOTDIR') return undefined;
    throw error;
  }
  // Locked is not enough: a sweeper may have removed it between open and lock.
  const there = tryLock(fd, true) && statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino;
  if (there) return heldBy(fd);
  closeSync(fd);
  return undefined;
}
