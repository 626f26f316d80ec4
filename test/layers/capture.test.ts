import assert from 'node:assert/strict';
import { linkSync, lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { writeXattr } from '../../src/host/syscall.ts';
import { createdNames } from '../../src/layers/capture.ts';
import { mergeView, type ViewLayer } from '../../src/layers/view.ts';
import type { Store } from '../../src/store/layers.ts';
import { type Entry, type Manifest, printable, type TreePath } from '../../src/store/manifest.ts';
import { scanTree } from '../../src/store/tree.ts';
import { addLayer, captureScript, EPOCH, someStore } from './some-layers.ts';

const BASE = `
mkdir -p etc usr/bin usr/lib/deep var/log var/lib/dpkg tmp
printf 'root:x:0:0::/root:/bin/sh\\ngames:x:5:60::/:/bin/sh\\n' >etc/passwd
printf 'root:x:0:\\naudio:x:29:\\n' >etc/group; printf 'root:*:19000:0:99999:7:::\\n' >etc/shadow; chmod 640 etc/shadow
echo one >usr/bin/one; echo two >usr/bin/two; echo deep >usr/lib/deep/file; echo other >usr/lib/other
ln -s one usr/bin/link; touch -d @1500000000 usr/bin/* usr/lib/deep/file
`;

let store: Store;
let base: ViewLayer;
before(() => {
  store = someStore();
  base = addLayer(store, [], BASE, { name: 'base', kind: 'base' });
});

const run = (script: string, options = {}) => captureScript(store, [base], script, options);
const paths = (manifest: Manifest): string[] => [...manifest.values()].map(({ path }) => printable(path));
const types = (manifest: Manifest): string[] =>
  [...manifest.values()].map((entry) => `${printable(entry.path)} ${entry.type}`);
const get = (manifest: Manifest, path: string): Entry => manifest.get(path as TreePath)!;

/** The tree on disk is what the manifest says, but for folders that only lead to something. */
function assertTree(upper: string, manifest: Manifest): void {
  for (const [path, entry] of scanTree(upper, { mtime: (stat) => Number(stat.mtimeNs) / 1e9 })) {
    const expected = manifest.get(path);
    if (expected && entry.type !== 'whiteout') assert.deepEqual(entry, expected, printable(path));
    else if (!expected) assert.deepEqual([entry.type, entry.mtime], ['dir', EPOCH], printable(path));
  }
  for (const { path } of manifest.values())
    assert.ok(lstatSync(Buffer.from(`${upper}/${path}`, 'latin1')), printable(path));
}

test('what equals the view is no change, whatever its time; folders without a change go', () => {
  const { manifest, records, upper } = run(
    'mkdir -p usr/bin usr/lib/deep var; echo one >usr/bin/one; ln -s one usr/bin/link; touch -d @77 usr/bin/one',
  );
  assert.deepEqual([paths(manifest), records], [[], {}]);
  assert.deepEqual(readdirSync(upper), []);
});

test('what differs is kept, with the folders that lead to it', () => {
  const { manifest, upper } = run(
    'mkdir -p usr/bin opt/new/empty; chmod 700 opt/new; echo ONE >usr/bin/one; echo three >usr/bin/three; chmod 4755 usr/bin/three; ln -s two usr/bin/link',
  );
  assert.deepEqual(types(manifest), [
    'opt dir',
    'opt/new dir',
    'opt/new/empty dir',
    'usr/bin/link symlink',
    'usr/bin/one file',
    'usr/bin/three file',
  ]);
  assert.equal(get(manifest, 'usr/bin/three').mode, 0o4755);
  assertTree(upper, manifest);
});

test('a whiteout is kept where there was something, and only there', () => {
  const { manifest } = run('mkdir -p usr/bin; mknod usr/bin/one c 0 0; mknod usr/bin/never c 0 0');
  assert.deepEqual(types(manifest), ['usr/bin/one whiteout']);
});

test('an opaque folder says what is not there any more, name by name', () => {
  const upperScript = 'mkdir -p usr/lib/deep; echo other >usr/lib/other; echo new >usr/lib/deep/new';
  const opaque = (upper: string) =>
    writeXattr(Buffer.from(`${upper}/usr/lib`), 'trusted.overlay.opaque', Buffer.from('y'));
  const { manifest } = captureScript(store, [base], upperScript, {}, opaque);
  assert.deepEqual(types(manifest), ['usr/lib/deep/file whiteout', 'usr/lib/deep/new file']);
});

test('a time from the start of the run on becomes SOURCE_DATE_EPOCH, an older one stays; folders get it always', () => {
  const { manifest, upper } = run(
    'mkdir d; echo new >d/new; echo old >d/old; touch -d @1400000000.75 d/old; ln -s x d/link; touch -h -d @1300000000 d/link',
  );
  const times = Object.fromEntries([...manifest.values()].map(({ path, mtime }) => [path, mtime]));
  assert.deepEqual(times, {
    d: EPOCH,
    'd/link': 1_300_000_000,
    'd/new': EPOCH,
    'd/old': 1_400_000_000,
  });
  assertTree(upper, manifest);
});

test('database files become changes against the view, and never lie in the tree', () => {
  const { manifest, records, upper } = run(`mkdir etc
printf 'root:x:0:0::/root:/bin/bash\\nnew:x:100:100::/:/bin/sh\\n' >etc/passwd
printf 'root:x:0:\\naudio:x:29:new\\n' >etc/group; mknod etc/shadow c 0 0`);
  assert.deepEqual([paths(manifest), readdirSync(upper)], [[], []]);
  assert.deepEqual(records, {
    'etc/group': [['audio\0member\0new', '']],
    'etc/passwd': [
      ['root', 'root:x:0:0::/root:/bin/bash'],
      ['new', 'new:x:100:100::/:/bin/sh'],
      ['games', null],
    ],
    'etc/shadow': [
      ['\x01', null],
      ['root', null],
    ],
  });
});

test('a database file that is new has its mode and owner as a record', () => {
  const { records } = run(
    'mkdir -p etc; printf "root:*::\\n" >etc/gshadow; chmod 640 etc/gshadow; chown 0:42 etc/gshadow',
  );
  assert.deepEqual(records, {
    'etc/gshadow': [
      ['\x01', '640 0 42'],
      ['root', 'root:*'],
    ],
  });
});

test('ids are renumbered everywhere: owners, records, ACLs; setuid stays', () => {
  const uids = new Map([
    [100, 120],
    [101, 100],
  ]);
  const gids = new Map([[100, 130]]);
  const acl =
    '0200000001000700ffffffff020004006400000004000500ffffffff080004006400000010000500ffffffff20000500ffffffff';
  const give = (upper: string) =>
    writeXattr(Buffer.from(`${upper}/acl`), 'system.posix_acl_access', Buffer.from(acl, 'hex'));
  const { manifest, records, upper } = captureScript(
    store,
    [base],
    `mkdir -p etc d; echo a >suid; chown 100:100 suid; chmod 6755 suid; echo b >second; chown 101:101 second; chown 100:100 d; ln -s x link; chown -h 100:100 link; mkfifo fifo; chown 101:100 fifo; echo c >acl
printf 'root:x:0:0::/root:/bin/sh\\ngames:x:5:60::/:/bin/sh\\na:x:100:100::/:\\nb:x:101:101::/:\\n' >etc/passwd
printf 'root:x:0:\\naudio:x:29:a\\na:x:100:\\n' >etc/group; printf 'root:*:19000:0:99999:7:::\\na:!:29999::::::\\n' >etc/shadow; chmod 640 etc/shadow`,
    { uids, gids },
    give,
  );
  const owner = (path: string): string => `${get(manifest, path).uid}:${get(manifest, path).gid}`;
  assert.deepEqual(['suid', 'second', 'd', 'link', 'fifo'].map(owner), [
    '120:130',
    '100:101',
    '120:130',
    '120:130',
    '100:130',
  ]);
  assert.equal(get(manifest, 'suid').mode, 0o6755);
  assert.match(get(manifest, 'acl').xattrs, /02000400780000000400.*0800040082000000/);
  assertTree(upper, manifest);
  assert.deepEqual(records['etc/passwd'], [
    ['a', 'a:x:120:130::/:'],
    ['b', 'b:x:100:101::/:'],
  ]);
  assert.deepEqual(records['etc/group'], [
    ['audio\0member\0a', ''],
    ['a', 'a:x:130'],
  ]);
  assert.deepEqual(records['etc/shadow'], [['a', `a:!:${Math.floor(EPOCH / 86_400)}::::::`]]);
});

test('the names that a run created are found, and what only looks like a database is not read', () => {
  const { upper } = run('mkdir -p home', {});
  assert.deepEqual(createdNames(upper, mergeView(store, [base])), { uids: new Map(), gids: new Map() });
  const names = (script: string) => createdNamesAfter(script);
  assert.deepEqual(
    names(
      'mkdir etc; printf "root:x:0:0::/:\\nnew:x:107:108::/:\\n" >etc/passwd; printf "new:x:108:\\n" >etc/group',
    ),
    {
      uids: new Map([['new', 107]]),
      gids: new Map([['new', 108]]),
    },
  );
  assert.deepEqual(names('ln -s /etc etc'), { uids: new Map(), gids: new Map() });
  assert.deepEqual(names('mkdir etc; ln -s /etc/passwd etc/passwd'), { uids: new Map(), gids: new Map() });
});

function createdNamesAfter(script: string): ReturnType<typeof createdNames> {
  let found: ReturnType<typeof createdNames> | undefined;
  captureScript(store, [base], script, {}, (upper) => {
    found = createdNames(upper, mergeView(store, [base]));
  });
  return found!;
}

test("traces of the build, sockets and overlayfs's own attributes go", () => {
  const mark = (upper: string) =>
    writeXattr(Buffer.from(`${upper}/kept`), 'trusted.overlay.origin', Buffer.from('x'));
  const { manifest, upper } = captureScript(
    store,
    [base],
    `mkdir -p etc var/log tmp/x var/cache/apt; echo x >kept; echo x >etc/passwd-; echo log >var/log/dpkg.log; : >var/log/lastlog; echo x >tmp/x/y
echo 0123 >etc/machine-id; echo x >var/cache/apt/pkgcache.bin; perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => "socket", Listen => 1) or die'`,
    {},
    mark,
  );
  assert.deepEqual(types(manifest), [
    'etc/machine-id file',
    'kept file',
    'var/cache dir',
    'var/cache/apt dir',
    'var/log/lastlog file',
  ]);
  assert.equal(get(manifest, 'kept').xattrs, '');
  assert.equal(readFileSync(join(upper, 'etc/machine-id'), 'utf8'), '');
  assertTree(upper, manifest);
});

test('names of any bytes, hard links, devices, fifos and holes are kept exactly', () => {
  const { manifest, upper } =
    run(`mkdir $'a\\tb\\n'; echo x >$'a\\tb\\n'/$'\\xff\\xfe\\\\'; : >./-rf; touch $(printf %255s | tr ' ' n)
echo l >one; ln one three; ln one two; mkfifo fifo; mknod null c 1 3; mknod disk b 8 1; truncate -s 9000000 sparse; echo end >>sparse`);
  const links = [...manifest.values()].flatMap((entry) =>
    entry.type === 'file' && entry.link ? [`${entry.path} ${entry.link}`] : [],
  );
  assert.deepEqual(links, ['three one', 'two one']);
  assert.deepEqual(
    types(manifest).filter((line) => !line.endsWith('file')),
    ['a\\x09b\\x0a dir', 'disk block', 'fifo fifo', 'null char'],
  );
  assert.ok(
    manifest.get('a\tb\n/\xff\xfe\\' as TreePath) &&
      manifest.get('-rf' as TreePath) &&
      manifest.get('n'.repeat(255) as TreePath),
  );
  assert.ok(lstatSync(join(upper, 'sparse')).blocks < 1000);
  assertTree(upper, manifest);
});

test('symlinks that are hard links to each other are symlinks of their own', () => {
  const { manifest, upper } = run('ln -s x a; chown -h 7:8 a; touch -h -d @1500000000 a; ln a b; ln b c');
  const inodes = ['a', 'b', 'c'].map((name) => lstatSync(join(upper, name)).ino);
  assert.equal(new Set(inodes).size, 3);
  assert.deepEqual(types(manifest), ['a symlink', 'b symlink', 'c symlink']);
  assertTree(upper, manifest);
});

test('a file that capture empties has SOURCE_DATE_EPOCH for its time, however long after the run that is', () => {
  const { manifest, upper } = run('mkdir etc; echo 0123 >etc/machine-id', { ran: { from: 1, to: 2 } });
  assert.equal(get(manifest, 'etc/machine-id').mtime, EPOCH);
  assertTree(upper, manifest);
});

test("a file that capture empties may be another layer's inode, which keeps its content", () => {
  const link = (upper: string) => {
    mkdirSync(join(upper, 'etc'));
    linkSync(join(store.treeOf(base.row.n), 'usr/bin/two'), join(upper, 'etc/machine-id'));
  };
  const { upper } = captureScript(store, [base], ':', {}, link);
  assert.equal(lstatSync(join(upper, 'etc/machine-id')).size, 0);
  assert.equal(readFileSync(join(store.treeOf(base.row.n), 'usr/bin/two'), 'utf8'), 'two\n');
});
