import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkDeb, controlOf } from '../../src/debian/deb.ts';
import { readMembers, type TarMember } from '../../src/debian/tar.ts';
import { run } from '../../src/host/program.ts';
import { debOf, type Member, tarOf } from './fixture/deb-file.ts';

const folder = await mkdtemp(join(tmpdir(), 'snap-deb-'));
after(() => rm(folder, { recursive: true }));

async function check(members: readonly Member[]): Promise<void> {
  const file = join(folder, 'x.deb');
  await writeFile(file, debOf('Package: x\nVersion: 1\n', members));
  await checkDeb(file, 'x 1');
}

const REFUSED: readonly [string, readonly Member[], RegExp][] = [
  ['an absolute path', [{ name: '/etc/passwd' }], /absolute path "\/etc\/passwd"/],
  ['a path that climbs', [{ name: './usr/../../etc/x' }], /"\.\."/],
  [
    'a file beneath a link that leads out',
    [{ name: 'a', type: '2', target: '../..' }, { name: 'a/x' }],
    /"a\/x" beneath the symlink "a"/,
  ],
  ['a file beneath an absolute link', [{ name: 'a', type: '2', target: '/etc' }, { name: 'a/x' }], /beneath/],
  ['the file before its link', [{ name: 'a/x' }, { name: 'a', type: '2', target: '/etc' }], /beneath/],
  [
    'a link through a link',
    [{ name: 'd/a', type: '2', target: '..' }, { name: 'b', type: '2', target: 'd/a/..' }, { name: 'b/x' }],
    /beneath the symlink "b"/,
  ],
  ['a link to itself', [{ name: 'a', type: '2', target: 'a' }, { name: 'a/x' }], /beneath/],
  [
    'an alias that leads elsewhere',
    [{ name: 'bin', type: '2', target: '/etc' }, { name: 'bin/x' }],
    /beneath/,
  ],
  [
    'a hard link to outside',
    [{ name: 'a', type: '1', target: '/etc/shadow' }],
    /absolute path "\/etc\/shadow"/,
  ],
  [
    'a hard link to what it does not bring',
    [{ name: 'a', type: '1', target: 'etc/shadow' }],
    /no file of it/,
  ],
  [
    'a hard link through a link',
    [
      { name: 'd/f' },
      { name: 'a', type: '2', target: 'd' },
      { name: 'a/f' },
      { name: 'h', type: '1', target: 'a/f' },
    ],
    /"h" goes through the symlink "a"/,
  ],
  [
    'headers of another tar',
    [{ name: 'pax', type: 'x', content: '16 path=/etc/x\n' }, { name: 'a' }],
    /type "x"/,
  ],
  ['a folder with content', [{ name: 'a', type: '5', content: 'b'.repeat(512) }], /directory with content/],
];

for (const [what, members, reason] of REFUSED) {
  test(`a deb with ${what} is refused`, async () => {
    await assert.rejects(check(members), (error: Error) => {
      assert.match(error.message, /^Refused package "x 1": /);
      assert.match(error.message, reason);
      return true;
    });
  });
}

test('what real debs have is no offence', async () => {
  await check([
    { name: './', type: '5' },
    { name: './usr/bin/perl' },
    { name: './usr/bin/perl5', type: '1', target: './usr/bin/perl' },
    { name: './etc/alt', type: '2', target: '/usr/bin/perl' },
    { name: './usr/lib/a', type: '2', target: '../share/a' },
    { name: './usr/lib/a/file' },
    { name: './bin', type: '2', target: 'usr/bin' },
    { name: './bin/sh', type: '2', target: '../../../../dash' },
    { name: './lib', type: '2', target: '/usr/lib' },
    { name: './lib/x' },
    { name: './dev/null', type: '3' },
    { name: './run/pipe', type: '6' },
    { name: './su', mode: 0o4755 },
    { name: './..odd\n\xff' },
  ]);
});

test('a deb that is cut short is refused', async () => {
  const file = join(folder, 'short.deb');
  const whole = debOf('Package: x\nVersion: 1\n', [{ name: 'a', content: 'a'.repeat(9000) }]);
  await writeFile(file, whole.subarray(0, 6000));
  await assert.rejects(checkDeb(file, 'x'), { code: 'DOWNLOAD' });
  await writeFile(file, '');
  await assert.rejects(checkDeb(file, 'x'), { code: 'DOWNLOAD' });
});

test('the control stanza of a deb is its own', async () => {
  const file = join(folder, 'control.deb');
  await writeFile(file, debOf('Package: foo\nVersion: 1.0\nDepends: bar\n', []));
  assert.equal(await controlOf(file), 'Package: foo\nVersion: 1.0\nDepends: bar\n');
});

type Named = Pick<TarMember, 'type' | 'name' | 'target'>;

async function membersOf(tar: Buffer, step: number): Promise<Named[]> {
  const members: Named[] = [];
  const chunks = (async function* () {
    for (let at = 0; at < tar.length; at += step) yield tar.subarray(at, at + step);
  })();
  await readMembers(chunks, { member: ({ type, name, target }) => members.push({ type, name, target }) });
  return members;
}

test('an archive reads the same however it is cut into chunks, and GNU tar agrees about long names', async () => {
  const long = `deep/${'n'.repeat(180)}`;
  await run(['mkdir', '-p', join(folder, 'tree/deep')]);
  await writeFile(join(folder, 'tree', long), 'long '.repeat(500));
  await run(['ln', '-s', 't'.repeat(150), join(folder, 'tree/link')]);
  await run([
    'tar',
    '--format=gnu',
    '--sort=name',
    '-C',
    join(folder, 'tree'),
    '-cf',
    join(folder, 'x.tar'),
    '.',
  ]);
  const { readFile } = await import('node:fs/promises');
  const tar = await readFile(join(folder, 'x.tar'));
  const whole = await membersOf(tar, tar.length);
  assert.deepEqual(whole, [
    { type: 'directory', name: './', target: '' },
    { type: 'directory', name: './deep/', target: '' },
    { type: 'file', name: `./${long}`, target: '' },
    { type: 'symlink', name: './link', target: 't'.repeat(150) },
  ]);
  for (const step of [1, 7, 511, 512, 513]) assert.deepEqual(await membersOf(tar, step), whole);
  await assert.rejects(membersOf(tarOf([{ name: 'a' }]).subarray(0, 700), 512), /cut short/);
});
