import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { SHARED_DEBS, shareDebs } from '../build/shared-debs.ts';
import { edit, makeProject, write } from '../build/small-project.ts';
import { kconfigSource } from '../kernel/linux.ts';
import { type Outcome, SNAP, snap } from './launcher.ts';
import { type Step, typeInto } from './terminal.ts';

/** A kernel of the real source's Kconfig files, which takes seconds to unpack, in the real builder view. */
const project = makeProject({}, { apt: true });
const data = join(project, 'scriptlets', 'kernel');

const DEFAULT = `# The flash of the device
CONFIG_BLOCK=y
CONFIG_SQUASHFS=y

CONFIG_SNAP_TEST=y
`;

const PATCH = `--- a/init/Kconfig
+++ b/init/Kconfig
@@ -1,3 +1,6 @@
 # SPDX-License-Identifier: GPL-2.0-only
+config SNAP_TEST
+	bool "Comes with a patch"
+
 config CC_VERSION_TEXT
 	string
`;

before(() => {
  const sha256 = placeSource();
  const kernel = (builder: string): string =>
    `kernel_source http://127.0.0.1:1/linux.tar ${sha256}\nkernel_patches patches\nkernel_kconfig default.kconfig device-*.kconfig\nbuild_need ${builder}\n`;
  write(project, {
    'conf/a.toml': 'suite = "bookworm"\narch = "amd64"\nscriptlets = ["kernel"]\n',
    'conf/b.toml': 'suite = "bookworm"\narch = "amd64"\nscriptlets = ["other"]\n',
    'scriptlets/kernel.sh': kernel('builder'),
    'scriptlets/other.sh': kernel('bare'),
    'scriptlets/builder.sh': 'install_debian_deb gcc libc6-dev make flex bison patch libncurses-dev\n',
    'scriptlets/bare.sh': 'need builder\ndo_run() { rm -f "$IMAGE_DIR"/usr/include/ncurses*.h; }\n',
    'scriptlets/kernel/default.kconfig': DEFAULT,
    'scriptlets/kernel/device-x.kconfig': 'CONFIG_PRINTK=y\n',
    'scriptlets/kernel/patches/series': 'symbol.patch\n',
    'scriptlets/kernel/patches/symbol.patch': PATCH,
  });
  execFileSync('cp', ['-a', data, join(project, 'scriptlets', 'other')]);
  done(snap(['-C', project, 'lock', 'a']));
  copyFileSync(join(project, 'conf', 'a.lock'), join(project, 'conf', 'b.lock'));
  shareDebs(SHARED_DEBS, join(project, 'store', 'debs'));
});

test('config tells where each line comes from, and what is not as asked for', () => {
  const { status, stdout, stderr } = snap(['-C', project, 'kernel', 'config', 'a', '--diff']);
  shareDebs(join(project, 'store', 'debs'), SHARED_DEBS);
  assert.equal(status, 1, stderr);
  const lines = stdout.split('\n').map((line) => line.replace(/ +/g, ' '));
  assert.equal(lines[0], 'setting tinyconfig from');
  for (const line of [
    'CONFIG_BLOCK=y n default.kconfig:2',
    'CONFIG_SNAP_TEST=y n default.kconfig:5',
    'CONFIG_PRINTK=y n device-x.kconfig:1',
    'CONFIG_LOG_BUF_SHIFT=17 default',
    'CONFIG_SBITMAP=y selected by BLOCK',
  ]) {
    assert.ok(lines.includes(line), `${line}\n${stdout}`);
  }
  assert.ok(!stdout.includes('CONFIG_EMBEDDED'), 'a line that is as in the base');
  assert.match(stderr, /CONFIG_SQUASHFS=y in default\.kconfig:3 is not set: depends on MISC_FILESYSTEMS=n\n/);
});

test('the menus begin with what is asked for, and only what was chosen in them is written', async () => {
  edit(project, 'scriptlets/kernel/device-x.kconfig', (text) => `# What x has\n${text}`);
  const { status, screen } = await menus('device-x.kconfig', [
    ...search('MISC_FILESYSTEMS', 'y'),
    ...search('PRINTK_TIME', 'y'),
    ...leave,
  ]);
  assert.equal(status, 0, screen);
  assert.equal(
    readFileSync(join(data, 'device-x.kconfig'), 'utf8'),
    '# What x has\nCONFIG_PRINTK=y\nCONFIG_MISC_FILESYSTEMS=y\nCONFIG_PRINTK_TIME=y\n',
  );
  assert.equal(readFileSync(join(data, 'default.kconfig'), 'utf8'), DEFAULT);
  assert.match(screen, /scriptlets\/kernel\/device-x\.kconfig\s/);
  assert.match(screen, /\+CONFIG_MISC_FILESYSTEMS=y/);
});

test('now all is as asked for: config says so as JSON', () => {
  const { status, stdout, stderr } = snap(['-C', project, 'kernel', 'config', 'a', 'kernel', '--json']);
  assert.equal(status, 0, stderr);
  const value = JSON.parse(stdout);
  assert.deepEqual(
    [value.conf, value.scriptlet, value.base, value.problems],
    ['a', 'kernel', 'tinyconfig', []],
  );
  const line = (symbol: string) => value.lines.find((one: { symbol: string }) => one.symbol === symbol);
  assert.deepEqual(line('SQUASHFS'), {
    symbol: 'SQUASHFS',
    value: 'y',
    origin: { kind: 'fragment', file: 'default.kconfig', line: 3 },
    base: null,
  });
  assert.deepEqual(line('EMBEDDED')?.origin, { kind: 'base', name: 'tinyconfig' });
});

test('what a fragment asks for is changed where it stands, and what a later one decides is told', async () => {
  edit(project, 'scriptlets/kernel/device-x.kconfig', (text) => `${text}CONFIG_MINIX_FS=y\n`);
  const { status, screen } = await menus('default.kconfig', [
    ...search('SQUASHFS', 'n'),
    ...search('MINIX_FS', 'n'),
    ...leave,
  ]);
  assert.equal(status, 1, screen);
  assert.match(
    screen,
    /CONFIG_MINIX_FS=n was chosen, but CONFIG_MINIX_FS=y in device-x\.kconfig:5 comes later/,
  );
  assert.equal(
    readFileSync(join(data, 'default.kconfig'), 'utf8'),
    `${DEFAULT.replace('CONFIG_SQUASHFS=y', '# CONFIG_SQUASHFS is not set')}# CONFIG_MINIX_FS is not set\n`,
  );
});

test('menus that are left as they are change nothing, and leave no new fragment behind', async () => {
  const { status, screen } = await menus('device-new.kconfig', [{ see: /Arrow keys/, type: ESCAPE }]);
  assert.equal(status, 0, screen);
  assert.match(screen, /device-new\.kconfig: nothing changed/);
  assert.deepEqual(readdirSync(data).sort(), ['default.kconfig', 'device-x.kconfig', 'patches']);
});

test('a shell is in the patched source, and what is changed there is gone afterwards', () => {
  const script = 'pwd; grep -A1 SNAP_TEST init/Kconfig; make -s kernelversion; echo gone > init/Kconfig';
  const inside = snap(['-C', project, 'kernel', 'shell', 'kernel', '--', 'sh', '-c', script]);
  assert.equal(inside.status, 0, inside.stderr);
  assert.match(
    inside.stdout,
    /^\/usr\/src\/linux\nconfig SNAP_TEST\n\tbool "Comes with a patch"\n6\.1\.\d+\n$/,
  );
  const { stdout, status } = snap([
    '-C',
    project,
    'kernel',
    'shell',
    'kernel',
    '--',
    'sh',
    '-c',
    'cat init/Kconfig; exit 7',
  ]);
  assert.match(stdout, /SNAP_TEST/);
  assert.equal(status, 7);
});

test('without ncurses in the builder view the error says what to install, and where', async () => {
  const { status, screen } = await menus('default.kconfig', [], 'other');
  assert.equal(status, 1);
  assert.match(screen, /Cannot draw menus: there is no ncurses where the kernel of "other" is built/);
  assert.match(screen, /install_debian_deb libncurses-dev in scriptlets\/bare\.sh/);
});

test('what cannot be opened is told before anything is made', async () => {
  const none = snap(['-C', project, 'kernel', 'menuconfig', 'kernel', 'default.kconfig']);
  assert.deepEqual(
    [none.status, none.stderr.split('\n')[0]],
    [2, 'snap: Cannot open menus: standard input and output are no terminal'],
  );
  const { status, screen } = await menus('devise-x.kconfig', []);
  assert.equal(status, 2, screen);
  assert.match(
    screen,
    /"devise-x\.kconfig" is no fragment of the kernel of "kernel"[\s\S]*did you mean "device-x\.kconfig"/,
  );
  assert.ok(!existsSync(join(data, 'devise-x.kconfig')));
  const unknown = snap(['-C', project, 'kernel', 'config', 'a', 'kernle']);
  assert.deepEqual(
    [unknown.status, unknown.stderr],
    [2, 'snap: Conf "a" does not have a kernel "kernle"\nhint: there are: "kernel"\n'],
  );
});

const ESCAPE = '\x1b\x1b';
const leave: readonly Step[] = [
  { see: /Arrow keys/, type: ESCAPE },
  { see: /save your new configuration/, type: '\r' },
];

/** Looks a symbol up, goes to where it stands, presses a key on it, and comes back to the top. */
function search(symbol: string, key: string): Step[] {
  return [
    { see: /Arrow keys/, type: '/' },
    { see: /Enter \(sub\)string/, type: `${symbol}$\r` },
    { see: /Symbol: /, type: '1' },
    { see: /Arrow keys/, type: key },
    { see: /./, type: ESCAPE },
    { see: /Symbol: /, type: ESCAPE },
  ];
}

function menus(fragment: string, steps: readonly Step[], scriptlet = 'kernel') {
  return typeInto(`'${SNAP}' -C '${project}' kernel menuconfig ${scriptlet} ${fragment}`, steps);
}

/** The source as it lies in the store once it is fetched. */
function placeSource(): string {
  const sources = join(project, 'store', 'sources');
  mkdirSync(sources, { recursive: true });
  const archive = join(sources, 'linux.tar');
  execFileSync('tar', ['-C', kconfigSource(), '--transform', 's,^\\.,linux,', '-cf', archive, '.']);
  const sha256 = createHash('sha256').update(readFileSync(archive)).digest('hex');
  renameSync(archive, join(sources, sha256));
  return sha256;
}

function done({ status, stderr }: Outcome): void {
  if (status !== 0) throw new Error(stderr);
}
