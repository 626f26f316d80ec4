import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from '../../src/host/program.ts';
import { kconfigError, type Problem, tellProblem } from '../../src/kernel/check-kconfig.ts';
import { findProblems, type KconfigTree } from '../../src/kernel/facts.ts';
import { mergeFragments, overlay, readFragment } from '../../src/kernel/kconfig.ts';
import { kconfigSource } from './linux.ts';

const folder = mkdtempSync(join(tmpdir(), 'snap-kconfig-'));
const built = join(folder, 'build');
const make = `make --no-print-directory -C ${kconfigSource()} O=${built} ARCH=x86_64`;
let base = '';
let problems: readonly Problem[] = [];

/** All in one configuration, which takes seconds to make. */
const FRAGMENTS = {
  'default.kconfig': [
    'CONFIG_64BIT=y',
    'CONFIG_BLOCK=y',
    '# CONFIG_PRINTK is not set',
    '# CONFIG_DEBUG_KERNEL is not set',
    'CONFIG_KERNEL_GZIP=y',
    'CONFIG_EXT4_FS=m',
    'CONFIG_SMP=m',
    'CONFIG_LOCALVERSION=y',
    'CONFIG_DEFAULT_HOSTNAME="a\\"b"',
    'CONFIG_PANIC_TIMEOUT=-1',
    '# CONFIG_BUG is not set',
  ],
  'device-x.kconfig': [
    '# flash',
    '',
    'CONFIG_SQUASHFS=y',
    'CONFIG_E1000E=y',
    'CONFIG_LOG_BUF_SHIFT=14',
    'CONFIG_SQASHFS=y',
    '# CONFIG_EXT4 is not set',
    'CONFIG_ARM64_PAN=y',
    'CONFIG_KERNEL_LZ4=y',
    'CONFIG_CC_IS_CLANG=y',
    'CONFIG_HZ=77',
  ],
};

before(async () => {
  mkdirSync(built);
  await sh(`${make} -s tinyconfig`);
  base = readFileSync(join(built, '.config'), 'utf8');
  problems = await problemsOf(
    Object.fromEntries(Object.entries(FRAGMENTS).map(([name, lines]) => [name, lines.join('\n')])),
  );
});
after(() => rmSync(folder, { recursive: true }));

test('a symbol whose dependency is not met is told with that dependency', () => {
  assert.deepEqual(told('SQUASHFS', 'E1000E'), [
    'CONFIG_E1000E=y in device-x.kconfig:4 is not set: depends on NETDEVICES=n, which depends on NET=n and ETHERNET=n and NET_VENDOR_INTEL=n and PCI=n',
    'CONFIG_SQUASHFS=y in device-x.kconfig:3 is not set: depends on MISC_FILESYSTEMS=n',
  ]);
});

test('one error tells all, and what to ask for', () => {
  const error = kconfigError(
    'the kernel of "k"',
    problems.filter(({ setting }) => /^SQUASHFS|^E1000E/.test(setting.symbol)),
  );
  assert.equal(error.message, 'Cannot configure the kernel of "k": 2 settings are not as asked for');
  assert.equal(error.lines.length, 2);
  assert.equal(
    error.hint,
    'ask for CONFIG_NET=y, CONFIG_NETDEVICES=y, CONFIG_ETHERNET=y, CONFIG_NET_VENDOR_INTEL=y, CONFIG_PCI=y, CONFIG_MISC_FILESYSTEMS=y too, or take the lines out',
  );
});

test('what came out as asked for is not told', () => {
  assert.deepEqual(
    told('64BIT', 'BLOCK', 'PRINTK', 'DEFAULT_HOSTNAME', 'PANIC_TIMEOUT', 'KERNEL_LZ4', 'BUG'),
    [],
  );
});

test('a dependency that a fragment itself turns off is told with its place', () => {
  assert.deepEqual(told('LOG_BUF_SHIFT'), [
    'CONFIG_LOG_BUF_SHIFT=14 in device-x.kconfig:5 is not set: depends on PRINTK=n (default.kconfig:3)',
  ]);
});

test('an unknown symbol gets the nearest names, also where it is asked not to be set', () => {
  assert.deepEqual(told('SQASHFS', 'EXT4'), [
    'CONFIG_EXT4=n in device-x.kconfig:7: this kernel has no such symbol; the nearest: CONFIG_EXT4_FS, CONFIG_EXT4_DEBUG',
    'CONFIG_SQASHFS=y in device-x.kconfig:6: this kernel has no such symbol; the nearest: CONFIG_SQUASHFS, CONFIG_SYSFS',
  ]);
});

test('a symbol of another architecture is told as one', () => {
  assert.deepEqual(told('ARM64_PAN'), [
    'CONFIG_ARM64_PAN=y in device-x.kconfig:8: this architecture has no such symbol, it is one of arm64',
  ]);
});

test('a symbol that something selects cannot be turned off, and one without prompt cannot be asked for', () => {
  assert.deepEqual(told('CC_IS_CLANG', 'DEBUG_KERNEL', 'HZ'), [
    'CONFIG_CC_IS_CLANG=y in device-x.kconfig:10 is not set: it has no prompt; its default is n',
    'CONFIG_DEBUG_KERNEL=n in default.kconfig:4 came out as y: selected by EXPERT=y',
    'CONFIG_HZ=77 in device-x.kconfig:11 came out as 250: it has no prompt; its default is 100 if HZ_100=n, else 250 if HZ_250=y, else 300 if HZ_300=n, else 1000 if HZ_1000=n',
  ]);
});

test('of two members of a choice the one that came out otherwise is told with the other one', () => {
  assert.deepEqual(told('KERNEL_GZIP'), [
    'CONFIG_KERNEL_GZIP=y in default.kconfig:5 is not set: the choice "Kernel compression mode" is CONFIG_KERNEL_LZ4=y in device-x.kconfig:9',
  ]);
});

test('a module is told that cannot be one, or not without modules', () => {
  assert.deepEqual(told('EXT4_FS', 'SMP'), [
    'CONFIG_EXT4_FS=m in default.kconfig:6 came out as y: modules are off, MODULES=n',
    'CONFIG_SMP=m in default.kconfig:7 is not set: it is y or n, never a module',
  ]);
});

test('a value of another type is told', () => {
  assert.deepEqual(told('LOCALVERSION'), [
    'CONFIG_LOCALVERSION=y in default.kconfig:8 came out as "": it is a "string"',
  ]);
});

test('y that comes out as m and a value out of range are told; where all is as asked for the kernel is not asked', async () => {
  const modules = 'CONFIG_MODULES=y\nCONFIG_NET=y\nCONFIG_PRINTK=y\nCONFIG_CFG80211=m\n';
  const found = await problemsOf({ 'm.kconfig': `${modules}CONFIG_MAC80211=y\nCONFIG_LOG_BUF_SHIFT=99\n` });
  assert.deepEqual(found.map(tellProblem), [
    'CONFIG_LOG_BUF_SHIFT=99 in m.kconfig:6 came out as 17: its range is 12 to 25',
    'CONFIG_MAC80211=y in m.kconfig:5 came out as m: depends on CFG80211=m (m.kconfig:4)',
  ]);
  const { settings } = mergeFragments([readFragment(modules, 'm.kconfig')]);
  const nothing = { ...host, run: () => assert.fail('the kernel was asked') };
  assert.deepEqual(await findProblems(nothing, settings, readFileSync(join(built, '.config'), 'utf8')), []);
});

test('where the Kconfig files cannot be asked, what came out otherwise is told all the same', async () => {
  const { settings } = mergeFragments([readFragment('CONFIG_SQUASHFS=y\n', 'f.kconfig')]);
  const broken = { ...host, make: 'false' };
  assert.deepEqual((await findProblems(broken, settings, base)).map(tellProblem), [
    'CONFIG_SQUASHFS=y in f.kconfig:1 is not set',
  ]);
});

const host: KconfigTree = {
  make,
  async run(script, files) {
    const given = mkdtempSync(join(folder, 'files-'));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(given, name), text);
    return sh(script, { FILES: given });
  },
};

/** On the real tinyconfig of the real source. */
async function problemsOf(fragments: Readonly<Record<string, string>>): Promise<Problem[]> {
  const { settings } = mergeFragments(
    Object.entries(fragments).map(([name, text]) => readFragment(text, name)),
  );
  const config = join(built, '.config');
  writeFileSync(config, overlay(base, settings));
  await sh(`${make} -s olddefconfig`);
  return findProblems(host, settings, readFileSync(config, 'utf8'));
}

function told(...symbols: readonly string[]): string[] {
  return problems.filter(({ setting }) => symbols.includes(setting.symbol)).map(tellProblem);
}

function sh(script: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  return run(['/bin/sh', '-c', script], { env });
}
