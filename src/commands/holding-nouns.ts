import type { HoldingKind } from '../store/gc.ts';

/** What a store holds, in the words that `du` and `gc` have for it. */
export const HOLDING_NOUNS: Readonly<Record<HoldingKind, string>> = {
  layer: 'layers',
  build: 'builds',
  deb: 'packages',
  source: 'sources',
  tool: 'tools',
  kernel: 'sources and trees of kernels',
  checkpoint: 'packages as configured',
  indexes: "apt's indexes",
  disk: 'disks of snap run',
  log: 'logs',
  unfinished: 'left unfinished',
  note: 'notes of folders',
  trash: 'trash',
};
