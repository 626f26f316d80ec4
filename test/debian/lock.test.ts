import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Lock,
  movedPins,
  type PackageId,
  type Pin,
  packageId,
  uncovered,
  withIds,
  withOrders,
} from '../../src/debian/lock.ts';
import { readLock, writeLock } from '../../src/debian/lock-file.ts';
import { formatLock, parseLock } from '../../src/debian/lock-text.ts';
import { SnapError } from '../../src/host/error.ts';

const DIGEST = 'a'.repeat(64);

function pin(name: string, version = '1.0-1', arch = 'amd64', sha256 = DIGEST): Pin {
  const path = `pool/main/${name[0]}/${name}/${name}_${version}_${arch}.deb`;
  return { name, arch, version, size: 1234, sha256, archive: 'debian', path };
}

function pins(...list: Pin[]): Map<PackageId, Pin> {
  return new Map(list.map((one) => [packageId(one), one]));
}

const LOCK: Lock = {
  suite: 'bookworm',
  arch: 'amd64',
  epoch: 1_700_000_000,
  releases: [{ archive: 'debian', suite: 'bookworm', date: 1_690_000_000 }],
  pins: pins(pin('libc6', '2.36-9'), pin('bash'), pin('libeatmydata1'), pin('bluez', '1:5.66~rc+1')),
  base: ['libc6:amd64', 'bash:amd64'] as PackageId[],
  tools: ['libeatmydata1:amd64'] as PackageId[],
  closures: new Map([['bluez', { wants: ['bluez'], debs: ['bluez:amd64'] as PackageId[] }]]),
  orders: [{ later: 'bluez', earlier: 'systemd', path: 'etc/pam.d/common-session' }],
  uids: new Map([['messagebus', 100]]),
  gids: new Map([['messagebus', 101]]),
};

const TEXT = `snap-lock 1
# Written by snap: commit it. Every package with its bytes, and what builds have learned.
suite bookworm
arch amd64
epoch 1700000000
release debian bookworm 2023-07-22T04:26:40Z
uid messagebus 100
gid messagebus 101
order bluez after systemd # etc/pam.d/common-session
base libc6:amd64
base bash:amd64
tool libeatmydata1:amd64
want bluez bluez
closure bluez bluez:amd64
deb bash amd64 1.0-1 1234 ${DIGEST} debian pool/main/b/bash/bash_1.0-1_amd64.deb
deb bluez amd64 1:5.66~rc+1 1234 ${DIGEST} debian pool/main/b/bluez/bluez_1:5.66~rc+1_amd64.deb
deb libc6 amd64 2.36-9 1234 ${DIGEST} debian pool/main/l/libc6/libc6_2.36-9_amd64.deb
deb libeatmydata1 amd64 1.0-1 1234 ${DIGEST} debian pool/main/l/libeatmydata1/libeatmydata1_1.0-1_amd64.deb
`;

test('a lock has one golden text, and reads back as it was', () => {
  assert.equal(formatLock(LOCK), TEXT);
  assert.deepEqual(parseLock(TEXT, 'x.lock'), LOCK);
});

test('any name of a scriptlet or a user and any bytes of a path survive', () => {
  const bytes = fc.array(fc.integer({ min: 1, max: 255 })).map((codes) => String.fromCharCode(...codes));
  const names = fc.string({ unit: 'grapheme' });
  fc.assert(
    fc.property(names, names, bytes, fc.nat(), (later, earlier, path, id) => {
      const lock: Lock = {
        ...LOCK,
        orders: [{ later, earlier, path }],
        uids: new Map([[earlier, id]]),
        closures: new Map([[later, { wants: ['bluez'], debs: ['bluez:amd64' as PackageId] }]]),
      };
      assert.deepEqual(parseLock(formatLock(lock), 'x.lock'), lock);
    }),
  );
});

test('the order in which ids, orders, pins and closures were added does not show in the text', () => {
  const shuffled: Lock = {
    ...LOCK,
    pins: new Map([...LOCK.pins].reverse()),
    uids: new Map([
      ['b', 2],
      ['a', 1],
    ]),
  };
  const sorted: Lock = {
    ...LOCK,
    uids: new Map([
      ['a', 1],
      ['b', 2],
    ]),
  };
  assert.equal(formatLock(shuffled), formatLock(sorted));
});

const DAMAGED: readonly [string, string, string, number, RegExp][] = [
  ['a conflict marker', 'uid messagebus 100', '<<<<<<< HEAD', 7, /conflict marker/],
  ['an unknown field', 'uid messagebus 100', 'colour red', 7, /unknown field "colour"/],
  ['a field of the object prototype', 'uid messagebus 100', 'toString red', 7, /unknown field "toString"/],
  ['a damaged digest', DIGEST, 'a'.repeat(63), 15, /damaged digest/],
  ['a duplicated line', 'gid messagebus 101', 'uid messagebus 100', 8, /same line as line 7/],
  ['a user with two ids', 'gid messagebus 101', 'uid messagebus 103', 8, /has an id already/],
  ['two users with one id', 'gid messagebus 101', 'uid avahi 100', 8, /belongs to "messagebus"/],
  ['a newer format', 'snap-lock 1', 'snap-lock 2', 1, /format 2 is newer/],
  ['another file', 'snap-lock 1', '{"lockfileVersion": 3}', 1, /not a lock/],
  ['a missing word', 'uid messagebus 100', 'uid messagebus', 7, /takes 2 words/],
  ['a package without its deb', 'base bash:amd64', 'base zsh:amd64', 11, /has no line "deb"/],
  ['a path that climbs out', 'pool/main/b/bash/', '../../etc/', 15, /not a path below/],
  ['a size that is no number', ' 1234 ', ' 0x12 ', 15, /not a whole number/],
  ['a time that is no time', '2023-07-22T04:26:40Z', 'yesterday', 6, /not a time/],
  ['no suite', 'suite bookworm\n', '', 17, /"suite" is missing/],
];

for (const [what, from, to, line, reason] of DAMAGED) {
  test(`a lock with ${what} is refused with its line`, () => {
    const damaged = TEXT.replace(from, () => to);
    assert.notEqual(damaged, TEXT);
    assert.throws(
      () => parseLock(damaged, 'conf/x.lock'),
      (error) =>
        error instanceof SnapError &&
        error.code === 'LOCK' &&
        reason.test(error.message) &&
        error.message.includes(`conf/x.lock:${line}"`),
    );
  });
}

test('a lock for another architecture or suite than the conf asks for is refused', () => {
  assert.throws(
    () => parseLock(TEXT, 'x.lock', { suite: 'bookworm', arch: 'arm64' }),
    /x.lock:4": .*"amd64".*"arm64"/,
  );
  assert.throws(() => parseLock(TEXT, 'x.lock', { suite: 'trixie', arch: 'amd64' }), /x.lock:3"/);
  assert.equal(parseLock(TEXT, 'x.lock', { suite: 'bookworm', arch: 'amd64' }).arch, 'amd64');
});

test('an empty lock is refused, and one that is not there is none', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'snap-lock-'));
  try {
    assert.equal(await readLock(join(folder, 'x.lock')), undefined);
    await writeFile(join(folder, 'x.lock'), '');
    await assert.rejects(readLock(join(folder, 'x.lock')), { code: 'LOCK' });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a written lock reads back and leaves nothing beside it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'snap-lock-'));
  try {
    await writeLock(join(folder, 'x.lock'), LOCK);
    assert.deepEqual(await readLock(join(folder, 'x.lock')), LOCK);
    assert.deepEqual(await readdir(folder), ['x.lock']);
    assert.equal(await readFile(join(folder, 'x.lock'), 'utf8'), TEXT);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a scriptlet is uncovered when its packages are new, others, or gone, but not when reordered', () => {
  const lock: Lock = {
    ...LOCK,
    closures: new Map([
      ['a', { wants: ['x', 'y'], debs: [] }],
      ['b', { wants: ['x'], debs: [] }],
      ['c', { wants: ['x'], debs: [] }],
    ]),
  };
  const wants = new Map([
    ['none', []],
    ['a', ['y', 'x']],
    ['b', ['x', 'z']],
    ['d', ['x']],
  ]);
  assert.deepEqual(uncovered(lock, wants), [
    { name: 'b', reason: 'changed' },
    { name: 'd', reason: 'new' },
    { name: 'c', reason: 'gone' },
  ]);
});

test('moved pins are told by name, with new bytes under one version counted', () => {
  const to: Lock = {
    ...LOCK,
    pins: pins(
      pin('libc6', '2.36-10', 'amd64', 'b'.repeat(64)),
      pin('bash', '1.0-1', 'amd64', 'c'.repeat(64)),
      pin('libeatmydata1'),
      pin('zsh'),
    ),
  };
  assert.deepEqual(movedPins(LOCK, to), [
    { name: 'bash', from: '1.0-1', to: '1.0-1' },
    { name: 'bluez', from: '1:5.66~rc+1', to: undefined },
    { name: 'libc6', from: '2.36-9', to: '2.36-10' },
    { name: 'zsh', from: undefined, to: '1.0-1' },
  ]);
});

test('an order is added once, and an id never moves', () => {
  const order = { later: 'b', earlier: 'a', path: 'etc/x' };
  assert.equal(withOrders(withOrders(LOCK, [order]), [order]).orders.length, 2);
  assert.deepEqual(
    withIds(LOCK, { uids: new Map([['sshd', 102]]) }).uids,
    new Map([
      ['messagebus', 100],
      ['sshd', 102],
    ]),
  );
  assert.throws(() => withIds(LOCK, { gids: new Map([['messagebus', 7]]) }), /would move/);
});
