import assert from 'node:assert/strict';
import { existsSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SNAP, start } from '../commands/launcher.ts';
import { project } from './fixture/project.ts';

const SCRIPTLETS = {
  one: 'do_run() { echo one >/etc/one; mkdir -p /opt; echo one >/opt/one; }\n',
  two: 'need one\ndo_run() { ln -s one /opt/two; }\n',
};

/** A build in which one call of snap itself fails, or all from the first one on. */
function buildWith(folder: string, call: string, when: number | '1+', path?: string, error = 'EIO') {
  const inject = `inject=${call}:error=${error}:when=${when}`;
  const only = path === undefined ? [] : ['-P', join(folder, path)];
  const strace = ['strace', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', inject, ...only];
  return start([...strace, SNAP, '-C', folder, 'build', 'fault', '--json'], {
    env: { UV_THREADPOOL_SIZE: '1' },
  });
}

test('a disk that fails is told as that, with the file, and never as done; the next build makes what was lost', (t) => {
  const made = project(t);
  made.scriptlets(SCRIPTLETS);
  const good = made.snap('build', '--json');
  const { digest } = JSON.parse(good.stdout) as { digest: string };
  for (const [call, when] of [
    ['rename', 1],
    ['rename', 3],
    ['link', 2],
    ['mkdir', 3],
    ['mkdir', 6],
    ['symlink', 1],
    ['fsync', 1],
    ['utimensat', 4],
    ['unlink', 2],
    ['pwrite64', 3],
  ] as const) {
    made.scriptlets({ ...SCRIPTLETS, more: `do_run() { echo '${call} ${when}' >/etc/more; }\n` });
    const { status, stderr } = buildWith(made.folder, call, when);
    if (status !== 0) {
      assert.equal(status, 1, `${call} ${when}: ${stderr}`);
      assert.doesNotMatch(stderr, /bug in snap/, `${call} ${when}: ${stderr}`);
      assert.match(
        stderr,
        /".*(store|images|index\.db|snap-evaluate).*".*: the disk reports an error/,
        `${call} ${when}: ${stderr}`,
      );
    }
    const again = made.snap('build');
    assert.equal(again.status, 0, `${call} ${when}: ${again.stderr}`);
    const whole = made.snap('verify', '--deep');
    assert.equal(whole.status, 0, `${call} ${when}: ${whole.stdout}`);
  }
  made.scriptlets(SCRIPTLETS);
  assert.equal((JSON.parse(made.snap('build', '--json').stdout) as { digest: string }).digest, digest);
});

test('a failed sync is no success the next time: what it may have lost is made again', (t) => {
  const made = project(t);
  made.scriptlets(SCRIPTLETS);
  const { status, stderr } = made.snap('build');
  assert.equal(status, 0, stderr);
  for (const [call, path] of [
    ['syncfs', undefined],
    ['fsync', 'store/layers'],
  ] as const) {
    made.scriptlets({ ...SCRIPTLETS, more: `do_run() { echo ${call} >/etc/more; }\n` });
    const failed = buildWith(made.folder, call, 1, path);
    assert.equal(failed.status, 1, failed.stderr);
    assert.match(failed.stderr, /^snap: Cannot (syncfs|fsync) ".*": the disk reports an error$/m);
    const numbers = readdirSync(join(made.folder, 'store/layers'));
    const lost = numbers.filter((n) => existsSync(join(made.folder, 'store/layers', n, 'layer.json.lost')));
    assert.ok(lost.length > 0, 'no new index takes it for a layer');
    const again = made.snap('build', '--json');
    assert.equal(again.status, 0, again.stderr);
    const { layers } = JSON.parse(again.stdout) as { layers: { name: string; state: string }[] };
    assert.deepEqual(
      layers.filter(({ state }) => state === 'run').map(({ name }) => name),
      ['more'],
      call,
    );
    const whole = made.snap('verify', '--deep', '--rebuild-index');
    assert.equal(whole.status, 0, `${call}: ${whole.stdout}`);
  }
});

for (const before of ['none was there', 'the same one was there, and was removed']) {
  test(`an image whose place may be lost is put there anew, where ${before}`, (t) => {
    const made = project(t);
    made.scriptlets(SCRIPTLETS);
    if (before.startsWith('the same')) {
      assert.equal(made.snap('build').status, 0);
      assert.equal(made.snap('clean', 'fault').status, 0);
    }
    for (const time of ['once', 'twice']) {
      const failed = buildWith(made.folder, 'fsync', 1, 'images');
      assert.equal(failed.status, 1, `${time}: ${failed.stderr}`);
      assert.match(failed.stderr, /^snap: Cannot fsync ".*\/images": the disk reports an error$/m);
      const whole = made.snap('verify');
      assert.equal(whole.status, 0, whole.stdout);
    }
    const again = made.snap('build', '--json');
    assert.equal(again.status, 0, again.stderr);
    const whole = made.snap('verify', '--deep');
    assert.equal(whole.status, 0, whole.stdout);
  });
}

for (const error of ['EMLINK', 'EXDEV', 'EPERM']) {
  test(`where no link can be made (${error}), a copy is, and the image is the same`, (t) => {
    const made = project(t);
    made.scriptlets(SCRIPTLETS);
    const linked = JSON.parse(made.snap('build', '--json').stdout) as { digest: string };
    for (const name of readdirSync(join(made.folder, 'images')))
      rmSync(join(made.folder, 'images', name), { recursive: true });
    const { status, stdout, stderr } = buildWith(made.folder, 'link', '1+', undefined, error);
    assert.equal(status, 0, stderr);
    assert.equal((JSON.parse(stdout) as { digest: string }).digest, linked.digest);
    assert.equal(lstatSync(made.image('opt/one')).nlink, 1);
    const whole = made.snap('verify', '--deep', '--json');
    const { damages } = JSON.parse(whole.stdout) as { damages: { kind: string; what: string }[] };
    // What should be one file under two names are two equal ones then, and that is told.
    assert.ok(damages.length > 0);
    for (const { kind, what } of damages) assert.match(`${kind} ${what}`, /^image is no hard link of /);
  });
}
