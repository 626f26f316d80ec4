import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diverts } from '../../src/layers/unpacked.ts';

test('a preinst that adds a diversion is seen, on one line or on several, whether it says --add or not', () => {
  assert.ok(diverts('dpkg-divert --package a --add --rename --divert /x.b /x\n'));
  assert.ok(diverts('f() {\n  dpkg-divert --package a --rename \\\n    --divert "$1.b" --add "$1"\n}\n'));
  assert.ok(diverts('\tdpkg-divert --package a --divert /x.b /x'));
  assert.ok(diverts('dpkg-divert --remove /y\ndpkg-divert --divert /x.b /x'));
});

test('a preinst that takes a diversion away, asks for one, or speaks of one adds none', () => {
  assert.ok(!diverts(''));
  assert.ok(!diverts('#!/bin/sh\n# dpkg-divert --package a --add \\\n#   --divert /x.b /x\nexit 0\n'));
  assert.ok(!diverts('dpkg-divert --package a --remove --rename \\\n  /x\n'));
  assert.ok(!diverts('[ "$(dpkg-divert --truename /x)" = /x ] || dpkg-divert --list\n'));
});
