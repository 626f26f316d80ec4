import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, statfsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { planOfBuild } from '../../src/named-build.ts';
import { readBuild } from '../../src/store/builds.ts';
import { Store } from '../../src/store/layers.ts';
import { keepReserve } from '../../src/store/reserve.ts';
import { build, edit, makeProject } from '../build/small-project.ts';
import { makeDist, snap } from '../commands/launcher.ts';
import { addBuild, addLayers, faultsOf, makeConf } from '../store/collected.ts';
import { smallFilesystem, takeBlocks, takeInodes } from './fixture/filesystem.ts';

before(makeDist);

/** A project whose store has a build of three layers, and forty layers that nothing needs, on a filesystem of its own. */
function fullProject(t: { after(then: () => void): void }, reserve = true): string {
  const project = smallFilesystem(t, { mib: 48, inodes: 2048 });
  makeConf(project, 'a');
  using store = new Store(project);
  addBuild(store, 'a', addLayers(store, 3, 65_536, 'kept'));
  addLayers(store, 40, 131_072);
  if (reserve) keepReserve(store.layout);
  writeFileSync(store.layout.lock, '');
  return project;
}

function checkCollected(project: string): void {
  assert.deepEqual(faultsOf(project), []);
  assert.deepEqual(readdirSync(join(project, 'store/layers')).sort(), ['1', '2', '3']);
  using store = new Store(project);
  const build = readBuild(store.layout, { conf: 'a', number: 1 });
  assert.ok(build && planOfBuild(store, build).at('usr/kept-1' as never), 'the build that is kept is whole');
}

const TAKES: Readonly<Record<string, (project: string) => void>> = {
  byte: takeBlocks,
  inode: takeInodes,
  'byte and no inode': (project) => {
    writeFileSync(join(project, 'taken'), '');
    takeInodes(project);
    takeBlocks(project);
  },
};

for (const [what, take] of Object.entries(TAKES)) {
  test(`gc works with no ${what} free`, (t) => {
    const project = fullProject(t);
    take(project);
    const { bavail, ffree } = statfsSync(project);
    assert.ok(bavail === 0 || ffree === 0);
    const { status, stdout, stderr } = snap(['-C', project, 'gc', '--json']);
    assert.equal(status, 0, stderr);
    const report = JSON.parse(stdout) as { frees: number; layers: unknown[] };
    assert.equal(report.layers.length, 40);
    assert.ok(report.frees > 40 * 131_072 && statfsSync(project).bavail > 0);
    checkCollected(project);
    assert.equal(snap(['-C', project, 'gc']).stderr, 'nothing to remove\n');
  });
}

test('a store that has nothing kept aside gives its logs, and goes on', (t) => {
  const project = fullProject(t, false);
  for (let at = 0; at < 60; at++)
    writeFileSync(join(project, 'store/logs', `kept-${at}.log`), 'x'.repeat(5000));
  takeBlocks(project);
  const { status, stderr } = snap(['-C', project, 'gc']);
  assert.equal(status, 0, stderr);
  checkCollected(project);
});

test('where there is no way to go on, gc says what to do, and takes nothing', (t) => {
  const project = fullProject(t, false);
  takeBlocks(project);
  for (const args of [['gc'], ['gc', '-n'], ['du']]) {
    const { status, stderr } = snap(['-C', project, ...args]);
    assert.equal(status, 1);
    assert.match(stderr, /^snap: Cannot .*store.*(room|full)/m);
    assert.match(stderr, /^hint: make room/m);
  }
  rmSync(join(project, 'taken'));
  assert.equal(faultsOf(project).length, 0);
  assert.equal(snap(['-C', project, 'gc']).status, 0);
  checkCollected(project);
});

test('what gc says that it frees, the filesystem has more afterwards', (t) => {
  const project = fullProject(t);
  const free = (): number => {
    execFileSync('sync', ['-f', project]);
    const { bavail, bsize } = statfsSync(project);
    return bavail * bsize;
  };
  // A copy of some layers keeps their inodes.
  execFileSync('cp', ['-al', join(project, 'store/layers/10'), join(project, 'copy')]);
  const before = free();
  const { frees } = JSON.parse(snap(['-C', project, 'gc', '--json']).stdout) as { frees: number };
  assert.ok(frees > 39 * 131_072 && frees < 40 * (131_072 + 6 * 4096) - 131_072);
  assert.ok(Math.abs(free() - before - frees) < 131_072, `${free() - before} instead of ${frees}`);
});

test('a build that finds no room says what is free and what gc would free; with room it succeeds', (t) => {
  const mounted = smallFilesystem(t, { mib: 1024, inodes: 65_536 });
  const before = process.env.TMPDIR;
  process.env.TMPDIR = mounted;
  const project = makeProject({ large: 'do_run() { head -c 30M /dev/urandom >/opt/large; }\n' });
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
  rmSync(join(project, 'store/apt'), { recursive: true, force: true });
  build(project);
  writeFileSync(join(project, 'store/sources', 'ab'.repeat(32)), 'x'.repeat(100_000));
  edit(project, 'scriptlets/large.sh', (text) => text.replace('30M', '31M'));
  const taken = takeBlocks(project);
  truncateSync(taken, statSync(taken).size - 5_000_000);
  const { status, stderr } = snap(['-C', project, 'build', 'a', '--offline']);
  assert.equal(status, 1);
  assert.match(stderr, /^snap: Cannot build "a": the filesystem of the store ".*" is full$/m);
  assert.match(stderr, /^ {2}free there: .*, [\d,]+ inodes$/m);
  assert.match(stderr, /^ {2}missing: about .* MiB, going by the last time$/m);
  assert.match(stderr, /^ {2}snap gc would free \d+ [KM]iB/m);
  assert.match(stderr, /^hint: make room: snap gc$/m);
  assert.doesNotMatch(stderr, /bug/);
  rmSync(taken);
  assert.deepEqual(build(project).ran, ['large']);
});
