import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { bootId } from '../host/clock.ts';
import { writeFile } from '../host/write.ts';
import { isReadOnly, type Layout, namesIn, syncFolder } from '../store/layout.ts';
import { syncFilesystemOf } from '../store/sync.ts';

/** The file in a folder below `kernel/` that says what the folder is; without it, or where it cannot be read, the folder is nothing. */
export const NOTE = 'note.json';

/** What every note says. */
export type KeptNote = {
  readonly format: number;
  /** For a person. */
  readonly name: string;
  /** What it took to make it. */
  readonly seconds: number;
  /** The machine's boot in which it was written, until it is known to be on the disk. */
  readonly boot: string | null;
};

export function readKept<Note extends KeptNote>(folder: string): Note | undefined {
  try {
    const note = JSON.parse(readFileSync(join(folder, NOTE), 'utf8')) as Note;
    return note.format === 1 && (note.boot === null || note.boot === bootId()) ? note : undefined;
  } catch {
    return undefined;
  }
}

/** False also for what was written in another boot and not known to be on the disk: the power may have been cut. */
export function isWhole(folder: string): boolean {
  return readKept(folder) !== undefined;
}

/** With `durable` it is on the disk when this returns. */
export function writeKept(folder: string, note: KeptNote, { durable = false } = {}): void {
  const file = join(folder, NOTE);
  writeFile(`${file}.new`, JSON.stringify(note), { flush: durable });
  renameSync(`${file}.new`, file);
  if (durable) syncFolder(folder);
}

/** When it returns, all sources and trees of kernels are on the disk. Costs nothing where they were. */
export function settleKernels(layout: Layout): void {
  const { kernel } = layout;
  const open = namesIn(kernel)
    .map((name) => join(kernel, name))
    .flatMap((folder) => {
      const note = readKept(folder);
      return note?.boot === bootId() ? [{ folder, note }] : [];
    });
  if (open.length === 0 || isReadOnly(layout)) return;
  syncFilesystemOf(kernel);
  for (const { folder, note } of open) writeKept(folder, { ...note, boot: null });
}
