import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { attemptBuild, build, edit, lockLines, lockText, makeProject } from './small-project.ts';

const TWO_WRITERS = {
  first: 'do_run() { echo first >>/etc/both; }\n',
  second: 'do_run() { echo second >>/etc/both; }\n',
  other: 'do_run() { echo other >/etc/other; }\n',
};

test('two scriptlets that write one file: the order is learned, said and kept, and the image is as if they had run in it', () => {
  const project = makeProject(TWO_WRITERS);
  const learned = build(project);
  assert.deepEqual(learned.ran, ['first', 'second', 'other']);
  assert.match(learned.stderr, /second.*first.*etc\/both/);
  assert.match(learned.stderr, /1 order learned, kept in conf\/a\.lock/);
  assert.deepEqual(lockLines(project, 'order'), ['order second after first # etc/both']);
  assert.equal(readFileSync(join(project, 'images/a/etc/both'), 'utf8'), 'first\nsecond\n');

  const locked = build(project, ['--locked']);
  assert.deepEqual([locked.ran, locked.json.digest], [[], learned.json.digest]);
});

test('a learned order stays when the conf lists its scriptlets the other way round', () => {
  const project = makeProject(TWO_WRITERS);
  const { json } = build(project);
  edit(project, 'conf/a.toml', (text) => text.replace('"first","second"', '"second","first"'));
  const turned = build(project, ['--locked']);
  assert.deepEqual([turned.ran, turned.json.digest], [[], json.digest]);
});

test('with --locked two scriptlets in conflict are an error that names both and the path', () => {
  const project = makeProject(TWO_WRITERS);
  const before = lockText(project);
  const { status, stderr, json } = attemptBuild(project, ['--locked']);
  assert.equal(status, 1);
  assert.match(stderr, /Scriptlets "first" and "second" both write "etc\/both", in no order/);
  assert.equal(json.error?.code, 'CONFLICT');
  assert.equal(lockText(project), before);
  assert.ok(!existsSync(join(project, 'images/a')));
});

test('one that deletes what the other changes is in conflict with it, in files and in records', () => {
  const project = makeProject({
    changes: 'do_run() { echo changed >/etc/issue; }\n',
    deletes: 'do_run() { rm /etc/issue; }\n',
    renames: 'do_run() { sed -i "s,^games:.*,&-renamed," /etc/passwd; }\n',
    removes: 'do_run() { sed -i "/^games:/d" /etc/passwd; }\n',
  });
  build(project);
  assert.deepEqual(lockLines(project, 'order'), [
    'order deletes after changes # etc/issue',
    'order removes after renames # etc/passwd:%20games',
  ]);
  assert.ok(!existsSync(join(project, 'images/a/etc/issue')));
  assert.doesNotMatch(readFileSync(join(project, 'images/a/etc/passwd'), 'utf8'), /^games:/m);
  assert.deepEqual(build(project, ['--locked']).ran, []);
});

test('what both do alike, and what only one of them changes, is no conflict', () => {
  const project = makeProject({
    first:
      'do_run() { mkdir -p /opt/shared; echo same >/opt/shared/file; echo first >>/etc/shells; adduser --quiet games audio; }\n',
    second:
      'do_run() { mkdir -p /opt/shared; echo same >/opt/shared/file; echo second >>/etc/shells; adduser --quiet games video; }\n',
  });
  build(project, ['--locked']);
  const read = (path: string): string => readFileSync(join(project, 'images/a', path), 'utf8');
  assert.match(read('etc/shells'), /^first\nsecond$/m);
  assert.match(read('etc/group'), /^audio:.*:games$/m);
  assert.match(read('etc/group'), /^video:.*:games$/m);
});
