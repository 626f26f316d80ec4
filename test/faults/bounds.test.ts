import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SNAP } from '../commands/launcher.ts';
import { leftovers, project } from './fixture/project.ts';
import { mountsOf, processesOf } from './fixture/traces.ts';

test('a scriptlet that reads its input finds the end of it', (t) => {
  const { snap, scriptlets, image } = project(t);
  scriptlets({ reader: 'do_run() {\n  read -r line || echo "end" >/opt/read\n  cat >>/opt/read\n}\n' });
  const { status, stderr } = snap('build');
  assert.equal(status, 0, stderr);
  assert.equal(readFileSync(image('opt/read'), 'utf8'), 'end\n');
});

test('a scriptlet that never ends is ended after the time that it may take', (t) => {
  const { snap, scriptlets, folder } = project(t);
  scriptlets({ slow: "do_run() {\n  echo begun\n  trap '' TERM INT\n  sleep 1000\n}\n" });
  const { status, stderr } = snap('build', '--timeout', '1');
  assert.equal(status, 1);
  const told = 'Cannot run scriptlet "slow": it was still running after 1 s';
  assert.match(stderr, RegExp(`^  ${told}\n  begun\n  full log: .*slow\\.log$`, 'm'));
  assert.match(stderr, /^hint: full log: snap log slow/m);
  assert.deepEqual([processesOf(folder), mountsOf(folder), leftovers(folder)], [[], [], []]);
  scriptlets({ slow: 'do_run() {\n  echo begun\n}\n' });
  assert.equal(snap('build', '--timeout', '60').status, 0);
});

/** Forks until it cannot, and writes down how often it could. */
const FORKS = `do_run() {
  perl -e 'while (defined($p = fork)) { if (!$p) { sleep 1000 } $n++ } open(F, ">/opt/forks"); print F $n'
}
`;

test('a scriptlet that forks without end is stopped at some thousand processes', (t) => {
  const { snap, scriptlets, image, folder } = project(t);
  scriptlets({ forks: FORKS });
  const { status, stderr } = snap('build');
  assert.equal(status, 0, stderr);
  const forks = Number(readFileSync(image('opt/forks'), 'utf8'));
  assert.ok(forks > 1000 && forks < 4100, `${forks} processes`);
  assert.deepEqual(processesOf(folder), []);
});

test('where there are no control groups a namespace of process numbers does, and the host keeps its limit', (t) => {
  const { scriptlets, image, folder } = project(t);
  const limit = readFileSync('/proc/sys/kernel/pid_max', 'utf8');
  scriptlets({ forks: FORKS });
  const script = 'umount -l /sys/fs/cgroup 2>/dev/null; mount -t tmpfs none /sys/fs/cgroup && exec "$@"';
  const words = ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', SNAP, '-C', folder];
  const doctor = JSON.parse(
    execFileSync('unshare', [...words, 'doctor', '--json'], { encoding: 'utf8' }),
  ) as {
    findings: { name: string; found: string; verdict: string }[];
  };
  const finding = doctor.findings.find(({ name }) => name === 'process limit');
  if (finding?.verdict !== 'ok') return t.skip('this kernel has no limit for a namespace');
  assert.equal(finding.found, 'by a namespace of process numbers');
  execFileSync('unshare', [...words, 'build'], { stdio: 'ignore' });
  const forks = Number(readFileSync(image('opt/forks'), 'utf8'));
  assert.ok(forks > 1000 && forks < 4100, `${forks} processes`);
  assert.equal(readFileSync('/proc/sys/kernel/pid_max', 'utf8'), limit);
  scriptlets({ slow: 'do_run() {\n  setsid sleep 1000 &\n  sleep 1000\n}\n' });
  assert.throws(() => execFileSync('unshare', [...words, 'build', '--timeout', '1'], { stdio: 'ignore' }));
  assert.deepEqual([processesOf(folder), leftovers(folder)], [[], []]);
});

test('a fork bomb ends with the time that it may take', (t) => {
  const { snap, scriptlets, folder } = project(t);
  scriptlets({ bomb: 'do_run() {\n  set +e\n  bomb() { bomb | bomb & }\n  bomb\n  sleep 1000\n}\n' });
  const { status, stderr } = snap('build', '--timeout', '2');
  assert.equal(status, 1);
  assert.match(stderr, /Cannot run scriptlet "bomb": it was still running after 2 s/);
  assert.deepEqual([processesOf(folder), leftovers(folder)], [[], []]);
});

test('a daemon ends with its scriptlet', (t) => {
  const { snap, scriptlets, folder, image } = project(t);
  scriptlets({
    daemon:
      "do_run() {\n  ( setsid sh -c 'sleep 1000 & echo up >/opt/up; wait' </dev/null >/dev/null 2>&1 3>&- & )\n  while [ ! -e /opt/up ]; do sleep 0.01; done\n  setsid sleep 1000 &\n}\n",
  });
  const { status, stderr } = snap('build');
  assert.equal(status, 0, stderr);
  assert.ok(existsSync(image('opt/up')));
  assert.deepEqual([processesOf(folder), leftovers(folder)], [[], []]);
});

/** The most memory that a process ever had, in bytes. */
function peakOf(pid: number): number {
  const status = existsSync(`/proc/${pid}/status`) ? readFileSync(`/proc/${pid}/status`, 'utf8') : '';
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
}

test('of a gigabyte of output the log keeps beginning and end, and snap never holds it', async (t) => {
  const { start, snap, scriptlets, folder } = project(t);
  scriptlets({
    loud: 'do_run() {\n  echo "first line"\n  head -c 1G /dev/zero | tr "\\0" x\n  echo\n  echo "last line"\n  false\n}\n',
  });
  const { child, ended } = start(['build']);
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, peakOf(child.pid ?? 0));
  }, 10);
  const { status, stderr } = await ended;
  clearInterval(timer);
  assert.equal(status, 1);
  assert.ok(stderr.length < 20_000, `${stderr.length} bytes of message`);
  assert.match(stderr, /last line/);
  assert.ok(statSync(join(folder, 'store/logs/loud.log')).size < 17 * 1024 ** 2);
  const log = snap('log', 'loud').stdout;
  assert.equal(log.slice(0, 12), 'first line\nx');
  assert.equal(log.slice(-12), 'x\nlast line\n');
  const cut = /x\n\(snap: here the log is cut, it was longer than \d+ bytes\)\nx/;
  assert.ok(cut.test(log), 'nothing tells that the log is cut');
  assert.ok(peak > 0 && peak < 500 * 1024 ** 2, `${peak} bytes`);
});

test('escape sequences of a scriptlet reach no terminal', (t) => {
  const { snap, scriptlets, folder } = project(t);
  scriptlets({
    colour:
      "do_run() {\n  printf '\\033]0;title\\007\\033[2J\\033[31mred\\033[0m \\233 text\\rover\\n'\n  false\n}\n",
  });
  const { stderr } = snap('build');
  assert.match(stderr, /^ {2}over$/m);
  assert.doesNotMatch(stderr, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  const shown = (...words: string[]): string =>
    execFileSync('script', ['-qc', [SNAP, '-C', folder, ...words].join(' '), '/dev/null'], {
      encoding: 'latin1',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  assert.doesNotMatch(shown('log', 'colour'), /\x1b|title|\x9b/);
  assert.doesNotMatch(shown('build'), /\x1b\]|\x1b\[2J|title|\x9b/);
});
