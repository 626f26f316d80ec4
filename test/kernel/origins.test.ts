import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SymbolFacts } from '../../src/kernel/check-kconfig.ts';
import { configLine, readConfig, readFragment } from '../../src/kernel/kconfig.ts';
import { differencesFrom, originsOf, tellOrigin, unexplained } from '../../src/kernel/origins.ts';

const CONFIGURATION = {
  final: readConfig(
    'CONFIG_ASKED=y\nCONFIG_BASE=y\nCONFIG_SELECTED=y\nCONFIG_DEFAULT=17\n# CONFIG_OFF is not set\n# CONFIG_NEW is not set\nCONFIG_DROPPED=m\n',
  ),
  base: readConfig('# CONFIG_ASKED is not set\nCONFIG_BASE=y\nCONFIG_OFF=y\nCONFIG_GONE=y\n'),
  baseName: 'tinyconfig',
  settings: [
    ...readFragment('CONFIG_ASKED=y\n# CONFIG_OFF is not set\n', 'a.kconfig'),
    ...readFragment('CONFIG_DROPPED=y\n# CONFIG_GONE is not set\n', 'b.kconfig'),
  ],
  facts: new Map([['SELECTED', selectedBy(['ASKED', 'y'])]]),
};

test('every line tells where it comes from', () => {
  assert.deepEqual(
    originsOf(CONFIGURATION).map(
      (line) => `${configLine(line.symbol, line.value)}: ${tellOrigin(line.origin)}`,
    ),
    [
      'CONFIG_ASKED=y: a.kconfig:1',
      'CONFIG_BASE=y: tinyconfig',
      'CONFIG_SELECTED=y: selected by ASKED',
      'CONFIG_DEFAULT=17: default',
      '# CONFIG_OFF is not set: a.kconfig:2',
      '# CONFIG_NEW is not set: default',
      'CONFIG_DROPPED=m: default',
    ],
  );
});

test('the difference from the base tells what came and what went', () => {
  const lines = differencesFrom(CONFIGURATION, originsOf(CONFIGURATION));
  assert.deepEqual(
    lines.map((line) => `${line.symbol}: ${line.base} -> ${line.value}, ${tellOrigin(line.origin)}`),
    [
      'ASKED: n -> y, a.kconfig:1',
      'SELECTED: undefined -> y, selected by ASKED',
      'DEFAULT: undefined -> 17, default',
      'OFF: y -> n, a.kconfig:2',
      'DROPPED: undefined -> m, default',
      'GONE: y -> n, b.kconfig:2',
    ],
  );
});

test('the kernel is asked of what neither fragments nor base explain', () => {
  assert.deepEqual(unexplained(CONFIGURATION), ['SELECTED', 'DEFAULT', 'DROPPED']);
});

function selectedBy(selector: readonly [string, string]): SymbolFacts {
  return {
    name: 'SELECTED',
    type: 'bool',
    value: 'y',
    prompts: [],
    defaults: [],
    selected: [selector, ' || ', ['OTHER', 'n']],
    ranges: [],
  };
}
