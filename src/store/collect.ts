import { lstatSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { diskFailure, errno, SnapError } from '../host/error.ts';
import { randomName } from '../host/random.ts';
import { removeFile } from '../host/remove.ts';
import { type BuildName, keptBuilds, removeBuild } from './builds.ts';
import type { GcPlan, Holding } from './gc.ts';
import { Store } from './layers.ts';
import { type Layout, layoutOf } from './layout.ts';
import { sweepNames } from './names.ts';
import { isTight, keepReserve } from './reserve.ts';
import { dropLayerRows, dropResults, keepBuildRows, keepFloor, shrinkIndex } from './rows.ts';
import { removeTree } from './tree.ts';

/** Layers whose rows go in one step; where there is next to no room, few: each row may touch several pages of the index. */
const BATCH = 32;
const TIGHT_BATCH = 4;

/**
 * Carries a plan out: notes of builds, then what has no row, which makes room for what follows; then layers: rows, into the trash, gone.
 * Whatever it is killed at, the store is whole, and the next gc finds the rest. Returns what could not be removed, with the reason.
 * Needs the store's lock, exclusive.
 */
export async function collect(
  store: Store,
  plan: GcPlan,
  { results, signal }: { readonly results: readonly string[]; readonly signal: AbortSignal },
): Promise<string[]> {
  const { layout, index } = store;
  const all = plan.going.map(({ holding }) => holding);
  const builds = all.filter(({ kind }) => kind === 'build');
  const layers = all.filter(({ kind }) => kind === 'layer');
  const others = all.filter(({ kind }) => kind !== 'build' && kind !== 'layer');
  const left: string[] = [];
  for (const { name } of builds) removeBuild(layout, buildNamed(name));
  for (const holding of others) {
    signal.throwIfAborted();
    remove(layout, holding, left);
    await turn();
  }
  const names = new Set(layers.map((holding) => store.layerNumbered(numberOf(holding))?.name ?? ''));
  const lost = others.filter(({ id }) => id.startsWith('layer ')).map(numberOf);
  withRoom(layout, () => dropLayerRows(index, lost));
  for (let at = 0, size = 0; at < layers.length; at += size) {
    size = isTight(layout) ? TIGHT_BATCH : BATCH;
    const batch = layers.slice(at, at + size);
    signal.throwIfAborted();
    withRoom(layout, () => dropLayerRows(index, batch.map(numberOf)));
    for (const holding of batch) remove(layout, holding, left);
    await turn();
  }
  afterwards(() => {
    keepBuildRows(index, keptBuilds(layout));
    dropResults(index, results);
    if (layers.length > 0) sweepNames(layout);
    if (layers.length > 0) keepFloor(index, plan.floor);
    if (layers.length > 0) store.renewHolders(names);
    if (layers.length > 0) shrinkIndex(index);
  });
  keepReserve(layout);
  return left;
}

function buildNamed(name: string): BuildName {
  const [conf = '', number] = name.split('@');
  return { conf, number: Number(number) };
}

function numberOf({ id }: Holding): number {
  return Number(id.split(' ')[1]);
}

/** A folder goes to the trash first, so that nobody ever meets half of it by its name. */
function remove({ root, trash }: Layout, { path, kind }: Holding, left: string[]): void {
  if (path === undefined) return;
  const file = join(root, path);
  try {
    const isFolder = lstatSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;
    if (!isFolder) removeFile(file);
    else if (kind === 'trash') removeTree(Buffer.from(file));
    else {
      const away = join(trash, randomName());
      renameSync(file, away);
      removeTree(Buffer.from(away));
    }
  } catch (error) {
    if (errno(error) === undefined) throw error;
    left.push(`${path}: ${(diskFailure(error) ?? (error as Error)).message}`);
  }
}

/** Removes what needs no index to be known for waste, so that the index can be opened. Paths are relative to the store. */
export function removeWaste(layout: Layout, paths: readonly string[]): void {
  for (const path of paths) {
    try {
      removeTree(Buffer.from(join(layout.root, path)));
    } catch (error) {
      if (errno(error) === undefined) throw error;
    }
  }
}

/** Whether an error says that there is no room: on the disk, in a quota, or for the index. */
export function isFull(error: unknown): boolean {
  return codesOf(error).some((code) => ['ENOSPC', 'EDQUOT', 'SQLITE_FULL'].includes(code));
}

/** Those of the error and of what caused it. */
function codesOf(error: unknown): string[] {
  return error instanceof Error ? [errno(error) ?? '', ...codesOf(error.cause)] : [];
}

/** The same; where there is no room in the store, the index's library cannot always tell why it failed. */
export function isFullAt(layout: Layout, error: unknown): boolean {
  const isVague = codesOf(error).some((code) => /^SQLITE_(IOERR|CANTOPEN)/.test(code));
  return isFull(error) || (isVague && isTight(layout));
}

/**
 * The store, to look at it.
 * @throws SnapError STORE when there is not even room for that.
 */
export function openStore(project: string): Store {
  try {
    return new Store(project);
  } catch (error) {
    const layout = layoutOf(project);
    if (!isFullAt(layout, error)) throw error;
    throw new SnapError('STORE', `Cannot look into the store "${layout.root}": its filesystem is full`, {
      hint: 'make room: snap gc',
      cause: error,
    });
  }
}

/** What is said where not even gc has the room that it needs. */
export function noRoomError({ root }: Pick<Layout, 'root'>, cause: unknown): SnapError {
  return new SnapError('STORE', `Cannot remove anything from "${root}": its index has no room to note it`, {
    hint: 'make room for 1 MiB on that filesystem, and run snap gc again',
    cause,
  });
}

/** What the next gc can do as well, where there is too little room even now. */
function afterwards(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!isFull(error)) throw error;
  }
}

function withRoom(layout: Layout, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw isFull(error) ? noRoomError(layout, error) : error;
  }
}
