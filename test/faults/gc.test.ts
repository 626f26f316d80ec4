import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Lock, PackageId } from '../../src/debian/lock.ts';
import { formatLock } from '../../src/debian/lock-text.ts';
import { planOfBuild } from '../../src/named-build.ts';
import { keptBuilds, readBuild } from '../../src/store/builds.ts';
import { Store } from '../../src/store/layers.ts';
import { layoutOf } from '../../src/store/layout.ts';
import { holdLock } from '../../src/store/locks.ts';
import { keepReserve } from '../../src/store/reserve.ts';
import { makeDist, SNAP, snap, start } from '../commands/launcher.ts';
import { addBuild, addLayers, faultsOf, makeConf } from '../store/collected.ts';
import { someFolder } from '../store/some-folder.ts';
import { someLayer } from '../store/some-layer.ts';
import { until } from './fixture/traces.ts';

before(makeDist);

/** A store with a build of three layers, and a dozen layers that nothing needs. */
function someProject(): string {
  const project = someFolder();
  makeConf(project, 'a');
  using store = new Store(project);
  addBuild(store, 'a', addLayers(store, 3, 8192, 'kept'));
  addLayers(store, 12);
  writeFileSync(store.layout.lock, '');
  return project;
}

type Running = {
  readonly child: ChildProcess;
  readonly said: () => string;
  readonly ended: Promise<number | null>;
};

function begin(command: readonly string[]): Running {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  child.stderr.on('data', (bytes: Buffer) => {
    text += bytes.toString();
  });
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.on('close', resolve);
  return { child, said: () => text, ended: promise };
}

function layersIn(project: string): number {
  return readdirSync(join(project, 'store/layers')).length;
}

/** Every build that is kept can be looked into; no row is without a whole folder. */
function requireWhole(project: string): void {
  const left = faultsOf(project).filter((fault) => !/^(folder \d+ has no row|trash .*|tmp .*)$/.test(fault));
  assert.deepEqual(left, []);
  using store = new Store(project);
  const builds = keptBuilds(store.layout);
  assert.ok(builds.length > 0);
  for (const build of builds) {
    const layers = readBuild(store.layout, build)!.layers;
    if (layers.every(([, n]) => store.layerNumbered(n))) planOfBuild(store, readBuild(store.layout, build)!);
    else assert.fail(`${build.conf}@${build.number} has lost a layer`);
  }
}

test('gc waits for a running build, says so, and takes nothing meanwhile; a dry run does not wait', async () => {
  const project = someProject();
  const build = await holdLock(layoutOf(project).lock, 'shared');
  assert.match(snap(['-C', project, 'gc', '-n']).stderr, /^would free/m);
  const gc = begin([SNAP, '-C', project, 'gc']);
  await until('it says that it waits', () => gc.said().includes('waiting for running builds to end'));
  assert.equal(layersIn(project), 15);
  build.release();
  assert.equal(await gc.ended, 0);
  assert.equal(layersIn(project), 3);
});

test('a build that begins while gc runs waits for it, and says so', async () => {
  const project = someProject();
  const gc = await holdLock(layoutOf(project).lock, 'exclusive');
  const build = begin([SNAP, '-C', project, 'build', '--offline']);
  await until('it says that it waits', () => build.said().includes('waiting for "snap gc" to end'));
  gc.release();
  assert.notEqual(await build.ended, 0, 'there are no packages to build it with');
  requireWhole(project);
});

const LOOKS = [
  ['diff', 'a@1', 'a@2'],
  ['size', 'a'],
  ['why', 'more-0'],
  ['graph', 'a', '--format', 'dot'],
] as const;

for (const words of LOOKS) {
  test(`snap ${words[0]} that begins while gc runs waits for it, says so, and can be stopped`, async () => {
    const project = someProject();
    {
      using store = new Store(project);
      addBuild(store, 'a', addLayers(store, 3, 8192, 'more'));
    }
    const gc = await holdLock(layoutOf(project).lock, 'exclusive');
    const look = begin([SNAP, '-C', project, ...words]);
    const other = begin([SNAP, '-C', project, ...words]);
    const isWaiting = ({ said }: Running): boolean => said().includes('waiting for "snap gc" to end');
    await until('both say that they wait', () => isWaiting(look) && isWaiting(other));
    other.child.kill('SIGINT');
    assert.notEqual(await other.ended, 0);
    gc.release();
    assert.ok([0, 1].includes((await look.ended) ?? -1), look.said());
    assert.doesNotMatch(look.said(), /bug in snap|ENOENT/);
  });
}

test('Ctrl-C ends a gc that waits', async () => {
  const project = someProject();
  const build = await holdLock(layoutOf(project).lock, 'shared');
  const gc = begin([SNAP, '-C', project, 'gc']);
  await until('it says that it waits', () => gc.said().includes('waiting'));
  gc.child.kill('SIGINT');
  assert.equal(await gc.ended, 130);
  build.release();
  assert.equal(layersIn(project), 15);
});

test('two gcs at once: one removes, the other finds nothing', async () => {
  const project = someProject();
  const both = [begin([SNAP, '-C', project, 'gc']), begin([SNAP, '-C', project, 'gc'])];
  assert.deepEqual(await Promise.all(both.map(({ ended }) => ended)), [0, 0]);
  assert.equal(both.filter(({ said }) => said().includes('freed ')).length, 1);
  assert.equal(both.filter(({ said }) => said().includes('nothing to remove')).length, 1);
  assert.deepEqual(faultsOf(project), []);
});

test('a number is never given twice, whatever has gone', () => {
  const project = someProject();
  {
    using store = new Store(project);
    mkdirSync(join(store.layout.layers, '20', 'tree'), { recursive: true });
  }
  assert.equal(snap(['-C', project, 'gc']).status, 0);
  assert.equal(layersIn(project), 3);
  using store = new Store(project);
  assert.deepEqual(addLayers(store, 2, 8192, 'later'), [21, 22]);
});

test('trees of debs that a lock pins are kept, the newest of each', () => {
  const project = someProject();
  const pinned = 'cd'.repeat(32);
  const pin = {
    name: 'x',
    arch: 'amd64',
    version: '1',
    size: 1,
    sha256: pinned,
    archive: 'debian',
    path: 'x.deb',
  };
  const id = 'x:amd64' as PackageId;
  const lock: Lock = {
    ...{ suite: 'bookworm', arch: 'amd64', epoch: 1, releases: [], closures: new Map(), orders: [] },
    ...{ pins: new Map([[id, pin]]), base: [id], tools: [id], uids: new Map(), gids: new Map() },
  };
  writeFileSync(join(project, 'conf/a.lock'), formatLock(lock));
  {
    using store = new Store(project);
    for (const [at, sha256] of [pinned, pinned, 'ab'.repeat(32)].entries()) {
      const about = {
        name: 'deb/x',
        kind: 'deb' as never,
        key: `tree ${at}` as never,
        inputs: { format: at, sha256 },
      };
      const { folder, layer } = someLayer(store, { 'usr/file': String(at) }, about);
      assert.equal(store.publish(folder, layer).n, 16 + at);
      store.dropWorkDir(folder);
    }
  }
  assert.equal(snap(['-C', project, 'gc']).status, 0);
  const left = readdirSync(join(project, 'store/layers')).map(Number);
  assert.deepEqual(
    left.sort((a, b) => a - b),
    [1, 2, 3, 17],
  );
});

test('builds, gcs and looks in turns: nobody loses a layer, and what is left is whole', async () => {
  const project = someProject();
  const program = fileURLToPath(new URL('../store/builder.ts', import.meta.url));
  makeConf(project, 'b');
  const builders = ['a', 'b'].map((conf) =>
    begin([process.execPath, '--disable-warning=ExperimentalWarning', program, project, conf, '12']),
  );
  let building = true;
  const all = Promise.all(builders.map(({ ended }) => ended)).finally(() => {
    building = false;
  });
  const collect = async (): Promise<void> => {
    while (building) {
      const gc = begin([SNAP, '-C', project, 'gc', '--keep-builds', '1']);
      assert.equal(await gc.ended, 0, gc.said());
    }
  };
  const looks = ['diff a b', 'size a', 'why layer-0', 'graph b --format dot', 'list', 'ls a', 'history a'];
  const look = async (): Promise<void> => {
    for (let turn = 0; building; turn++) {
      const { ended, said } = begin([SNAP, '-C', project, ...looks[turn % looks.length]!.split(' ')]);
      await ended;
      assert.doesNotMatch(said(), /bug in snap|ENOENT/, looks[turn % looks.length]);
    }
  };
  const [ended] = await Promise.all([all, collect(), collect(), look()]);
  assert.deepEqual(ended, [0, 0], builders.map(({ said }) => said()).join('\n'));
  requireWhole(project);
  assert.equal(snap(['-C', project, 'gc', '--keep-builds', '1']).status, 0);
  assert.deepEqual(faultsOf(project), []);
  requireWhole(project);
});

test('what was used lately is kept on request; a clock that was set back or ahead takes nothing away', () => {
  const project = someProject();
  const now = Math.floor(Date.now() / 1000);
  const day = 86_400;
  const times = [now - 3 * day, now - day / 2, now + 1000 * day];
  const layers = [4, 5, 6];
  {
    using store = new Store(project);
    store.markUsed(layers);
    for (const [at, n] of layers.entries()) {
      store.index.prepare('UPDATE used SET at = ? WHERE layer = ?').run(times[at]!, n);
      store.index.prepare('UPDATE layers SET made = ? WHERE n > 6').run(now - 10 * day);
    }
  }
  assert.equal(snap(['-C', project, 'gc', '--keep-younger-than', '1d']).status, 0);
  const left = readdirSync(join(project, 'store/layers')).map(Number);
  assert.deepEqual(
    left.sort((a, b) => a - b),
    [1, 2, 3, 5, 6],
  );
  using store = new Store(project);
  const latest = store.index.prepare<[], { at: number }>('SELECT max(at) AS at FROM used').get()!.at;
  assert.ok(latest <= Date.now() / 1000, 'the future has become now');
});

test('within a size the cheapest go, and what cannot be reached is said with what keeps it', () => {
  const project = someProject();
  const json = (...args: readonly string[]) => {
    const { status, stdout, stderr } = snap(['-C', project, 'gc', '--json', ...args]);
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout) as {
      size: number;
      frees: number;
      layers: { number: number }[];
      missing?: { keptBy: string[] };
    };
  };
  {
    using store = new Store(project);
    store.index.exec('UPDATE layers SET seconds = 1000 WHERE n > 8');
    keepReserve(store.layout);
  }
  const { size } = json('-n', '--max-size', '1TB');
  const { layers, frees } = json('--max-size', `${size - 30_000}`);
  assert.ok(frees >= 30_000 && layers.every(({ number }) => number > 3 && number <= 8));
  assert.ok(json('-n', '--max-size', '1TB').size <= size - 30_000 + 8192);
  const { missing } = json('--max-size', '1K');
  assert.deepEqual(missing?.keptBy, ['build a@1']);
  assert.equal(layersIn(project), 3);
  assert.match(
    snap(['-C', project, 'gc', '--min-free', '100%']).stderr,
    /more than the limit: the rest is kept by build a@1$/m,
  );
  for (const wrong of [
    ['--max-size', 'much'],
    ['--keep-younger-than', 'x'],
    ['--min-free', '101%'],
    ['--keep-builds', '0'],
  ]) {
    assert.equal(snap(['-C', project, 'gc', ...wrong]).status, 2, wrong.join(' '));
  }
});

/** System calls that change the disk, and at which of them gc is killed. */
const KILLS: Readonly<Record<string, readonly number[]>> = {
  rename: [1, 2, 7, 12],
  unlink: [1, 2, 5, 17, 40],
  rmdir: [1, 2, 9],
  pwrite64: [1, 4, 9, 14],
  fsync: [1, 2, 3],
};

for (const [call, times] of Object.entries(KILLS)) {
  test(`gc killed at ${call}: the store is whole, and the next gc finishes`, () => {
    let killed = 0;
    for (const when of times) {
      const project = someProject();
      {
        using store = new Store(project);
        const [first] = addLayers(store, 1, 8192, 'first');
        addBuild(store, 'a', [first!]);
      }
      const trace = ['strace', '-f', '-o', '/dev/null', '-e', `inject=${call}:signal=KILL:when=${when}`];
      const { status } = start([...trace, SNAP, '-C', project, 'gc', '--keep-builds', '1']);
      if (status !== 0) killed++;
      requireWhole(project);
      const { status: next, stderr } = snap(['-C', project, 'gc', '--keep-builds', '1']);
      assert.equal(next, 0, stderr);
      assert.deepEqual(faultsOf(project), []);
      assert.equal(layersIn(project), 1);
      assert.match(snap(['-C', project, 'gc', '--keep-builds', '1']).stderr, /^nothing to remove$/m);
    }
    assert.ok(killed > 0, 'it was killed at all');
  });
}
