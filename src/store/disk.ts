import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { attempt } from '../host/program.ts';
import type { Disk, Extent, Inode } from './gc.ts';

/** Something to be measured: its path is relative to the root. */
export type Measured = { readonly id: string; readonly path: string | undefined };

/** So many paths for one `find`: few enough for a command line, and for all processors to end at about the same time. */
const BATCH = 48;

/**
 * What these paths, with all beneath them, take on the disk: blocks, not lengths. What vanishes meanwhile takes nothing.
 * `find` looks, one for each processor: for a million files that is what counts.
 */
export async function measure(root: string, things: readonly Measured[]): Promise<Disk> {
  const there = things.filter(({ path }) => path !== undefined && existsSync(join(root, path)));
  const batches = Array.from({ length: Math.ceil(there.length / BATCH) }, (_, at) =>
    there.slice(at * BATCH, (at + 1) * BATCH),
  );
  const extents = new Map<string, Extent>();
  const found: Found = { inodes: [], positions: new Map() };
  const queue = batches.values();
  const worker = async (): Promise<void> => {
    for (const batch of queue) await measureBatch(root, batch, extents, found);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return { extents, inodes: found.inodes };
}

/** The inodes that have further links, and where each of them stands. */
type Found = { readonly inodes: Inode[]; readonly positions: Map<number, number> };

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
  met: Found,
): Promise<void> {
  const { stdout } = await attempt(['find', ...batch.map(({ path }) => `./${path}`), ...FORMAT], {
    cwd: root,
  });
  const found = parse(stdout, met);
  if (found.length === batch.length) batch.forEach(({ id }, at) => void extents.set(id, found[at]!));
  else if (batch.length === 1) extents.set(batch[0]!.id, { own: 0, shared: [] });
  else for (const one of batch) await measureBatch(root, [one], extents, met);
}

/** One extent for each line of depth 0: find goes through what it was given in order. */
function parse(text: string, { inodes, positions }: Found): Extent[] {
  const found: { own: number; shared: number[] }[] = [];
  let last = { own: 0, shared: [] as number[] };
  let at = 0;
  const number = (): number => {
    let value = 0;
    for (let code = text.charCodeAt(at); code >= ZERO; code = text.charCodeAt(++at))
      value = value * 10 + code - ZERO;
    return value;
  };
  while (at < text.length) {
    if (number() === 0) {
      last = { own: 0, shared: [] };
      found.push(last);
    }
    at++;
    const bytes = number() * 512;
    if (text.charCodeAt(at) === NEWLINE) last.own += bytes;
    else {
      at++;
      const links = number();
      at++;
      const inode = number();
      let position = positions.get(inode);
      if (position === undefined) {
        position = inodes.push({ number: inode, bytes, links }) - 1;
        positions.set(inode, position);
      }
      last.shared.push(position);
    }
    at++;
  }
  return found;
}

const ZERO = 48;
const NEWLINE = 10;
