import assert from 'node:assert/strict';
import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findBuild, namedBuild } from '../../src/named-build.ts';
import {
  keptBuilds,
  readBuild,
  readPins,
  readTags,
  removeBuild,
  removePin,
  removeTag,
  writePin,
  writeTag,
} from '../../src/store/builds.ts';
import { Store } from '../../src/store/layers.ts';
import { someBuild } from './some-build.ts';
import { someFolder } from './some-folder.ts';

test('a build is named by its conf, its number, its distance from the last one, or a tag', () => {
  using store = new Store(someFolder());
  for (const conf of ['a', 'a', 'b', 'a']) store.addBuild(someBuild(conf));
  writeTag(store.layout, 'shipped', { conf: 'a', number: 1 });
  const named = (text: string) => namedBuild(store, text)?.number;
  assert.deepEqual(['a', 'a@2', 'a~1', 'a~', 'a~2', 'b', 'shipped'].map(named), [3, 2, 2, 2, 1, 1, 1]);
  assert.deepEqual(
    ['a@4', 'a@0', 'a~3', 'c', 'shipped@1', 'a@', '@1', ''].map(named),
    Array(8).fill(undefined),
  );
  assert.throws(() => findBuild(store, 'a@9'), {
    code: 'USAGE',
    hint: 'builds of "a" that are kept: a@1 a@2 a@3',
  });
  assert.throws(() => findBuild(store, 'shiped'), { code: 'USAGE', hint: 'did you mean "shipped"?' });
});

test('builds, tags and pins lie in the folder, and outlive the index', () => {
  const project = someFolder();
  {
    using store = new Store(project);
    for (const conf of ['b', 'a', 'a']) store.addBuild(someBuild(conf));
    writeTag(store.layout, 'v1', { conf: 'a', number: 1 });
    writeTag(store.layout, 'v1', { conf: 'a', number: 2 });
    writePin(store.layout, { conf: 'b', number: 1 });
    rmSync(store.layout.index);
  }
  using store = new Store(project);
  const { layout } = store;
  assert.deepEqual(keptBuilds(layout), [
    { conf: 'a', number: 2 },
    { conf: 'a', number: 1 },
    { conf: 'b', number: 1 },
  ]);
  assert.deepEqual([...readTags(layout)], [['v1', { conf: 'a', number: 2 }]]);
  assert.deepEqual(readPins(layout), [{ conf: 'b', number: 1 }]);
  assert.deepEqual(readBuild(layout, { conf: 'b', number: 1 }), { format: 1, ...someBuild('b'), number: 1 });
  assert.equal(store.addBuild(someBuild('a')), 3, 'no build that is kept is written over');
  removeBuild(layout, { conf: 'a', number: 3 });
  writeTag(layout, 'v2.new', { conf: 'a', number: 1 });
  assert.deepEqual([...readTags(layout).keys()], ['v1', 'v2.new']);
  removeTag(layout, 'v2.new');
  removeTag(layout, 'v1');
  removePin(layout, { conf: 'b', number: 1 });
  removeBuild(layout, { conf: 'b', number: 1 });
  assert.deepEqual([[...readTags(layout)], readPins(layout)], [[], []]);
  assert.equal(keptBuilds(layout).length, 2);
});

test('a build that was cut off is told, and what else lies there is no build', () => {
  using store = new Store(someFolder());
  store.addBuild(someBuild('a'));
  const file = join(store.layout.builds, 'a', '1.json');
  truncateSync(file, 20);
  writeFileSync(join(store.layout.builds, 'a', '2.json.new'), '{');
  writeFileSync(join(store.layout.tags, 'half'), 'a@');
  assert.equal(keptBuilds(store.layout).length, 1);
  assert.equal(readTags(store.layout).size, 0);
  assert.throws(() => findBuild(store, 'a'), {
    code: 'STORE',
    message: 'Cannot read what was kept of build "a@1"',
  });
});
