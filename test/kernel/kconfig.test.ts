import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SnapError } from '../../src/host/error.ts';
import {
  canonical,
  mergeFragments,
  overlay,
  readConfig,
  readFragment,
  sameValue,
  tellContradiction,
} from '../../src/kernel/kconfig.ts';

test('every form of a setting is read, with its file and line', () => {
  const text = [
    '# a comment',
    'CONFIG_EXT4_FS=y',
    '',
    '  CONFIG_USB=m\t\r',
    'CONFIG_SMP=n',
    '# CONFIG_PM is not set',
    'CONFIG_LOCALVERSION="-x \\"quoted\\" \\\\ # 1"',
    'CONFIG_NR_CPUS=8',
    'CONFIG_PANIC_TIMEOUT=-1',
    'CONFIG_PHYSICAL_START=0x1000000',
  ].join('\n');
  assert.deepEqual(
    readFragment(text, 'a.kconfig').map(({ symbol, value, file, line }) => [
      symbol,
      value,
      `${file}:${line}`,
    ]),
    [
      ['EXT4_FS', 'y', 'a.kconfig:2'],
      ['USB', 'm', 'a.kconfig:4'],
      ['SMP', 'n', 'a.kconfig:5'],
      ['PM', 'n', 'a.kconfig:6'],
      ['LOCALVERSION', '"-x \\"quoted\\" \\\\ # 1"', 'a.kconfig:7'],
      ['NR_CPUS', '8', 'a.kconfig:8'],
      ['PANIC_TIMEOUT', '-1', 'a.kconfig:9'],
      ['PHYSICAL_START', '0x1000000', 'a.kconfig:10'],
    ],
  );
});

test('all wrong lines of a fragment are told at once, each with its line and what is wrong', () => {
  const error = thrown(() =>
    readFragment(
      'CONFIG_A=y # why\nEXT4_FS=y\nCONFIG_B=Y\nCONFIG_C=\nCONFIG_D="x\nCONFIG_E=maybe\nCONFIG_F=y\n',
      'x.kconfig',
    ),
  );
  assert.equal(error.message, 'Cannot read kconfig fragment "x.kconfig": 6 lines are wrong');
  assert.deepEqual(error.lines, [
    'x.kconfig:1: CONFIG_A=y # why: a comment needs a line of its own',
    'x.kconfig:2: "EXT4_FS=y" is no setting',
    'x.kconfig:3: CONFIG_B=Y: write "y" in lower case',
    'x.kconfig:4: CONFIG_C has no value: write "# CONFIG_C is not set" or a value',
    'x.kconfig:5: CONFIG_D="x: the string is not closed, or text follows it',
    'x.kconfig:6: CONFIG_E=maybe: neither y, m or n, nor a "string", nor a number',
  ]);
});

test('a symbol that one fragment sets twice is refused with both lines', () => {
  const error = thrown(() => readFragment('CONFIG_A=y\n\n# CONFIG_A is not set\n', 'x.kconfig'));
  assert.deepEqual(error.lines, ['x.kconfig:3: CONFIG_A is set in line 1 already']);
});

test('the later fragment wins, and two that contradict each other are named', () => {
  const { settings, contradictions } = mergeFragments([
    readFragment('CONFIG_B=y\nCONFIG_A=y\nCONFIG_N=0x10\n', 'a.kconfig'),
    readFragment('CONFIG_A=m\nCONFIG_B=y\nCONFIG_N=16\n', 'b.kconfig'),
  ]);
  assert.deepEqual(
    settings.map(({ symbol, value, file }) => `${symbol}=${value} ${file}`),
    ['A=m b.kconfig', 'B=y b.kconfig', 'N=16 b.kconfig'],
  );
  assert.deepEqual(contradictions.map(tellContradiction), [
    'CONFIG_A=y in a.kconfig:2 is overridden by CONFIG_A=m in b.kconfig:1',
  ]);
});

test('comments, white space, order and the spelling of "not set" do not change the canonical text', () => {
  const canonicalOf = (...texts: string[]): string =>
    canonical(mergeFragments(texts.map((text, index) => readFragment(text, `${index}`))).settings);
  const one = canonicalOf('CONFIG_B=y\nCONFIG_A=n\n', 'CONFIG_S="a\\"b"\n');
  assert.equal(one, '# CONFIG_A is not set\nCONFIG_B=y\nCONFIG_S="a\\"b"\n');
  assert.equal(canonicalOf('# why\nCONFIG_S="\\a\\"b"\n\n#CONFIG_A is not set\n', ' CONFIG_B=y '), one);
  assert.notEqual(canonicalOf('CONFIG_B=m\nCONFIG_A=n\nCONFIG_S="a\\"b"'), one);
  assert.notEqual(canonicalOf('CONFIG_B=y\nCONFIG_S="a\\"b"'), one);
});

test('settings take the place of what a full configuration says of their symbols', () => {
  const base = '#\n# General\n#\nCONFIG_A=y\n# CONFIG_B is not set\nCONFIG_AB=y\n';
  assert.equal(
    overlay(base, readFragment('CONFIG_B=m\nCONFIG_A=n\n', 'f')),
    '#\n# General\n#\nCONFIG_AB=y\n# CONFIG_A is not set\nCONFIG_B=m\n',
  );
});

test('a configuration of the kernel is read back', () => {
  assert.deepEqual(
    [...readConfig('#\n# Automatically generated\n#\nCONFIG_A=y\n# CONFIG_B is not set\nCONFIG_S=""\n')],
    [
      ['A', 'y'],
      ['B', 'n'],
      ['S', '""'],
    ],
  );
});

test('numbers are compared as numbers, and all else as it is written', () => {
  assert.ok(sameValue('0x1F', '0x1f'));
  assert.ok(sameValue('1000', '0x1000'));
  assert.ok(sameValue('-1', '-1'));
  assert.ok(!sameValue('10', '0xA'));
  assert.ok(!sameValue('"y"', 'y'));
  assert.ok(!sameValue('"1"', '1'));
});

function thrown(act: () => unknown): SnapError {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof SnapError, String(error));
    return error;
  }
  assert.fail('nothing was thrown');
}
