import { closeSync, openSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { tryLock } from '../host/syscall.ts';

/** A lock on a file that ends with `release`, or with the process, however that ends. */
export type Held = { release(): void };

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
  const fd = openSync(file, 'a', 0o600);
  try {
    for (let told = false; !tryLock(fd, mode === 'exclusive'); told = true) {
      if (!told) onWait();
      await wait(50, undefined, signal ? { signal } : {});
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { release: () => closeSync(fd) };
}
