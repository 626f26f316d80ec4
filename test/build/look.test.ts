import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { openIndex } from '../../src/store/database.ts';
import { Store } from '../../src/store/layers.ts';
import { encodeManifest, type TreePath } from '../../src/store/manifest.ts';
import { at, scanTree, walk } from '../../src/store/tree.ts';
import { type Outcome, SNAP, snap, start } from '../commands/launcher.ts';
import { until } from '../faults/fixture/traces.ts';
import { build, edit, makeFolder, makeProject } from './small-project.ts';

const SCRIPTLETS = {
  odd: `do_run() {
  mkdir -p /opt/odd
  cd /opt/odd
  echo newline >$'new\\nline'
  echo latin >$'caf\\xe9'
  echo tab >$'a\\tb'
  echo dash >-n
  printf 'a\\0b' >binary
  : >empty
  echo set >set; chown root:games set; chmod 6755 set
  ln set hard
  mkfifo fifo
  ln -s /opt/odd/set absolute
  ln -s ../../../../../../etc/hostname out
  ln -s round round
  ln -s nothing dangling
  echo one >/etc/hostname
  chown 4321:4322 empty
}
`,
  user: 'need odd\ndo_run() { adduser --quiet --system --group keeper; echo 1 >/opt/one; }\n',
  last: "need '*'\nexclude_path 'usr/share/doc/*'\ndo_run() { rm /etc/issue.net; }\n",
};

let project = '';
const trees = new Map<number, string>();
const sees = (image: string): string =>
  encodeManifest(scanTree(image, { mtime: ({ mtimeMs }) => Number(mtimeMs) / 1000 }).values()).toString(
    'latin1',
  );

/** Builds: 1 as above; 2 with another user, and without opt/one; 3 with a file more. */
before(() => {
  project = makeProject(SCRIPTLETS);
  const keep = (number: number): void => {
    build(project);
    trees.set(number, sees(join(project, 'images/a/')));
  };
  keep(1);
  edit(project, 'scriptlets/user.sh', (text) =>
    text.replace('keeper', 'sleeper').replace('echo 1 >/opt/one', 'true'),
  );
  keep(2);
  edit(project, 'scriptlets/odd.sh', (text) =>
    text.replace('echo one', 'echo three >/opt/three; echo three'),
  );
  keep(3);
});

function call(...args: readonly string[]): Outcome {
  return snap(['-C', project, ...args]);
}

function done(...args: readonly string[]): string {
  const { status, stdout, stderr } = call(...args);
  assert.equal(status, 0, stderr);
  return stdout;
}

function json<T>(...args: readonly string[]): T {
  return JSON.parse(done(...args, '--json')) as T;
}

function failure(status: number, ...args: readonly string[]): string {
  const outcome = call(...args);
  assert.deepEqual([outcome.status, outcome.stdout], [status, ''], outcome.stderr);
  return outcome.stderr;
}

type Listed = {
  readonly path: string;
  readonly type: string;
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly user: string | null;
  readonly group: string | null;
  readonly bytes?: number;
  readonly modified: string;
  readonly layers: readonly { readonly name: string }[];
};
type List = { readonly image: string; readonly path: string; readonly entries: readonly Listed[] };

/** A path as it stands in JSON. */
function bytesOf(path: string): TreePath {
  const plain = path.replace(/\\(?:x([0-9a-f]{2})|\\)/g, (_, code?: string) =>
    code === undefined ? '\\' : String.fromCharCode(Number.parseInt(code, 16)),
  );
  const text = plain === path ? Buffer.from(path).toString('latin1') : plain;
  return text.slice(1) as TreePath;
}

test('a list of the whole image has what lies on the disk, and nothing else', () => {
  const image = join(project, 'images/a/');
  const { entries } = json<List>('ls', '-R', '/');
  const stats = entries.map(({ path }) => lstatSync(at(image, bytesOf(path))));
  assert.deepEqual(
    entries.map(({ path, mode, uid, gid, modified }) => [path, mode, uid, gid, modified]),
    stats.map(({ mode, uid, gid, mtime }, index) => [
      entries[index]?.path,
      (mode & 0o7777).toString(8).padStart(4, '0'),
      uid,
      gid,
      mtime.toISOString(),
    ]),
  );
  for (const [index, { bytes, path }] of entries.entries())
    if (bytes !== undefined) assert.equal(bytes, stats[index]?.size, path);
  assert.equal(entries.length, [...walk(image)].length - 1);
});

test('one folder by itself is listed as in the list of all', () => {
  const all = json<List>('ls', '-R', '/').entries;
  for (const folder of ['/', '/etc', '/opt/odd', '/var/lib/dpkg', '/usr/share/doc']) {
    const { entries } = json<List>('ls', folder);
    const prefix = folder === '/' ? '/' : `${folder}/`;
    assert.deepEqual(
      entries,
      all.filter(({ path }) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/')),
      folder,
    );
  }
  const below = all.filter(({ path }) => path.startsWith('/var/lib/'));
  assert.deepEqual(json<List>('ls', '-R', '/var/lib').entries, below);
});

test('as text: a line a path as in ls -l, with the layer', () => {
  const lines = done('ls', '/opt/odd').split('\n');
  const line = (name: string): string =>
    lines.find((one) => one.split('  ').at(-1)?.split(' ->')[0] === name) ?? '';
  assert.match(line('set'), /^-rwsr-sr-x {2}root +games +4 {2}\d{4}-\d\d-\d\d \d\d:\d\d {2}odd {2}set$/);
  assert.match(line('fifo'), /^prw-r--r-- /);
  assert.match(line('empty'), /^-rw-r--r-- {2}4321 {2}4322 +0 /);
  assert.match(line('absolute'), /^lrwxrwxrwx .* absolute -> \/opt\/odd\/set$/);
  for (const name of ['new\\x0aline', 'caf\\xe9', 'a\\x09b', '-n']) assert.notEqual(line(name), '', name);
  assert.match(
    done('ls', '/etc/passwd'),
    /^-rw-r--r-- {2}root {2}root +\d+ .* base,user {2}\/etc\/passwd\n$/,
  );
  assert.match(done('ls', '/bin'), /^lrwxrwxrwx .*\/bin -> usr\/bin\n$/);
  assert.match(done('ls', '/bin/'), / ls\n/);
  assert.match(done('ls', '-R', '/opt'), /^\/opt:\n.*\n.*\n\n\/opt\/odd:\n/);
});

test('names of owners are those of the image that is looked into', () => {
  const home = (image: string): Listed | undefined =>
    json<List>('ls', image, '/etc').entries.find(({ path }) => path === '/etc/passwd');
  assert.deepEqual(
    home('a@1')?.layers.map(({ name }) => name),
    ['base', 'user'],
  );
  assert.match(done('ls', 'a@1', '/opt'), / one\n/);
  assert.doesNotMatch(done('ls', 'a@2', '/opt'), / one\n/);
});

test('content is printed as it is: of every kind of file, through links that stay in the image', () => {
  const image = join(project, 'images/a');
  const printed = (path: string): string => done('cat', path);
  for (const path of [
    '/etc/passwd',
    '/etc/group',
    '/var/lib/dpkg/status',
    '/opt/odd/binary',
    '/etc/hostname',
    '/usr/bin/ls',
  ])
    assert.equal(printed(path), readFileSync(join(image, path), 'utf8'), path);
  assert.equal(printed('/bin/../../opt/odd/absolute'), 'set\n');
  assert.equal(printed('/opt/odd/out'), 'three\n');
  assert.equal(printed('/opt/odd/new\nline'), 'newline\n');
  assert.equal(printed('/opt/odd/new\\x0aline'), 'newline\n');
  assert.equal(printed('/opt/odd/caf\\xe9'), 'latin\n');
  assert.equal(printed('opt/odd/-n'), 'dash\n');
  assert.equal(printed('/opt/odd/empty'), '');
  assert.equal(done('cat', 'a@1', '/etc/hostname', '/opt/one'), 'one\n1\n');
});

test("a database file of an old build is that build's", () => {
  const has = (image: string, name: string): boolean =>
    done('cat', image, '/etc/passwd').includes(`\n${name}:`);
  assert.deepEqual([has('a@1', 'keeper'), has('a@1', 'sleeper')], [true, false]);
  assert.deepEqual([has('a', 'keeper'), has('a~1', 'sleeper')], [false, true]);
});

test('of several files those that are there are printed, and the exit code is that of cat', () => {
  const { status, stdout, stderr } = call('cat', '/opt/odd/set', '/nothing', '/opt', '/etc/hostname');
  assert.deepEqual([status, stdout], [1, 'set\nthree\n']);
  assert.match(stderr, /There is no "\/nothing" in a@3\n/);
  assert.match(stderr, /Cannot print "\/opt" of a@3: it is a folder\nhint: look at it: snap ls a@3 \/opt\n/);
  assert.match(failure(1, 'cat', '/opt/odd/fifo'), /it is a fifo/);
  for (const path of [
    '/opt/odd/round',
    '/opt/odd/dangling',
    '/opt/odd/set/x',
    '/usr/share/doc/bash/copyright',
    '/etc/issue.net',
  ])
    assert.match(failure(1, 'cat', path), /There is no /, path);
  assert.match(failure(2, 'cat', 'a'), /No path is named/);
});

test('what is no text does not go to a terminal', () => {
  const typed = (path: string): Outcome =>
    start(['script', '-qec', `"${SNAP}" -C "${project.replaceAll('\\', '\\\\')}" cat ${path}`, '/dev/null']);
  assert.match(
    typed('/opt/odd/binary').stdout,
    /Cannot print .* to a terminal: it is no text\s+hint: snap cat a@3 .* > FILE/,
  );
  assert.equal(typed('/opt/odd/binary').status, 1);
  assert.equal(typed('/opt/odd/set').stdout, 'set\r\n');
});

test('a path or build that is not there is told with the nearest', () => {
  assert.match(
    failure(2, 'ls', '/etc/hostnam'),
    /There is no "\/etc\/hostnam" in a@3\nhint: did you mean "\/etc\/hostname"/,
  );
  assert.match(failure(2, 'ls', 'a@9'), /There is no build "a@9"\nhint: .*a@1 a@2 a@3/);
  assert.match(failure(2, 'ls', '/etc/issue.net'), /There is no/);
});

test('the builds of a conf: what ran, how large, and which are called what', () => {
  done('tag', 'a~1', 'second');
  done('pin', 'a@1');
  type Past = {
    readonly build: string;
    readonly ran: readonly string[];
    readonly bytes: number;
    readonly growth: number | null;
    readonly tags: readonly string[];
    readonly isPinned: boolean;
    readonly gone: readonly string[];
  };
  const builds = json<readonly Past[]>('history');
  assert.deepEqual(
    builds.map((one) => [one.build, one.tags, one.isPinned, one.gone]),
    [
      ['a@3', [], false, []],
      ['a@2', ['second'], false, []],
      ['a@1', [], true, []],
    ],
  );
  assert.deepEqual(builds[1]?.ran, ['user', 'last']);
  assert.equal(builds[0]?.growth, builds[0]!.bytes - builds[1]!.bytes);
  assert.equal(builds[2]?.growth, null);
  assert.deepEqual(json<readonly Past[]>('history', 'a', '-n', '1').length, 1);
  assert.match(done('history', 'a'), /^build +made .*\na@3 .*\na@2 .* second\na@1 .* pinned\n$/);
  assert.match(failure(2, 'history', 'b'), /There is no build of "b"/);
});

test('a tag is a name for a build everywhere, and keeps to it', () => {
  assert.equal(done('tag', 'a@1', 'v1.new'), 'v1.new is a@1\n');
  assert.match(done('tag'), /\nv1\.new +a@1\n/);
  assert.equal(done('cat', 'v1.new', '/opt/one'), '1\n');
  assert.match(failure(2, 'tag', 'a@2', 'v1.new'), /Tag "v1.new" is a@1 already/);
  assert.equal(done('tag', 'a@2', 'v1.new', '--force'), 'v1.new is a@2, no longer a@1\n');
  assert.equal(done('tag', '--delete', 'v1.new'), 'v1.new is no longer a@2\n');
  assert.match(failure(2, 'tag', '--delete', 'v1.new'), /There is no tag/);
  assert.match(failure(2, 'tag', 'a@1', 'a'), /"a" is a conf/);
  for (const name of ['A', 'a@1', '../x', '.x', 'x~', ''])
    assert.match(failure(2, 'tag', 'a@1', name), /Cannot be a tag/);
  assert.match(failure(2, 'tag', 'a@1'), /No tag is named/);
});

test('a pin keeps a build until it is let go', () => {
  assert.match(done('pin', 'a~1'), /^a@2 stays/);
  assert.deepEqual(done('pin').split('\n').includes('a@2'), true);
  done('unpin', 'a@2');
  assert.match(failure(2, 'unpin', 'a@2'), /Build "a@2" is not pinned/);
});

/** The inodes of all regular files beneath a folder. */
function inodesIn(folder: string): Set<bigint> {
  const files = [...walk(folder)].filter(({ stat }) => stat.isFile());
  return new Set(files.map(({ stat }) => stat.ino));
}

test('a build made again is what its image was, also after others, and shares files with the store', () => {
  const folder = join(makeFolder(), 'new', 'tree');
  for (const number of [1, 3, 2]) {
    const { stdout, stderr } = call('restore', `a@${number}`, folder);
    assert.equal(stdout, `${folder}\n`, stderr);
    assert.match(stderr, new RegExp(`^a@${number}: [\\d,]+ paths, `));
    assert.equal(sees(folder), trees.get(number), `a@${number}`);
  }
  assert.equal(lstatSync(join(folder, 'usr/bin/ls')).nlink > 1, true);
  assert.equal(sees(join(project, 'images/a/')), trees.get(3), 'the image is as it was');
});

test('with --copy no file is one with any in the store, and the folder is left alone from then on', () => {
  const folder = makeFolder();
  done('restore', 'a@2', folder);
  assert.equal(json<{ copied: boolean }>('restore', 'a@2', folder, '--copy').copied, true);
  assert.equal(sees(folder), trees.get(2));
  const stored = inodesIn(join(project, 'store/layers'));
  const shares = (one: string): boolean => [...inodesIn(one)].some((inode) => stored.has(inode));
  assert.deepEqual([shares(folder), shares(join(project, 'images'))], [false, true]);
  writeFileSync(join(folder, 'usr/bin/ls'), 'mine');
  assert.match(failure(2, 'restore', 'a@2', folder), /it is not empty/);
  assert.equal(readFileSync(join(folder, 'usr/bin/ls'), 'utf8'), 'mine');
});

test("what is the person's own is not touched", () => {
  const place = makeFolder();
  const folder = join(place, 'tree');
  done('restore', 'a', folder);
  renameSync(folder, join(place, 'away'));
  mkdirSync(folder);
  writeFileSync(join(folder, 'mine'), 'mine');
  assert.match(failure(2, 'restore', 'a', folder), /Cannot put an image into .*: it is not empty/);
  assert.deepEqual(readdirSync(folder), ['mine']);
  assert.match(failure(2, 'restore', 'a', join(folder, 'mine')), /it is no folder/);
});

test('what was stopped on the way is made to the end by the next', () => {
  const folder = join(makeFolder(), 'tree');
  const stopped = start([
    'strace',
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    'trace=link,linkat',
    '-e',
    'inject=link,linkat:signal=KILL:when=200',
    SNAP,
    '-C',
    project,
    'restore',
    'a@1',
    folder,
  ]);
  assert.notEqual(stopped.status, 0);
  assert.equal(existsSync(join(folder, 'usr')), true);
  done('restore', 'a@1', folder);
  assert.equal(sees(folder), trees.get(1));
});

test('while something is removed from the store, content waits, and all else is told at once', async () => {
  const held = spawn('flock', ['-x', join(project, 'store/lock'), 'cat'], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  await until(
    'the lock is taken',
    () => start(['flock', '-sn', join(project, 'store/lock'), 'true']).status !== 0,
  );
  for (const args of [['ls', '/opt'], ['history'], ['tag'], ['pin'], ['blame', '/etc/hostname']])
    done(...args);
  const waiting = spawn(SNAP, ['-C', project, 'cat', '/etc/hostname'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  waiting.stdout.on('data', (bytes: Buffer) => (stdout += bytes));
  waiting.stderr.on('data', (bytes: Buffer) => (stderr += bytes));
  await until('it says that it waits', () => stderr.includes('waiting for "snap gc" to end'));
  assert.equal(stdout, '');
  held.stdin.end();
  assert.deepEqual([(await once(waiting, 'close'))[0], stdout], [0, 'three\n']);
});

test('a build whose layers are gone is told so, and not made again in part', () => {
  const folder = join(makeFolder(), 'tree');
  const gone = (): number => {
    using store = new Store(project);
    return (JSON.parse(store.buildsOf('a').at(-1)!.layers) as [string, number][]).find(
      ([name]) => name === 'user',
    )![1];
  };
  const tree = join(project, 'store/layers', String(gone()));
  renameSync(tree, `${tree}.away`);
  assert.match(failure(1, 'ls', 'a@1', '/opt'), /Cannot read .*layers\/\d+\//);
  assert.match(failure(1, 'restore', 'a@1', folder), /Cannot read .*layers/);
  const index = openIndex(join(project, 'store/index.db'));
  index.prepare('DELETE FROM layers WHERE n = ?').run(gone());
  index.close();
  assert.match(
    failure(1, 'restore', 'a@1', folder),
    /Cannot look into build "a@1": of its layers "user" are gone/,
  );
  assert.equal(existsSync(folder), false);
  assert.match(failure(1, 'tag', 'a@1', 'late'), /Cannot keep build "a@1": of its layers "user" are gone/);
  assert.match(done('history'), /\na@1 .* pinned, cannot be looked into: user gone\n/);
  assert.equal(done('cat', 'a@2', '/etc/hostname'), 'one\n');
  done('unpin', 'a@1');
});

test('where a number is that of another layer by now, a build is not looked into as if it had that', () => {
  const file = join(project, 'store/builds/a/3.json');
  const text = readFileSync(file, 'utf8');
  const note = JSON.parse(text) as { layers: [string, number, number[]][] };
  const [, earlier] = (
    JSON.parse(readFileSync(join(project, 'store/builds/a/2.json'), 'utf8')) as typeof note
  ).layers.find(([name]) => name === 'odd')!;
  const layers = note.layers.map(([name, n, sees]) => [name, name === 'odd' ? earlier : n, sees]);
  assert.notDeepEqual(layers, note.layers);
  writeFileSync(file, JSON.stringify({ ...note, layers }));
  const folder = join(makeFolder(), 'tree');
  const told = /Cannot look into build "a@3": its layers are not those that it was made from/;
  assert.match(failure(1, 'restore', 'a@3', folder), told);
  assert.match(failure(1, 'cat', 'a@3', '/etc/hostname'), told);
  assert.equal(existsSync(folder), false);
  writeFileSync(file, text);
  assert.equal(done('cat', 'a@3', '/etc/hostname'), 'three\n');
});

test('tags and pins outlive the index', () => {
  done('tag', 'a@2', 'kept', '--force');
  done('pin', 'a@3');
  for (const file of ['index.db', 'index.db-wal', 'index.db-shm'])
    rmSync(join(project, 'store', file), { force: true });
  assert.match(done('tag', '--list'), /\nkept +a@2\n/);
  assert.equal(done('pin'), 'a@3\n');
  assert.equal(statSync(join(project, 'store/builds/a/2.json')).isFile(), true);
});
