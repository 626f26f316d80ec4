import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SNAP } from '../commands/launcher.ts';
import { build, lockText, makeProject } from './small-project.ts';

const SCRIPTLETS = {
  lib: 'use_var NAME\ninstall_debian_deb libyaml-0-2\nexclude_path usr/share/doc/*\n',
  jobs: 'need lib\ninstall_debian_deb cron\ndo_run() { copy_file data etc/; }\n',
};

test('when nothing changed, snap starts no program, asks no server and does not load undici', () => {
  const project = makeProject(SCRIPTLETS, { vars: 'NAME = "x"', files: { 'scriptlets/jobs/data': 'x' } });
  build(project);
  const before = lockText(project);
  const trace = join(project, 'trace');
  const calls =
    'trace=execve,execveat,connect,open,openat,mount,rename,renameat2,link,linkat,mkdir,mkdirat,symlink,symlinkat';
  const { ran } = build(project, [], {
    under: ['strace', '-f', '-y', '-s', '300', '-e', calls, '-o', trace],
  });
  assert.deepEqual(ran, []);
  const lines = readFileSync(trace, 'utf8').split('\n');
  const ofKind = (pattern: RegExp): string[] =>
    lines.filter((line) => pattern.test(line) && !/ = -1 E/.test(line));
  const launched = ofKind(/ execve(at)?\(/).map((line) => /execve(?:at)?\("([^"]*)"/.exec(line)?.[1]);
  assert.deepEqual([launched.length, launched[0]], [3, SNAP], `${launched}`);
  assert.match(launched.join(), /readlink.*node$/);
  assert.deepEqual(ofKind(/node_modules\/undici\//), []);
  assert.deepEqual(ofKind(/ connect\(.*AF_INET/), []);
  assert.deepEqual(ofKind(/ mount\(/), []);
  assert.deepEqual(
    ofKind(/ (rename|renameat2|link|linkat|mkdir|mkdirat|symlink|symlinkat)\(/),
    [],
    'writes nothing anew',
  );
  assert.deepEqual(
    ofKind(/\/layers\/\d+\/tree\//).filter((line) => !/\/info\/[^/]+\.triggers>?"/.test(line)),
    [],
    'opens no file of a layer but what tells of triggers',
  );
  assert.equal(lockText(project), before);
});
