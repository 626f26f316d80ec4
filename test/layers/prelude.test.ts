// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of bash
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const PRELUDE = fileURLToPath(new URL('../../src/layers/prelude.sh', import.meta.url));
const EPOCH = 1_600_000_000;

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Files with the time that staging gives them; sources have their own. */
function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
    if (!path.startsWith('sources/')) utimesSync(join(folder, path), EPOCH, EPOCH);
  }
}

/** A root with the host's programs, and what a scriptlet gets beside it. */
function someRoot(): { root: string; snap: string } {
  const folder = mkdtempSync(join(tmpdir(), 'snap-prelude-'));
  folders.push(folder);
  const [root, snap] = [join(folder, 'root'), join(folder, 'snap')];
  write(root, {
    'etc/passwd': 'root:x:0:0:root:/root:/bin/bash\ndlog:x:1000:1001::/home/dlog:/bin/sh\n',
    'etc/group': 'root:x:0:\ndlog:x:1001:\n',
  });
  for (const part of ['usr', 'root', 'home', 'tmp']) mkdirSync(join(root, part));
  for (const link of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${link}`, join(root, link));
  for (const part of ['data', 'home', 'sources']) mkdirSync(join(snap, part), { recursive: true });
  write(snap, { 'variables.sh': '' });
  return { root, snap };
}

type Ran = { status: number | null; stdout: string; stderr: string; failures: string };

/** Runs a scriptlet as a layer does: in its root, its folder read-only, file descriptor 3 a file for failures. */
function runIn(place: { root: string; snap: string }, scriptlet: string, word?: string): Ran {
  const { root, snap } = place;
  writeFileSync(join(snap, 'scriptlet.sh'), scriptlet);
  writeFileSync(join(snap, 'prelude.sh'), readFileSync(PRELUDE));
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    LC_ALL: 'C.UTF-8',
    SOURCE_DATE_EPOCH: String(EPOCH),
    ARCH: 'amd64',
    SUITE: 'bookworm',
    IMAGE_DIR: '/',
    DATA_DIR: '/run/snap/data',
    RUN_HOME: '/run/snap/home',
    SOURCES_DIR: '/run/snap/sources',
  };
  const failures = join(snap, '../failures');
  const third = openSync(failures, 'w');
  const fd = openSync(failures, 'a');
  const args = [
    '--bind',
    root,
    '/',
    '--ro-bind',
    '/usr',
    '/usr',
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    '--tmpfs',
    '/run',
  ];
  const isolation = [
    '--ro-bind',
    snap,
    '/run/snap',
    '--unshare-pid',
    '--unshare-net',
    '--cap-add',
    'ALL',
    '--clearenv',
  ];
  const vars = Object.entries(env).flatMap(([name, value]) => ['--setenv', name, value]);
  const command = ['/bin/bash', '/run/snap/prelude.sh', ...(word === undefined ? [] : [word])];
  const ran = spawnSync('bwrap', [...args, ...isolation, ...vars, '--chdir', '/', ...command], {
    stdio: ['ignore', 'pipe', 'pipe', fd],
    encoding: 'utf8',
    timeout: 30_000,
  });
  closeSync(third);
  closeSync(fd);
  const { status, stdout, stderr } = ran;
  return { status, stdout, stderr, failures: readFileSync(failures, 'utf8') };
}

function ran(scriptlet: string): Ran {
  return runIn(someRoot(), scriptlet);
}

function succeed(place: { root: string; snap: string }, body: string): Ran {
  const result = runIn(place, `do_run() {\n${body}\n}\n`);
  assert.equal(result.status, 0, result.stderr);
  assert.equal(result.failures, '');
  return result;
}

/** `mode uid gid` and whether the time is the epoch. */
function look(root: string, path: string): string {
  const stat = lstatSync(join(root, path));
  const time = stat.mtimeMs === EPOCH * 1000 ? '' : ' other time';
  return `${(stat.mode & 0o7777).toString(8)} ${stat.uid} ${stat.gid}${time}`;
}

test('copy_file copies a file, makes folders, and sets mode, owner and time', () => {
  const place = someRoot();
  write(place.snap, { 'data/a b': 'text', 'data/tool': '#!', 'data/sub/-x': 'x' });
  chmodSync(join(place.snap, 'data/tool'), 0o755);
  succeed(
    place,
    `copy_file "a b" etc/new/deep/
     copy_file "a b" /etc/plain 0600 dlog
     copy_file tool usr-local/tool
     copy_file tool opt/su 4755 dlog:dlog
     copy_file sub/-x -x
     copy_file "$DATA_DIR/tool" /`,
  );
  const { root } = place;
  assert.equal(readFileSync(join(root, 'etc/new/deep/a b'), 'utf8'), 'text');
  assert.equal(look(root, 'etc/new/deep/a b'), '644 0 0');
  assert.equal(look(root, 'etc/new/deep'), '755 0 0');
  assert.equal(look(root, 'etc/new'), '755 0 0');
  assert.equal(look(root, 'etc/plain'), '600 1000 0');
  assert.equal(look(root, 'usr-local/tool'), '755 0 0');
  assert.equal(look(root, 'opt/su'), '4755 1000 1001');
  assert.equal(look(root, 'usr-local'), '755 0 0');
  assert.equal(readFileSync(join(root, '-x'), 'utf8'), 'x');
  assert.equal(look(root, 'tool'), '755 0 0');
});

test('copy_file copies a folder with its content, links kept, into what is there', () => {
  const place = someRoot();
  const { root } = place;
  write(place.snap, {
    'data/tree/etc/one': '1',
    'data/tree/etc/run me': '#!',
    'data/tree/shared/x.so': 'so',
    'data/tree/-d/\nnewline': 'n',
    'data/other/f': 'f',
    'home/files/h': 'h',
    'sources/s.tgz': 's',
  });
  symlinkSync('nowhere', join(place.snap, 'data/link'));
  chmodSync(join(place.snap, 'data/tree/etc/run me'), 0o700);
  symlinkSync('/nowhere', join(place.snap, 'data/tree/etc/link'));
  write(root, { 'etc/one': 'old', 'real/kept': 'kept' });
  chmodSync(join(root, 'etc'), 0o750);
  symlinkSync('real', join(root, 'shared'));
  succeed(
    place,
    `copy_file tree/. /
     copy_file other opt/a
     copy_file other opt/b/ 0600 dlog:dlog
     copy_file $RUN_HOME/files/ opt
     copy_file "$SOURCES_DIR"/s.tgz opt/
     copy_file link opt/link 0644 dlog`,
  );
  assert.equal(readFileSync(join(root, 'etc/one'), 'utf8'), '1');
  assert.equal(look(root, 'etc/one'), '644 0 0');
  assert.equal(look(root, 'etc/run me'), '755 0 0');
  assert.equal(readlinkSync(join(root, 'etc/link')), '/nowhere');
  assert.equal(look(root, 'etc/link'), '777 0 0');
  assert.match(look(root, 'etc'), /^750 /);
  assert.equal(readFileSync(join(root, 'real/x.so'), 'utf8'), 'so');
  assert.equal(readlinkSync(join(root, 'shared')), 'real');
  assert.equal(readFileSync(join(root, '-d/\nnewline'), 'utf8'), 'n');
  assert.equal(look(root, '-d'), '755 0 0');
  assert.equal(look(root, 'opt/a/f'), '644 0 0');
  assert.equal(look(root, 'opt/b/other/f'), '600 1000 1001');
  assert.equal(look(root, 'opt/b/other'), '755 1000 1001');
  assert.equal(look(root, 'opt/b'), '755 0 0');
  assert.equal(look(root, 'opt/h'), '644 0 0');
  assert.equal(readFileSync(join(root, 'opt/s.tgz'), 'utf8'), 's');
  assert.equal(look(root, 'opt/s.tgz'), '644 0 0');
  assert.equal(readlinkSync(join(root, 'opt/link')), 'nowhere');
  assert.equal(look(root, 'opt/link'), '777 1000 0');
});

test('copy_file takes the place of a file, link or pipe, and never writes into it', () => {
  const place = someRoot();
  const { root } = place;
  write(place.snap, { 'data/f': 'new' });
  write(root, { 'opt/file': 'old', 'opt/target': 'old' });
  linkSync(join(root, 'opt/file'), join(root, 'opt/other-name'));
  symlinkSync('target', join(root, 'opt/link'));
  spawnSync('mkfifo', [join(root, 'opt/pipe')]);
  succeed(place, 'for name in file link pipe; do copy_file f "opt/$name"; done');
  for (const name of ['file', 'link', 'pipe']) {
    assert.ok(lstatSync(join(root, 'opt', name)).isFile(), name);
    assert.equal(readFileSync(join(root, 'opt', name), 'utf8'), 'new');
  }
  for (const name of ['other-name', 'target'])
    assert.equal(readFileSync(join(root, 'opt', name), 'utf8'), 'old');
});

test('copy_file stays in the image where a link leads outside', () => {
  const place = someRoot();
  const outside = mkdtempSync(join(tmpdir(), 'snap-outside-'));
  folders.push(outside);
  write(place.snap, { 'data/f': 'f', 'data/tree/out/g': 'g' });
  const { root } = place;
  symlinkSync(outside, join(root, 'out'));
  symlinkSync('../../../../../../../..', join(root, 'up'));
  symlinkSync('/usr/share/zoneinfo/UTC', join(root, 'etc/localtime'));
  mkdirSync(join(root, outside), { recursive: true });
  succeed(
    place,
    'copy_file f out/f\ncopy_file f up/etc/upwards\ncopy_file tree /\ncopy_file tree/. .\ncopy_file f etc/localtime',
  );
  assert.equal(readFileSync(join(root, outside, 'f'), 'utf8'), 'f');
  assert.equal(readFileSync(join(root, outside, 'g'), 'utf8'), 'g');
  assert.equal(readFileSync(join(root, 'etc/upwards'), 'utf8'), 'f');
  assert.ok(lstatSync(join(root, 'etc/localtime')).isFile(), 'a link is replaced, its target kept');
  assert.deepEqual([existsSync(join(outside, 'f')), existsSync(join(outside, 'g'))], [false, false]);
});

test('copy_file says what is wrong, and the failure has the line of its call', () => {
  const faults: Record<string, RegExp> = {
    'copy_file nope etc/': /^copy_file: no "nope" in the data folder$/m,
    'copy_file ../scriptlet.sh etc/': /^copy_file: "\.\.\/scriptlet\.sh": write the path without "\.\."$/m,
    'copy_file /etc/passwd etc/x':
      /^copy_file: "\/etc\/passwd" lies outside \$DATA_DIR, \$RUN_HOME and \$SOURCES_DIR$/m,
    'copy_file /run/snap/home/a etc/': /^copy_file: no "\/run\/snap\/home\/a"$/m,
    'copy_file f etc': /^copy_file: "\/etc" is a folder: write "\/etc\/"/m,
    'copy_file f lib': /^copy_file: "\/lib" is a folder/m,
    'copy_file f etc/passwd/x': /^mkdir: .*passwd/m,
    'copy_file f etc/f u+x': /^copy_file: "u\+x" is not a mode/m,
    'copy_file f etc/f 0644 nobody-there': /^chown: invalid user/m,
    'copy_file f': /^copy_file: usage: copy_file SRC DST/m,
    'copy_file tree etc/passwd': /passwd/,
    'copy_file pipes etc/': /^copy_file: ".*fifo" is neither file, folder nor link$/m,
  };
  const place = someRoot();
  write(place.snap, { 'data/f': 'f', 'data/tree/g': 'g', 'data/pipes/x': 'x' });
  spawnSync('mkfifo', [join(place.snap, 'data/pipes/fifo')]);
  for (const [call, message] of Object.entries(faults)) {
    const result = runIn(place, `do_run() {\n  :\n  ${call}\n}\n`);
    assert.match(result.stderr, message, call);
    assert.equal(result.status, 1, call);
    assert.equal(result.failures, `3\t1\t${call}\n`);
  }
});

test('every kind of failure is reported once, with line, status and command', () => {
  const failures: [body: string, report: string][] = [
    ['ls /nope 2>&-', '3\t2\tls /nope 2>&-'],
    ['true\nhelper', '9\t1\tfalse'],
    ['( true\n  helper\n)', '9\t1\tfalse'],
    ['( cd /\n  cd /nope\n  true )', '4\t1\tcd /nope'],
    ['x=$(true; false)', '3\t1\tfalse'],
    ['local x=$(false)\ntrue\nls /nope', '5\t2\tls /nope'],
    ['echo "$(false)"\n[[ a == b ]]', '4\t1\t[[ a == b ]]'],
    ['echo a | grep b | cat', '3\t1\t... | cat (part 2 of 3)'],
    ['echo a | cat | grep b', '3\t1\tgrep b'],
    ['true\necho "${NOPE}"', '4\t1\techo "${NOPE}"'],
    ['true\nunbound', '12\t1\techo "$NOPE2"'],
    ['echo "${NOPE:?must be set}"', '3\t1\techo "${NOPE:?must be set}"'],
    ['true\nexit 7', '4\t7\texit 7'],
    ['( true\n  exit 7 )', '4\t7\texit 7'],
    ['false || exit', '3\t1\texit 1'],
    ['with_return', '3\t4\twith_return'],
    ['no-such-command', '3\t127\tno-such-command'],
    ['in_image sh -c "exit 9"', '3\t9\tin_image sh -c exit 9'],
    ['printf "%s\\n" "a\tb" | while read -r x; do\n  false "a\tb"\ndone', '4\t1\tfalse "a b"'],
    ['copy_file nope x || true\nfalse', '4\t1\tfalse'],
    ['kill -9 $BASHPID', ''],
    ['need x', '3\t1\tneed x'],
    ['false || true; if helper; then :; fi; ! true; x=$(false) || true; false', '3\t1\tfalse'],
    ["trap 'true' EXIT\nfalse", '4\t1\tfalse'],
  ];
  const place = someRoot();
  for (const [body, report] of failures) {
    const lines = body.split('\n').length;
    const padding = '\n'.repeat(5 - lines);
    const functions = `helper() {\n  false; }\n\nunbound() {\n  echo "$NOPE2"\n}\nwith_return() { return 4; }\n`;
    const text = `# first\ndo_run() {\n${body}${padding}}\n${functions}`;
    const result = runIn(place, text);
    assert.equal(result.failures, report && `${report}\n`, `${body}\n${result.stderr}`);
    assert.notEqual(result.status, 0, body);
  }
});

test('do_run that returns a status fails at its own line', () => {
  const result = ran('# first\n\ndo_run() {\n  true\n  return 5\n}\n');
  assert.equal(result.status, 5);
  assert.equal(result.failures, '3\t5\treturn 5\n');
});

test('declarations inside do_run are errors', () => {
  for (const word of [
    'need',
    'install_debian_deb',
    'use_var',
    'use_file',
    'fetch_source',
    'use_network',
    'exclude_path',
  ]) {
    const result = ran(`${word} x\ndo_run() {\n  ${word} x\n}\n`);
    assert.match(result.stderr, new RegExp(`^${word}: belongs to the top level of the scriptlet$`, 'm'));
    assert.equal(result.failures, `3\t1\t${word} x\n`);
  }
});

test('the evaluation decides what variables hold, and the top level does nothing else', () => {
  const place = someRoot();
  const declared = [
    'declare -- HOST="device"',
    'declare -- MADE="evaluated"',
    'declare -ar LIST=([0]="a" [1]=$\'b\\n\')',
    'declare -A MAP=([k]="v" )',
  ];
  writeFileSync(
    join(place.snap, 'variables.sh'),
    `${declared.join('\n')}\ndeclare -- IFS=","\nshopt -s nullglob\n`,
  );
  const result = runIn(
    place,
    `use_var HOST
readonly -a LIST=(a $'b\\n')
MADE=$(hostname)
MAP=none
echo on stdout; echo on stderr >&2; touch /touched; echo x >&3
cd /tmp; umask 077; set -f
if [[ $HOST == device ]]; then
  do_run() {
    echo "$HOST|$MADE|\${#LIST[@]}|\${MAP[k]}|$IFS|$PWD|$(umask)|$-" /no-such-*
    touch made
  }
fi
`,
  );
  assert.equal(result.stderr, '');
  assert.match(result.stdout, /^device\|evaluated\|2\|v\|,\|\/\|0022\|[a-zA-Z]*\n$/);
  assert.doesNotMatch(result.stdout.split('|').at(-1)!, /f/);
  assert.equal(result.failures, '');
  assert.equal(existsSync(join(place.root, 'touched')), false);
  assert.equal(existsSync(join(place.root, 'made')), true);
});

test('names that a scriptlet uses for its own variables break no function of snap', () => {
  const place = someRoot();
  write(place.snap, { 'data/tree/f': 'f' });
  const names = 'from to mode owner source folder line status command made i path'.split(' ');
  const result = runIn(
    place,
    `${names.map((name) => `readonly ${name}=x`).join('\n')}\nfind() { false; }\ndo_run() {\n  copy_file tree opt/\n  false\n}\n`,
  );
  assert.equal(result.failures, `${names.length + 4}\t1\tfalse\n`, result.stderr);
  assert.ok(existsSync(join(place.root, 'opt/tree/f')));
});

test('in_image runs in a clean environment', () => {
  const place = someRoot();
  write(place.snap, { 'variables.sh': 'declare -x HOST="device"\n' });
  const { stdout } = succeed(
    place,
    'cd /usr\nexport MINE=1\nin_image env\nin_image pwd\necho in | in_image cat\nin_image test ! -e /proc/self/fd/3',
  );
  assert.match(stdout, /^HOME=\/root$/m);
  assert.match(stdout, /^PATH=\/usr\/sbin:\/usr\/bin:\/sbin:\/bin$/m);
  assert.match(stdout, /^ARCH=amd64$/m);
  assert.doesNotMatch(stdout, /^(?:HOST|MINE|__snap\w*)=/m);
  assert.match(stdout, /^\/$/m);
  assert.match(stdout, /^in$/m);
});

test('another function than do_run can be run', () => {
  const result = runIn(someRoot(), 'do_check() {\n  echo checked\n  false\n}\n', 'do_check');
  assert.equal(result.stdout, 'checked\n');
  assert.equal(result.failures, '3\t1\tfalse\n');
});

test('a scriptlet that the bash of the image cannot read says so', () => {
  const result = ran('do_run() {\n  fi\n}\n');
  assert.equal(result.status, 127);
  assert.match(result.stderr, /line 2: syntax error/);
  assert.equal(result.failures, '1\t127\tdo_run\n');
});
