import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readArchive } from '../../src/debian/archive.ts';
import { encodeManifest, type Manifest, sorted, withFirstLinks } from '../../src/store/manifest.ts';
import { scanTree } from '../../src/store/tree.ts';

const folder = mkdtempSync(join(tmpdir(), 'snap archive, \\:'));
after(() => rmSync(folder, { recursive: true, force: true }));
const tree = join(folder, 'tree');
const archive = join(folder, 'a.tar');
const LONG = 'l'.repeat(200);

/** Whole seconds, as archives have them. */
const SCRIPT = `mkdir tree; cd tree; mkdir -p etc usr/bin ${LONG}/${LONG}
echo 1 >etc/a; printf 'x%.0s' {1..300000} >usr/bin/big; : >empty; ln etc/a zz; ln etc/a aa
ln -s ../../${LONG} usr/link; mkfifo fifo; mknod null c 1 3; mknod disk b 8 1
echo 2 >$'new\\nline \\xff'; echo 3 >${LONG}/${LONG}/${LONG}
chmod 4755 usr/bin/big; chown 33:44 etc/a; setfattr -n user.bytes -v 0x00ff0a3d00 etc/a; setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 usr/bin/big
find . -exec touch -h -d @1500000001 {} +`;
bash(SCRIPT);

function bash(script: string): void {
  execFileSync('bash', ['-euc', script], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
}

async function read(file = archive, keeps = (_path: string) => false) {
  return readArchive(file, { keeps, signal: new AbortController().signal });
}

function onDisk(): string {
  const entries = scanTree(`${tree}/.`, { mtime: ({ mtimeMs }) => Number(mtimeMs / 1000n) });
  return encodeManifest(sorted(withFirstLinks(entries.values()))).toString('latin1');
}

const TAR = "tar -C tree --numeric-owner --xattrs --xattrs-include='*'";

for (const format of ['posix', 'gnu']) {
  test(`an archive of the format ${format} is read as the tree that it was made from`, async () => {
    const attributes = format === 'gnu' ? '' : "--xattrs --xattrs-include='*'";
    if (format === 'gnu')
      bash('setfattr -x user.bytes tree/etc/a; setfattr -x security.capability tree/usr/bin/big');
    bash(`tar -C tree --numeric-owner ${attributes} --format=${format} -cf a.tar .`);
    const { entries, implied } = await read();
    assert.equal(encodeManifest(entries.values()).toString('latin1'), onDisk());
    assert.equal(implied.size, 0);
  });
}

function pathsOf(entries: Manifest): string[] {
  return [...entries.values()].map(({ path }) => path);
}

for (const program of ['gzip', 'xz', 'zstd -q']) {
  test(`packed by ${program} it is the same, and cut short it is refused`, async () => {
    bash(`${TAR} -cf a.tar .; ${program} <a.tar >a.packed`);
    const packed = await read(join(folder, 'a.packed'));
    assert.deepEqual([...packed.entries.values()], [...(await read()).entries.values()]);
    const bytes = readFileSync(join(folder, 'a.packed'));
    writeFileSync(join(folder, 'cut'), bytes.subarray(0, Math.floor(bytes.length / 2)));
    await assert.rejects(read(join(folder, 'cut')), { code: 'USAGE', message: /^Cannot read archive/ });
  });
}

test('what is missing above a member is known as a folder and no more, and a later member counts', async () => {
  bash('echo new >b; tar -cf a.tar tree/etc/a b; echo newer >b; tar -rf a.tar b');
  const { entries, implied, contents } = await read(archive, (path) => path === 'b');
  assert.deepEqual(
    [pathsOf(entries), [...implied].sort()],
    [
      ['b', 'tree/etc/a'],
      ['', 'tree', 'tree/etc'],
    ],
  );
  assert.equal(contents.get('b' as never)?.toString(), 'newer\n');
});

const REFUSED: [what: string, script: string, reason: RegExp][] = [
  ['a path that climbs', 'echo x >up; tar -P -cf a.tar --transform=s,up,../../up, up', /"\.\."/],
  ['a sparse file', 'truncate -s 10M s; tar -S -cf a.tar s', /sparse/],
  [
    'a hard link to nothing',
    'echo 1 >h; ln -f h i; tar -cf b.tar h i; (head -c 0 b.tar; tail -c +1025 b.tar) >a.tar',
    /hard link to "h"/,
  ],
  ['no archive', 'head -c 5000 /dev/urandom >a.tar', /damaged/],
  ['an empty file', ': >a.tar', /cut short/],
  ['an end that is missing', 'tar -cf b.tar tree/etc; head -c 1000 b.tar >a.tar', /cut short/],
  ['bzip2', 'printf BZh91 >a.tar', /bzip2/],
];
for (const [what, script, reason] of REFUSED) {
  test(`refused with a reason: ${what}`, async () => {
    bash(script);
    await assert.rejects(read(), { code: 'USAGE', message: reason });
  });
}

test('an absolute path, a link and a member beneath it lie where they say, and nothing is written', async () => {
  bash(
    "rm -rf t; mkdir -p t/d; echo x >t/d/f; tar -P -cf a.tar --transform='s,^t,/abs,' t; ln -sfn /etc t2; tar -rf a.tar t2; mkdir t3; echo y >t3/passwd; tar -rf a.tar --transform=s,t3,t2, t3/passwd",
  );
  const before = lstatSync('/etc/passwd').mtimeMs;
  const { entries } = await read();
  assert.deepEqual(pathsOf(entries), ['abs', 'abs/d', 'abs/d/f', 't2', 't2/passwd']);
  assert.equal(lstatSync('/etc/passwd').mtimeMs, before);
});

test('a fifo in the place of an archive is refused, and waited for by nobody', async () => {
  bash('mkfifo pipe');
  await assert.rejects(read(join(folder, 'pipe')), { message: /no regular file/ });
});

test('a damaged header of extended names does not hang or crash it', async () => {
  bash(`tar --format=posix -cf good.tar tree/${LONG}`);
  const bytes = readFileSync(join(folder, 'good.tar'));
  for (let at = 512; at < 1024; at += 7) {
    const damaged = Buffer.from(bytes);
    damaged[at] = 0xff;
    writeFileSync(archive, damaged);
    await read().catch((error) => assert.equal(error.code, 'USAGE'));
  }
});
