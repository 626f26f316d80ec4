import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeXattr } from '../../src/host/syscall.ts';
import { digestOf } from '../../src/store/digest.ts';
import { type Entry, type Manifest, parentOf, type TreePath } from '../../src/store/manifest.ts';
import {
  at,
  decodeXattrs,
  digestFile,
  linkEntry,
  makeEntry,
  removeTree,
  scanTree,
  setMetadata,
  setTime,
  walk,
} from '../../src/store/tree.ts';
import { someFolder } from './some-folder.ts';

/** One of everything that a tree can hold. */
const EVERYTHING = `
mkdir -p "$1/dir/deep" "$1"/$'odd\\t\\n\\\\name' "$1"/$'\\xff\\xfe'; cd "$1"
printf %255s | tr ' ' n | xargs touch
echo program >suid; chmod 4755 suid
echo text >dir/one; ln dir/one dir/deep/two; ln dir/one three
: >empty; truncate -s 5000000 sparse; echo end >>sparse
mkfifo fifo; mknod char c 1 3; mknod block b 259 70000; mknod gone c 0 0
ln -s $'../no\\twhere' link; chown -h 12:34 link dir/one fifo char
echo minus >./-n
perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => "socket", Listen => 1) or die'
`;

/** A POSIX ACL as the kernel keeps it, in hex: one user may read. */
function acl(uid: number): string {
  const entries = [
    [1, 7, 0xffffffff],
    [2, 4, uid],
    [4, 5, 0xffffffff],
    [0x10, 5, 0xffffffff],
    [0x20, 5, 0xffffffff],
  ] as const;
  const bytes = Buffer.alloc(4 + entries.length * 8);
  bytes.writeUInt32LE(2);
  entries.forEach(([tag, permissions, id], index) => {
    bytes.writeUInt16LE(tag, 4 + index * 8);
    bytes.writeUInt16LE(permissions, 6 + index * 8);
    bytes.writeUInt32LE(id, 8 + index * 8);
  });
  return bytes.toString('hex');
}

function makeEverything(): string {
  const folder = join(someFolder(), 'tree');
  execFileSync('bash', ['-euc', EVERYTHING, 'bash', folder]);
  const attributes = [
    ['suid', 'security.capability', '0100000200200000000000000000000000000000'],
    ['empty', 'user.a=b', '63'],
    ['dir', 'system.posix_acl_access', acl(77)],
    ['dir', 'system.posix_acl_default', acl(78)],
  ] as const;
  for (const [path, name, value] of attributes) writeXattr(at(folder, path), name, Buffer.from(value, 'hex'));
  execFileSync('bash', ['-c', 'find "$1" -exec touch -h -d @1600000000 {} +', 'bash', folder]);
  return folder;
}

const scan = (folder: string): Manifest =>
  scanTree(folder, { mtime: (stat) => Number(stat.mtimeMs / 1000n) });

/** Makes a tree anew from a manifest and another tree's files. */
function rebuild(manifest: Manifest, from: string, to: string): void {
  for (const entry of manifest.values()) {
    if (entry.type === 'file' && entry.link !== undefined)
      linkEntry(entry, at(to, entry.path), at(to, entry.link));
    else makeEntry(entry, at(to, entry.path), at(from, entry.path));
  }
  for (const entry of [...manifest.values()].reverse())
    if (entry.type === 'dir') setTime(at(to, entry.path), entry.mtime);
}

test('a scan finds everything as it is, and names it as bytes', () => {
  const manifest = scan(makeEverything());
  const get = (path: string): Entry | undefined => manifest.get(path as TreePath);
  const facts = (path: string): unknown => {
    const { path: _, xattrs: __, mtime, ...rest } = get(path)!;
    assert.equal(mtime, path === 'gone' ? 0 : 1_600_000_000);
    return rest;
  };
  const text = { type: 'file', mode: 0o644, uid: 12, gid: 34, size: 5, digest: digestOf('text\n') };
  assert.deepEqual(facts('dir/deep/two'), { ...text, link: undefined });
  assert.deepEqual(facts('dir/one'), { ...text, link: 'dir/deep/two' });
  assert.deepEqual(facts('three'), { ...text, link: 'dir/deep/two' });
  assert.deepEqual(facts('char'), { type: 'char', mode: 0o644, uid: 12, gid: 34, major: 1, minor: 3 });
  assert.deepEqual(facts('block'), { type: 'block', mode: 0o644, uid: 0, gid: 0, major: 259, minor: 70_000 });
  assert.deepEqual(facts('fifo'), { type: 'fifo', mode: 0o644, uid: 12, gid: 34 });
  assert.deepEqual(facts('gone'), { type: 'whiteout', mode: 0, uid: 0, gid: 0 });
  assert.deepEqual(facts('link'), { type: 'symlink', mode: 0o777, uid: 12, gid: 34, target: '../no\twhere' });
  assert.equal(get('suid')?.mode, 0o4755);
  assert.match(get('suid')!.xattrs, /^security\.capability=[0-9a-f]{40}$/);
  assert.equal(get('empty')?.xattrs, 'user.a%3Db=63');
  assert.deepEqual(
    decodeXattrs(get('dir')!.xattrs).map(([name]) => name),
    ['system.posix_acl_access', 'system.posix_acl_default'],
  );
  for (const path of ['odd\t\n\\name', '\xff\xfe', '-n', 'n'.repeat(255), ''])
    assert.ok(get(path), JSON.stringify(path));
  assert.equal(get('socket'), undefined);
});

test('a tree that is made from a manifest is the same tree, also beneath a folder that gives its ACL on', () => {
  const from = makeEverything();
  const to = join(someFolder(), 'copy');
  const manifest = scan(from);
  rebuild(manifest, from, to);
  assert.deepEqual([...scan(to).values()], [...manifest.values()]);
  assert.equal(lstatSync(join(to, 'three')).ino, lstatSync(join(to, 'dir/one')).ino);
});

test('metadata is set as it is named: what is not there any more goes', () => {
  const folder = join(someFolder(), 'tree');
  mkdirSync(folder);
  writeXattr(Buffer.from(folder), 'user.old', Buffer.from('x'));
  const entry: Entry = {
    type: 'dir',
    path: '' as TreePath,
    mode: 0o2750,
    uid: 5,
    gid: 6,
    mtime: 1_600_000_000,
    xattrs: 'user.new=7a',
  };
  setMetadata(entry, Buffer.from(folder));
  assert.deepEqual(scan(folder).get('' as TreePath), entry);
});

test('a file on another filesystem is copied where it cannot be linked', (t) => {
  const from = makeEverything();
  if (!existsSync('/dev/shm') || lstatSync('/dev/shm').dev === lstatSync(from).dev)
    return t.skip('no second filesystem');
  const other = mkdtempSync('/dev/shm/snap-tree-');
  t.after(() => rmSync(other, { recursive: true }));
  const manifest = scan(from);
  const suid = manifest.get('suid' as TreePath)!;
  linkEntry(suid, Buffer.from(join(other, 'suid')), Buffer.from(join(from, 'suid')));
  assert.deepEqual(scan(other).get('suid' as TreePath), suid);
});

test('a large file is digested in parts, and a link in the place of a file is refused', () => {
  const folder = someFolder();
  const content = Buffer.alloc(3_000_001, 'snap');
  writeFileSync(join(folder, 'large'), content);
  symlinkSync('large', join(folder, 'link'));
  assert.equal(digestFile(Buffer.from(join(folder, 'large')), 3_000_001n), digestOf(content));
  assert.throws(() => digestFile(Buffer.from(join(folder, 'link')), 1n), { code: 'ELOOP' });
});

test('a walk goes in byte order, parents first, and meets what is added while it looks', () => {
  const folder = someFolder();
  execFileSync('bash', ['-c', 'mkdir -p b/c a a-; touch a/z a/y a.x', 'bash'], { cwd: folder });
  const met: string[] = [];
  for (const { path } of walk(folder, (one) => one === 'a-')) {
    met.push(path);
    if (path === 'b') mkdirSync(join(folder, 'b', 'a'));
    if (path === 'a') rmSync(join(folder, 'a', 'z'));
  }
  assert.deepEqual(met, ['', 'a', 'a/y', 'a.x', 'b', 'b/a', 'b/c']);
});

test('a tree is removed whole, links in it are not followed, and nothing there is fine', () => {
  const folder = makeEverything();
  const outside = join(parentOf(folder), 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'kept'), '');
  symlinkSync(outside, join(folder, 'dir', 'out'));
  removeTree(Buffer.from(folder));
  removeTree(Buffer.from(folder));
  assert.deepEqual(readdirSync(parentOf(folder)), ['outside']);
  assert.equal(readFileSync(join(outside, 'kept'), 'utf8'), '');
});
