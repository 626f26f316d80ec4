import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SNAP, start } from '../commands/launcher.ts';
import { makeProject, write } from './small-project.ts';

type Checked = { readonly status: number | null; readonly paths: readonly string[]; readonly same: boolean };

function check(project: string): Checked {
  const { status, stdout } = start([SNAP, '-C', project, 'check', 'a', '--json']);
  const { same, differences } = JSON.parse(stdout) as {
    same: boolean;
    differences: { path: string; what: string }[];
  };
  return { status, same, paths: differences.map(({ path }) => path) };
}

test('an image that comes out otherwise without layers is told from one that does not', () => {
  const project = makeProject({
    first: 'do_run() { echo 1 > /etc/first; adduser --quiet --system --group one; }',
    second: 'do_run() { if [ -e /etc/first ]; then echo both; else echo alone; fi > /etc/second; }',
  });
  assert.deepEqual(check(project), { status: 1, same: false, paths: ['etc/second'] });
  write(project, { 'check.allow': 'etc/sec*\n' });
  assert.equal(check(project).status, 1, 'an allowance without a reason allows nothing');
  write(project, { 'check.allow': 'etc/sec*\na,[[:alpha:]] # odd\n' });
  const odd = start([SNAP, '-C', project, 'check', 'a']);
  assert.match(
    odd.stderr,
    /^snap: Cannot read check\.allow:2: "a,\[\[:alpha:\]\]" cannot be matched\nhint: /,
  );
  write(project, { 'check.allow': 'etc/sec* # it looks around\n' });
  assert.deepEqual(check(project), { status: 0, same: true, paths: ['etc/second'] });
});

test('who needs the other sees it both ways', () => {
  const project = makeProject({
    first: 'do_run() { echo 1 > /etc/first; }',
    second: 'need first\ndo_run() { if [ -e /etc/first ]; then echo both; fi > /etc/second; }',
  });
  assert.deepEqual(check(project), { status: 0, same: true, paths: [] });
});
