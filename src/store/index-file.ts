import { existsSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { diskFailure, SnapError } from '../host/error.ts';
import { notice } from '../host/notice.ts';
import { removeFile } from '../host/remove.ts';
import { type Database, isDamage, openIndex, openIndexCopy, SCHEMA, type Statement } from './database.ts';
import { isReadOnly, type Layout, readOnlyError, syncFile, syncFolder } from './layout.ts';
import { type Held, holdLockNow } from './locks.ts';
import { withLog } from './log.ts';
import { indexInMemory, layerNumbers, type Rebuilt, rebuildIndex } from './rebuild.ts';

type Calls = Readonly<Record<string, Statement<never[], unknown>>>;

/**
 * The open index of a store. One that is gone or damaged, now or at any later access, is set aside and made anew from the folders,
 * which is told. Whoever has it open holds its lock shared, so that nobody puts another one in its place meanwhile.
 */
export class IndexFile {
  readonly #layout: Layout;
  readonly #renewals: (() => void)[] = [];
  #database: Database;
  #inode: number | undefined;
  #held: Held;
  #depth = 0;
  #renewedAs: string | undefined;

  /** Waits for whoever makes the index anew, or works with a damaged one. @throws SnapError STORE when a newer snap made it. */
  constructor(layout: Layout) {
    this.#layout = layout;
    this.#held = holdShared(layout);
    try {
      if (isReadOnly(layout)) {
        this.#database = openReadOnly(layout);
        return;
      }
      const opened = tryOpen(layout);
      this.#database = 'database' in opened ? opened.database : this.#renewed(opened.why, Infinity);
      this.#inode = statSync(layout.index).ino;
    } catch (error) {
      this.#held.release();
      throw diskFailure(error, layout.index) ?? error;
    }
  }

  get database(): Database {
    return this.#database;
  }

  /** Whether the store is: then the index is a copy, and what is written to it is gone in the end. */
  get isReadOnly(): boolean {
    return this.#inode === undefined;
  }

  /** Why this had to be made anew; undefined when it was whole. */
  get renewedAs(): string | undefined {
    return this.#renewedAs;
  }

  close(): void {
    this.#database.close();
    this.#held.release();
  }

  /** The statements, for as long as this is open: prepared again when the index is made anew. */
  prepared<Made extends object>(prepare: (database: Database) => Made): Made {
    let made = prepare(this.#database) as unknown as Calls;
    this.#renewals.push(() => {
      made = prepare(this.#database) as unknown as Calls;
    });
    const call =
      (name: string, how: 'get' | 'all' | 'run') =>
      (...values: never[]) =>
        this.mending(() => made[name]![how](...values));
    const calls = Object.keys(made).map((name) => [
      name,
      { get: call(name, 'get'), all: call(name, 'all'), run: call(name, 'run') },
    ]);
    return Object.fromEntries(calls) as Made;
  }

  /** Does the work, and once more with an index that was made anew when this one turns out to be damaged. */
  mending<T>(work: () => T): T {
    if (this.#depth > 0) return work();
    this.#depth++;
    try {
      return work();
    } catch (error) {
      if (!isDamage(error) || this.isReadOnly) throw diskFailure(error, this.#layout.index) ?? error;
      this.#renew('is damaged');
    } finally {
      this.#depth--;
    }
    return work();
  }

  /** Makes the index anew, whatever it is now. */
  remake(): void {
    if (this.#inode === undefined) throw readOnlyError(this.#layout);
    this.#renew('was asked for');
  }

  /** Nobody has to wait for this one until what this returns is disposed of; meanwhile nothing may use the index. */
  letGo(): Disposable {
    if (this.isReadOnly) return { [Symbol.dispose]: () => {} };
    this.#closeDatabase();
    this.#held.release();
    return {
      [Symbol.dispose]: () => {
        this.#held = holdShared(this.#layout);
        const opened = tryOpen(this.#layout);
        this.#take('database' in opened ? opened.database : this.#renewed(opened.why, Infinity));
      },
    };
  }

  #renew(why: string): void {
    this.#closeDatabase();
    this.#take(this.#renewed(why, PATIENCE));
  }

  #closeDatabase(): void {
    try {
      this.#database.close();
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
  }

  #take(database: Database): void {
    this.#database = database;
    this.#inode = statSync(this.#layout.index).ino;
    for (const renew of this.#renewals) renew();
  }

  /** The lock is given up for a moment: another process may be first, and then its index is taken. */
  #renewed(why: string, patience: number): Database {
    this.#held.release();
    const alone = holdAlone(this.#layout, patience);
    try {
      const inode = statSync(this.#layout.index, { throwIfNoEntry: false })?.ino;
      const isOurs = inode !== undefined && inode === this.#inode;
      const there: Opened = isOurs ? { why } : tryOpen(this.#layout);
      if ('database' in there) there.database.close();
      else {
        this.#renewedAs = there.why;
        tell(this.#layout, there.why, replaceIndex(this.#layout));
      }
    } finally {
      alone.release();
      this.#held = holdShared(this.#layout);
    }
    return openIndex(this.#layout.index);
  }
}

/**
 * Makes the index of a store anew from the folders, whatever it is now. Waits until no other process works with it.
 * @throws SnapError STORE when the store is read-only.
 */
export function remakeIndex(layout: Layout): Rebuilt {
  if (isReadOnly(layout)) throw readOnlyError(layout);
  const alone = holdAlone(layout, Infinity);
  try {
    return replaceIndex(layout);
  } finally {
    alone.release();
  }
}

/**
 * Seconds that other processes are waited for by one that is at work: it may hold the lock of a kernel's source or tree, for which one of
 * them waits in the midst of its layers, with the index open.
 */
const PATIENCE = 60;

function holdShared({ indexLock, index }: Layout): Held {
  const onWait = (): void => notice(`waiting for another snap to make the index "${index}" anew`);
  return holdLockNow(indexLock, 'shared', { patience: Infinity, onWait })!;
}

function holdAlone({ indexLock, index }: Layout, patience: number): Held {
  const onWait = (): void =>
    notice(`the index "${index}" has to be made anew: waiting for other snaps in this store to end`);
  const held = holdLockNow(indexLock, 'exclusive', { patience, onWait });
  if (held) return held;
  throw new SnapError(
    'STORE',
    `The index "${index}" has to be made anew, and another snap still works with it`,
    {
      hint: 'wait until that one has ended, then give the same command again',
    },
  );
}

type Opened = { readonly database: Database } | { readonly why: string };

/** The order matters: another process may be making a new store, and has an index before it has a layer. */
function tryOpen(layout: Layout): Opened {
  const isUsed = layerNumbers(layout).length > 0;
  if (isUsed && !existsSync(layout.index)) return { why: 'is gone' };
  let database: Database;
  try {
    database = openIndex(layout.index);
  } catch (error) {
    if (isDamage(error)) return { why: 'is damaged' };
    throw error;
  }
  const version = database.pragma('user_version', { simple: true }) as number;
  if (version > SCHEMA) {
    database.close();
    throw new SnapError(
      'STORE',
      `Cannot use the index "${layout.index}": it has version ${version}, this snap knows ${SCHEMA}`,
      {
        hint: 'use the newer snap, or make the index anew: snap verify --rebuild-index',
      },
    );
  }
  if (isUsed && version === 0 && isEmpty(database)) {
    database.close();
    return { why: 'is empty' };
  }
  return { database };
}

function isEmpty(database: Database): boolean {
  return database.prepare('SELECT n FROM layers LIMIT 1').get() === undefined;
}

/** Puts a new index in the place of what is there, which is kept beside it. Needs the index's lock, alone. */
function replaceIndex(layout: Layout): Rebuilt {
  const fresh = `${layout.index}.new`;
  for (const end of ['', '-wal', '-shm', '-journal']) removeFile(`${fresh}${end}`);
  const rebuilt = rebuildIndex(layout, fresh);
  syncFile(fresh); // else its name may outlive the power, and nothing in it
  setAside(layout.index);
  renameSync(fresh, layout.index);
  syncFolder(layout.root);
  return rebuilt;
}

function tell({ index }: Layout, why: string, { layers, leftOut }: Rebuilt): void {
  const lacks = leftOut.length === 0 ? '' : `, ${leftOut.length} damaged left out: see snap verify`;
  notice(`the index "${index}" ${why}: made anew from ${layers} layers${lacks}`);
}

/** The index itself goes first: one without its log would pass for an older state that is whole. */
function setAside(index: string): void {
  const names = readdirSync(dirname(index));
  const start = `${basename(index)}.damaged-`;
  const taken = names.flatMap((name) =>
    name.startsWith(start) ? Number.parseInt(name.slice(start.length), 10) : [],
  );
  const aside = `${index}.damaged-${Math.max(0, ...taken.filter(Number.isInteger)) + 1}`;
  for (const end of ['', '-wal', '-shm']) {
    if (names.includes(`${basename(index)}${end}`)) renameSync(`${index}${end}`, `${aside}${end}`);
  }
}

/** A copy in memory, since SQLite writes beside a file that it only reads. */
function openReadOnly(layout: Layout): Database {
  const { index } = layout;
  try {
    if (existsSync(index)) {
      const log = existsSync(`${index}-wal`) ? readFileSync(`${index}-wal`) : Buffer.alloc(0);
      return openIndexCopy(withLog(readFileSync(index), log));
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  const database = indexInMemory(layout);
  notice(`the index "${index}" is gone or damaged and the store read-only: it was made anew for this once`);
  return database;
}
