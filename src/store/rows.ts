import { dirname } from 'node:path';
import { type BuildName, buildText } from './builds.ts';
import type { Database } from './database.ts';
import type { LayerRow } from './layers.ts';
import { syncFolder } from './layout.ts';

export type Use = { readonly at: number; readonly floor: number };

/** All layers, by number. No lock. */
export function layerRows(index: Database): LayerRow[] {
  return index.prepare<[], LayerRow>('SELECT * FROM layers ORDER BY n').all();
}

/** When each layer was used last; of those that no build used since this is noted, nothing. No lock. */
export function layerUses(index: Database): Map<number, Use> {
  const rows = index.prepare<[], Use & { layer: number }>('SELECT * FROM used').all();
  return new Map(rows.map(({ layer, at, floor }) => [layer, { at, floor }]));
}

/** What the files of the layers after this one are long, together, and the last number. No lock. */
export function layersSince(index: Database, n: number): { readonly sum: number; readonly last: number } {
  const sql = 'SELECT coalesce(sum(bytes), 0) AS sum, coalesce(max(n), 0) AS last FROM layers WHERE n > ?';
  const { sum, last } = index.prepare<[number], { sum: number; last: number }>(sql).get(n)!;
  return { sum, last: Math.max(n, last) };
}

/** Keys of the cached results. No lock. */
export function resultKeys(index: Database): string[] {
  return index
    .prepare<[], { key: string }>('SELECT key FROM results')
    .all()
    .map(({ key }) => key);
}

/**
 * Takes layers out of the index, and what is cached with them. Success: it is on the disk, and no build will find them. Their numbers
 * are never given again. Needs the store's lock, exclusive.
 */
export function dropLayerRows(index: Database, layers: readonly number[]): void {
  if (layers.length === 0) return;
  durably(index, () => {
    const list = JSON.stringify(layers);
    const drop = (table: string, column: string): void =>
      void index
        .prepare(`DELETE FROM ${table} WHERE ${column} IN (SELECT value FROM json_each(?))`)
        .run(list);
    index
      .prepare('INSERT INTO given VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET n = max(n, excluded.n)')
      .run(Math.max(...layers));
    drop('layers', 'n');
    drop('used', 'layer');
  });
}

/** Takes out the builds whose notes are gone. No lock: a note comes and goes before its row. */
export function keepBuildRows(index: Database, kept: readonly BuildName[]): void {
  const names = new Set(kept.map(buildText));
  const rows = index.prepare<[], BuildName>('SELECT conf, number FROM builds').all();
  const drop = index.prepare('DELETE FROM builds WHERE conf = ? AND number = ?');
  for (const row of rows) if (!names.has(buildText(row))) drop.run(row.conf, row.number);
}

/** Needs the store's lock, exclusive. */
export function dropResults(index: Database, keys: readonly string[]): void {
  index
    .prepare('DELETE FROM results WHERE key IN (SELECT value FROM json_each(?))')
    .run(JSON.stringify(keys));
}

/** Gives the room back that the index takes on the disk for what it held of layers that are gone. Needs the store's lock, exclusive. */
export function shrinkIndex(index: Database): void {
  const count = (name: string): number => index.pragma(name, { simple: true }) as number;
  const [free, pages, size] = [count('freelist_count'), count('page_count'), count('page_size')];
  if (free * 2 > pages && free * size > WORTH_IT) index.exec('VACUUM');
}

/** Bytes. */
const WORTH_IT = 4 * 1024 * 1024;

/** Keeps what the worthiest layer that went was worth. A time that lies ahead, since the clock was set back, is now. */
export function keepFloor(index: Database, floor: number): void {
  const now = Math.floor(Date.now() / 1000);
  index.prepare('UPDATE used SET at = ? WHERE at > ?').run(now, now);
  index
    .prepare(
      'INSERT INTO used VALUES (0, ?, ?) ON CONFLICT (layer) DO UPDATE SET at = excluded.at, floor = max(floor, excluded.floor)',
    )
    .run(now, floor);
}

/**
 * In WAL a commit that is not synced is lost with the power, and a folder that was removed after it is not. The name of the log is brought to
 * the disk first: SQLite, which does so after it has made one, takes a failure of that for success.
 */
export function durably(index: Database, work: () => void): void {
  syncFolder(dirname(index.name));
  index.pragma('synchronous = FULL');
  try {
    index.transaction(work).immediate();
  } finally {
    index.pragma('synchronous = NORMAL');
  }
}
