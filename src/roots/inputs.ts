import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Root } from '../store/gc.ts';
import { layerId } from '../store/holdings.ts';
import type { LayerNote, LayerRow } from '../store/layers.ts';
import type { Layout } from '../store/layout.ts';
import { debIds, logId } from './project.ts';

/** What making a kept layer again needs: its debs and sources; and its log. */
export function inputRoots({ layers }: Layout, rows: readonly LayerRow[]): Root[] {
  return rows.map(({ n, name }): Root => {
    const inputs = readNote(layers, n)?.inputs as { debs?: string[]; sources?: string[] } | undefined;
    const [debs, sources] = [inputs?.debs ?? [], inputs?.sources ?? []].map((lines) =>
      lines.map((line) => line.split(' ').at(-1)!),
    );
    const keeps = [...debs!.flatMap(debIds), ...sources!.map((one) => `source ${one}`), logId(name)];
    return { kind: 'layer', name: `${name} (${n})`, because: 'it was made from it', keeps };
  });
}

/**
 * The trees of debs that are wanted: no image holds them, and the next layer that installs such a deb begins with its tree. Of several of one
 * deb the newest counts.
 */
export function treeRoots(
  { layers }: Layout,
  rows: readonly LayerRow[],
  wanted: (deb: string) => boolean,
): Root[] {
  const trees = new Map<string, number>();
  for (const { n, kind } of rows) {
    if (kind !== 'deb') continue;
    const { sha256 = '' } = (readNote(layers, n)?.inputs ?? {}) as { sha256?: string };
    if (wanted(`deb ${sha256}`)) trees.set(sha256, n);
  }
  const because = 'a lock pins the deb that it is the tree of';
  return trees.size === 0
    ? []
    : [{ kind: 'lock', name: 'conf/*.lock', because, keeps: [...trees.values()].map(layerId) }];
}

/** The note of a layer, not by way of the store, which would keep all of them in memory. Undefined where there is none. */
export function readNote(layers: string, n: number): LayerNote | undefined {
  try {
    return JSON.parse(readFileSync(join(layers, String(n), 'layer.json'), 'utf8')) as LayerNote;
  } catch {
    return undefined;
  }
}
