import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { folder, makeDist, ROOT, SNAP, snap, start } from './launcher.ts';

const COMMANDS = [
  'init',
  'lock',
  'build',
  'plan',
  'why',
  'graph',
  'log',
  'shell',
  'check',
  'diff',
  'size',
  'list',
  'doctor',
  'completion',
];
const AS_ROOT = [
  ['build', 'a b'],
  ['lock', '--update'],
  ['plan'],
  ['why', 'a'],
  ['graph'],
  ['list'],
  ['check'],
  ['diff', 'a', 'b'],
  ['size'],
  ['log', 'a'],
  ['shell', '--', 'a', '-b'],
];

before(makeDist);

function project(place: string, ...confs: string[]): string {
  mkdirSync(join(place, 'conf'));
  mkdirSync(join(place, 'scriptlets'));
  for (const conf of confs) writeFileSync(join(place, 'conf', `${conf}.toml`), '');
  return place;
}

test('help names every command, and that of each shows an example and the exit codes', () => {
  const { status, stdout, stderr } = snap(['--help']);
  assert.deepEqual([status, stderr], [0, '']);
  for (const command of COMMANDS) {
    assert.match(stdout, new RegExp(`^  ${command} `, 'm'));
    const own = snap([command, '--help']);
    assert.equal(own.status, 0);
    assert.match(own.stdout, new RegExp(`Examples?:\n  (sudo )?snap ${command}`));
    assert.match(own.stdout, /Exit codes:\n {2}0/);
  }
});

test('the version is that of package.json', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  assert.equal(snap(['--version']).stdout, `${version}\n`);
});

test('a wrong command line exits with 2 and names what is nearest', () => {
  const cases: [string[], RegExp][] = [
    [['biuld'], /^snap: Unknown command "biuld"\nhint: did you mean "build"\? see snap --help\n$/],
    [['build', '--lokced'], /^snap: Unknown option "--lokced"\nhint: did you mean "--locked"\?/],
    [['build', '-j', '0'], /A whole number from 1 on is expected/],
    [['build', '--timeout', '1e3'], /A whole number/],
    [['log'], /^snap: Missing required argument "layer"/],
    [['list', 'a'], /^snap: Too many arguments/],
    [['completion', 'tcsh'], /bash, zsh, fish/],
  ];
  for (const [args, told] of cases) {
    const { status, stdout, stderr } = snap(args);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, told);
  }
});

test('no command at all shows the help, as a mistake', () => {
  const { status, stdout, stderr } = snap([]);
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /^Usage: snap/);
});

test('outside of a project a command says so and what to do', (t) => {
  const { status, stderr } = snap(['build'], { cwd: folder(t) });
  assert.equal(status, 2);
  assert.match(stderr, /^snap: Cannot find a project in ".*"[^\n]*\nhint: make one: snap init DIR/);
});

test('the project is found from a folder below it, and -C names another', (t) => {
  const place = project(folder(t), 'one', 'two');
  assert.match(snap(['build'], { cwd: join(place, 'scriptlets') }).stderr, /Several confs/);
  assert.match(snap(['-C', place, 'build']).stderr, /Several confs, none named: "one", "two"/);
  assert.match(snap(['-C', join(place, 'scriptlets'), 'build']).stderr, /Cannot find a project/);
});

test('a conf that is not there is told with the nearest, and may be given as its file', (t) => {
  const place = project(folder(t), 'demo', 'combined');
  assert.match(
    snap(['-C', place, 'build', 'dmeo']).stderr,
    /Unknown conf "dmeo"\nhint: did you mean "demo"\?/,
  );
  assert.match(snap(['-C', place, 'build', 'conf/zzz.toml']).stderr, /Unknown conf "zzz"\nhint: there are: /);
  assert.match(snap(['-C', place, 'shell', 'combine']).stderr, /did you mean "combined"\?/);
});

test('with --json a failure is a value on stdout, and talk stays on stderr', (t) => {
  const place = project(folder(t), 'demo');
  for (const words of ['build', 'plan', 'lock', 'check', 'why a', 'graph --format json']) {
    const json = words.startsWith('graph') ? [] : ['--json'];
    const { stdout, stderr } = snap(['-C', place, ...words.split(' '), 'dmeo', ...json]);
    const { error } = JSON.parse(stdout);
    assert.deepEqual([error.code, error.message], ['USAGE', 'Unknown conf "dmeo"'], words);
    assert.match(stderr, /^snap: Unknown conf "dmeo"$/m);
  }
});

test('an ordinary user becomes root through sudo, with the same words and the environment that matters', (t) => {
  const place = folder(t);
  const bin = folder(t, 'snap-test-');
  const sudo = '#!/bin/sh\nprintf "<%s>" "$@"\n';
  writeFileSync(join(bin, 'sudo'), sudo, { mode: 0o755 });
  const user = ['unshare', '--user', '--map-user=1000'];
  const env = { PATH: `${bin}:${process.env.PATH}`, NO_COLOR: '1', http_proxy: 'x' };
  for (const words of AS_ROOT) {
    const args = ['-C', place, ...words];
    const { stdout, stderr } = start([...user, SNAP, ...args], { env });
    const given = ['--preserve-env=NO_COLOR,TERM,http_proxy', '--', SNAP, ...args];
    assert.equal(stdout, given.map((word) => `<${word}>`).join(''));
    assert.equal(stderr, 'snap: this needs root, going on under sudo\n');
  }
});

test('without sudo an ordinary user is told what is missing', (t) => {
  const place = folder(t);
  const env = { PATH: place };
  const unshare = ['/usr/bin/unshare', '--user', '--map-user=1000', '/bin/sh', '-c'];
  const hidden = `PATH=/usr/bin:/bin; export PATH; exec "${SNAP}" list`;
  const { status, stderr } = start([...unshare, hidden], { env });
  if (start(['sh', '-c', 'command -v sudo']).status === 0) return t.skip('this machine has sudo');
  assert.equal(status, 1);
  assert.match(stderr, /Cannot become root: "sudo" is not installed\nhint: .*apt-get install sudo/);
});

test('an ordinary user needs no root for help, init, doctor and completion', (t) => {
  const place = folder(t);
  const user = ['unshare', '--user', '--map-user=1000', SNAP];
  for (const args of [
    ['build', '--help'],
    ['init', 'new'],
    ['completion', 'bash'],
    ['completion', '--names', 'confs'],
  ]) {
    const { status, stderr } = start([...user, ...args], { cwd: place });
    assert.equal(status, 0, stderr);
  }
  assert.ok(!start([...user, 'doctor'], { cwd: place }).stderr.includes('going on under sudo'));
});

test('a reader that has gone away is no failure', (t) => {
  const script = 'mkfifo "$1/p"; exec 3<>"$1/p" 4>"$1/p" 3<&-; exec "$2" completion fish >&4';
  const { status, stderr } = start(['bash', '-c', script, 'bash', folder(t), SNAP]);
  assert.deepEqual([status, stderr], [0, '']);
});

test('a command loads nothing of a package that it has no use for', (t) => {
  const place = project(folder(t), 'demo');
  const trace = join(place, 'trace');
  const names = ['completion', '--names', 'confs'];
  start(['strace', '-f', '-e', 'trace=open,openat', '-o', trace, SNAP, '-C', place, ...names]);
  const opened = readFileSync(trace, 'utf8');
  assert.match(opened, /dist\/commandline\.cjs/);
  assert.doesNotMatch(opened, /node_modules\/(?!node\/)/);
});
