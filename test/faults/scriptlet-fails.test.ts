import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { leftovers, project } from './fixture/project.ts';

const GOOD = 'do_run() { echo good >/opt/good; }\n';

/** What a build says of one failed layer: the lines below its head. */
function told(stderr: string, name: string): string {
  const lines = stderr.split('\n');
  const head = lines.findIndex((line) => line.startsWith(`${name}: failed after`));
  assert.notEqual(head, -1, stderr);
  const end = lines.findIndex((line, index) => index > head && !line.startsWith('  '));
  return lines.slice(head + 1, end).join('\n');
}

test('a failed scriptlet is told with line, command and exit code, wherever in it the failure lies', (t) => {
  const { snap, scriptlets, folder, image } = project(t);
  scriptlets({
    top: 'do_run() {\n  echo before\n  false\n  echo after\n}\n',
    inner: 'inner() {\n  ls /nowhere\n}\ndo_run() {\n  inner\n}\n',
    pipeline: 'do_run() {\n  (exit 7) | cat | cat\n  echo after\n}\n',
    subshell: 'do_run() {\n  (\n    sh -c "exit 9"\n    echo after\n  )\n}\n',
    killed: "do_run() {\n  sh -c 'kill -KILL $$'\n}\n",
    suicide: 'do_run() {\n  kill -KILL $$\n  sleep 5\n}\n',
    good: GOOD,
  });
  const { status, stdout, stderr } = snap('build', '-j', '2');
  assert.equal(status, 1);
  assert.equal(stdout, '');
  const where = (name: string, line: number): string => `line ${line} of ${folder}/scriptlets/${name}.sh`;
  assert.match(
    told(stderr, 'top'),
    RegExp(`"false" in ${where('top', 3)} exited with 1\n  before\n  full log: .*/top.log$`),
  );
  assert.ok(told(stderr, 'inner').includes(`"ls /nowhere" in ${where('inner', 2)} exited with 2`), stderr);
  assert.ok(told(stderr, 'pipeline').includes(`in ${where('pipeline', 2)} exited with 7`), stderr);
  assert.ok(told(stderr, 'subshell').includes(`in ${where('subshell', 3)} exited with 9`), stderr);
  assert.ok(told(stderr, 'killed').includes(`in ${where('killed', 2)} exited with 137 (SIGKILL)`), stderr);
  assert.match(told(stderr, 'suicide'), /do_run exited with 137 \(SIGKILL\)/);
  assert.match(stderr, /^snap: Cannot build "fault": "top", .*failed$/m);
  assert.match(stderr, /^hint: full log: snap log top/m);
  assert.equal(snap('log', 'top').stdout, 'before\n');
  assert.equal(existsSync(image()), false);
  assert.deepEqual(leftovers(folder), []);

  scriptlets({ top: 'do_run() {\n  echo before\n}\n', good: GOOD });
  const again = snap('build', '--json');
  assert.equal(again.status, 0, again.stderr);
  const { layers } = JSON.parse(again.stdout) as { layers: { name: string; state: string }[] };
  assert.deepEqual(
    layers.map(({ name, state }) => `${name} ${state}`),
    ['base hit', 'top run', 'good hit'],
  );
});

test('the last 20 lines of what a failed scriptlet printed are shown', (t) => {
  const { snap, scriptlets } = project(t);
  scriptlets({ chatty: 'do_run() {\n  seq 100\n  false\n}\n' });
  const [head, ...lines] = told(snap('build').stderr, 'chatty')
    .split('\n')
    .map((line) => line.trim());
  assert.match(head ?? '', /^Cannot run scriptlet "chatty"/);
  assert.deepEqual(
    lines.slice(0, -1),
    Array.from({ length: 20 }, (_, index) => String(81 + index)),
  );
});

test('a failed scriptlet leaves its tree to look at when that is asked for, and the next failure takes its place', (t) => {
  const { snap, scriptlets, folder } = project(t);
  for (const word of ['one', 'two']) {
    scriptlets({ broken: `do_run() {\n  echo ${word} >/opt/trace\n  false\n}\n` });
    const { stderr } = snap('build', '--keep-failed');
    const kept = /what it left: (.*)$/m.exec(stderr)?.[1] ?? '';
    assert.equal(readFileSync(join(kept, 'opt', 'trace'), 'utf8'), `${word}\n`);
  }
  assert.deepEqual(
    readdirSync(join(folder, 'store', 'tmp')).filter((name) => name.startsWith('failed.')),
    ['failed.broken'],
  );
  assert.deepEqual(leftovers(folder), []);
});

const MEMORY = ['/sys/fs/cgroup/memory', '/sys/fs/cgroup'].find((folder) =>
  existsSync(join(folder, 'cgroup.procs')),
);
const MiB = 1024 ** 2;

/** A group with little memory, as a small machine has it. */
function smallGroup(t: { after(then: () => void): void }): string | undefined {
  if (MEMORY === undefined) return undefined;
  const group = join(MEMORY, `snap-test-${process.pid}`);
  mkdirSync(group);
  t.after(() => rmdirSync(group));
  const file = ['memory.max', 'memory.limit_in_bytes'].find((name) => existsSync(join(group, name)));
  if (file === undefined) return undefined;
  writeFileSync(join(group, file), String(800 * MiB));
  return group;
}

test('a scriptlet that needs more memory than there is fails and says so, and snap goes on', (t) => {
  const group = smallGroup(t);
  if (group === undefined) return t.skip('no memory controller here');
  const { scriptlets, folder } = project(t);
  scriptlets({ greedy: `do_run() {\n  perl -e '$a = "x" x (2 * 1024 ** 3)'\n}\n`, good: GOOD });
  const script = `echo $$ >"$1/cgroup.procs"; "$2" -C "$3" build -j 1 2>&1; echo "status $?"`;
  const launcher = new URL('../../bin/snap', import.meta.url).pathname;
  const text = execFileSync('sh', ['-c', script, 'sh', group, launcher, folder], { encoding: 'utf8' });
  assert.match(text, /line 2 of .*greedy\.sh exited with 137 \(SIGKILL\), killed for want of memory$/m);
  assert.match(text, /^good: done/m);
  assert.match(text, /^status 1$/m);
});
