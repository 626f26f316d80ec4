import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SNAP } from '../commands/launcher.ts';
import { build, edit, lockText, makeProject } from './small-project.ts';

const SCRIPTLETS = {
  lib: 'use_var NAME\ninstall_debian_deb libyaml-0-2\nexclude_path usr/share/doc/*\n',
  jobs: 'need lib\ninstall_debian_deb cron\ndo_run() { copy_file data etc/; }\n',
};

const CALLS =
  'trace=execve,execveat,connect,open,openat,mount,rename,renameat2,link,linkat,mkdir,mkdirat,symlink,symlinkat';

/** The system calls of a build that succeeded, by what they look like. */
function traced(project: string, args: readonly string[] = []): (pattern: RegExp) => string[] {
  const trace = join(project, 'trace');
  const { ran } = build(project, args, {
    under: ['strace', '-f', '-y', '-s', '300', '-e', CALLS, '-o', trace],
  });
  assert.deepEqual(ran, []);
  const lines = readFileSync(trace, 'utf8').split('\n');
  return (pattern) => lines.filter((line) => pattern.test(line) && !/ = -1 E/.test(line));
}

function launched(ofKind: (pattern: RegExp) => string[]): (string | undefined)[] {
  return ofKind(/ execve(at)?\(/).map((line) => /execve(?:at)?\("([^"]*)"/.exec(line)?.[1]);
}

const unchanged = (): string => {
  const project = makeProject(SCRIPTLETS, { vars: 'NAME = "x"', files: { 'scriptlets/jobs/data': 'x' } });
  build(project);
  return project;
};

test('when nothing changed, snap looks at no input, layer or image but by stat, and loads SQLite alone', () => {
  const project = unchanged();
  const ofKind = traced(project);
  assert.deepEqual(
    launched(ofKind).map((program) => program?.replace(/^.*\//, '')),
    ['snap', 'node'],
  );
  const opened = ofKind(/ open(at)?\(/).map((line) => /= \d+<(.*)>$/.exec(line)?.[1] ?? '');
  const own = opened.filter((path) => path.startsWith(project)).map((path) => path.slice(project.length));
  assert.deepEqual(
    own.filter((path) => !/^\/(conf|store\/index\.db(-wal|-shm)?)$/.test(path)),
    [],
  );
  const modules = opened.filter((path) => /\/node_modules\//.test(path) && !/\/node\/bin\/node$/.test(path));
  assert.deepEqual(
    modules.filter((path) => !/\/node_modules\/better-sqlite3\//.test(path)),
    [],
  );
  assert.ok(modules.length > 0);
  assert.ok(opened.filter((path) => /\/dist\/.*\.cjs$/.test(path)).length <= 16, opened.join('\n'));
  assert.deepEqual(ofKind(/ (connect\(.*AF_INET|mount|rename\w*|link|linkat|mkdir\w*|symlink\w*)\(/), []);
});

test('a build that has to look, but finds nothing to do, starts no program and does not load undici', () => {
  const project = unchanged();
  const before = lockText(project);
  const ofKind = traced(project, ['-j', '1']);
  assert.equal(launched(ofKind).length, 2, launched(ofKind).join());
  assert.equal(launched(ofKind)[0], SNAP);
  assert.deepEqual(ofKind(/node_modules\/undici\//), []);
  assert.deepEqual(ofKind(/ connect\(.*AF_INET/), []);
  assert.deepEqual(ofKind(/ mount\(/), []);
  assert.deepEqual(
    ofKind(/ (rename|renameat2|link|linkat|mkdir|mkdirat|symlink|symlinkat)\(/),
    [],
    'writes nothing anew',
  );
  assert.deepEqual(ofKind(/\/layers\/\d+\/tree\//), [], 'opens no file of a layer');
  assert.equal(lockText(project), before);
});

test('a build that has to look finds its own modules compiled by an earlier one, in the store', () => {
  const project = unchanged();
  const touch = (): void => utimesSync(join(project, 'scriptlets/jobs/data'), 1, 1);
  touch();
  build(project);
  touch();
  const reads = traced(project)(/ open(at)?\(.*O_RDONLY.*\/store\/compiled\//);
  assert.ok(reads.length > 0);
});

test('a build that has to look reads of the data what was touched since, and nothing else', () => {
  const project = makeProject(
    { jobs: 'use_file shared\ndo_run() { copy_file data etc/; copy_file "$RUN_HOME/shared" etc/; }\n' },
    { files: { 'scriptlets/jobs/data': 'x', 'scriptlets/jobs/more': 'y', shared: 'z' } },
  );
  build(project);
  const read = (): string[] =>
    ['scriptlets/jobs/data', 'scriptlets/jobs/more', 'shared'].filter(
      (file) => traced(project, ['-j', '1'])(new RegExp(`open(at)?\\(.*/${file}"`)).length > 0,
    );
  assert.deepEqual(read(), []);
  writeFileSync(join(project, 'scriptlets/jobs/more'), 'y');
  const ofKind = traced(project);
  assert.equal(ofKind(/open(at)?\(.*\/jobs\/more"/).length, 1);
  assert.deepEqual(ofKind(/open(at)?\(.*(\/jobs\/data|\/shared)"/), []);
});

test('a file that is written again with equal size and time, right after it was read, is noticed', () => {
  const project = makeProject(
    { jobs: 'do_run() { copy_file data etc/; }\n' },
    { files: { 'scriptlets/jobs/data': 'one' } },
  );
  const file = join(project, 'scriptlets/jobs/data');
  const { atime, mtime } = statSync(file);
  for (const text of ['two', 'six', 'ten', 'one']) {
    build(project);
    writeFileSync(file, text);
    utimesSync(file, atime, mtime);
    assert.deepEqual(build(project).ran.length, text === 'one' ? 0 : 1, text);
    assert.equal(readFileSync(join(project, 'images/a/etc/data'), 'utf8'), text);
  }
});

test('what is added, taken away or turned into something else is noticed: data, scriptlet, conf, lock, image', () => {
  const project = makeProject(
    {
      jobs: 'do_run() { mkdir -p etc/jobs; copy_file . etc/jobs/; }\n',
      other: 'do_run() { echo x >etc/x; }\n',
    },
    { files: { 'scriptlets/jobs/data': 'one' } },
  );
  const inProject = (path: string): string => join(project, path);
  build(project);
  build(project);
  const noticed = (change: () => void, path: string, expected: string | undefined): void => {
    change();
    build(project);
    assert.equal(readIfThere(inProject(path)), expected, path);
    assert.deepEqual(build(project).ran, []);
  };
  noticed(() => writeFileSync(inProject('scriptlets/jobs/more'), 'two'), 'images/a/etc/jobs/more', 'two');
  noticed(() => rmSync(inProject('scriptlets/jobs/more')), 'images/a/etc/jobs/more', undefined);
  noticed(
    () => renameSync(inProject('scriptlets/jobs/data'), inProject('scriptlets/jobs/moved')),
    'images/a/etc/jobs/moved',
    'one',
  );
  noticed(() => mkdirSync(inProject('scriptlets/other')), 'images/a/etc/x', 'x\n');
  noticed(
    () => edit(project, 'scriptlets/other.sh', (text) => text.replace('echo x', 'echo y')),
    'images/a/etc/x',
    'y\n',
  );
  noticed(
    () => edit(project, 'conf/a.toml', (text) => text.replace(',"other"', '')),
    'images/a/etc/x',
    undefined,
  );
  noticed(() => rmSync(inProject('images/a')), 'images/a/etc/jobs/moved', 'one');
  const shown = readlinkSync(inProject('images/a'));
  noticed(() => rmSync(inProject(`images/${shown}`), { recursive: true }), 'images/a/etc/jobs/moved', 'one');
});

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
