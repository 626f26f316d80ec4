// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of bash
import assert from 'node:assert/strict';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SnapError } from '../../src/host/error.ts';
import { check } from '../../src/project/check.ts';
import { loadConf } from '../../src/project/conf.ts';
import { readScriptlets } from '../../src/project/scriptlet.ts';
import { memoryCache, projectOf } from './some-project.ts';

const PRELUDE = fileURLToPath(new URL('../../src/layers/prelude.sh', import.meta.url));

/** Runs the checks of a project, remembered in `passed` by the scriptlets' functions. */
async function checkAll(
  project: string,
  passed = memoryCache(),
  seconds = 20,
  prelude = PRELUDE,
): Promise<string[]> {
  const conf = loadConf(project, 'a');
  const scriptlets = await readScriptlets(conf, { cache: memoryCache() });
  return check(conf, scriptlets, {
    cache: passed,
    checkKey: (one) => one.functions,
    prelude,
    seconds,
  });
}

async function faultOf(body: string, top = ''): Promise<{ told: string; lines: readonly string[] }> {
  const project = projectOf(
    { one: `${top}\ndo_check() {\n${body}\n}\n` },
    { vars: 'HOST = "device"', files: { 'files/a.txt': 'a' } },
  );
  const error = await checkAll(project, memoryCache(), 2).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof SnapError, String(error));
  assert.equal(error.code, 'SCRIPTLET');
  return { told: `${error.message} | ${error.hint}`, lines: error.lines };
}

test('a check sees data, declared files and variables, and nothing else', async () => {
  const project = projectOf(
    {
      one: `use_var HOST
use_file files/a.txt shared
NAME="$HOST-1"
refused() { if ("$@") 2>&-; then exit 1; fi; }
do_check() {
  [[ $(cat "$DATA_DIR/config") == DEBUG=0 ]]
  [[ $(cat "$RUN_HOME/files/a.txt") == a ]]
  [[ $(ls "$RUN_HOME/shared") == x ]]
  [[ "$HOST $NAME $ARCH $SUITE" == "device device-1 amd64 bookworm" ]]
  [[ $(id -u) == 65534 && -z \${OTHER-} ]]
  [[ ! -e $RUN_HOME/files/b.txt && ! -e /etc/passwd && ! -e /home && ! -e /root && ! -e /var ]]
  refused touch "$DATA_DIR/new" "$RUN_HOME/shared/x"
  refused touch /usr/new
  [[ $(ls /sys/class/net 2>&-) == "" ]]
  [[ $(cat /proc/net/route | wc -l) == 1 ]] # the heading alone: no way leads anywhere
  cat # standard input is empty
}
`,
    },
    {
      vars: 'HOST = "device"\nOTHER = "x"',
      files: { 'scriptlets/one/config': 'DEBUG=0', 'files/a.txt': 'a', 'files/b.txt': 'b', 'shared/x': 'x' },
    },
  );
  chmodSync(join(project, 'scriptlets/one/config'), 0o600);
  assert.deepEqual(await checkAll(project), ['one']);
  assert.equal(existsSync(join(project, 'scriptlets/one/new')), false);
});

test('a project of another user that nobody else can read is checked, by a snap that only root can read', {
  skip: process.getuid?.() !== 0,
}, async () => {
  const project = projectOf(
    { one: 'do_check() { [[ $(cat "$DATA_DIR/x") == secret ]]; }\n' },
    { files: { 'scriptlets/one/x': 'secret' } },
  );
  for (const path of ['scriptlets/one/x', 'scriptlets/one.sh', 'scriptlets/one', 'scriptlets', '.']) {
    chmodSync(join(project, path), path.includes('.sh') || path.endsWith('/x') ? 0o600 : 0o700);
    chownSync(join(project, path), 12345, 12345);
  }
  const snap = mkdtempSync(join(tmpdir(), 'snap-of-root-'));
  copyFileSync(PRELUDE, join(snap, 'prelude.sh'));
  assert.deepEqual(await checkAll(project, memoryCache(), 20, join(snap, 'prelude.sh')), ['one']);
  rmSync(snap, { recursive: true });
});

test('a check that passed is remembered, one that failed is not', async () => {
  const passed = memoryCache();
  const project = projectOf({
    good: 'do_check() { true; }\n',
    plain: 'do_run() { :; }\n',
    bad: 'do_check() { false; }\n',
  });
  await assert.rejects(checkAll(project, passed));
  assert.equal(passed.sets(), 1);
  await assert.rejects(checkAll(project, passed), /Check of scriptlet "bad" failed/);
  writeFileSync(join(project, 'scriptlets/bad.sh'), 'do_check() { :; }\n');
  assert.deepEqual(await checkAll(project, passed), ['bad']);
  assert.deepEqual(await checkAll(project, passed), []);
});

test('a check that fails names line, command and status, with its last 20 lines', async () => {
  const { told, lines } = await faultOf(
    '  for i in {1..30}; do echo "line $i"; done\n  echo -e "\\e[31mred\\e[0m\\a" >&2\n  grep -q x /dev/null',
  );
  assert.equal(
    told,
    'Check of scriptlet "one" failed: "grep -q x /dev/null" exited with 1 (scriptlets/one.sh:5) | mend what it found: nothing was built',
  );
  assert.equal(lines.length, 20);
  assert.deepEqual([lines[0], lines.at(-1)], ['line 12', 'red']);
});

test('a check that forgot to declare something is told what', async () => {
  assert.match((await faultOf('cat "$RUN_HOME/files/a.txt"')).told, /declare it: use_file files\/a\.txt$/);
  assert.match(
    (await faultOf('echo "$HOST"')).told,
    /"echo "\$HOST"" exited with 1 .*declare it: use_var HOST$/,
  );
});

test('a check that never ends or prints without end is stopped', async () => {
  assert.match((await faultOf('sleep 60 & sleep 60')).told, /failed: no end within 2 s/);
  assert.match(
    (await faultOf('yes aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')).told,
    /failed: it prints without end/,
  );
});
