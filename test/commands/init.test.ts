import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { parse } from 'smol-toml';
import { folder, makeDist, snap, start } from './launcher.ts';

before(makeDist);

test('a new project has a conf, its scriptlets with their data, and .gitignore, and says what comes next', (t) => {
  const place = folder(t);
  const { status, stdout, stderr } = snap(['init', 'device'], { cwd: place });
  assert.equal(status, 0);
  const listed = stdout.trim().split('\n');
  assert.ok(listed.includes('device/conf/device.toml') && listed.includes('device/.gitignore'));
  for (const file of listed) assert.ok(lstatSync(join(place, file)).isFile());
  assert.match(stderr, /^next:\n {2}cd device\n/m);
  assert.match(stderr, /snap build/);
});

test('the conf is TOML that names scriptlets which are there, in shell without a mistake', (t) => {
  const place = folder(t);
  snap(['init'], { cwd: place });
  const [file = ''] = readdirSync(join(place, 'conf'));
  const conf = parse(readFileSync(join(place, 'conf', file), 'utf8'));
  assert.match(file, /^snap-it-s-a-test-\w+\.toml$/);
  assert.match(String(conf.suite), /^[a-z]+$/);
  const names = conf.scriptlets as string[];
  assert.equal(names.length, 2);
  for (const name of names) {
    const checked = start(['shellcheck', '--shell=bash', join(place, 'scriptlets', `${name}.sh`)]);
    assert.equal(checked.status, 0, checked.stdout);
  }
});

test('every file that a scriptlet of the new project copies lies in its folder', (t) => {
  const place = folder(t);
  snap(['init'], { cwd: place });
  const copied = readFileSync(join(place, 'scriptlets/ssh.sh'), 'utf8').matchAll(/copy_file (\S+)/g);
  const files = [...copied].map(([, file]) => file!);
  assert.deepEqual(files.toSorted(), readdirSync(join(place, 'scriptlets/ssh')).toSorted());
});

test('nothing is written over: one file in the way and none is made', (t) => {
  const place = folder(t);
  mkdirSync(join(place, 'scriptlets'));
  writeFileSync(join(place, 'scriptlets/ssh.sh'), 'mine');
  const { status, stderr } = snap(['init', '--name', 'x'], { cwd: place });
  assert.equal(status, 2);
  assert.match(stderr, /"scriptlets\/ssh\.sh" is there already/);
  assert.deepEqual(readdirSync(place), ['scriptlets']);
  assert.equal(readFileSync(join(place, 'scriptlets/ssh.sh'), 'utf8'), 'mine');
});

test('what init makes under sudo belongs to the person who called it', (t) => {
  if (process.getuid?.() !== 0) return t.skip('needs root');
  const place = folder(t);
  snap(['init', 'a/b'], { cwd: place, env: { SUDO_UID: '1234', SUDO_GID: '2345' } });
  for (const path of ['a', 'a/b', 'a/b/conf/b.toml', 'a/b/scriptlets/ssh', 'a/b/.gitignore']) {
    const { uid, gid } = lstatSync(join(place, path));
    assert.deepEqual([uid, gid], [1234, 2345], path);
  }
});
