import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type BetterSqlite3 from 'better-sqlite3';
import { ownFile } from '../host/own.ts';

export type Database = BetterSqlite3.Database;
export type Statement<Bind extends unknown[], Row> = BetterSqlite3.Statement<Bind, Row>;

/**
 * Opens the index, making what is missing of it. Every pragma is set on every open. A write that finds another one waits for it.
 * @throws the library's error with `code` SQLITE_CORRUPT or SQLITE_NOTADB on a damaged file.
 */
export function openIndex(file: string): Database {
  const database = new (sqlite())(file, { timeout: 60_000 });
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL');
  database.pragma('foreign_keys = ON');
  database.exec(readFileSync(ownFile('src/store/schema.sql'), 'utf8'));
  return database;
}

/** Opens the index as it is, for one look; undefined where there is none, or one that cannot be read. */
export function openIndexToRead(file: string): Database | undefined {
  try {
    return new (sqlite())(file, { timeout: 60_000, fileMustExist: true });
  } catch {
    return undefined;
  }
}

function sqlite(): typeof BetterSqlite3 {
  return createRequire(import.meta.url)('better-sqlite3') as typeof BetterSqlite3;
}
