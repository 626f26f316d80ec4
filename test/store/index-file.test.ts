import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  lutimesSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hearNotices } from '../../src/host/notice.ts';
import { remakeIndex } from '../../src/store/index-file.ts';
import { layoutOf } from '../../src/store/layout.ts';
import { until } from '../faults/fixture/traces.ts';
import { makeMany } from './many-layers.ts';
import { publish, someStore } from './some-store.ts';

const notices: string[] = [];
hearNotices((text) => notices.push(text));

/** All that an index holds but results, as text. */
function content(project: string): string {
  const database = new DatabaseSync(join(project, 'store/index.db'));
  const all = ['SELECT * FROM layers', 'SELECT * FROM holders', 'SELECT * FROM builds'].map((query) =>
    database.prepare(query).all(),
  );
  const version = database.prepare('PRAGMA user_version').get();
  database.close();
  return JSON.stringify([version, all], undefined, 1);
}

const index = (project: string): string => join(project, 'store/index.db');

function asides(project: string): string[] {
  return readdirSync(join(project, 'store'))
    .filter((name) => name.includes('damaged'))
    .sort();
}

const noise = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, at) => (at * 7919 + 13) % 251));

const HARMS: readonly { what: string; harm: (file: string) => void; told: RegExp; kept: string[] }[] = [
  { what: 'deleted', harm: (file) => rmSync(file), told: /is gone: made anew from 2 layers$/, kept: [] },
  {
    what: 'emptied',
    harm: (file) => truncateSync(file, 0),
    told: /is empty: made anew from 2 layers$/,
    kept: ['index.db.damaged-1'],
  },
  {
    what: 'cut off',
    harm: (file) => truncateSync(file, 8192),
    told: /is damaged: made anew from 2 layers$/,
    kept: ['index.db.damaged-1'],
  },
  {
    what: 'cut off in a page',
    harm: (file) => truncateSync(file, 5000),
    told: /is damaged: made anew/,
    kept: ['index.db.damaged-1'],
  },
  {
    what: 'overwritten with noise',
    harm: (file) => writeFileSync(file, noise(20_000)),
    told: /is damaged: made anew/,
    kept: ['index.db.damaged-1'],
  },
  {
    what: 'overwritten with text',
    harm: (file) => writeFileSync(file, 'no database\n'),
    told: /is damaged: made anew/,
    kept: ['index.db.damaged-1'],
  },
];

for (const { what, harm, told, kept } of HARMS) {
  test(`an index that was ${what} comes back whole from the folders, and that is said in one line`, () => {
    const { project, open } = someStore();
    const before = content(project);
    harm(index(project));
    notices.length = 0;
    {
      using store = open();
      assert.equal(store.inventory().rows.length, 2);
      assert.equal(store.lastBuild('demo')?.number, 1);
    }
    assert.equal(content(project), before);
    assert.equal(notices.length, 1);
    assert.match(notices[0] ?? '', told);
    assert.deepEqual(asides(project), kept);
    notices.length = 0;
    open()[Symbol.dispose]();
    assert.deepEqual(notices, [], 'once');
  });
}

test('a page in the middle that turns out to be noise is met later, and the access succeeds all the same', () => {
  const { project, open } = makeMany(6, 200);
  const before = content(project);
  // All pages but the first, which holds the tables' definitions, and those of layers, so that it opens.
  const size = statSync(index(project)).size;
  const fd = openSync(index(project), 'r+');
  writeSync(fd, noise(size - 8 * 4096), 0, size - 8 * 4096, 8 * 4096);
  notices.length = 0;
  {
    using store = open();
    assert.deepEqual(store.holdersOf('usr/shared/file-1' as never).sort(), [1, 2, 3, 4, 5, 6]);
    assert.equal(store.pathsBelow('usr/own' as never).length, 200);
    publish(store, { new: 'text' });
    store.settleDisk();
  }
  assert.equal(notices.length, 1, notices.join('\n'));
  assert.match(notices[0] ?? '', /is damaged: made anew from 6 layers$/);
  assert.notEqual(content(project), before);
  {
    using store = open();
    assert.equal(store.inventory().rows.length, 7);
  }
});

test('a log of writes beside the index is set aside with it', () => {
  const { project, open } = someStore();
  const before = content(project);
  const store = open();
  store.results.set('a', 'b');
  for (const end of ['-wal', '-shm']) copyFileSync(`${index(project)}${end}`, join(project, `kept${end}`));
  store[Symbol.dispose]();
  for (const end of ['-wal', '-shm']) copyFileSync(join(project, `kept${end}`), `${index(project)}${end}`);
  writeFileSync(index(project), noise(9000));
  open()[Symbol.dispose]();
  assert.equal(content(project), before);
  assert.ok(asides(project).includes('index.db.damaged-1'));
  writeFileSync(index(project), noise(9000));
  open()[Symbol.dispose]();
  assert.ok(asides(project).includes('index.db.damaged-2'));
});

test('a damaged layer is left out, and so is one of which nobody knows whether it reached the disk and that is not whole', () => {
  const { project, open, tree } = someStore();
  {
    using store = open();
    publish(store, { whole: 'text' }, { name: 'whole' });
    publish(store, { cut: 'text' }, { name: 'cut' });
  }
  assert.deepEqual(
    [2, 3].map((n) => existsSync(join(tree(n), '../settled'))),
    [true, false],
  );
  harmSecretly(join(tree(4), 'cut'), 'TEXT');
  writeFileSync(join(tree(1), '../manifest'), '');
  rmSync(index(project));
  notices.length = 0;
  using store = open();
  assert.deepEqual(
    store.inventory().rows.map(({ n, name }) => `${n} ${name}`),
    ['2 two', '3 whole'],
  );
  assert.match(notices.join(), /made anew from 2 layers, 2 damaged left out: see snap verify$/);
  assert.ok(existsSync(join(tree(3), '../settled')), 'what was taken was brought to the disk');
});

function harmSecretly(file: string, text: string): void {
  const { mtimeMs } = statSync(file);
  writeFileSync(file, text);
  lutimesSync(file, mtimeMs / 1000, mtimeMs / 1000);
}

test('an index of a newer snap is refused, and made anew on request', () => {
  const { project, open } = someStore();
  const before = content(project);
  const database = new DatabaseSync(index(project));
  database.exec('PRAGMA user_version = 99');
  database.close();
  assert.throws(open, {
    code: 'STORE',
    message: /it has version 99, this snap knows \d+$/,
    hint: /--rebuild-index/,
  });
  const { layers, builds, leftOut } = remakeIndex(layoutOf(project));
  assert.deepEqual([layers, builds, leftOut], [2, 1, []]);
  assert.equal(content(project), before);
  assert.deepEqual(asides(project), ['index.db.damaged-1']);
});

test('an index of an earlier snap, which held paths by the numbers of layers, is brought up to date', () => {
  const { project, open } = makeMany(3, 5);
  const before = content(project);
  const earlier = (): void => {
    const database = new DatabaseSync(index(project));
    database.exec(`DROP TABLE holders; PRAGMA user_version = 3;
    CREATE TABLE paths (path TEXT, layer INTEGER, entry BLOB, PRIMARY KEY (path, layer)) STRICT, WITHOUT ROWID;
    INSERT INTO paths VALUES ('usr', 1, NULL)`);
    database.close();
  };
  earlier();
  {
    using store = open();
    assert.deepEqual(store.holdersOf('usr/shared/file-1' as never).sort(), [1, 2, 3]);
    const tables = store.index.prepare("SELECT name FROM sqlite_schema WHERE name = 'paths'").all();
    assert.deepEqual(tables, []);
  }
  assert.equal(content(project), before);
  const layers = join(project, 'store/layers');
  writeFileSync(join(layers, '2/manifest'), 'damaged');
  earlier();
  using store = open();
  assert.deepEqual(
    store.inventory().rows.map(({ n }) => n),
    [1, 3],
    'what is damaged is left out',
  );
});

test('an index is not taken away from whoever works with it', async () => {
  const { project, open } = someStore();
  const store = open();
  rmSync(index(project));
  const program = fileURLToPath(new URL('index-opener.ts', import.meta.url));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, project], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  child.stdin.end();
  const opened = lines.next();
  await until('the other one asks for the index', () => hasOpen(child.pid!, 'index.lock'));
  publish(store, { late: 'text' }, { name: 'late' });
  store[Symbol.dispose]();
  assert.equal(JSON.parse(String((await opened).value)).layers, 3);
});

test("whoever waits for another lock is in nobody's way who finds the index damaged, and takes the new one", async (t) => {
  const { project, open } = makeMany(6, 200);
  using store = open();
  const held = await store.hold(store.layout.lock, 'exclusive');
  const program = fileURLToPath(new URL('index-waiter.ts', import.meta.url));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, project], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, 'waiting');
  writeFileSync(index(project), noise(30_000));
  notices.length = 0;
  assert.equal(store.pathsBelow('usr/own' as never).length, 200);
  assert.match(notices.join('\n'), /^the index ".*" is damaged: made anew from 6 layers$/);
  publish(store, { new: 'text' });
  store.settleDisk();
  held.release();
  assert.equal((await lines.next()).value, '7');
});

test('whoever finds the index gone waits, as long as it takes, for those who work with it, says so, and can be stopped', async (t) => {
  const { project, open } = someStore();
  const store = open();
  rmSync(index(project));
  const program = fileURLToPath(new URL('index-opener.ts', import.meta.url));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, project], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const ended = once(child, 'exit');
    child.stdin.end();
    t.after(() => child.kill('SIGKILL'));
    const [said] = await once(child.stderr, 'data');
    assert.match(String(said), /has to be made anew: waiting for other snaps in this store to end\n$/);
    child.kill(signal);
    assert.deepEqual(await ended, [null, signal]);
  }
  store[Symbol.dispose]();
  assert.equal(open().inventory().rows.length, 2);
});

function hasOpen(pid: number, name: string): boolean {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).some((fd) => {
    try {
      return readlinkSync(join(folder, fd)).endsWith(name);
    } catch {
      return false; // closed meanwhile
    }
  });
}

test('of many processes that find the index gone at the same moment one makes it anew, and none loses a row', async () => {
  const { project } = makeMany(20, 20);
  const program = fileURLToPath(new URL('index-opener.ts', import.meta.url));
  const openers = Array.from({ length: 6 }, () => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, project], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
  });
  for (const { lines } of openers) await lines.next();
  writeFileSync(index(project), noise(30_000));
  for (const { child } of openers) child.stdin.end();
  const told = await Promise.all(
    openers.map(
      async ({ lines }) =>
        JSON.parse(String((await lines.next()).value)) as { notices: string[]; layers: number },
    ),
  );
  assert.deepEqual(
    told.map(({ layers }) => layers),
    Array.from({ length: 6 }, () => 20),
  );
  assert.equal(told.flatMap((one) => one.notices).length, 1);
  assert.deepEqual(asides(project), ['index.db.damaged-1']);
});

test('a store that was cut off while its index was made anew is made anew by the next', () => {
  const { project, open } = someStore();
  const before = content(project);
  rmSync(index(project));
  writeFileSync(`${index(project)}.new`, noise(5000));
  open()[Symbol.dispose]();
  assert.equal(content(project), before);
  assert.ok(!existsSync(`${index(project)}.new`));
});

test('a store of another format is refused by its number, one whose number was cut off by a power cut is not', () => {
  const { project, open } = someStore();
  const file = join(project, 'store/format');
  for (const text of ['2\n', 'x', '0']) {
    writeFileSync(file, text);
    assert.throws(open, { code: 'STORE', message: /^Cannot use the store/ });
  }
  writeFileSync(file, '');
  open()[Symbol.dispose]();
  assert.equal(readFileSync(file, 'utf8'), '1\n');
});

test('a number that a build names is not given to another layer either, when the index and the layer are lost', () => {
  const { project, open, tree } = someStore();
  rmSync(index(project));
  rmSync(join(tree(2), '..'), { recursive: true });
  using store = open();
  assert.equal(publish(store, { a: 'b' }).n, 3);
});

test('a number that was given is not given to another layer', () => {
  const { project, open } = someStore();
  {
    using store = open();
    assert.equal(publish(store, { a: 'b' }).n, 3);
    store.retire(3);
    store.settleDisk();
  }
  {
    using store = open();
    assert.equal(publish(store, { e: 'f' }).n, 4);
    store.retire(2);
    store.settleDisk();
  }
  rmSync(index(project));
  using store = open();
  assert.deepEqual(
    store.inventory().rows.map(({ n }) => n),
    [1, 4],
  );
  assert.equal(publish(store, { c: 'd' }).n, 5);
});
