import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { withLog } from '../../src/store/log.ts';
import { randomFrom, SEED } from '../faults/fixture/random.ts';

type Pair = { readonly file: string; readonly log: string };

/** A database as it is this moment, whoever writes it. */
function copied({ file, log }: Pair, folder: string): Pair {
  const copy = { file: join(folder, 'copy.db'), log: join(folder, 'copy.db-wal') };
  copyFileSync(file, copy.file);
  copyFileSync(log, copy.log);
  rmSync(`${copy.file}-shm`, { force: true });
  return copy;
}

/** What SQLite itself makes of both files; undefined where they do not go together. */
function checkpointed({ file }: Pair): Buffer | undefined {
  const database = new DatabaseSync(file);
  try {
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch (error) {
    assert.match((error as Error).message, /malformed/);
    return undefined;
  } finally {
    database.close();
  }
  return readFileSync(file);
}

test('a database with its log is what SQLite reads of both, however the log was cut off or written over', (t) => {
  const random = randomFrom(SEED);
  const below = (limit: number): number => Math.floor(random() * limit);
  const folder = mkdtempSync(join(tmpdir(), 'snap-log-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const pair = { file: join(folder, 'some.db'), log: join(folder, 'some.db-wal') };
  const database = new DatabaseSync(pair.file);
  t.after(() => database.close());
  database.exec(
    `PRAGMA page_size = ${512 << below(4)}; PRAGMA journal_mode = WAL; PRAGMA auto_vacuum = FULL`,
  );
  database.exec(
    'PRAGMA cache_size = 5; PRAGMA wal_autocheckpoint = 40; CREATE TABLE t (n INTEGER, text BLOB)',
  );
  let withMore = 0;
  for (let round = 0; round < 60; round++) {
    const what = `SNAP_SEED=${SEED}, round ${round}`;
    database.exec('BEGIN');
    for (let n = below(40); n >= 0; n--)
      database.prepare('INSERT INTO t VALUES (?, randomblob(?))').run(below(1000), below(700));
    if (below(3) === 0) database.exec(`DELETE FROM t WHERE n % 7 = ${below(7)}`);
    const isOpen = below(3) === 0; // what did not fit into memory is in the log already
    if (!isOpen) database.exec('COMMIT');
    const copy = copied(pair, folder);
    harm(copy.log, below);
    const [file, log] = [readFileSync(copy.file), readFileSync(copy.log)];
    const own = withLog(file, log);
    const wanted = checkpointed(copy);
    if (wanted) assert.ok(own.equals(wanted), what);
    if (wanted && !own.equals(file)) withMore++;
    if (isOpen) database.exec(below(2) === 0 ? 'COMMIT' : 'ROLLBACK');
    if (below(9) === 0) database.exec('PRAGMA wal_checkpoint(RESTART)');
  }
  assert.ok(withMore > 10, 'the log mattered');
});

/** What a power cut or a bad disk may do to a log; or nothing. */
function harm(file: string, below: (limit: number) => number): void {
  const bytes = readFileSync(file);
  const at = below(bytes.length + 1);
  const kind = below(3);
  if (kind === 0) truncateSync(file, at);
  if (kind === 1 && at < bytes.length) {
    bytes[at]! ^= 1;
    writeFileSync(file, bytes);
  }
}
