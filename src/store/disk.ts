import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { isAbsolute, resolve } from 'node:path';
import { attempt } from '../host/program.ts';
import type { Disk, Extent } from './gc.ts';
import { Inodes } from './inodes.ts';

/** Something to be measured: its path is absolute, or relative to the root. */
export type Measured = { readonly id: string; readonly path: string | undefined };

/** So many paths for one `find`: few enough for a command line, and for all processors to end at about the same time. */
const BATCH = 48;

/**
 * What these paths, with all beneath them, take on the disk: blocks, not lengths. What vanishes meanwhile takes nothing.
 * `find` looks, one for each processor: for a million files that is what counts.
 */
export async function measure(root: string, things: readonly Measured[]): Promise<Disk> {
  const there = things.filter(({ path }) => path !== undefined && existsSync(resolve(root, path)));
  const batches = Array.from({ length: Math.ceil(there.length / BATCH) }, (_, at) =>
    there.slice(at * BATCH, (at + 1) * BATCH),
  );
  const extents = new Map<string, Extent>();
  const inodes = new Inodes();
  const queue = batches.values();
  const worker = async (): Promise<void> => {
    for (const batch of queue) await measureBatch(root, batch, extents, inodes);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return { extents, inodes };
}

/** A line for each path: depth, blocks of 512 bytes; of what has further links their number and the inode. */
const FORMAT = [
  '(',
  '-type',
  'd',
  '-o',
  '-links',
  '1',
  ')',
  '-printf',
  '%d %b\\n',
  '-o',
  '-printf',
  '%d %b %n %i\\n',
];

async function measureBatch(
  root: string,
  batch: readonly Measured[],
  extents: Map<string, Extent>,
  inodes: Inodes,
): Promise<void> {
  const reading = startReading(inodes);
  await attempt(
    ['find', ...batch.map(({ path = '' }) => (isAbsolute(path) ? path : `./${path}`)), ...FORMAT],
    {
      cwd: root,
      onOutput: reading.take,
    },
  );
  const found = reading.end();
  if (found.length === batch.length) batch.forEach(({ id }, at) => void extents.set(id, found[at]!));
  else if (batch.length === 1) extents.set(batch[0]!.id, { own: 0, shared: new Uint32Array() });
  else for (const one of batch) await measureBatch(root, [one], extents, inodes);
}

/** Makes an extent of each line of depth 0 and those after it: find goes through what it was given in order. */
function startReading(inodes: Inodes) {
  const extents: Extent[] = [];
  let last: { own: number; readonly shared: number[] } | undefined;
  const endExtent = (): void => {
    if (last) extents.push({ own: last.own, shared: Uint32Array.from(last.shared) });
  };
  /** The numbers of the line, and how many there are before the one that is being read. */
  const line = [0, 0, 0, 0];
  let at = 0;
  const endLine = (): void => {
    const [depth, blocks, links, inode] = line as [number, number, number, number];
    if (depth === 0) {
      endExtent();
      last = { own: 0, shared: [] };
    }
    if (at === 1) last!.own += blocks * BLOCK;
    else last!.shared.push(inodes.add(inode, blocks * BLOCK, links));
    line.fill(0);
    at = 0;
  };
  return {
    take(bytes: Uint8Array): void {
      for (const byte of bytes) {
        if (byte === NEWLINE) endLine();
        else if (byte === SPACE) at++;
        else line[at] = line[at]! * 10 + byte - ZERO;
      }
    },
    end(): Extent[] {
      endExtent();
      return extents;
    },
  };
}

/** Bytes of one of find's blocks. */
const BLOCK = 512;
const ZERO = 48;
const SPACE = 32;
const NEWLINE = 10;
