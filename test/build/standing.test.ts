import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SNAP, start } from '../commands/launcher.ts';
import { type Built, build, edit, layersOf, makeProject } from './small-project.ts';

/** On "lib", with packages of its own, each looks at something else. */
const SCRIPTLETS = {
  lib: 'do_run() { echo 1 >etc/lib; }\n',
  plain:
    'need lib\ninstall_debian_deb libyaml-0-2\ndo_run() { in_image dpkg-query -W libyaml-0-2 >etc/plain; }\n',
  asks: 'need lib\ninstall_debian_deb libyaml-0-2\ndo_run() { if [ -e etc/protocols ]; then echo yes; else echo no; fi >etc/asks; }\n',
  lists: 'need lib\ninstall_debian_deb libyaml-0-2\ndo_run() { ls usr/share/doc >etc/lists; }\n',
  counts:
    'need lib\ninstall_debian_deb libyaml-0-2\ndo_run() { in_image dpkg-query -W | wc -l >etc/counts; }\n',
  names:
    'need lib\ninstall_debian_deb libyaml-0-2\ndo_run() { in_image dpkg -s netbase >/dev/null 2>&1 || echo none >etc/names; }\n',
  above: 'need plain\ninstall_debian_deb netbase\ndo_run() { cp etc/plain etc/above; }\n',
};

function ranIn({ ran }: Built): string[] {
  return ran.filter((name) => !name.startsWith('settle/'));
}

function oneMore(project: string): Built {
  edit(project, 'scriptlets/lib.sh', (text) => `install_debian_deb netbase\n${text}`);
  return build(project);
}

function snap(project: string, ...args: string[]): ReturnType<typeof start> {
  return start([SNAP, '-C', project, ...args]);
}

test('a layer whose run looked for nothing of what came to its view does not run again', () => {
  const project = makeProject(SCRIPTLETS, { apt: true });
  build(project);
  assert.equal(readFileSync(join(project, 'images/a/etc/asks'), 'utf8'), 'no\n');
  const built = oneMore(project);
  // "above" brought netbase itself, which it sees now.
  assert.deepEqual(ranIn(built), ['lib', 'asks', 'lists', 'counts', 'names', 'above']);
  const plain = built.json.layers.find(({ name }) => name === 'plain');
  assert.deepEqual([plain?.state, plain?.reason], ['hit', 'looked for nothing of what changed below']);
  assert.equal(readFileSync(join(project, 'images/a/etc/asks'), 'utf8'), 'yes\n');
  assert.match(readFileSync(join(project, 'images/a/etc/lists'), 'utf8'), /^netbase$/m);
  const check = snap(project, 'check', 'a');
  assert.equal(check.status, 0, check.stdout + check.stderr);

  assert.deepEqual(build(project).ran, []);
  rmSync(join(project, 'images'), { recursive: true });
  for (const name of readdirSync(join(project, 'store')).filter((one) => one.startsWith('index.db')))
    rmSync(join(project, 'store', name));
  assert.deepEqual(build(project).ran, []);
  assert.equal(snap(project, 'gc').status, 0);
  assert.deepEqual(build(project, ['--rerun', 'plain']).ran, ['plain']);
  assert.deepEqual(build(project).ran, []);
});

test('what short runs look for is noted in a build that makes the base, and not where one of them runs alone', () => {
  const short = 'need lib\ndo_run() { cp etc/lib etc/$NAME; }\n';
  const project = makeProject(
    { lib: 'do_run() { echo 1 >etc/lib; }\n', short: short.replace('$NAME', 'short') },
    { store: 'empty' },
  );
  build(project);
  const more = (n: number): string[] => {
    edit(project, 'scriptlets/lib.sh', (text) => text.replace(/; }$/m, `; echo ${n} >etc/more; }`));
    return ranIn(build(project));
  };
  assert.deepEqual(more(1), ['lib']);
  edit(project, 'scriptlets/short.sh', (text) => text.replace('cp ', 'cp -p '));
  assert.deepEqual(ranIn(build(project)), ['short']);
  assert.deepEqual(more(2), ['lib', 'short']);
});

test('without what was noted, or with --rerun, it runs; and what was noted is looked after', () => {
  const project = makeProject({ lib: SCRIPTLETS.lib, plain: SCRIPTLETS.plain }, { apt: true });
  build(project);
  const trace = join(layersOf(project).get('plain')!.tree, '../trace');
  assert.ok(existsSync(trace));
  appendFileSync(trace, ' ');
  assert.match(snap(project, 'verify').stdout, /trace/);
  assert.match(
    snap(project, 'verify', '--repair').stdout,
    /trace" is damaged\n *mended: put right in the layer/,
  );
  assert.equal(existsSync(trace), false);
  assert.equal(snap(project, 'verify', '--deep').status, 0);
  assert.deepEqual(ranIn(oneMore(project)), ['lib', 'plain']);
});

test('a layer that stood and is damaged is made again under its number', () => {
  const project = makeProject({ lib: SCRIPTLETS.lib, plain: SCRIPTLETS.plain }, { apt: true });
  build(project);
  assert.deepEqual(ranIn(oneMore(project)), ['lib']);
  const before = layersOf(project).get('plain')!;
  rmSync(join(before.tree, '../manifest'));
  assert.match(snap(project, 'verify', '--repair').stdout, /made again, and is the same/);
  const now = layersOf(project).get('plain')!;
  assert.deepEqual([now.digest, now.tree], [before.digest, before.tree]);
  assert.deepEqual(build(project).ran, []);
});

test('a file that changed, went or came runs those that looked for it, and nobody else', () => {
  const own = (run: string): string => `need lib\ninstall_debian_deb libyaml-0-2\ndo_run() { ${run}; }\n`;
  const project = makeProject({
    lib: 'do_run() { mkdir -p etc/lib; echo 1 >etc/lib/read; echo 1 >etc/lib/other; }\n',
    reads: own('cp etc/lib/read etc/reads'),
    stats: own('stat -c %s etc/lib/read >etc/stats'),
    lists: own('ls etc/lib >etc/lists'),
    ignores: own('cp etc/lib/other etc/ignores'),
  });
  const change = (from: string, to: string): string[] => {
    edit(project, 'scriptlets/lib.sh', (text) => text.replace(from, to));
    const ran = ranIn(build(project));
    const { status, stdout, stderr } = snap(project, 'check', 'a');
    assert.equal(status, 0, stdout + stderr);
    return ran;
  };
  build(project);
  // An overlay looks each name up that it lists.
  assert.deepEqual(change('1 >etc/lib/read', '22 >etc/lib/read'), ['lib', 'reads', 'stats', 'lists']);
  assert.deepEqual(change('; }', '; echo >etc/lib/more; }'), ['lib', 'lists']);
  assert.deepEqual(change('; echo >etc/lib/more; }', '; ln -s more etc/lib/more; }'), ['lib', 'lists']);
  assert.deepEqual(change('; ln -s more etc/lib/more; }', '; chmod 600 etc/lib/other; }'), [
    'lib',
    'lists',
    'ignores',
  ]);
  assert.deepEqual(change('chmod 600 etc/lib/other', 'chmod 700 etc/lib'), [
    'lib',
    'reads',
    'stats',
    'lists',
    'ignores',
  ]);
});
