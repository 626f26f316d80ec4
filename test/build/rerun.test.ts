import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { build, makeProject } from './small-project.ts';

test('--rerun runs a layer whose inputs are the same, and what came out then is what counts from then on', () => {
  const project = makeProject({
    stamp: 'do_run() { cat /proc/sys/kernel/random/uuid >/etc/stamp; }\n',
    reads: 'need stamp\ndo_run() { cp /etc/stamp /etc/copy; }\n',
    other: 'do_run() { echo other >/etc/other; }\n',
  });
  const read = (path: string): string => readFileSync(join(project, 'images/a', path), 'utf8');
  build(project);
  const first = read('etc/stamp');
  assert.deepEqual(build(project).ran, []);
  assert.equal(read('etc/stamp'), first);

  const again = build(project, ['--rerun', 'stamp']);
  assert.deepEqual(again.ran, ['stamp', 'reads']);
  assert.notEqual(read('etc/stamp'), first);
  assert.equal(read('etc/copy'), read('etc/stamp'));
  const second = read('etc/stamp');
  assert.deepEqual(build(project).ran, []);
  assert.equal(read('etc/stamp'), second);
});

test('--rerun of a layer that comes out the same re-runs nothing above it', () => {
  const project = makeProject({
    same: 'do_run() { echo same >/etc/same; }\n',
    reads: 'need same\ndo_run() { cp /etc/same /etc/copy; }\n',
  });
  const { json } = build(project);
  const again = build(project, ['--rerun', 'same']);
  assert.deepEqual([again.ran, again.json.digest], [['same'], json.digest]);
  assert.deepEqual(build(project).ran, []);
});
