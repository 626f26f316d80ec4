import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type BetterSqlite3 from 'better-sqlite3';
import { diskFailure, errno } from '../host/error.ts';
import { ownFile } from '../host/own.ts';

export type Database = BetterSqlite3.Database;
export type Statement<Bind extends unknown[], Row> = BetterSqlite3.Statement<Bind, Row>;

/** The version of the index's tables. */
export const SCHEMA = 4;

/** One path of a layer, and that layer's name. */
export const ADD_HOLDER = 'INSERT OR IGNORE INTO holders (path, name) VALUES (?, ?)';

/**
 * Pages of the log after which they are brought to the index itself, with two waits for the disk. SQLite's 1,000 are reached twenty times in a cold
 * build, which touches nearly every page again and again; what is left when the index is closed is brought there then.
 */
const LOG_PAGES = 8_000;

/**
 * Opens the index, making what is missing of it. Every pragma is set on every open. A write that finds another one waits for it.
 * @throws the library's error on a damaged file: `isDamage` knows it.
 */
export function openIndex(file: string): Database {
  const database = new (sqlite())(file, { timeout: 60_000 });
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = NORMAL');
    database.pragma(`wal_autocheckpoint = ${LOG_PAGES}`);
    addTables(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** A new index that is to take the place of another one: written at once, and of no use when it is cut off. */
export function createIndex(file: string): Database {
  const database = new (sqlite())(file);
  database.pragma('journal_mode = MEMORY'); // OFF is refused, and then each statement makes and removes a file
  database.pragma('synchronous = OFF');
  database.pragma('cache_size = -65536');
  addTables(database);
  database.pragma(`user_version = ${SCHEMA}`);
  return database;
}

/** The index as these bytes of its file have it, in memory: what is written to it is gone in the end. */
export function openIndexCopy(bytes: Buffer): Database {
  // A file in WAL mode wants to write beside itself: so it says that it is in the older mode (sqlite3_deserialize).
  if (bytes[18] === 2) bytes.fill(1, 18, 20);
  const database = new (sqlite())(bytes);
  addTables(database);
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

/** Whether an error says that the file is no whole database. */
export function isDamage(error: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB|IOERR_SHORT_READ)/.test(errno(error) ?? '');
}

/** An error of the index where the disk failed, with the index's name; any other one as it is. */
export function namingIndex(error: unknown, index: string): unknown {
  return errno(error)?.startsWith('SQLITE_') ? (diskFailure(error, index) ?? error) : error;
}

function addTables(database: Database): void {
  database.pragma('foreign_keys = ON');
  database.exec(readFileSync(ownFile('src/store/schema.sql'), 'utf8'));
}

/** Debian's machines have it ready, so that nothing is looked for; on others it was compiled. */
function sqlite(): typeof BetterSqlite3 {
  const load = createRequire(import.meta.filename);
  try {
    return load(`better-sqlite3/linux-${process.arch}`) as typeof BetterSqlite3;
  } catch {
    return load('better-sqlite3') as typeof BetterSqlite3;
  }
}
