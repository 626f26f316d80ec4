import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { download } from '../../src/debian/download.ts';
import { type Lock, movedPins, type PackageId } from '../../src/debian/lock.ts';
import { formatLock, parseLock } from '../../src/debian/lock-text.ts';
import { type ResolveRequest, resolve } from '../../src/debian/resolve.ts';
import { SnapError } from '../../src/host/error.ts';
import { Archive, type Recipe } from './fixture/archive.ts';

const archive = await Archive.open();
let store: string;
after(async () => {
  await archive[Symbol.asyncDispose]();
  await rm(store, { recursive: true, force: true });
});
beforeEach(async () => {
  if (store !== undefined) await rm(store, { recursive: true, force: true });
  store = await mkdtemp(join(tmpdir(), 'snap store, "a:b\\c '));
  archive.faults.clear();
  archive.asked.length = 0;
});

const FOO: readonly Recipe[] = [
  ['foo 1.0', { Depends: 'bar (>= 1.0)' }],
  ['bar 1.0'],
  ['mailer 1.0', { Depends: 'mta-a | mail-transport-agent' }],
  ['mta-a 1.0', { Provides: 'mail-transport-agent', Conflicts: 'mail-transport-agent' }],
  ['mta-b 1.0', { Provides: 'mail-transport-agent', Conflicts: 'mail-transport-agent' }],
];

function request(wants: Record<string, string[]>, more: Partial<ResolveRequest> = {}): ResolveRequest {
  return {
    suite: 'bookworm',
    arch: 'amd64',
    mirrors: archive.mirrors,
    wants: new Map(Object.entries(wants)),
    aptDir: join(store, 'apt'),
    debsDir: join(store, 'debs'),
    offline: false,
    now: () => 1_700_000_000,
    ...more,
  };
}

/** The programs of apt that were started meanwhile, by their subcommands. */
async function aptRuns(work: () => Promise<unknown>): Promise<string[]> {
  const started: ChildProcess[] = [];
  const note = (message: unknown) => void started.push((message as { process: ChildProcess }).process);
  subscribe('child_process', note);
  try {
    await work();
  } finally {
    unsubscribe('child_process', note);
  }
  const commands = started.filter(({ spawnargs }) => spawnargs.includes('apt-get'));
  const names = ['update', 'indextargets', 'install'];
  return commands.map(({ spawnargs }) => spawnargs.find((word) => names.includes(word)) ?? 'other');
}

function versions(lock: Lock): string[] {
  return [...lock.pins.values()].map((pin) => `${pin.name} ${pin.version}`).sort();
}

function debs(lock: Lock, scriptlet: string): readonly string[] | undefined {
  return lock.closures.get(scriptlet)?.debs;
}

async function refused(promise: Promise<unknown>): Promise<SnapError> {
  const error = await promise.then(
    () => assert.fail('it was not refused'),
    (reason) => reason,
  );
  assert.ok(error instanceof SnapError, String(error?.stack ?? error));
  return error;
}

test('a new lock pins base, tools and the closure of each scriptlet in the order of installation', async () => {
  await archive.publish(FOO);
  const lock = await resolve(request({ one: ['foo'], two: ['bar'], none: [], base: ['base-files'] }));
  assert.deepEqual(debs(lock, 'one'), ['bar:amd64', 'foo:amd64']);
  assert.deepEqual(debs(lock, 'two'), ['bar:amd64']);
  assert.deepEqual(debs(lock, 'base'), []);
  assert.equal(lock.closures.has('none'), false);
  assert.deepEqual(lock.base.toSorted(), ['apt:amd64', 'base-files:amd64', 'mount:amd64']);
  assert.deepEqual(lock.tools, ['libeatmydata1:amd64']);
  assert.equal(lock.epoch, 1_700_000_000);
  assert.deepEqual(parseLock(formatLock(lock), 'x.lock').pins, new Map([...lock.pins].sort()));
  assert.equal(lock.releases[0]?.suite, 'bookworm');
});

test('an alternative is chosen once for all scriptlets', async () => {
  await archive.publish(FOO);
  const alone = await resolve(request({ cron: ['mailer'] }));
  assert.deepEqual(debs(alone, 'cron')?.toSorted(), ['mailer:amd64', 'mta-a:amd64']);
  const both = await resolve(request({ cron: ['mailer'], mail: ['mta-b'] }));
  assert.deepEqual(debs(both, 'cron')?.toSorted(), ['mailer:amd64', 'mta-b:amd64']);
  const later = await resolve(request({ cron: ['mailer'], mail: ['mta-b'] }, { lock: alone }));
  assert.deepEqual(debs(later, 'cron')?.toSorted(), ['mailer:amd64', 'mta-b:amd64']);
  assert.equal(versions(later).includes('mta-a 1.0'), false);
});

test('what the lock covers asks no server, also when a scriptlet went or a wanted list was reordered', async () => {
  await archive.publish(FOO);
  const lock = await resolve(request({ one: ['foo', 'bar'], two: ['mta-b'] }));
  archive.asked.length = 0;
  assert.equal(await resolve(request({ one: ['bar', 'foo'], two: ['mta-b'] }, { lock })), lock);
  const less = await resolve(request({ one: ['foo', 'bar'] }, { lock }));
  assert.equal(less.closures.has('two'), false);
  assert.equal(versions(less).includes('mta-b 1.0'), false);
  assert.deepEqual(archive.asked, []);
});

test('one more package moves no other pin, an update moves what it names, and all', async () => {
  await archive.publish(FOO);
  const first = await resolve(request({ one: ['foo'] }));
  const lock = { ...first, uids: new Map([['messagebus', 100]]) };
  await archive.publish([
    ['foo 2.0', { Depends: 'bar' }],
    ['bar 2.0'],
    ['new 1.0'],
    ['foo 1.0', { Depends: 'bar' }],
    ['bar 1.0'],
  ]);
  const wants = { one: ['foo'], two: ['new'] };
  const more = await resolve(request(wants, { lock, now: () => 5 }));
  assert.deepEqual(movedPins(lock, more), [{ name: 'new', from: undefined, to: '1.0' }]);
  assert.deepEqual([more.epoch, more.uids], [1_700_000_000, lock.uids]);
  const named = await resolve(request(wants, { lock: more, update: ['bar'] }));
  assert.deepEqual(movedPins(more, named), [{ name: 'bar', from: '1.0', to: '2.0' }]);
  const all = await resolve(request(wants, { lock: named, update: 'all' }));
  assert.deepEqual(movedPins(named, all), [{ name: 'foo', from: '1.0', to: '2.0' }]);
  const error = await refused(resolve(request(wants, { lock: more, update: ['bax'] })));
  assert.match(`${error.message} ${error.hint}`, /"bax".*"bar"/);
});

test('a conf follows the one that it extends, also when everything is updated', async () => {
  await archive.publish(FOO);
  const parent = await resolve(request({ one: ['foo'], two: ['mta-b'] }));
  await archive.publish([['foo 2.0', { Depends: 'bar' }], ['bar 2.0'], ['new 1.0'], ...FOO]);
  archive.asked.length = 0;
  const same = await resolve(request({ one: ['foo'] }, { parent, now: () => 5 }));
  assert.deepEqual(archive.asked, [], 'the parent covers it');
  assert.deepEqual(same.closures.get('one'), parent.closures.get('one'));
  assert.deepEqual([same.epoch, same.base], [parent.epoch, parent.base]);
  const wants = { one: ['foo'], three: ['new'] };
  const child = await resolve(request(wants, { parent }));
  const updated = await resolve(request(wants, { parent, lock: child, update: 'all' }));
  for (const lock of [child, updated]) {
    assert.deepEqual(versions(lock), [
      'apt 1.0',
      'bar 1.0',
      'base-files 1.0',
      'foo 1.0',
      'libeatmydata1 1.0',
      'mount 1.0',
      'new 1.0',
    ]);
  }
});

test('a pinned version that left the archive is taken from the store, and refused without it', async () => {
  await archive.publish(FOO);
  const lock = await resolve(request({ one: ['foo'] }));
  const missing = () => resolve(request({ one: ['foo'], two: ['new'] }, { lock }));
  const options = {
    debsDir: join(store, 'debs'),
    mirrors: archive.mirrors,
    offline: false,
    report: () => undefined,
  };
  const cached = [...lock.pins.values()];
  await archive.publish([['foo 2.0', { Depends: 'bar' }], ['bar 2.0'], ['new 1.0']]);
  const error = await refused(missing());
  assert.match(error.message, /"(foo|bar)" 1.0 and 1 more is gone from archive "debian"/);
  assert.match(error.hint ?? '', /snap lock --update (foo bar|bar foo)/);
  await download(cached, options);
  assert.deepEqual(movedPins(lock, await missing()), [{ name: 'new', from: undefined, to: '1.0' }]);
});

test('a version that a scriptlet names is taken, and beats the pin', async () => {
  await archive.publish([['foo 2.0'], ['foo 1.0']]);
  const lock = await resolve(request({ one: ['foo'] }));
  assert.ok(versions(lock).includes('foo 2.0'));
  const older = await resolve(request({ one: ['foo=1.0'], two: ['foo'] }, { lock }));
  assert.ok(versions(older).includes('foo 1.0'));
  const gone = await refused(resolve(request({ one: ['foo=3.0'] })));
  assert.match(gone.message, /version "3.0" of package "foo", which scriptlet "one" installs/);
  const two = await refused(resolve(request({ one: ['foo=1.0'], two: ['foo=2.0'] })));
  assert.match(two.message, /"one" and "two".*"foo": 1.0 and 2.0/);
});

test('an unknown package names the scriptlet and the nearest names', async () => {
  await archive.publish([['bluez 1.0']]);
  const error = await refused(resolve(request({ radio: ['bluezz'] })));
  assert.match(error.message, /"bluezz", which scriptlet "radio" installs/);
  assert.match(error.hint ?? '', /"bluez"/);
});

test('packages that exclude each other are told in the words of apt, with the scriptlets that ask', async () => {
  await archive.publish([...FOO, ['broken 1.0', { Depends: 'bar (>= 9)' }]]);
  const conflict = await refused(resolve(request({ a: ['mta-a'], b: ['mta-b'], c: ['foo'] })));
  assert.match(conflict.message, /scriptlets "a", "b":/);
  assert.match(conflict.lines.join('\n'), /mta-a : Conflicts: mail-transport-agent/);
  const unmet = await refused(resolve(request({ c: ['broken'] })));
  assert.match(unmet.message, /scriptlet "c"/);
  assert.match(unmet.lines.join('\n'), /broken : Depends: bar \(>= 9\) but/);
  const virtual = await refused(resolve(request({ m: ['mail-transport-agent'] })));
  assert.match(
    `${virtual.message}\n${virtual.lines.join('\n')}`,
    /"mail-transport-agent" of scriptlet "m"[\s\S]*mta-b 1.0/,
  );
});

const TWINS = (version: string): Recipe[] =>
  ['amd64', 'i386'].flatMap((Architecture): Recipe[] => [
    [`lib ${version}`, { Architecture, 'Multi-Arch': 'same', Depends: 'common' }],
    [`tool ${version}`, { Architecture, Depends: 'lib' }],
  ]);
const COMMON: Recipe = ['common 1.0', { Architecture: 'all', 'Multi-Arch': 'foreign' }];

test('a package is pinned once for each architecture that is asked for, and all of them move together', async () => {
  await archive.publish([...TWINS('1.0'), COMMON, ...FOO]);
  const foreignArchs = ['i386'];
  const wants = { one: ['lib'], two: ['lib:i386', 'tool:i386'] };
  const lock = await resolve(request(wants, { foreignArchs }));
  assert.deepEqual(debs(lock, 'one'), ['common:all', 'lib:amd64']);
  assert.deepEqual(debs(lock, 'two'), ['common:all', 'lib:i386', 'tool:i386']);
  const [own, other] = ['lib:amd64', 'lib:i386'].map((id) => lock.pins.get(id as PackageId)!);
  assert.deepEqual([own?.path, other?.path], ['pool/lib_1.0_amd64.deb', 'pool/lib_1.0_i386.deb']);
  assert.notEqual(own?.sha256, other?.sha256);
  assert.deepEqual(parseLock(formatLock(lock), 'x.lock').pins, new Map([...lock.pins].sort()));
  assert.equal(await resolve(request(wants, { lock, foreignArchs })), lock);

  await archive.publish([...TWINS('2.0'), ...TWINS('1.0'), COMMON, ...FOO]);
  const more = await resolve(request({ ...wants, three: ['foo'] }, { lock, foreignArchs }));
  assert.deepEqual(
    movedPins(lock, more).map(({ name }) => name),
    ['bar', 'foo'],
    'both stay',
  );
  const moved = await resolve(request(wants, { lock, foreignArchs, update: ['lib'] }));
  assert.deepEqual(
    movedPins(lock, moved),
    ['lib', 'lib:i386'].map((name) => ({ name, from: '1.0', to: '2.0' })),
  );

  const unknown = await refused(resolve(request({ one: ['foo:i386'] }, { foreignArchs })));
  assert.match(unknown.message, /package "foo:i386", which scriptlet "one" installs/);
  const alone = await refused(resolve(request({ one: ['lib:i386'] })));
  assert.equal(alone.code, 'RESOLVE', 'the archive is not asked for another architecture');
});

for (const text of ['foo/sid', 'foo:I386', 'foo-', 'foo*', '-oDir::State=/x', 'task^', '../foo.deb', '']) {
  test(`"${text}" is no package to install`, async () => {
    const error = await refused(resolve(request({ one: [text] }, { offline: true })));
    assert.equal(error.code, 'SCRIPTLET');
  });
}

const day = 24 * 3600 * 1000;
const UNTRUSTED = [
  ['is not signed', { key: 'none' }, /is not signed/],
  ['is signed by another key', { key: 'other' }, /key that is not in the keyring/],
  [
    'has expired',
    { date: new Date(Date.now() - 9 * day), validUntil: new Date(Date.now() - 2 * day) },
    /expired .* ago/,
  ],
] as const;

for (const [what, release, reason] of UNTRUSTED) {
  test(`an archive whose Release file ${what} is refused by name`, async () => {
    await archive.publish(FOO, release);
    const error = await refused(resolve(request({ one: ['foo'] })));
    assert.equal(error.code, 'RESOLVE');
    assert.match(error.message, /archive "debian" suite "bookworm"/);
    assert.match(error.message, reason);
  });
}

test('an older Release file than before is refused, and ignored by an apt that has the newer one', async () => {
  await archive.publish([...FOO, ['safe 2.0']]);
  const lock = await resolve(request({ one: ['foo'] }));
  await archive.publish([...FOO, ['safe 1.0']], { date: new Date(Date.now() - 5 * day) });
  const wants = { one: ['foo'], two: ['safe'] };
  const error = await refused(resolve(request(wants, { lock, aptDir: join(store, 'fresh') })));
  assert.match(error.message, /archive "debian" suite "bookworm".* older than/);
  const notes: string[] = [];
  const noting = { note: (text: string) => void notes.push(text) };
  const ignored = await resolve(request(wants, { lock, ...noting }));
  assert.ok(versions(ignored).includes('safe 2.0'));
  assert.deepEqual(ignored.releases, lock.releases);
  const made = new Date((lock.releases[0]?.date ?? 0) * 1000).toISOString().slice(0, 10);
  assert.equal(notes.length, 1);
  assert.match(notes[0] ?? '', RegExp(`"debian" suite "bookworm" offers .* older than the one of ${made}`));

  await archive.publish([...FOO, ['safe 3.0']], { date: new Date() });
  for (const update of ['all', undefined] as const) {
    // The second time the server offers what is here already.
    await resolve(request({ ...wants, more: [`mta-${update ? 'a' : 'b'}`] }, { lock, update, ...noting }));
  }
  assert.equal(notes.length, 1, 'newer ones, and the same, are nothing to tell of');
});

test('a pin that is in the way of a new package is told with the command that moves it', async () => {
  await archive.publish(FOO);
  const lock = await resolve(request({ one: ['foo'] }));
  await archive.publish([
    ...FOO,
    ['bar 2.0'],
    ['new 1.0', { Depends: 'bar (>= 2.0)' }],
    ['rude 1.0', { Conflicts: 'mount' }],
  ]);
  const error = await refused(resolve(request({ one: ['foo'], two: ['new'] }, { lock })));
  assert.match(error.message, /scriptlet "two"/);
  assert.match(error.hint ?? '', /snap lock --update bar$/);
  const rude = await refused(resolve(request({ three: ['rude'] })));
  assert.match(`${rude.message}\n${rude.lines.join('\n')}`, /scriptlet "three"[\s\S]*mount of the base/);
});

test('an index that is not what its Release file says, and a suite that is not there, are refused', async () => {
  await archive.publish(FOO);
  await archive.write('dists/bookworm/main/binary-amd64/Packages', 'Package: evil\n');
  const mismatch = await refused(resolve(request({ one: ['foo'] })));
  assert.match(mismatch.message, /archive "debian".*index is not what its Release file says/);
  const mirrors = archive.mirrors.map((mirror) => ({ ...mirror, suites: ['trixie'] }));
  const suite = await refused(resolve(request({ one: ['foo'] }, { mirrors })));
  assert.match(suite.message, /archive "debian" suite "trixie": it has no such suite/);
});

test('an archive that cannot be reached, or a keyring that is not there, is told by name', async () => {
  const mirrors = archive.mirrors.map((mirror) => ({ ...mirror, uri: 'http://127.0.0.1:1/debian' }));
  const network = await refused(resolve(request({ one: ['foo'] }, { mirrors })));
  assert.match(network.message, /archive "debian" suite "bookworm": no connection/);
  const keyless = archive.mirrors.map((mirror) => ({ ...mirror, signedBy: '/nonexistent.gpg' }));
  const key = await refused(resolve(request({ one: ['foo'] }, { mirrors: keyless })));
  assert.match(key.message, /"debian".*"\/nonexistent.gpg"/);
});

test('offline the indexes of the last time are used, and without any it says so', async () => {
  await archive.publish(FOO);
  const none = await refused(resolve(request({ one: ['foo'] }, { offline: true })));
  assert.match(`${none.message} ${none.hint}`, /"debian" suite "bookworm" has no index.*--offline/);
  await resolve(request({ one: ['foo'] }));
  archive.asked.length = 0;
  const lock = await resolve(request({ one: ['foo'], two: ['bar'] }, { offline: true }));
  assert.deepEqual(debs(lock, 'two'), ['bar:amd64']);
  assert.deepEqual(archive.asked, []);
});

test('recent indexes are taken as they are, unless they have no solution or pins are to move', async () => {
  await archive.publish(FOO);
  const indexAge = 3600;
  const lock = await resolve(request({ one: ['foo'] }, { indexAge }));
  assert.notDeepEqual(archive.asked, [], 'there were none');
  archive.asked.length = 0;
  await archive.publish([...FOO, ['new 1.0'], ['bar 2.0']]);
  const more = await resolve(request({ one: ['foo'], two: ['mailer'] }, { lock, indexAge }));
  assert.deepEqual(archive.asked, []);
  const newest = await resolve(request({ one: ['foo'], two: ['new'] }, { lock: more, indexAge }));
  assert.deepEqual(debs(newest, 'two'), ['new:amd64']);
  assert.notDeepEqual(archive.asked, [], 'what is new is asked for');
  await archive.publish([...FOO, ['new 1.0'], ['bar 2.0'], ['foo 3.0']]);
  archive.asked.length = 0;
  await resolve(request({ one: ['foo'], two: ['new'] }, { lock: newest, update: 'all', indexAge }));
  assert.notDeepEqual(archive.asked, [], 'an update asks always');
  archive.asked.length = 0;
  await resolve(request({ one: ['foo'], two: ['bar', 'new'] }, { lock: newest }));
  assert.notDeepEqual(archive.asked, [], 'so does a request that names no age');
});

test('a stop ends apt and all that it started, leaves nothing behind, and the next one goes on from there', async () => {
  await archive.publish(FOO);
  const aptDir = join(store, 'apt');
  for (const path of ['InRelease', 'main/binary-amd64/Packages']) {
    const stop = new AbortController();
    archive.faults.set(`/debian/dists/bookworm/${path}`, (_, response) => {
      response.write('-----BEGIN');
      assert.ok(processesIn(aptDir).length > 1, 'apt and its methods are found');
      stop.abort();
      return true;
    });
    const error = await refused(resolve(request({ one: ['foo'] }, { signal: stop.signal })));
    assert.equal(error.code, 'INTERRUPTED');
    assert.deepEqual(processesIn(aptDir), []);
    assert.deepEqual(
      readdirSync(aptDir).filter((name) => name.startsWith('run-')),
      [],
    );
    archive.faults.clear();
  }
  assert.deepEqual(debs(await resolve(request({ one: ['foo'] })), 'one'), ['bar:amd64', 'foo:amd64']);
});

/** The processes that work in a folder. */
function processesIn(folder: string): string[] {
  const place = (pid: string) => {
    try {
      return readlinkSync(join('/proc', pid, 'cwd'));
    } catch {
      return '';
    }
  };
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && place(pid) === folder);
}

test('one more package asks apt for one solution and one closure, however many scriptlets there are', async () => {
  await archive.publish([...FOO, ['new 1.0', { Depends: 'mta-b' }]]);
  const many = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`s${n}`, ['foo']]));
  const lock = await resolve(request({ ...many, cron: ['mailer'] }));
  const wants = { ...many, s3: ['foo', 'new'], cron: ['mailer'] };
  let more: Lock | undefined;
  const runs = await aptRuns(async () => {
    more = await resolve(request(wants, { lock, indexAge: 3600 }));
  });
  assert.deepEqual(
    runs,
    ['indextargets', 'install', 'install', 'install'],
    'cron has another alternative now',
  );
  assert.deepEqual(debs(more!, 'cron')?.toSorted(), ['mailer:amd64', 'mta-b:amd64']);
  const kept = await aptRuns(() =>
    resolve(request({ ...wants, s4: ['foo', 'bar'] }, { lock: more, indexAge: 3600 })),
  );
  assert.deepEqual(kept, ['indextargets', 'install', 'install']);
});

test('an archive of backports gives only what is asked of it by version', async () => {
  await using backports = await Archive.open();
  await archive.publish(FOO);
  await backports.publish([['foo 2.0'], ['extra 1.0', { Depends: 'foo (>= 2.0)' }]], {
    lines: ['NotAutomatic: yes', 'ButAutomaticUpgrades: yes'],
  });
  const mirrors = [
    ...archive.mirrors,
    ...backports.mirrors.map((mirror) => ({ ...mirror, name: 'backports' })),
  ];
  const plain = await resolve(request({ one: ['foo'] }, { mirrors }));
  assert.ok(versions(plain).includes('foo 1.0'));
  const newer = await resolve(request({ one: ['foo=2.0'], two: ['extra'] }, { mirrors, lock: plain }));
  assert.deepEqual(debs(newer, 'two'), ['foo:amd64', 'extra:amd64']);
  assert.equal(newer.pins.get('foo:amd64' as PackageId)?.archive, 'backports');
});

test('a lock with one more package is the one that is made from nothing with the same pins', async () => {
  await archive.publish(FOO);
  const wants = { one: ['foo'], cron: ['mailer'], two: ['bar'] };
  const first = await resolve(request(wants));
  await archive.publish([
    ['new 1.0', { Depends: 'lib (>= 1), mail-transport-agent | nothing' }],
    ['unrelated 1.0', { Depends: 'mta-b, lib', Provides: 'lib' }],
    ['lib 2.0', { 'Pre-Depends': 'foo' }],
    ['lib 1.0'],
    ['foo 2.0', { Depends: 'bar' }],
    ['bar 2.0'],
    ...FOO,
  ]);
  for (const more of [['new'], ['lib'], ['mta-b'], ['unrelated', 'new'], ['bar', 'lib=1.0']]) {
    const wish = { ...wants, two: ['bar', ...more] };
    const grown = await resolve(request(wish, { lock: first }));
    // What is pinned stays by its pin alone: no closure and no base to go by.
    const pins = { ...first, suite: 'other', closures: new Map() };
    const anew = await resolve(request(wish, { lock: pins, aptDir: join(store, 'fresh') }));
    assert.equal(formatLock(grown), formatLock(anew), more.join(' '));
    assert.deepEqual(
      movedPins(first, grown).filter(({ from }) => from !== undefined),
      more.some((name) => ['mta-b', 'unrelated'].includes(name))
        ? [{ name: 'mta-a', from: '1.0', to: undefined }]
        : [],
    );
  }
});
