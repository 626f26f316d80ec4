import { readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isUntouched, type Witness } from './host/witness.ts';
import type { BuildResult } from './request.ts';
import { openIndexToRead } from './store/database.ts';
import type { Store } from './store/layers.ts';
import { layoutOf } from './store/layout.ts';

/** A build that was answered, and all that this answer rests on. */
type Unchanged = {
  readonly witnesses: readonly Witness[];
  /** Where the image's link led. */
  readonly slot: string;
  readonly result: BuildResult;
};

function keyOf(conf: string): string {
  return `unchanged ${conf}`;
}

/**
 * What the last build of the conf gave, when everything that it was made from and the image's link are for certain as they were.
 * Loads nothing, starts nothing, looks into no file but the index. Undefined: build it.
 */
export function recallUnchanged(project: string, conf: string): BuildResult | undefined {
  const { index, images } = layoutOf(project);
  const text = readResult(index, keyOf(conf));
  if (text === undefined) return undefined;
  const { witnesses, slot, result } = JSON.parse(text) as Unchanged;
  return linkOf(join(images, conf)) === slot && witnesses.every(isUntouched) ? result : undefined;
}

function readResult(index: string, key: string): string | undefined {
  const database = openIndexToRead(index);
  try {
    const statement = database?.prepare<[string], { value: string }>(
      'SELECT value FROM results WHERE key = ?',
    );
    return statement?.get(key)?.value;
  } catch {
    return undefined; // damaged, or on a read-only filesystem: a build that opens the store knows what to do
  } finally {
    database?.close();
  }
}

/** Undefined where no folder lies behind the link. */
function linkOf(image: string): string | undefined {
  try {
    const target = readlinkSync(image);
    return statSync(image).isDirectory() ? target : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps what a build gave, for as long as what it was made from stays as it is; without witnesses nothing is kept. */
export function rememberUnchanged(
  store: Store,
  conf: string,
  result: BuildResult,
  witnesses: readonly Witness[] | undefined,
): void {
  const slot = linkOf(join(store.layout.images, conf));
  if (slot === undefined || witnesses === undefined) {
    forgetUnchanged(store, conf);
    return;
  }
  const layers = result.layers.map((layer) => ({ ...layer, state: 'hit' as const, seconds: 0, reason: '' }));
  const unchanged: Unchanged = { witnesses, slot, result: { ...result, layers } };
  store.results.set(keyOf(conf), JSON.stringify(unchanged));
}

/** To be called before the conf's image is touched. */
export function forgetUnchanged(store: Store, conf: string): void {
  store.results.forget(keyOf(conf));
}
