import assert from 'node:assert/strict';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseLock } from '../../src/debian/lock-text.ts';
import { Store } from '../../src/store/layers.ts';
import { identity, sorted, type TreePath } from '../../src/store/manifest.ts';
import { scanTree } from '../../src/store/tree.ts';
import { SNAP, start } from '../commands/launcher.ts';
import { build, edit, makeProject } from './small-project.ts';

/** The packages that dpkg itself unpacked while a layer ran. */
function unpackedIn(project: string, layer: string): string[] {
  const log = readFileSync(join(project, 'store/logs', `${layer}.log`), 'utf8');
  return [...log.matchAll(/^Unpacking (\S+)/gm)].map(([, name]) => name!);
}

function isSameAsBefore(project: string): void {
  const { status, stderr, stdout } = start([SNAP, '-C', project, 'check', 'a']);
  assert.equal(status, 0, stdout + stderr);
}

/** Everything in the deb trees of a store is what their manifests say. */
function treesAreWhole(project: string): number {
  using store = new Store(project);
  let trees = 0;
  for (const name of readdirSync(store.layout.layers)) {
    const n = Number(name);
    if (store.noteOf(n).kind !== 'deb') continue;
    trees++;
    const found = scanTree(store.treeOf(n), { mtime: (stat) => Number(stat.mtimeNs / 1_000_000_000n) });
    const entries = sorted(found.values()).map((entry) => [entry.path, identity(entry), entry.mtime]);
    const said = [...store.manifestOf(n).values()].map((entry) => [entry.path, identity(entry), entry.mtime]);
    assert.deepEqual(entries, said, store.noteOf(n).name);
  }
  return trees;
}

test('packages are unpacked by no dpkg, and the image is as if they were', () => {
  const project = makeProject({
    bus: 'install_debian_deb dbus\n',
    jobs: 'need bus\ninstall_debian_deb cron\ndo_run() { echo "* * * * * root true" > /etc/cron.d/mine; }\n',
    lib: 'install_debian_deb libyaml-0-2\n',
    net: 'need lib\ninstall_debian_deb netbase\n',
  });
  build(project);
  for (const name of ['bus', 'jobs', 'lib', 'net']) assert.deepEqual(unpackedIn(project, name), [], name);
  isSameAsBefore(project);
  assert.ok(treesAreWhole(project) >= 4);
});

test('a file is one inode in the tree of its deb, in the layer, in another layer and in the image', () => {
  const project = makeProject({
    net: 'install_debian_deb netbase\n',
    both: 'install_debian_deb netbase libyaml-0-2\n',
  });
  build(project);
  using store = new Store(project);
  const path = 'usr/share/doc/netbase/copyright' as TreePath;
  const inodes = store.holdersOf(path).map((n) => lstatSync(join(store.treeOf(n), path)).ino);
  assert.equal(inodes.length, 3);
  assert.deepEqual(new Set([...inodes, lstatSync(join(project, 'images/a', path)).ino]).size, 1);
});

test("what a scriptlet does to a package's files stays its own, and the tree of the deb as it was", () => {
  const project = makeProject({
    net: `install_debian_deb netbase
do_run() {
  echo more >> /etc/services
  chmod 600 /etc/protocols
  mv /usr/share/doc/netbase /usr/share/doc/elsewhere
  ln /usr/share/doc/elsewhere/copyright /opt/copyright
  rm /etc/rpc
  touch -d @1 /etc/ethertypes
}
`,
  });
  build(project);
  assert.ok(treesAreWhole(project) > 0);
  isSameAsBefore(project);
  const image = join(project, 'images/a');
  assert.match(readFileSync(join(image, 'etc/services'), 'utf8'), /\nmore\n$/);
  assert.equal(lstatSync(join(image, 'etc/protocols')).mode & 0o777, 0o600);
  assert.equal(lstatSync(join(image, 'etc/rpc'), { throwIfNoEntry: false }), undefined);
  assert.equal(lstatSync(join(image, 'usr/share/doc/netbase'), { throwIfNoEntry: false }), undefined);
  edit(project, 'scriptlets/net.sh', (text) => text.replace(/do_run[\s\S]*/, ''));
  build(project);
  assert.doesNotMatch(readFileSync(join(image, 'etc/services'), 'utf8'), /more/);
});

const LEFT_TO_DPKG: readonly [string, string][] = [
  ['a configuration file that is there already', 'echo mine > /etc/protocols'],
  [
    'another file that is there already',
    'mkdir -p /usr/share/doc/netbase; echo mine > /usr/share/doc/netbase/copyright',
  ],
  ['a link in the place of a folder', 'mkdir -p /opt/doc; ln -s /opt/doc /usr/share/doc/netbase'],
  ['a diversion', 'dpkg-divert --quiet --local --rename --add /etc/services'],
  ['an override', 'dpkg-statoverride --add root adm 640 /etc/rpc'],
  ['a path that is left out', 'echo path-exclude=/etc/rpc > /etc/dpkg/dpkg.cfg.d/mine'],
  [
    'a package that was there once',
    'printf "netbase deinstall\\n" | dpkg --set-selections || true; printf "Package: netbase\\nStatus: deinstall ok config-files\\nArchitecture: all\\nVersion: 5\\nMaintainer: x\\nDescription: x\\n\\n" >> /var/lib/dpkg/status; : > /var/lib/dpkg/info/netbase.list',
  ],
];

for (const [what, command] of LEFT_TO_DPKG) {
  test(`${what} is left to dpkg`, () => {
    const project = makeProject({
      first: `do_run() { ${command}; }\n`,
      net: 'need first\ninstall_debian_deb netbase libyaml-0-2\n',
    });
    build(project);
    const alone = what === 'a path that is left out';
    assert.deepEqual(
      unpackedIn(project, 'net').sort(),
      alone ? ['libyaml-0-2:amd64', 'netbase'] : ['netbase'],
    );
    isSameAsBefore(project);
  });
}

test('the base of trees is that of mmdebstrap, but for what is allowed', () => {
  const project = makeProject({}, { store: 'empty' });
  build(project);
  edit(project, 'conf/a.toml', (text) => `bootstrap = "mmdebstrap"\n${text}`);
  const { ran } = build(project);
  assert.deepEqual(ran, ['base']);
  using store = new Store(project);
  const numbers = readdirSync(store.layout.layers).map(Number);
  const bases = numbers.filter((n) => store.noteOf(n).kind === 'base').sort((a, b) => a - b);
  assert.equal(bases.length, 2);
  const [trees, mmdebstrap] = bases.map((n) => store.manifestOf(n));
  const paths = new Set([...trees!.values(), ...mmdebstrap!.values()].map(({ path }) => path));
  const differ = [...paths].filter((path) => {
    const [a, b] = [trees!.get(path), mmdebstrap!.get(path)];
    return !a || !b || identity(a) !== identity(b) || a.mtime !== b.mtime;
  });
  // dpkg takes its own architecture for the only one where the file is missing.
  assert.deepEqual(differ, ['var/lib/dpkg/arch']);
  assert.deepEqual(store.recordsOf(bases[0]!), store.recordsOf(bases[1]!));
});

test("an image has the linker's cache, although no layer over the base brings a library", () => {
  const project = makeProject({ file: 'do_run() { ldconfig; echo mine > /etc/mine; }\n' });
  build(project);
  assert.ok(lstatSync(join(project, 'images/a/etc/ld.so.cache')).size > 1000);
  isSameAsBefore(project);
});

test('the debs of a base are unpacked before those of what goes on it', () => {
  const project = makeProject(
    {
      bus: 'install_debian_deb dbus\n',
      jobs: 'install_debian_deb cron\n',
      net: 'install_debian_deb netbase libyaml-0-2\n',
    },
    { store: 'empty' },
  );
  build(project);
  const lock = parseLock(readFileSync(join(project, 'conf/a.lock'), 'utf8'), join(project, 'conf/a.lock'));
  const base = new Set(lock.base.map((id) => `deb/${lock.pins.get(id)!.name}`));
  using store = new Store(project);
  const { rows } = store.inventory();
  const isOfBase = rows.filter(({ kind }) => kind === 'deb').map(({ name }) => base.has(name));
  const others = isOfBase.filter((is) => !is).length;
  assert.ok(others >= 4, String(others));
  // Of those that are unpacked side by side, a small one is done before a large one that was begun earlier.
  const late = isOfBase.slice(isOfBase.indexOf(false)).filter(Boolean).length;
  assert.ok(late <= availableParallelism(), `${late} of the base's came after one of the others'`);
});
