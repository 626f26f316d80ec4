import { open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { giveToCaller } from '../host/caller.ts';
import { errno, SnapError } from '../host/error.ts';
import { randomName } from '../host/random.ts';
import type { Lock, LockTarget } from './lock.ts';
import { formatLock, parseLock } from './lock-text.ts';

/**
 * The lock in `file`, or undefined where there is none.
 * @throws SnapError LOCK when it is damaged, or for another suite or architecture than `target`.
 */
export async function readLock(file: string, target?: LockTarget): Promise<Lock | undefined> {
  try {
    return parseLock(await readFile(file, 'utf8'), file, target);
  } catch (error) {
    if (error instanceof SnapError) throw error;
    if (errno(error) === 'ENOENT') return undefined;
    throw new SnapError('LOCK', `Cannot read lock "${file}": ${(error as Error).message}`, { cause: error });
  }
}

/** Replaces `file` as a whole: after a crash it holds the old lock or the new one. A lock that is the same is not written: false. */
export async function writeLock(file: string, lock: Lock): Promise<boolean> {
  const text = formatLock(lock);
  const temporary = join(dirname(file), `.${basename(file)}.${randomName()}`);
  try {
    if ((await readFile(file, 'utf8').catch(() => undefined)) === text) return false;
    await writeDurably(temporary, text);
    giveToCaller(temporary);
    await rename(temporary, file);
    await syncFolder(dirname(file));
    return true;
  } catch (error) {
    await rm(temporary, { force: true });
    throw new SnapError('LOCK', `Cannot write lock "${file}": ${(error as Error).message}`, { cause: error });
  }
}

async function writeDurably(file: string, text: string): Promise<void> {
  await using handle = await open(file, 'wx', 0o644);
  await handle.writeFile(text);
  await handle.sync();
}

async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r');
  await handle.sync();
}
