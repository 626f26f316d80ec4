import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  archOf,
  compareKernels,
  missingSymbols,
  readKernelConfig,
  rootKindFor,
} from '../../src/machine/kernel-config.ts';
import { machineOf, runsPrograms } from '../../src/machine/machine.ts';

const WHOLE = ['SQUASHFS', 'OVERLAY_FS', 'TMPFS', 'DEVTMPFS', 'DEVTMPFS_MOUNT', 'VIRTIO_BLK', 'BINFMT_SCRIPT']
  .concat('SERIAL_8250_CONSOLE', 'VIRTIO_PCI')
  .map((symbol) => `CONFIG_${symbol}=y\n`)
  .join('');

function missing(text: string, { initrd = false } = {}): string[] {
  return missingSymbols(readKernelConfig(text), machineOf('amd64'), 'squashfs', initrd);
}

test('the newest kernel is the one with the largest numbers', () => {
  const names = ['6.1.9-device', '6.1.10', '6.1.0-10-amd64', '6.1.0-9-amd64', '5.10.200', '6.1.10-rc1'];
  assert.deepEqual(names.sort(compareKernels), [
    '5.10.200',
    '6.1.0-9-amd64',
    '6.1.0-10-amd64',
    '6.1.9-device',
    '6.1.10',
    '6.1.10-rc1',
  ]);
});

test('a kernel that lacks something for the virtual machine is told so by its symbols', () => {
  assert.deepEqual(missing(WHOLE), []);
  const less = WHOLE.replace('CONFIG_OVERLAY_FS=y', '# CONFIG_OVERLAY_FS is not set').replace(
    'CONFIG_VIRTIO_PCI=y\n',
    '',
  );
  assert.deepEqual(missing(less), ['OVERLAY_FS', 'VIRTIO_PCI']);
});

test('a module is of use only where there is an initrd', () => {
  const modular = WHOLE.replace('SQUASHFS=y', 'SQUASHFS=m');
  assert.deepEqual([missing(modular), missing(modular, { initrd: true })], [['SQUASHFS'], []]);
});

test('a kernel with erofs alone gets an erofs', () => {
  const erofs = readKernelConfig('CONFIG_EROFS_FS=y\n# CONFIG_SQUASHFS is not set\n');
  assert.deepEqual(
    [rootKindFor(erofs), rootKindFor(readKernelConfig(WHOLE)), rootKindFor(undefined)],
    ['erofs', 'squashfs', 'squashfs'],
  );
});

test("a kernel's configuration tells what it is for", () => {
  const archs = ['X86_64', 'X86_32', 'ARM64', 'ARM', 'S390', 'ALPHA'].map((symbol) =>
    archOf(readKernelConfig(`CONFIG_64BIT=y\nCONFIG_${symbol}=y\nCONFIG_ARM_AMBA=y\n`)),
  );
  assert.deepEqual(archs, ['amd64', 'i386', 'arm64', 'armhf', 's390x', undefined]);
});

test('a kernel may run the programs of a smaller architecture, and of no other', () => {
  const runs = (['amd64 i386', 'arm64 armhf', 'arm64 arm64', 'i386 amd64', 'arm64 amd64'] as const).filter(
    (pair) => {
      const [kernel = '', programs = ''] = pair.split(' ');
      return runsPrograms(kernel, programs);
    },
  );
  assert.deepEqual(runs, ['amd64 i386', 'arm64 armhf', 'arm64 arm64']);
});
