import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concerns, foldersAbove, isEditors } from '../../src/project/watched.ts';

test('what happens at an input, in it or above it concerns it', () => {
  const inputs = ['/p/conf/a.toml', '/p/scriptlets/bluez'];
  for (const path of ['/p/conf/a.toml', '/p/scriptlets/bluez/x/main.conf', '/p/scriptlets', '/p'])
    assert.equal(concerns(path, inputs), true, path);
  for (const path of ['/p/conf/b.toml', '/p/scriptlets/bluez.sh', '/p/scriptlets/blue', '/p/store', '/q'])
    assert.equal(concerns(path, inputs), false, path);
});

test('files of editors concern nothing, unless they are inputs themselves', () => {
  for (const name of ['.main.conf.swp', 'main.conf~', '#main.conf#', '.#main.conf', '4913']) {
    assert.equal(isEditors(name), true, name);
    assert.equal(concerns(`/p/data/${name}`, ['/p/data']), false, name);
    assert.equal(concerns(`/p/${name}`, [`/p/${name}`]), true, name);
  }
  for (const name of ['main.conf', '.bashrc', 'x.swp', '49130', '#comment', 'a~b'])
    assert.equal(isEditors(name), false, name);
});

test('all folders above an input are watched up to the project; of one outside the nearest', () => {
  assert.deepEqual(foldersAbove('/p/a/b/c', '/p'), ['/p/a/b', '/p/a', '/p']);
  assert.deepEqual(foldersAbove('/usr/share/keys/x.gpg', '/p'), ['/usr/share/keys']);
  assert.deepEqual(foldersAbove('/pp/a/b', '/p'), ['/pp/a']);
});
