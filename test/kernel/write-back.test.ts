import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from '../../src/host/program.ts';
import { overlay, readFragment } from '../../src/kernel/kconfig.ts';
import { type Desk, tryOut, writeBack } from '../../src/kernel/write-back.ts';
import { kconfigSource } from './linux.ts';

const folder = mkdtempSync(join(tmpdir(), 'snap-write-back-'));
const built = join(folder, 'build');
let base = '';

before(async () => {
  mkdirSync(built);
  await make('tinyconfig');
  base = readFileSync(join(built, '.config'), 'utf8');
});
after(() => rmSync(folder, { recursive: true }));

const DEFAULT = 'CONFIG_BLOCK=y\nCONFIG_KERNEL_GZIP=y\nCONFIG_PRINTK=y\n';

test('of a choice, of a symbol with what follows it, and of a default, one line each is written', async () => {
  const { text, undone } = await chosen(
    'CONFIG_KERNEL_LZ4=y\n# CONFIG_KERNEL_GZIP is not set\nCONFIG_MISC_FILESYSTEMS=y\nCONFIG_SQUASHFS=y\nCONFIG_LOG_BUF_SHIFT=15\n',
  );
  assert.deepEqual(undone, []);
  assert.equal(
    text,
    '# Of x\n# CONFIG_KERNEL_GZIP is not set\nCONFIG_KERNEL_LZ4=y\nCONFIG_LOG_BUF_SHIFT=15\nCONFIG_MISC_FILESYSTEMS=y\nCONFIG_SQUASHFS=y\n',
  );
});

test('what another fragment asks for is asked for otherwise, and what goes with it is not written', async () => {
  const { text, undone } = await chosen('# CONFIG_PRINTK is not set\n');
  assert.deepEqual([text, undone], ['# Of x\n# CONFIG_PRINTK is not set\n', []]);
});

test('nothing chosen is nothing written', async () => {
  const { text } = await chosen('');
  assert.equal(text, '# Of x\n');
});

/** What is written into an empty fragment after the default one, when these are chosen. */
async function chosen(settings: string) {
  const fragments = [
    { path: 'default.kconfig', settings: readFragment(DEFAULT, 'default.kconfig') },
    { path: 'x.kconfig', settings: [] },
  ];
  const desk: Desk = {
    base,
    fragments,
    edited: 'x.kconfig',
    complete: (config) => configure('olddefconfig', config, '.config'),
    reduce: (config) => configure('savedefconfig', config, 'defconfig'),
  };
  const begun = await tryOut(desk, '# Of x\n');
  return writeBack(desk, begun, await desk.complete(overlay(begun.config, readFragment(settings, 'menus'))));
}

async function configure(goal: string, config: string, result: string): Promise<string> {
  writeFileSync(join(built, '.config'), config);
  await make(goal);
  return readFileSync(join(built, result), 'utf8');
}

function make(goal: string): Promise<string> {
  return run(['make', '-s', '-C', kconfigSource(), `O=${built}`, 'ARCH=x86_64', goal]);
}
