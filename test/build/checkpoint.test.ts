import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SNAP, start } from '../commands/launcher.ts';
import { attemptBuild, build, edit, layersOf, makeProject } from './small-project.ts';

/** A layer whose packages make a group and a setgid program; do_run asks what they left, times and all. */
const JOBS = `install_debian_deb cron
do_run() {
  : change 0
  echo '* * * * * root true' >/etc/cron.d/mine
  stat -c '%a %U %G' /usr/bin/crontab >/etc/seen
  [ /var/lib/dpkg/status -nt /etc/debian_version ] && echo younger >>/etc/seen
  rm /etc/default/cron
  chmod 700 /etc/cron.daily
}
`;

function changed(project: string, n: number): ReturnType<typeof build> {
  edit(project, 'scriptlets/jobs.sh', (text) => text.replace(/change \d+/, `change ${n}`));
  return build(project);
}

/** Whether the last run of a layer configured packages. */
function configured(project: string, layer = 'jobs'): boolean {
  return readFileSync(join(project, 'store/logs', `${layer}.log`), 'utf8').includes('Setting up ');
}

function checkpoints(project: string): string[] {
  return readdirSync(join(project, 'store/checkpoints'));
}

test('whoever works at a do_run waits for its packages once, and gets the same layer', () => {
  const project = makeProject({ jobs: JOBS });
  build(project);
  assert.deepEqual([configured(project), checkpoints(project)], [true, ['a%jobs']]);
  // So that what the first run wrote is older than the next run.
  execFileSync('sleep', ['3']);
  for (const n of [1, 2]) {
    assert.ok(changed(project, n).ran.includes('jobs'));
    assert.equal(configured(project), false);
  }
  const { digest, ids } = layersOf(project).get('jobs')!;

  rmSync(join(project, 'store/checkpoints/a%jobs'), { recursive: true });
  build(project, ['--rerun', 'jobs']);
  assert.equal(configured(project), true);
  const whole = layersOf(project).get('jobs')!;
  assert.deepEqual([whole.digest, whole.ids], [digest, ids]);
  const seen = readFileSync(join(project, 'images/a/etc/seen'), 'utf8');
  assert.equal(seen, '2755 root crontab\nyounger\n');
  assert.equal(start([SNAP, '-C', project, 'check', 'a']).status, 0);
});

test('folders that packages make in those of the view are kept with them', () => {
  // Its bytecode lies in new folders.
  const python = `need lib
install_debian_deb python3-minimal
do_run() {
  : change 0
  ls /usr/share/python3/__pycache__ >/etc/seen
}
`;
  const project = makeProject({ lib: 'do_run() { mkdir /usr/share/python3; }\n', jobs: python });
  build(project);
  changed(project, 1);
  assert.deepEqual([configured(project), checkpoints(project)], [false, ['a%jobs']]);
  assert.match(readFileSync(join(project, 'images/a/etc/seen'), 'utf8'), /\.pyc/);
  assert.equal(start([SNAP, '-C', project, 'check', 'a']).status, 0);
});

test('a do_run that failed is tried again without its packages', () => {
  const project = makeProject({ jobs: JOBS.replace('rm /etc', 'rm /nowhere/etc') });
  const { status, stderr } = attemptBuild(project);
  assert.deepEqual([status, configured(project)], [1, true]);
  assert.match(stderr, /"rm \/nowhere\/etc\/default\/cron" in line 7 of/);
  assert.equal(attemptBuild(project).status, 1);
  assert.equal(configured(project), false);
  edit(project, 'scriptlets/jobs.sh', (text) => text.replace('/nowhere', ''));
  assert.ok(build(project).ran.includes('jobs'));
  assert.equal(configured(project), false);
  assert.equal(start([SNAP, '-C', project, 'check', 'a']).status, 0);
});

test('packages are configured anew on another view, with --rerun, and where what was kept is damaged', () => {
  const project = makeProject({
    lib: 'do_run() { echo 1 >/etc/lib; }\n',
    jobs: `need lib\n${JOBS}`,
  });
  const kept = join(project, 'store/checkpoints/a%jobs');
  build(project);
  changed(project, 1);
  changed(project, 2);
  assert.equal(configured(project), false);

  edit(project, 'scriptlets/lib.sh', (text) => text.replace('echo 1', 'echo 2'));
  assert.ok(build(project).ran.includes('jobs'));
  assert.equal(configured(project), true);

  for (const [n, damage] of [
    (): void => appendFileSync(join(kept, 'tree/etc/group'), 'x:x:0:\n'),
    (): void => appendFileSync(join(kept, 'manifest'), 'etc/x\td\t755\t0\t0\t\t1\n'),
    (): void => writeFileSync(join(kept, 'note.json'), '{"format":'),
  ].entries()) {
    changed(project, 10 + 2 * n);
    assert.equal(existsSync(kept), true);
    damage();
    assert.ok(changed(project, 11 + 2 * n).ran.includes('jobs'));
    assert.equal(configured(project), true, `damage ${n}`);
  }
  build(project, ['--rerun', 'jobs']);
  assert.equal(configured(project), true);
});

test('a plan counts what configuring took where it has to be done again, and nowhere else', () => {
  const project = makeProject({ jobs: JOBS });
  build(project);
  const kept = join(project, 'store/checkpoints/a%jobs');
  edit(project, 'store/checkpoints/a%jobs/note.json', (text) =>
    text.replace(/"seconds":[\d.]+/, '"seconds":60'),
  );
  changed(project, 1); // which, with its packages, took a minute
  edit(project, 'scriptlets/jobs.sh', (text) => text.replace('change 1', 'change 2'));
  const planned = (...options: string[]): number => {
    const { stdout } = start([SNAP, '-C', project, 'plan', 'a', '--json', ...options]);
    const { layers, seconds } = JSON.parse(stdout) as {
      layers: readonly { name: string; state: string; seconds: number }[];
      seconds: number;
    };
    assert.deepEqual(
      layers.filter(({ state }) => state === 'run').map((one) => [one.name, one.seconds]),
      [['jobs', seconds]],
    );
    return seconds;
  };
  assert.ok(planned() < 30, String(planned()));
  edit(project, 'scriptlets/jobs.sh', (text) => text.replace('do_run()', 'use_network\ndo_run()'));
  assert.ok(planned() < 30, 'do_run may use the network now, and its packages are the same');
  rmSync(kept, { recursive: true });
  assert.ok(planned() >= 60, String(planned()));
});

test('who went on from packages that took long need not run for what neither they nor its do_run looked for', () => {
  const lib = 'do_run() { echo 1 >/etc/read; echo 1 >/opt/unread; echo "# 1" >>/etc/adduser.conf; }\n';
  const jobs = `need lib\n${JOBS.replace('rm ', 'cat /etc/read >>/etc/seen\n  rm ')}`;
  const project = makeProject({ lib, jobs });
  build(project);
  changed(project, 1);
  const kept = 'store/checkpoints/a%jobs';
  const lengthen = (): void =>
    edit(project, `${kept}/note.json`, (text) => text.replace(/"seconds":[\d.]+/, '"seconds":60'));
  lengthen();
  changed(project, 2); // and by now it is known that this layer takes long
  const below = (from: string, to: string): string[] => {
    edit(project, 'scriptlets/lib.sh', (text) => text.replace(from, to));
    return build(project).ran.filter((name) => !name.startsWith('settle/'));
  };
  changed(project, 3);
  assert.equal(configured(project), false);
  assert.deepEqual(below('echo 1 >/opt/unread', 'echo 2 >/opt/unread'), ['lib']);
  assert.deepEqual(below('echo 1 >/etc/read', 'echo 2 >/etc/read'), ['lib', 'jobs'], 'its do_run read it');

  changed(project, 4);
  lengthen();
  changed(project, 5);
  changed(project, 6);
  assert.equal(configured(project), false);
  // adduser, which cron's postinst runs, reads it.
  assert.deepEqual(below('# 1', '# 2'), ['lib', 'jobs'], 'its packages did');

  changed(project, 7);
  lengthen();
  changed(project, 8);
  appendFileSync(join(project, kept, 'trace'), ' ');
  changed(project, 9);
  assert.equal(configured(project), false);
  assert.deepEqual(
    below('echo 2 >/opt/unread', 'echo 3 >/opt/unread'),
    ['lib', 'jobs'],
    'nobody knows what they did',
  );
});

test('gc keeps what a conf would use of it, and takes the rest', () => {
  const project = makeProject({ jobs: JOBS, lib: 'do_run() { echo 1 >/etc/lib; }\n' });
  build(project);
  changed(project, 1);
  const gc = (): void => assert.equal(start([SNAP, '-C', project, 'gc']).status, 0);
  gc();
  assert.deepEqual(checkpoints(project), ['a%jobs']);
  changed(project, 2);
  assert.equal(configured(project), false);
  edit(project, 'conf/a.toml', (text) => text.replace('"jobs",', ''));
  gc();
  assert.deepEqual(checkpoints(project), []);
});
