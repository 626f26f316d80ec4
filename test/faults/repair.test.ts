import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { layersOf } from '../build/small-project.ts';
import { SNAP, start } from '../commands/launcher.ts';
import { drawnFrom } from './fixture/cases.ts';
import { project } from './fixture/project.ts';
import { SEED } from './fixture/random.ts';

const SCRIPTLETS = {
  one: 'do_run() { mkdir -p /opt; echo one >/opt/one; echo one >/etc/one; }\n',
  two: 'need one\ndo_run() { ln -s one /opt/two; echo two >/opt/file; }\n',
};

const POINTS = [
  ['rename', 1],
  ['rename', 2],
  ['rename', 3],
  ['rename', 5],
  ['unlink', 1],
  ['unlink', 4],
  ['rmdir', 1],
  ['fsync', 2],
  ['symlink', 1],
] as const;

test('a repair that is killed at any point leaves nothing that the next one does not mend', (t) => {
  const made = project(t);
  made.scriptlets(SCRIPTLETS);
  const { digest } = JSON.parse(made.snap('build', '--json').stdout) as { digest: string };
  const folder = join(made.folder, 'own');
  t.diagnostic(`SNAP_SEED=${SEED}`);
  for (const [call, when] of drawnFrom(POINTS, 3)) {
    const point = `${call} ${when}`;
    assert.equal(made.snap('build', '--output', folder).status, 0);
    appendFileSync(made.image('opt/one'), 'an edit that reaches the store\n');
    const layers = layersOf(made.folder);
    writeFileSync(join(layers.get('one')!.tree, 'etc/one'), 'two\n');
    rmSync(join(layers.get('two')!.tree, 'opt/two'));
    const inject = `inject=${call}:signal=KILL:when=${when}`;
    const strace = ['strace', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', inject];
    start([...strace, SNAP, '-C', made.folder, 'verify', '--deep', '--repair']);
    const { status, stdout, stderr } = made.snap('verify', '--deep', '--repair');
    assert.ok(status === 0 || status === 1, `${point}: ${stderr}`);
    assert.doesNotMatch(stdout, /not mended|once more/, point);
    const whole = made.snap('verify', '--deep');
    assert.equal(whole.status, 0, `${point}: ${whole.stdout}${whole.stderr}`);
    const built = made.snap('build', '--json');
    assert.equal((JSON.parse(built.stdout) as { digest: string }).digest, digest, point);
    assert.equal(readFileSync(made.image('opt/one'), 'utf8'), 'one\n', point);
    assert.equal(made.snap('build', '--output', folder).status, 0, point);
    assert.equal(
      readFileSync(join(folder, 'opt/one'), 'utf8'),
      'one\n',
      `${point}: a folder of the person's own`,
    );
    assert.equal(made.snap('verify', '--deep').status, 0, point);
  }
});

test('a repair that finds the disk full leaves a layer of which the content is at hand, and says so', (t) => {
  const made = project(t);
  made.scriptlets(SCRIPTLETS);
  assert.equal(made.snap('build').status, 0);
  const { tree } = layersOf(made.folder).get('two')!;
  writeFileSync(join(tree, 'opt/damaged'), 'damaged\n');
  renameSync(join(tree, 'opt/damaged'), join(tree, 'opt/file')); // the image has the whole one still
  const beside = join(tree, 'opt/.snap-mended');
  const full = ['strace', '-qq', '-o', '/dev/null', '-P', beside, '-e', 'inject=openat:error=ENOSPC'];
  const failed = start([...full, SNAP, '-C', made.folder, 'verify', '--deep', '--repair']);
  assert.equal(failed.status, 1, failed.stderr);
  assert.match(
    failed.stdout,
    /"\/opt\/file".*\n(.*\n)*? {4}not mended: Cannot .*\.snap-mended": no space is left/,
  );
  assert.equal(layersOf(made.folder).get('two')?.tree, tree, 'the layer is there');
  const { status, stdout } = made.snap('verify', '--deep', '--repair');
  assert.equal(status, 1);
  assert.match(stdout, /mended: put right in the layer/);
  assert.doesNotMatch(stdout, /not mended/);
  assert.equal(readFileSync(join(tree, 'opt/file'), 'utf8'), 'two\n');
  assert.equal(made.snap('verify', '--deep').status, 0);
});

test('a layer that a repair made again, and the disk did not take, gets its number back from the next one', (t) => {
  const made = project(t);
  made.scriptlets(SCRIPTLETS);
  assert.equal(made.snap('build').status, 0);
  appendFileSync(made.image('opt/one'), 'an edit that reaches the store\n');
  const failing = ['strace', '-qq', '-o', '/dev/null', '-e', 'inject=syncfs:error=EIO:when=1'];
  const failed = start([...failing, SNAP, '-C', made.folder, 'verify', '--deep', '--repair']);
  assert.equal(failed.status, 1, failed.stderr);
  assert.match(failed.stdout, /not mended: Cannot .*the disk reports an error/);
  const { stdout } = made.snap('verify', '--deep', '--repair');
  assert.doesNotMatch(stdout, /not mended|once more/);
  const whole = made.snap('verify', '--deep');
  assert.equal(whole.status, 0, `a build that was kept has lost a layer: ${whole.stdout}`);
});
