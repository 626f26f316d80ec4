import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fateOf } from '../../src/debian/fate.ts';

const file = (path: string, size = 1, settling = false): string => fateOf(path, true, size, settling);

test('what a package or scriptlet wrote stays', () => {
  const paths = [
    'usr/bin/x',
    'etc/passwd.d',
    'etc/default/x',
    'var/lib/x/lock',
    'etc/ld.so.conf',
    'root/.bashrc',
    'runs/x',
    'var/logs/x',
  ];
  for (const path of [...paths, 'var/lib/dpkg/info/x.list', 'srv/etc/passwd', 'var/cache/x', 'home/tmp/x']) {
    assert.equal(file(path), 'keep', path);
  }
});

test('the shared databases become records, but not a link or folder of their name', () => {
  const paths = ['passwd', 'group', 'shadow', 'gshadow', 'subuid', 'subgid', 'shells'].map(
    (name) => `etc/${name}`,
  );
  const dpkg = ['status', 'diversions', 'statoverride', 'triggers/File', 'triggers/ldconfig'].map(
    (name) => `var/lib/dpkg/${name}`,
  );
  for (const path of [...paths, ...dpkg, 'var/cache/debconf/config.dat', 'var/lib/ucf/registry']) {
    assert.equal(file(path), 'record', path);
    assert.equal(fateOf(path, false, 0), 'keep', path);
  }
});

test('traces of the build are dropped', () => {
  const backups = [
    'passwd-',
    'group-',
    'shadow-',
    'gshadow-',
    'subuid-',
    'passwd+',
    '.pwd.lock',
    'passwd.lock',
    '.updated',
  ];
  const dpkg = [
    'status-old',
    'lock',
    'lock-frontend',
    'triggers/Lock',
    'updates/0001',
    'tmp.ci/control',
    'diversions-old',
  ];
  const others = [
    'run/x/y',
    'tmp/x',
    'var/tmp/x',
    'var/lib/apt/lists/x_Packages',
    'var/cache/apt/archives/x.deb',
    'var/cache/ldconfig/aux-cache',
  ];
  const paths = [
    ...backups.map((name) => `etc/${name}`),
    ...dpkg.map((name) => `var/lib/dpkg/${name}`),
    ...others,
  ];
  for (const path of [
    ...paths,
    'var/cache/debconf/config.dat-old',
    'root/.bash_history',
    'var/lib/ucf/hashfile.0',
    'usr/share/info/dir.old',
    'var/lib/sgml-base/supercatalog.old',
  ]) {
    assert.equal(file(path), 'drop', path);
  }
});

test('the folders that those lie in stay', () => {
  for (const path of [
    'run',
    'tmp',
    'var/tmp',
    'proc',
    'sys',
    'var/lib/apt/lists',
    'var/cache/apt',
    'var/log/apt',
    'var/log',
  ]) {
    assert.equal(fateOf(path, false, 4096), 'keep', path);
  }
});

test("a log with something in it is dropped, an empty one is its package's own", () => {
  assert.equal(file('var/log/dpkg.log', 10), 'drop');
  assert.equal(file('var/log/apt/term.log', 10), 'drop');
  assert.equal(file('var/log/lastlog', 0), 'keep');
});

test("a machine's identity is emptied", () => {
  for (const path of ['etc/machine-id', 'var/lib/dbus/machine-id', 'var/lib/dpkg/triggers/Unincorp']) {
    assert.equal(file(path, 33), 'empty', path);
    assert.equal(file(path, 0), 'keep', path);
  }
  assert.equal(fateOf('var/lib/dbus/machine-id', false, 0), 'keep');
});

test("the linker's cache is the base's and settle's alone", () => {
  assert.equal(file('etc/ld.so.cache'), 'drop');
  assert.equal(file('etc/ld.so.cache', 1, true), 'keep');
});

test("the database of man pages is settle's alone, and no folder of pages", () => {
  for (const path of ['var/cache/man/index.db', 'var/cache/man/de/index.db']) {
    assert.equal(file(path), 'drop', path);
    assert.equal(file(path, 1, true), 'keep', path);
  }
  assert.equal(file('var/cache/man/CACHEDIR.TAG'), 'keep');
});

test('an empty resolv.conf is a mount point of the build, any other is kept', () => {
  assert.equal(file('etc/resolv.conf', 0), 'drop');
  assert.equal(file('etc/resolv.conf', 5), 'keep');
  assert.equal(fateOf('etc/resolv.conf', false, 0), 'keep');
});
