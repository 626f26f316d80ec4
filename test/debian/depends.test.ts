import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dependencyChain } from '../../src/debian/depends.ts';

const STANZAS = [
  'Package: app\nDepends: libb (>= 2:1.0), awk,\n liba:any | other\nRecommends: extra',
  'Package: liba\nPre-Depends: libc [amd64]',
  'Package: libb\nDepends: liba, deep',
  'Package: deep\nDepends: libc',
  'Package: mawk\nProvides: awk (= 1), nawk\nDepends: app',
  'Package: libc',
  'Package: extra',
  'Package: lonely',
];
const CASES: [from: string[], to: string, way: string[] | undefined][] = [
  [['app'], 'app', ['app']],
  [['app'], 'libb', ['app', 'libb']],
  [['app'], 'libc', ['app', 'liba', 'libc']],
  [['app'], 'deep', ['app', 'libb', 'deep']],
  [['app'], 'mawk', ['app', 'mawk']],
  [['app'], 'extra', ['app', 'extra']],
  [['awk'], 'libb', ['mawk', 'app', 'libb']],
  [['lonely', 'liba'], 'libc', ['liba', 'libc']],
  [['app'], 'lonely', undefined],
  [['missing'], 'libc', undefined],
];

for (const [from, to, way] of CASES) {
  test(`from ${from} to ${to}: ${way?.join(' -> ') ?? 'no way'}`, () =>
    assert.deepEqual(dependencyChain(STANZAS, from, to), way));
}
