import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { NeedsDpkg, removedConffiles, unpackDeb } from '../../src/debian/unpack.ts';
import { run } from '../../src/host/program.ts';
import { type Entry, encodeManifest, type TreePath } from '../../src/store/manifest.ts';
import { scanTree } from '../../src/store/tree.ts';
import { SHARED_DEBS } from '../build/shared-debs.ts';
import { debOf, type Member, type Script } from './fixture/deb-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'snap-unpack-'));
after(() => rmSync(folder, { recursive: true }));

let made = 0;

async function unpack(members: readonly Member[], scripts: readonly Script[] = [], control = '') {
  const file = join(folder, `${++made}.deb`);
  const tree = join(folder, String(made));
  mkdirSync(tree);
  writeFileSync(file, debOf(`Package: x\nVersion: 1\nArchitecture: amd64\n${control}`, members, scripts));
  return { file, tree, ...(await unpackDeb(file, tree)) };
}

const dir = (name: string): Member => ({ name, type: '5' });
const ROOT = dir('./');
const INFO = 'var/lib/dpkg/info';

/** What lies in a folder, without dpkg's own files and the folders above them, which a deb need not have. */
function scan(tree: string): Map<string, string> {
  const entries = scanTree(tree, { mtime: (stat) => Number(stat.mtimeNs / 1_000_000_000n) });
  return lines(entries.values());
}

function lines(entries: Iterable<Entry>): Map<string, string> {
  return new Map([...entries].map((entry) => [entry.path, encodeManifest([entry]).toString('latin1')]));
}

test('what it says of a tree is what lies there', async () => {
  const { tree, manifest } = await unpack([
    ROOT,
    dir('./usr/'),
    dir('./usr/bin/'),
    { name: './usr/bin/su', mode: 0o4755, content: 'su' },
    { name: './usr/bin/link', type: '1', target: './usr/bin/su' },
    { name: './usr/bin/alias', type: '2', target: '../../etc/\xe9' },
    { name: './usr/odd\t\n\xff', content: 'x'.repeat(200_000) },
    { name: './usr/empty' },
    { name: './usr/pipe', type: '6', mode: 0o600 },
    { name: './usr/a', type: '1', target: 'usr/bin/su' },
  ]);
  assert.deepEqual(lines(manifest.values()), scan(tree));
  const link = manifest.get('usr/bin/su' as TreePath);
  assert.equal(link?.type === 'file' && link.link, 'usr/a');
});

test('real debs come out as dpkg-deb extracts them', async (t) => {
  const debs = readdirSync(SHARED_DEBS)
    .filter((name) => name.endsWith('.deb'))
    .sort()
    .slice(0, 12);
  if (debs.length === 0) return t.skip('no deb is there yet');
  for (const deb of debs) {
    const tree = mkdtempSync(join(folder, 'real-'));
    const other = mkdtempSync(join(folder, 'other-'));
    await unpackDeb(join(SHARED_DEBS, deb), tree);
    await run(['dpkg-deb', '--extract', join(SHARED_DEBS, deb), other]);
    for (const alias of readdirSync(other).filter((name) => /^(bin|sbin|lib.*)$/.test(name))) {
      await run(['cp', '-a', '-T', join(other, alias), join(other, 'usr', alias)]).catch(async () => {
        mkdirSync(join(other, 'usr'), { recursive: true });
        await run(['cp', '-a', '-T', join(other, alias), join(other, 'usr', alias)]);
      });
      rmSync(join(other, alias), { recursive: true });
    }
    const isFile = ([path, line]: [string, string]): boolean =>
      !path.startsWith(INFO) && line.split('\t')[1] !== 'd';
    assert.deepEqual([...scan(tree)].filter(isFile), [...scan(other)].filter(isFile), deb);
  }
});

test('paths of a merged /usr lie where they will be found, and are listed as the archive has them', async () => {
  const { tree, manifest } = await unpack([
    ROOT,
    dir('./lib/'),
    dir('./lib/udev/'),
    { name: './lib/udev/rule' },
    { name: './sbin', type: '2', target: 'usr/sbin' },
  ]);
  assert.ok(manifest.get('usr/lib/udev/rule' as TreePath));
  assert.equal(manifest.get('sbin' as TreePath)?.type, 'symlink');
  assert.equal(
    readFileSync(join(tree, INFO, 'x.list'), 'latin1'),
    '/.\n/lib\n/lib/udev\n/lib/udev/rule\n/sbin\n',
  );
});

test("it brings dpkg's own files and records: stanza with conffiles, interests, named with the architecture where several may be there", async () => {
  const scripts = [
    { name: 'conffiles', content: '/etc/x.conf\n' },
    { name: 'postinst', content: '#!/bin/sh\n', mode: 0o755 },
    { name: 'triggers', content: '# none\ninterest-noawait /usr/share/x\ninterest x-go\nactivate y\n' },
  ];
  const members = [ROOT, dir('./etc/'), { name: './etc/x.conf', content: 'y' }];
  const { tree, manifest, records } = await unpack(
    members,
    scripts,
    'Multi-Arch: same\nDescription: x\n more\n',
  );
  assert.equal(manifest.get(`${INFO}/x:amd64.postinst` as TreePath)?.mode, 0o755);
  assert.equal(readFileSync(join(tree, INFO, 'x:amd64.triggers'), 'utf8'), scripts[2]!.content);
  assert.ok(!manifest.get(`${INFO}/x:amd64.control` as TreePath));
  const md5 = createHash('md5').update('y').digest('hex');
  assert.deepEqual(records, {
    'var/lib/dpkg/status': [
      [
        'x:amd64',
        `Package: x\nStatus: install ok unpacked\nVersion: 1\nArchitecture: amd64\nMulti-Arch: same\nDescription: x\n more\nConffiles:\n /etc/x.conf ${md5}`,
      ],
    ],
    'var/lib/dpkg/triggers/File': [['/usr/share/x x:amd64/noawait', '/usr/share/x x:amd64/noawait']],
    'var/lib/dpkg/triggers/x-go': [['x:amd64', 'x:amd64']],
  });
});

test('checksums of all files but configuration are made as dpkg makes them, where it brings none', async () => {
  const members = [
    ROOT,
    dir('./etc/'),
    { name: './etc/x', content: 'x' },
    { name: './etc/b', content: 'b' },
    { name: './etc/a', content: 'a' },
    { name: './etc/c', type: '1' as const, target: './etc/b' },
  ];
  const conffiles = { name: 'conffiles', content: '/etc/x\n' };
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
  const sums = async (...more: { name: string; content: string }[]): Promise<string> => {
    const { tree } = await unpack(members, [conffiles, ...more]);
    return readFileSync(join(tree, INFO, 'x.md5sums'), 'utf8');
  };
  assert.equal(await sums(), `${md5('b')}  etc/b\n${md5('a')}  etc/a\n${md5('b')}  etc/c\n`);
  assert.equal(await sums({ name: 'md5sums', content: 'own\n' }), 'own\n');
});

test('a configuration file that it takes away stands in its stanza as dpkg writes it', async () => {
  const members = [ROOT, dir('./etc/'), { name: './etc/x', content: '' }];
  const { records } = await unpack(members, [
    { name: 'conffiles', content: 'remove-on-upgrade /etc/a b\n/etc/x\n' },
  ]);
  const [[, stanza] = []] = records['var/lib/dpkg/status'] ?? [];
  assert.match(
    stanza ?? '',
    /\nConffiles:\n \/etc\/a b newconffile remove-on-upgrade\n \/etc\/x [0-9a-f]{32}$/,
  );
  assert.deepEqual(removedConffiles(stanza ?? ''), ['etc/a b']);
  assert.deepEqual(removedConffiles('Package: x\nConffiles:\n /etc/x 0123'), []);
});

const FOR_DPKG: readonly [string, readonly Member[], readonly Script[]][] = [
  ['a path twice', [ROOT, { name: './a' }, { name: './a' }], []],
  [
    'a path twice by an alias',
    [ROOT, dir('./usr/'), dir('./usr/lib/'), { name: './usr/lib/a' }, dir('./lib/'), { name: './lib/a' }],
    [],
  ],
  ['a device, which only the sandbox may refuse', [ROOT, { name: './null', type: '3' }], []],
  ['a folder that is not named', [ROOT, { name: './a/b' }], []],
  [
    'a file beneath its own link',
    [ROOT, dir('./d/'), { name: './l', type: '2', target: 'd' }, { name: './l/f' }],
    [],
  ],
  ['a configuration file that it lacks', [ROOT], [{ name: 'conffiles', content: '/etc/x\n' }]],
  [
    "one of dpkg's own files",
    [
      ROOT,
      dir('./var/'),
      dir('./var/lib/'),
      dir('./var/lib/dpkg/'),
      dir('./var/lib/dpkg/info/'),
      { name: './var/lib/dpkg/info/x.list' },
    ],
    [],
  ],
];

for (const [what, members, scripts] of FOR_DPKG) {
  test(`${what} is left to dpkg`, async () => {
    await assert.rejects(unpack(members, scripts), NeedsDpkg);
  });
}

test('nothing of a hostile archive lies outside the tree', async () => {
  const outside = join(folder, 'outside');
  const hostile: readonly (readonly Member[])[] = [
    [ROOT, { name: '../outside', content: 'x' }],
    [ROOT, { name: outside, content: 'x' }],
    [ROOT, { name: './l', type: '2', target: folder }, { name: './l/outside', content: 'x' }],
    [ROOT, { name: './h', type: '1', target: '../1.deb' }],
    [ROOT, { name: './h', type: '1', target: './missing' }],
  ];
  for (const members of hostile) await assert.rejects(unpack(members));
  assert.ok(!readdirSync(folder).includes('outside'));
});

test('an archive that is cut short, and a control archive with a path, are refused', async () => {
  const file = join(folder, 'short.deb');
  const whole = debOf('Package: x\nVersion: 1\nArchitecture: all\n', [
    ROOT,
    { name: './a', content: 'a'.repeat(9000) },
  ]);
  writeFileSync(file, whole.subarray(0, whole.length - 6000));
  mkdirSync(join(folder, 'short'));
  await assert.rejects(unpackDeb(file, join(folder, 'short')));
  await assert.rejects(unpack([ROOT], [{ name: '../postinst', content: '' }]), /its control archive has/);
});
