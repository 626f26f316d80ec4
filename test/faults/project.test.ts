import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { layersIn } from './fixture/layers.ts';
import { leftovers, type Project, project } from './fixture/project.ts';

/** A build that fails before anything runs. Returns what it says. */
function refused(made: Project, ...args: readonly string[]): string[] {
  const { status, stdout, stderr } = made.snap('build', ...args);
  assert.equal(status, 1, stderr);
  assert.equal(stdout, '');
  assert.doesNotMatch(stderr, /bug in snap/);
  assert.equal(existsSync(made.image()), false);
  assert.deepEqual(leftovers(made.folder), []);
  assert.deepEqual([...layersIn(made.folder).keys()], ['base'], 'no layer but the base');
  return stderr.trimEnd().split('\n');
}

function succeeds(made: Project, ...args: readonly string[]): void {
  const { status, stderr } = made.snap('build', ...args);
  assert.equal(status, 0, stderr);
}

test('what a scriptlet did not declare is not there, and the failure tells which declaration is missing', (t) => {
  const made = project(t);
  made.write('secret.txt', 'secret\n');
  const bodies = {
    'by variable': ['echo "$COLOUR" >/opt/colour', 'use_var COLOUR'],
    'by file': ['cat "$RUN_HOME/secret.txt" >/opt/secret', 'use_file secret.txt'],
    'by path': [`[ ! -e "${made.folder}" ] && copy_file "$RUN_HOME/secret.txt" opt/`, 'use_file secret.txt'],
  };
  for (const [what, [body, declaration]] of Object.entries(bodies)) {
    made.scriptlets({ forgetful: `do_run() {\n  ${body}\n}\n` });
    made.write('conf/fault.toml', `${made.read('conf/fault.toml')}[vars]\nCOLOUR = "red"\n`);
    const { status, stderr } = made.snap('build');
    assert.equal(status, 1, what);
    assert.match(stderr, RegExp(`hint: .*declare it: ${declaration}`), what);
    assert.match(stderr, /line 2 of .*forgetful\.sh/, what);
    made.write('scriptlets/forgetful.sh', `${declaration}\n${made.read('scriptlets/forgetful.sh')}`);
    succeeds(made);
  }
});

test('a need of an unknown name, of itself or in a circle is refused before anything runs', (t) => {
  const made = project(t);
  const run = 'do_run() { :; }\n';
  made.scriptlets({ network: run, kiosk: `need netwrok\n${run}` });
  const unknown = refused(made);
  assert.match(unknown[0] ?? '', /^snap: .*kiosk\.sh:1.*"netwrok"/);
  assert.match(unknown.join('\n'), /"network"/);
  made.scriptlets({ one: `need one\n${run}` });
  assert.match(refused(made)[0] ?? '', /^snap: .*one\.sh:1.*one -> one/);
  made.scriptlets({ one: `need two\n${run}`, two: `need three\n${run}`, three: `need one\n${run}` });
  assert.match(refused(made)[0] ?? '', /^snap: .*one -> two -> three -> one/);
  made.scriptlets({ one: `need two\n${run}`, two: run });
  succeeds(made);
});

test('two scriptlets that write one path: with --locked an error that names them and it, else an order that is kept', (t) => {
  const made = project(t);
  made.scriptlets({
    first: 'do_run() { echo first >/opt/both; }\n',
    second: 'do_run() { echo second >/opt/both; }\n',
  });
  const { status, stderr } = made.snap('build', '--locked');
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^snap: Scriptlets "first" and "second" both write "opt\/both", in no order\nhint: .*need/m,
  );
  assert.equal(existsSync(made.image()), false);
  const learned = made.snap('build');
  assert.equal(learned.status, 0, learned.stderr);
  assert.match(learned.stderr, /^learned: second after first, since both write opt\/both$/m);
  assert.match(made.read('conf/fault.lock'), /^order second after first # opt\/both$/m);
  assert.equal(readFileSync(made.image('opt/both'), 'utf8'), 'second\n');
  succeeds(made, '--locked');
});

test('a conf that is wrong is refused with file, line and what is expected', (t) => {
  const made = project(t);
  made.scriptlets({ one: 'do_run() { :; }\n' });
  const right = made.read('conf/fault.toml');
  const wrong: [text: string, message: RegExp][] = [
    [right.replace('suite', 'siute'), /conf\/fault\.toml:1.*siute[\s\S]*"suite"/],
    [right.replace('"amd64"', '"amd46"'), /conf\/fault\.toml:2.*amd46[\s\S]*amd64/],
    [right.replace('"amd64"', '64'), /conf\/fault\.toml:2/],
    [right.replace('"one"', '1'), /conf\/fault\.toml:[34]/],
    [right.replace('"one"', '"oen"'), /oen[\s\S]*one/],
    [right.replace(']', ''), /conf\/fault\.toml:\d+/],
  ];
  for (const [text, message] of wrong) {
    made.write('conf/fault.toml', text);
    assert.match(refused(made).join('\n'), message);
  }
  made.write('conf/fault.toml', right);
  succeeds(made);
});

test('whatever stands in the path of the project, a build works, with data, folders to bind and a base to make', (t) => {
  const made = project(t, { name: 'snap, a:b\\c "d"\'e$(f)`g`*[h]%s\n#%20é-' });
  const hard =
    'use_file other/shared\ndo_run() {\n  copy_file given opt/\n  cat "$RUN_HOME/other/shared" >>/opt/given\n}\n';
  made.scriptlets({ hard, top: "need '*'\ndo_run() { cat /opt/given >/opt/top; }\n" });
  made.write('scriptlets/hard/given', 'given\n');
  made.write('other/shared', 'shared\n');
  succeeds(made, '--rerun', 'base');
  assert.equal(readFileSync(made.image('opt/top'), 'utf8'), 'given\nshared\n');
  assert.equal(made.snap('log', 'hard').status, 0);
  const { status, stdout } = made.snap('shell', 'fault', '--', 'cat', '/opt/top');
  assert.deepEqual([status, stdout], [0, 'given\nshared\n']);
});
