import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { debPath } from '../debian/debs.ts';
import type { Lock, PackageId } from '../debian/lock.ts';
import { NeedsDpkg } from '../debian/unpack.ts';
import { makeUnpacker, type Unpacker } from '../debian/unpacker.ts';
import { SnapError } from '../host/error.ts';
import { makeFolders } from '../host/folder.ts';
import type { LayerRow, Store } from '../store/layers.ts';
import { type Inputs, keyOf, pinOf } from './key.ts';
import { makeSlots } from './slots.ts';

/** A deb as it lies in the store: unpacked as a layer of its own kind, or for dpkg alone, and why. */
export type DebTree =
  | { readonly kind: 'tree'; readonly row: LayerRow }
  | { readonly kind: 'dpkg'; readonly reason: string };

/** The debs of a lock as trees: each is unpacked once, ever. */
export type DebTrees = {
  /** Unpacks what is not there yet. Needs the store's lock, shared. @throws SnapError DOWNLOAD for a deb that cannot be read. */
  of(id: PackageId): Promise<DebTree>;
  /** Begins no further one, and waits until those under way are done, so that nothing of them is left. */
  stop(): Promise<void>;
};

export type Trees = ReadonlyMap<PackageId, DebTree>;

/** Debs as trees; those that have to be unpacked are begun in this order. */
export async function treesOf(trees: DebTrees, debs: readonly PackageId[]): Promise<Trees> {
  return new Map(await Promise.all(debs.map(async (id) => [id, await trees.of(id)] as const)));
}

/** Raised when the same deb would now give another tree. */
const FORMAT = 4;

export function debTrees(store: Store, lock: Lock, signal: AbortSignal): DebTrees {
  const trees = new Map<PackageId, Promise<DebTree>>();
  const unpacker = makeUnpacker();
  // One more than can be unpacked at once: a thread need not wait for the index.
  const slots = makeSlots(availableParallelism() + 1);
  const stopped = new AbortController();
  const makers = { store, lock, unpacker, signal: AbortSignal.any([signal, stopped.signal]) };
  const make = (id: PackageId): Promise<DebTree> => {
    const there = recallTree(store, lock, id);
    return there ? Promise.resolve(there) : slots.run(() => makeTree(makers, id));
  };
  return {
    of(id) {
      const tree = trees.get(id) ?? make(id);
      trees.set(id, tree);
      return tree;
    },
    async stop() {
      stopped.abort();
      await Promise.allSettled(trees.values());
    },
  };
}

function inputsOf(lock: Lock, id: PackageId): Inputs {
  return { format: FORMAT, kind: 'deb', sha256: pinOf(lock, id).sha256 };
}

function recallTree(store: Store, lock: Lock, id: PackageId): DebTree | undefined {
  const row = store.withKey(keyOf(inputsOf(lock, id))).at(-1);
  if (row) return { kind: 'tree', row };
  const reason = store.results.get(reasonKey(lock, id));
  return reason === undefined ? undefined : { kind: 'dpkg', reason };
}

function reasonKey(lock: Lock, id: PackageId): string {
  return `dpkg alone ${FORMAT} ${pinOf(lock, id).sha256}`;
}

type Makers = {
  readonly store: Store;
  readonly lock: Lock;
  readonly unpacker: Unpacker;
  readonly signal: AbortSignal;
};

async function makeTree({ store, lock, unpacker, signal }: Makers, id: PackageId): Promise<DebTree> {
  signal.throwIfAborted();
  const pin = pinOf(lock, id);
  const folder = store.makeWorkDir();
  const begun = performance.now();
  try {
    const layer = join(folder, 'layer');
    makeFolders(join(layer, 'tree'), 0o755);
    const task = { file: debPath(store.layout.debs, pin), folder: join(layer, 'tree') };
    const unpacked = await unpacker.unpack(task, pin.size);
    const inputs = inputsOf(lock, id);
    const seconds = (performance.now() - begun) / 1000;
    const common = {
      name: `deb/${pin.name}`,
      kind: 'deb',
      key: keyOf(inputs),
      inputs,
      view: [],
      seconds,
    } as const;
    return { kind: 'tree', row: store.publish(layer, { ...common, ...unpacked }) };
  } catch (error) {
    if (!(error instanceof NeedsDpkg)) throw unreadable(`${pin.name} ${pin.version}`, error);
    store.results.set(reasonKey(lock, id), error.message);
    return { kind: 'dpkg', reason: error.message };
  } finally {
    store.dropWorkDir(folder);
  }
}

function unreadable(name: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || 'code' in cause) return cause;
  return new SnapError('DOWNLOAD', `Cannot unpack package "${name}": ${cause.message}`, {
    hint: 'look for damage in the store: snap verify --deep --repair',
    cause,
  });
}
