import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesOf, editFragment } from '../../src/kernel/fragment-edit.ts';
import { readConfig, readFragment } from '../../src/kernel/kconfig.ts';

const FRAGMENT = `# Flash of the device
CONFIG_MTD=y

# CONFIG_SWAP is not set
 CONFIG_NR_CPUS=8
`;

test('a line that changes takes the place of the old one, new ones come at the end, all else stays as it is', () => {
  const changes = new Map([
    ['SWAP', 'y'],
    ['USB', 'm'],
    ['NR_CPUS', '0x8'],
    ['EXT4_FS', 'n'],
  ]);
  assert.equal(
    editFragment(FRAGMENT, 'f', changes, ['EXT4_FS', 'USB']),
    `# Flash of the device
CONFIG_MTD=y

CONFIG_SWAP=y
 CONFIG_NR_CPUS=8
# CONFIG_EXT4_FS is not set
CONFIG_USB=m
`,
  );
});

test('without changes not a byte of a fragment changes, with or without a newline at its end', () => {
  for (const text of [FRAGMENT, FRAGMENT.trimEnd(), '', '\n']) {
    assert.equal(editFragment(text, 'f', new Map()), text);
    assert.equal(editFragment(text, 'f', new Map([['GONE', undefined]])), text);
  }
  assert.equal(editFragment('CONFIG_A=y', 'f', new Map([['B', 'y']])), 'CONFIG_A=y\nCONFIG_B=y\n');
  assert.equal(editFragment('', 'f', new Map([['B', 'y']])), 'CONFIG_B=y\n');
});

test('a line of which nothing is asked any more goes', () => {
  assert.equal(editFragment('CONFIG_A="x"\nCONFIG_B=y\n', 'f', new Map([['A', undefined]])), 'CONFIG_B=y\n');
});

test('only what does not follow by itself is asked for, and what a fragment asks for otherwise', () => {
  const edit = {
    before: readConfig(
      'CONFIG_A=y\n# CONFIG_B is not set\n# CONFIG_BY_DEFAULT is not set\nCONFIG_S="x"\nCONFIG_KEPT=y\n',
    ),
    after: readConfig(
      '# CONFIG_A is not set\nCONFIG_B=y\nCONFIG_BY_DEFAULT=y\nCONFIG_FOLLOWS=y\nCONFIG_IN_VAIN=y\nCONFIG_KEPT=y\n',
    ),
    savedBefore: readConfig('CONFIG_S="x"\n# CONFIG_BY_DEFAULT is not set\n'),
    savedAfter: readConfig('CONFIG_B=y\nCONFIG_IN_VAIN=y\n'),
    asked: readFragment('CONFIG_A=y\nCONFIG_S="x"\nCONFIG_DROPPED=y\nCONFIG_IN_VAIN=y\n', 'f'),
  };
  assert.deepEqual(
    [...changesOf(edit)],
    [
      ['A', 'n'],
      ['B', 'y'],
      ['BY_DEFAULT', 'y'],
      ['S', undefined],
    ],
  );
});
