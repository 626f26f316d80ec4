import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SNAP, snap, start } from '../commands/launcher.ts';
import { leftovers } from '../faults/fixture/project.ts';
import { mountsOf, processesOf, until } from '../faults/fixture/traces.ts';
import { edit, lockText, makeProject, write } from './small-project.ts';
import { ranIn, sleeper, sleepOf, startWatch, wake } from './watching.ts';

const COPIES = 'do_run() { copy_file note etc/note; }\n';

/** It runs until somebody ends the sleep of that number. */
const sleeps = (number: number): string =>
  `do_run() { ${sleepOf(number)} || true; echo slept >/etc/slept; }\n`;

function inImage(project: string, path: string): string {
  return readFileSync(join(project, 'images/a', path), 'utf8');
}

/** As editors save: written beside it, then renamed over it. */
function saveByRename(project: string, path: string, text: string): void {
  const file = join(project, path);
  renameSync(file, `${file}~`);
  writeFileSync(file, text);
}

test('a saved file is in the image, and runs its own layer alone', async () => {
  const project = makeProject(
    { copies: COPIES, other: 'do_run() { echo other >/etc/other; }\n' },
    { files: { 'scriptlets/copies/note': 'one\n' } },
  );
  const watcher = startWatch(project);
  await watcher.idle(1);
  assert.equal(inImage(project, 'etc/note'), 'one\n');
  write(project, { 'scriptlets/copies/note': 'two\n' });
  await watcher.idle(2);
  assert.equal(inImage(project, 'etc/note'), 'two\n');
  assert.deepEqual(watcher.builds().map(ranIn), [['copies', 'other'], ['copies']]);
  assert.ok(watcher.lines().includes('a: scriptlets/copies/note changed'));
  watcher.kill('SIGTERM');
  assert.equal(await watcher.ended, 143);
  assert.equal(watcher.lines().at(-1), 'watching 5 files, Ctrl-C ends');
});

test('what does not change the content of an input builds nothing and prints nothing', async () => {
  const project = makeProject({ copies: COPIES }, { files: { 'scriptlets/copies/note': 'one\n' } });
  const watcher = startWatch(project);
  await watcher.idle(1);
  const before = watcher.lines().length;
  utimesSync(join(project, 'scriptlets/copies/note'), 1, 1);
  write(project, {
    'scriptlets/copies/note': 'one\n',
    'scriptlets/copies/.note.swp': 'what vim keeps',
    'scriptlets/copies/note~': 'a backup',
    'scriptlets/copies/#note#': 'what Emacs keeps',
    'scriptlets/copies/4913': '',
    'conf/.a.toml.swp': '',
    'conf/4913': '',
    'conf/other.toml': 'suite = "bookworm"\n',
    'scriptlets/unused.sh': 'do_run() { :; }\n',
    README: 'not an input\n',
  });
  // Events come in order: when this one is told, all of those before have been seen.
  saveByRename(project, 'conf/a.toml', `${readFileSync(join(project, 'conf/a.toml'), 'utf8')}# a comment\n`);
  await watcher.idle(2);
  assert.equal(watcher.lines()[before], 'a: conf/a.toml changed');
  assert.equal(watcher.builds().length, 2);
});

test('a new file in a data folder, and a new scriptlet with its data, are watched from then on', async () => {
  const project = makeProject(
    { tree: 'do_run() { [ ! -d $DATA_DIR/tree ] || copy_file tree /etc/; }\n' },
    { files: { 'shared/logo': 'old\n' } },
  );
  const watcher = startWatch(project);
  await watcher.idle(1);
  write(project, { 'scriptlets/tree/tree/deep/leaf': 'leaf\n' });
  await watcher.idle(2);
  assert.equal(inImage(project, 'etc/tree/deep/leaf'), 'leaf\n');
  write(project, { 'scriptlets/tree/tree/deep/leaf': 'changed\n' });
  await watcher.idle(3);
  assert.equal(inImage(project, 'etc/tree/deep/leaf'), 'changed\n');

  const added = `use_file shared/logo\ndo_run() { copy_file note etc/note; copy_file $RUN_HOME/shared/logo etc/; }\n`;
  write(project, { 'scriptlets/added.sh': added, 'scriptlets/added/note': 'one\n' });
  edit(project, 'conf/a.toml', (text) => text.replace('"tree"', '"tree", "added"'));
  await watcher.idle(4);
  assert.equal(inImage(project, 'etc/note'), 'one\n');
  rmSync(join(project, 'scriptlets/added'), { recursive: true });
  write(project, { 'scriptlets/added/note': 'two\n' });
  await watcher.idle(5);
  assert.equal(inImage(project, 'etc/note'), 'two\n');
  write(project, { 'scriptlets/added/note': 'three\n', 'shared/logo': 'new\n' });
  await watcher.idle(6);
  assert.deepEqual([inImage(project, 'etc/note'), inImage(project, 'etc/logo')], ['three\n', 'new\n']);
});

test('a save during a run stops what it made obsolete; an independent layer goes on, and its result counts', async () => {
  const project = makeProject(
    {
      edited: `do_run() { copy_file note etc/note; [ ! -e $DATA_DIR/wait ] || ${sleepOf(100001)}; }\n`,
      above: 'need edited\ndo_run() { cp /etc/note /etc/copy; }\n',
      independent: sleeps(100002),
    },
    { files: { 'scriptlets/edited/note': 'one\n', 'scriptlets/edited/wait': '' } },
  );
  const watcher = startWatch(project, ['-j', '4']);
  await until('both run', () => [100001, 100002].every((number) => sleeper(number)));
  const independent = sleeper(100002);

  write(project, { 'scriptlets/edited/note': 'two\n' });
  await watcher.line(/^edited: started/, 2);
  await until('it runs again', () => sleeper(100001) !== undefined);
  write(project, { 'scriptlets/edited/note': 'three\n' });
  rmSync(join(project, 'scriptlets/edited/wait'));
  await watcher.line(/^above: done/);
  assert.equal(sleeper(100001), undefined);
  assert.equal(sleeper(100002), independent, 'the independent layer was not stopped');
  assert.equal(watcher.builds().length, 0);

  wake(100002);
  await watcher.idle(1);
  assert.deepEqual([inImage(project, 'etc/note'), inImage(project, 'etc/copy')], ['three\n', 'three\n']);
  assert.equal(inImage(project, 'etc/slept'), 'slept\n');
  assert.deepEqual(watcher.builds().map(ranIn), [['edited', 'above', 'independent']]);
  const of = (pattern: RegExp): number => watcher.lines().filter((line) => pattern.test(line)).length;
  assert.deepEqual([of(/^edited: stopped/), of(/^edited: started/)], [2, 3]);
  assert.deepEqual([of(/^independent: started/), of(/^independent: goes on/)], [1, 2]);
  assert.deepEqual(leftovers(project), []);
});

test("ids that a layer gives which was handed on are no one else's", async () => {
  const adds = (name: string): string => `adduser --system --quiet ${name}`;
  const project = makeProject(
    {
      edited: `do_run() { ${adds('first')}; [ ! -e $DATA_DIR/wait ] || ${sleepOf(100009)}; }\n`,
      handed: `do_run() { ${adds('second')}; ${sleepOf(100007)} || true; }\n`,
    },
    { files: { 'scriptlets/edited/wait': '' } },
  );
  const watcher = startWatch(project, ['-j', '2']);
  await until('both run', () => [100007, 100009].every((number) => sleeper(number)));
  rmSync(join(project, 'scriptlets/edited/wait'));
  await watcher.line(/^edited: done/);
  wake(100007);
  await watcher.idle(1);
  const idOf = (name: string) => RegExp(`^${name}:x:(\\d+):`, 'm').exec(inImage(project, 'etc/passwd'))?.[1];
  assert.equal(new Set(['first', 'second'].map(idOf)).size, 2);
  assert.equal(watcher.lines().filter((line) => line.startsWith('handed: started')).length, 1);
});

test('what was there for a moment only is not in the image in the end', async () => {
  const project = makeProject(
    { first: sleeps(100008), copies: `need first\n${COPIES}` },
    { files: { 'scriptlets/copies/note': 'stays\n' } },
  );
  const watcher = startWatch(project);
  await until('the first runs', () => sleeper(100008) !== undefined);
  wake(100008);
  // Written again and again, so that nobody looks before the layer has begun.
  const note = (text: string): void => write(project, { 'scriptlets/copies/note': text });
  await until('it is read', () => {
    note('goes\n');
    return watcher.lines().some((line) => /^copies: (started|done)/.test(line));
  });
  note('stays\n');
  await watcher.idle(1);
  assert.equal(inImage(project, 'etc/note'), 'stays\n');
});

test('nothing begins under inputs that have changed', async () => {
  const project = makeProject(
    { first: sleeps(100003), second: 'use_var NAME\ndo_run() { echo $NAME >/etc/second; }\n' },
    { vars: 'NAME = "old"\n' },
  );
  const watcher = startWatch(project, ['-j', '1']);
  await until('the first runs', () => sleeper(100003) !== undefined);
  edit(project, 'conf/a.toml', (text) => text.replace('old', 'new'));
  await watcher.line(/^first: goes on/);
  wake(100003);
  await watcher.idle(1);
  assert.equal(inImage(project, 'etc/second'), 'new\n');
  assert.equal(watcher.lines().filter((line) => line.startsWith('second: started')).length, 1);
});

test('a failure is told, and once it is mended the image is made', async () => {
  const project = makeProject({ copies: COPIES }, { files: { 'scriptlets/copies/note': 'one\n' } });
  const watcher = startWatch(project);
  await watcher.idle(1);
  const conf = readFileSync(join(project, 'conf/a.toml'), 'utf8');
  const steps: readonly [() => void, RegExp][] = [
    [() => write(project, { 'scriptlets/copies.sh': 'do_run() { if }\n' }), /syntax error/],
    [() => write(project, { 'scriptlets/copies.sh': 'do_run() { false; }\n' }), /"copies" failed/],
    [() => write(project, { 'scriptlets/copies.sh': 'use_file later/x\ndo_run() { :; }\n' }), /no such file/],
    [() => write(project, { 'conf/a.toml': 'suite = \n' }), /conf\/a\.toml:1/],
    [() => rmSync(join(project, 'conf/a.toml')), /no file ".*conf\/a\.toml"/],
    [() => write(project, { 'conf/a.toml': `extends = "b"\n` }), /there is no conf "b"/],
  ];
  for (const [index, [change, told]] of steps.entries()) {
    change();
    await watcher.idle(index + 2);
    assert.match(watcher.builds().at(-1)?.error?.message ?? '', told);
  }
  assert.equal(inImage(project, 'etc/note'), 'one\n');
  write(project, { 'scriptlets/copies/note': 'two\n', 'conf/b.toml': conf });
  await watcher.idle(steps.length + 2);
  write(project, { 'later/x': '' });
  await watcher.idle(steps.length + 3);
  write(project, { 'scriptlets/copies.sh': COPIES });
  await watcher.idle(steps.length + 4);
  assert.equal(inImage(project, 'etc/note'), 'two\n');
  assert.equal(watcher.builds().at(-1)?.error, undefined);
});

test('a layer that runs outlives a mistake that is mended', async () => {
  const project = makeProject(
    { long: sleeps(100004), copies: COPIES },
    { files: { 'scriptlets/copies/note': '1' } },
  );
  const watcher = startWatch(project, ['-j', '2']);
  await until('it runs', () => sleeper(100004) !== undefined);
  const long = sleeper(100004);
  write(project, { 'scriptlets/copies.sh': 'do_run() { if }\n' });
  await watcher.line(/syntax error/);
  write(project, { 'scriptlets/copies.sh': COPIES });
  await watcher.line(/^long: goes on/);
  assert.equal(sleeper(100004), long);
  wake(100004);
  await watcher.idle(1);
  assert.deepEqual(watcher.builds().at(-1)?.error, undefined);
  assert.equal(watcher.lines().filter((line) => line.startsWith('long: started')).length, 1);
});

for (const [signal, code, number] of [
  ['SIGINT', 130, 100005],
  ['SIGTERM', 143, 100006],
] as const) {
  test(`${signal} while a layer runs that was handed on ends all: exit code ${code}, and nothing is left`, async () => {
    const project = makeProject(
      { handed: sleeps(number), copies: COPIES },
      { files: { 'scriptlets/copies/note': '1' } },
    );
    const watcher = startWatch(project, ['-j', '2']);
    await until('it runs', () => sleeper(number) !== undefined);
    write(project, { 'scriptlets/copies/note': '2' });
    await watcher.line(/^handed: goes on/);
    watcher.kill(signal);
    assert.equal(await watcher.ended, code);
    assert.deepEqual(watcher.builds(), []);
    assert.deepEqual([processesOf(project), mountsOf(project), leftovers(project)], [[], [], []]);
    assert.equal(snap(['-C', project, 'list']).status, 0);
  });
}

test("snap's own lock starts no build, another one's does", async () => {
  const project = makeProject({ user: 'do_run() { adduser --system --quiet tester; }\n' });
  const watcher = startWatch(project);
  await watcher.idle(1);
  assert.match(lockText(project), /\btester\b/);
  assert.equal(watcher.builds().length, 1);
  appendFileSync(join(project, 'conf/a.lock'), '# said by hand\n');
  await watcher.idle(2);
  assert.ok(watcher.lines().includes('a: conf/a.lock changed'));
});

test('the image is released between builds: another build may run', async () => {
  const project = makeProject({ copies: COPIES }, { files: { 'scriptlets/copies/note': '1' } });
  const watcher = startWatch(project);
  await watcher.idle(1);
  assert.equal(snap(['-C', project, 'build', 'a', '--offline']).status, 0);
  watcher.kill('SIGINT');
  assert.equal(await watcher.ended, 130);
});

test('the store is kept within its size after each build of a watch', async () => {
  const project = makeProject({ copies: COPIES }, { files: { 'scriptlets/copies/note': '1' } });
  edit(project, 'conf/a.toml', (text) => `${text}\n[store]\nmax_size = "1MB"\n`);
  const unused = join(project, 'store/sources', 'ab'.repeat(32));
  const watcher = startWatch(project);
  await watcher.idle(1);
  await watcher.line(/the store is larger than 1MB/);
  write(project, { 'scriptlets/copies/note': '2' });
  writeFileSync(unused, 'nobody needs it');
  await watcher.idle(2);
  await watcher.line(/the store is larger than 1MB/, 2);
  assert.equal(existsSync(unused), false);
  watcher.kill('SIGINT');
  assert.equal(await watcher.ended, 130);
});

test('a host that allows no more watches is told with the limit to raise', () => {
  const project = makeProject({ copies: COPIES }, { files: { 'scriptlets/copies/note': '1' } });
  for (const [call, error, limit] of [
    ['inotify_add_watch', 'ENOSPC', 'fs.inotify.max_user_watches'],
    ['inotify_init1', 'EMFILE', 'fs.inotify.max_user_instances'],
  ]) {
    const inject = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `inject=${call}:error=${error}`];
    const { status, stderr } = start([...inject, SNAP, '-C', project, 'build', '--watch', '--offline']);
    assert.equal(status, 1, stderr);
    assert.match(stderr, RegExp(`Cannot watch ".*": the host's limit ${limit} is reached`));
    assert.match(stderr, RegExp(`^hint: raise it: sysctl ${limit}=`, 'm'));
  }
});

test('--watch with --dry-run is refused', () => {
  const project = makeProject({ copies: COPIES });
  mkdirSync(join(project, 'scriptlets/copies'));
  const { status, stderr } = snap(['-C', project, 'build', '--watch', '-n']);
  assert.equal(status, 2);
  assert.match(stderr, /Cannot watch with --dry-run/);
});
