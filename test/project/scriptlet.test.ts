import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConf } from '../../src/project/conf.ts';
import { readScriptlets, type Scriptlet } from '../../src/project/scriptlet.ts';
import { memoryCache, projectOf, someProject, told } from './some-project.ts';

type Extra = Parameters<typeof projectOf>[1];

function readAll(project: string, cache = memoryCache(), seconds = 10): Promise<Scriptlet[]> {
  return readScriptlets(loadConf(project, 'a'), { cache, seconds });
}

async function readOne(text: string, extra?: Extra): Promise<Scriptlet> {
  const [scriptlet] = await readAll(projectOf({ one: text }, extra));
  return scriptlet!;
}

async function faultOf(text: string, extra?: Extra): Promise<string> {
  return readAll(projectOf({ one: text }, extra)).then(
    (read) => assert.fail(`read as ${JSON.stringify(read)}`),
    told,
  );
}

const RUN = 'do_run() { :; }\n';

test('a scriptlet is read with all that it declares, in the order of the conf', async () => {
  const project = projectOf(
    {
      late: `need '*'\n${RUN}`,
      bluez: `# Bluetooth
need user systemd
need systemd
install_debian_deb bluez libc6:amd64
use_var HOST
use_file files/a.txt ./files
fetch_source https://example.org/x/tool%20one.tgz?v=1 ${'A'.repeat(64)}
use_network
exclude_path usr/share/doc/* '/usr/share/man' 'ü'

NAME="$HOST-$ARCH-$SUITE"
do_run() { copy_file x etc/x; }
do_check() { true; }
`,
      user: RUN,
      systemd: 'install_debian_deb systemd\n',
    },
    { vars: 'HOST = "device"', files: { 'files/a.txt': 'a', 'scriptlets/bluez/x': 'x' } },
  );
  const [late, bluez, user, systemd] = await readAll(project);
  assert.deepEqual([late?.needs, late?.needsAll], [[], true]);
  assert.deepEqual(bluez, {
    name: 'bluez',
    file: join(project, 'scriptlets/bluez.sh'),
    text: readFileSync(join(project, 'scriptlets/bluez.sh'), 'utf8'),
    dataDir: join(project, 'scriptlets/bluez'),
    needs: ['user', 'systemd'],
    needsAll: false,
    packages: ['bluez', 'libc6:amd64'],
    vars: { HOST: 'device' },
    files: ['files/a.txt', 'files'],
    sources: [{ url: 'https://example.org/x/tool%20one.tgz?v=1', sha256: 'a'.repeat(64) }],
    network: true,
    excludes: ['usr/share/doc/*', 'usr/share/man', '\xc3\xbc'],
    functions: 'do_check () \n{ \n    true\n}\ndo_run () \n{ \n    copy_file x etc/x\n}\n',
    variables: 'declare -- HOST="device"\ndeclare -- NAME="device-amd64-bookworm"\n',
    hasRun: true,
    hasCheck: true,
    kernel: undefined,
    buildNeeds: [],
    buildOnly: false,
    lines: {
      'need user': 2,
      'need systemd': 2,
      'install_debian_deb bluez': 4,
      'install_debian_deb libc6:amd64': 4,
      'use_var HOST': 5,
      'use_file files/a.txt': 6,
      'use_file files': 6,
      'fetch_source https://example.org/x/tool%20one.tgz?v=1': 7,
      use_network: 8,
      'exclude_path usr/share/doc/*': 9,
      'exclude_path /usr/share/man': 9,
      'exclude_path ü': 9,
    },
  });
  assert.equal(user?.dataDir, undefined);
  assert.equal(systemd?.hasRun, false);
});

test('comments and white space change nothing', async () => {
  const plain = await readOne('X=1\ndo_run() {\n  echo "a  b" | cat\n}\n');
  const decorated = await readOne(
    '# hi\n\n  X=1   # one\n\ndo_run()\n{\n\n# why\n\techo    "a  b" |\n cat # what\n}\n#\n',
  );
  assert.equal(decorated.functions, plain.functions);
  assert.equal(decorated.variables, plain.variables);
});

test('what changes the run changes functions or variables', async () => {
  const plain = await readOne(RUN);
  for (const text of [
    'IFS=,',
    'shopt -s nullglob',
    'X=',
    'declare -A M=([a]=b)',
    'helper() { :; }',
    'export Y=1',
    'OPTIND=2',
  ]) {
    const changed = await readOne(`${text}\n${RUN}`);
    assert.notEqual(changed.functions + changed.variables, plain.functions + plain.variables, text);
  }
});

test('each variable takes one line, whatever it holds', async () => {
  const { variables } = await readOne(
    `X=$'a\\nb"\\$c'\ndeclare -a L=($'\\n' 'é')\ndeclare -r R="x\ny"\n${RUN}`,
  );
  assert.equal(variables.trimEnd().split('\n').length, 3);
  assert.match(variables, /^declare -a L=.*\ndeclare -r R=.*\ndeclare -- X=.*\n$/);
});

test('nothing of snap and nothing of another scriptlet is seen', async () => {
  const project = projectOf(
    {
      first: `LEAK=1\nleak() { :; }\nexport LEAK\nshopt -s nullglob\n${RUN}`,
      second: `SEEN="\${LEAK-none} \${HOST-none} \${HOME-none}"\n${RUN}`,
    },
    { vars: 'HOST = "x"' },
  );
  const [, second] = await readAll(project);
  assert.equal(second?.variables, 'declare -- SEEN="none none none"\n');
  assert.equal(second?.functions, 'do_run () \n{ \n    :\n}\n');
});

test('external commands are refused with line and command', async () => {
  assert.match(
    await faultOf('\n\nx=$(sed -n 1p)\n'),
    /^SCRIPTLET .*scriptlets\/one\.sh:3: "sed" is an external command \| .*belong in do_run/,
  );
  assert.match(await faultOf('f() {\n  ls\n}\n\nf || true\n'), /one\.sh:2: "ls"/);
  assert.match(
    await faultOf('/usr/bin/env true\n'),
    /one\.sh:1: \/usr\/bin\/env: No such file.*external commands belong in do_run/,
  );
  assert.match(await faultOf('x=$(</etc/hostname)\n'), /one\.sh:1: \/etc\/hostname: No such file/);
});

test('what bash refuses is refused with its line', async () => {
  assert.match(
    await faultOf(`\ndo_run() {\n  fi\n}\n`),
    /one\.sh:3: syntax error near unexpected token `fi'/,
  );
  assert.match(await faultOf('do_run() {\n  echo "\n}\n'), /one\.sh:\d: .*unexpected/);
  assert.match(
    await faultOf('\nX=$HOST\n', { vars: 'HOST = "x"' }),
    /one\.sh:2: HOST: unbound variable \| declare it first: use_var HOST/,
  );
  assert.match(await faultOf('X=$NOPE\n'), /one\.sh:1: NOPE: unbound variable \| .*use_var NOPE/);
  assert.match(await faultOf('readonly X=1\nX=2\n'), /one\.sh:2: X: readonly variable/);
});

test('declarations are checked, with their lines', async () => {
  const faults: Record<string, RegExp> = {
    need: /one\.sh:1: "need" with no argument \| usage: need NAME/,
    '\nneed one': /one\.sh:2: it needs itself: one -> one/,
    'need ../x': /"\.\.\/x" is not the name of a scriptlet/,
    'install_debian_deb --no-install-recommends': /not the name of a Debian package/,
    'install_debian_deb bluez=5.66': /"bluez=5\.66" is not .* pinned in the lock/,
    'use_var HOTS': /unknown variable "HOTS" \| did you mean "HOST"\?/,
    'use_file /etc/passwd': /use_file "\/etc\/passwd" is an absolute path/,
    'use_file a/../../x': /lies outside the project/,
    'use_file .': /is the whole project/,
    '\n\nuse_file ./nope': /one\.sh:3: use_file "nope": there is no such file/,
    'use_file link': /one\.sh:1: use_file "link" lies outside the project \| it leads to \/etc/,
    'fetch_source https://x/y': /"fetch_source" with one argument \| usage: fetch_source URL SHA256/,
    'fetch_source https://x/y abc': /"abc" is not a SHA-256/,
    [`fetch_source ftp://x/y ${'a'.repeat(64)}`]: /unknown kind of URL "ftp:"/,
    [`fetch_source y ${'a'.repeat(64)}`]: /"y" is not a URL/,
    [`fetch_source https://x/y/ ${'a'.repeat(64)}`]: /ends in no file name/,
    [`fetch_source https://x/%2e%2e%2fy ${'a'.repeat(64)}`]: /ends in no file name/,
    [`fetch_source https://x/y ${'a'.repeat(64)}\nfetch_source https://z/y ${'b'.repeat(64)}`]:
      /one\.sh:2: two sources end in "y"/,
    'use_network yes': /"use_network" with one argument/,
    'exclude_path /': /matches no path/,
    'exclude_path a/../b': /matches no path/,
    '\nexclude_path "a,[[:alpha:]]"': /one\.sh:2: exclude_path "a,\[\[:alpha:\]\]" cannot be matched/,
    'copy_file a b': /"copy_file" at the top level .*do_run/,
    'trap : EXIT': /"trap" at the top level/,
    'exit 0': /one\.sh:1: "exit" at the top level/,
    'PATH=$PATH:/opt/bin': /it sets "PATH"/,
    'ARCH=arm64': /it sets "ARCH"/,
    'need() { :; }': /one\.sh:1: need: readonly function \| this name is a word of snap/,
    'builtin() { :; }': /it defines a function "builtin"/,
    'echo x > /left-behind': /one\.sh:1: \/left-behind: Read-only file system/,
    'exec 250>&-; need user': /its top level ended before the end/,
    'printf x >&250; need user': /what it says is damaged/,
    'kill -9 $BASHPID': /was ended by signal 9/,
    'x=aaaaaaaa; while :; do x=$x$x$x$x; done': /needs too much memory/,
    'X=1': /it declares nothing and has no do_run/,
    '': /it declares nothing and has no do_run/,
    'need user\r\n': /one\.sh:1: it is a text of Windows/,
    'X=\0': /one\.sh:1: there is a NUL/,
  };
  for (const [text, expected] of Object.entries(faults)) {
    const project = projectOf({ one: `${text}\n`, user: RUN }, { vars: 'HOST = "x"' });
    symlinkSync('/etc', join(project, 'link'));
    const fault = await readAll(project).then(() => assert.fail(`${text} was read`), told);
    assert.match(fault, expected, text);
  }
});

test('a need must be in the conf, and the error knows whether the file is there', async () => {
  const files = { 'scriptlets/other.sh': RUN };
  assert.match(
    await faultOf('\nneed other', { files }),
    /one\.sh:2: it needs "other".* add "other" to "scriptlets" of the conf/,
  );
  assert.match(await faultOf('need othr', { files }), /did you mean "other"\?/);
});

test('a scriptlet that is not there is refused with the nearest names', async () => {
  const project = projectOf(
    { bluez: RUN },
    { files: { 'conf/b.toml': 'suite="x"\narch="amd64"\nscriptlets=["bluz"]' } },
  );
  const wrong = await readScriptlets(loadConf(project, 'b'), { cache: memoryCache() }).catch(told);
  assert.match(String(wrong), /^CONF Cannot read scriptlet "bluz" of conf "b".*did you mean "bluez"\?/);
});

test('a hostile scriptlet spoils its own result at most', async () => {
  const hostile: Record<string, string> = {
    forger: `printf '%s\\0' end 0 0 need 1 1 evil >&250; ${RUN}`,
    writer: `(while :; do printf 'need\\0001\\0001\\000evil\\000' >&250; done) & ${RUN}`,
    closer: `exec 250>&-; ${RUN}`,
    killer: `kill -9 1 2>&-; kill -9 -1 2>&-; kill -TERM 1 2>&-; kill -INT 1 2>&-; ${RUN}`,
    suicide: 'kill -9 $BASHPID',
    recursive: 'f() { f; }; f',
    glutton: 'x=aaaaaaaa; while :; do x=$x$x$x$x; done',
    trapper: `trap 'printf x >&250' DEBUG; ${RUN}`,
    posix: `readonly POSIXLY_CORRECT=1; ${RUN}`,
    noexec: `set -n; ${RUN}`,
    replacer: 'exec /run/snap/bash -c ":"',
    scribbler: `echo 'need evil' > /run/snap/good/scriptlet.sh; ${RUN}`,
    builtin: `builtin() { :; }; ${RUN}`,
    reader: `read -r -d '' x <&251; ${RUN}`,
  };
  for (const [name, text] of Object.entries(hostile)) {
    const both = { [name]: text, good: `use_var HOST\n${RUN}` };
    const cache = memoryCache();
    const project = projectOf(both, { vars: 'HOST = "x"' });
    await readAll(project, cache).catch((error) =>
      assert.match(told(error), new RegExp(`scriptlets/${name}\\.sh`)),
    );
    writeFileSync(
      join(project, 'conf/a.toml'),
      'suite="bookworm"\narch="amd64"\nscriptlets=["good"]\n[vars]\nHOST="x"',
    );
    const sets = cache.sets();
    const [good] = await readAll(project, cache);
    assert.equal(cache.sets(), sets, 'remembered from beside the hostile one');
    assert.deepEqual(good?.lines, { 'use_var HOST': 1 }, name);
  }
});

test('builtins that a scriptlet defines anew are its functions and break nothing', async () => {
  const { functions, variables } = await readOne(`printf() { :; }\ndeclare() { :; }\nX=1\n${RUN}`);
  assert.match(functions, /declare \(\).*do_run \(\).*printf \(\)/s);
  assert.equal(variables, 'declare -- X="1"\n');
});

test('options of the top level do not disturb what is read', async () => {
  const plain = await readOne(RUN);
  const { functions, variables } = await readOne(`set -euxv\nset -o pipefail\nset +f\n${RUN}`);
  assert.equal(functions + variables, plain.functions + plain.variables);
});

test('a top level without end is stopped, and the error names it', async () => {
  const project = projectOf({ fine: RUN, endless: `while :; do :; done\n`, also: RUN });
  await assert.rejects(
    readAll(project, memoryCache(), 1),
    /scriptlets\/endless\.sh: no end of its top level within 1 s/,
  );
  assert.match(
    await faultOf('while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done'),
    /one\.sh: .*prints without end/,
  );
});

test('a remembered scriptlet is not evaluated again', async () => {
  const project = projectOf(
    { one: `use_var A\n[[ $A == 1 ]] || use_var B\n${RUN}` },
    { vars: 'A = 1\nB = 1\nC = 1' },
  );
  const conf = (vars: string) =>
    writeFileSync(
      join(project, 'conf/a.toml'),
      `suite="bookworm"\narch="amd64"\nscriptlets=["one"]\n[vars]\n${vars}`,
    );
  const cache = memoryCache();
  /** What is read, and whether it was evaluated for that. */
  const read = async () => {
    const sets = cache.sets();
    const scriptlets = await readAll(project, cache);
    return { scriptlets, evaluated: cache.sets() > sets };
  };
  const first = await readAll(project, cache);
  assert.deepEqual(await read(), { scriptlets: first, evaluated: false });
  conf('A = 1\nB = 2\nC = 2');
  assert.deepEqual(await read(), { scriptlets: first, evaluated: false }, 'a variable that was not declared');
  conf('A = 2\nB = 2');
  const second = await read();
  assert.equal(second.evaluated, true, 'a declared variable changed');
  assert.deepEqual(second.scriptlets[0]?.vars, { A: '2', B: '2' });
  conf('A = 2\nB = 3');
  assert.equal((await read()).evaluated, true, 'a variable declared depending on another changed');
  conf('A = 1\nB = 9');
  assert.deepEqual(
    await read(),
    { scriptlets: first, evaluated: false },
    'the first values are remembered still',
  );
  writeFileSync(join(project, 'scriptlets/one.sh'), RUN);
  assert.equal((await read()).evaluated, true, 'the text changed');
});

test('a fault is not remembered', async () => {
  const cache = memoryCache();
  const project = projectOf({ one: 'ls\n' });
  await assert.rejects(readAll(project, cache));
  assert.equal(cache.sets(), 0);
});

test("snap's own variables are given where they are declared", async () => {
  const project = projectOf({ one: `use_var SNAP_CONF SNAP_COMMIT\n${RUN}` });
  assert.match(await readAll(project).then(() => '', told), /^CONF Cannot tell SNAP_COMMIT: .*first commit/);
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', project, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
      encoding: 'utf8',
    });
  git('init', '-q');
  git('add', '.');
  git('commit', '-qm', 'one');
  const commit = git('rev-parse', 'HEAD').trim();
  const stamp = async () => (await readAll(project))[0]?.vars;
  assert.deepEqual(await stamp(), { SNAP_CONF: 'a', SNAP_COMMIT: commit });
  writeFileSync(join(project, 'new'), 'not tracked');
  assert.equal((await stamp())?.SNAP_COMMIT, commit);
  writeFileSync(join(project, 'scriptlets/one.sh'), `# x\nuse_var SNAP_CONF SNAP_COMMIT\n${RUN}`);
  assert.equal((await stamp())?.SNAP_COMMIT, `${commit}-dirty`);
});

test('a scriptlet that is not UTF-8 is refused', async () => {
  const project = someProject({ 'conf/a.toml': 'suite="x"\narch="amd64"\nscriptlets=["one"]' });
  mkdirSync(join(project, 'scriptlets'));
  writeFileSync(join(project, 'scriptlets/one.sh'), Buffer.from([0x58, 0x3d, 0xff, 0x0a]));
  assert.match(String(await readAll(project).catch(told)), /one\.sh: it is not UTF-8/);
});
