import assert from 'node:assert/strict';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Captured, capture } from '../../src/layers/capture.ts';
import { runSandboxed, type Step } from '../../src/layers/sandbox.ts';
import { standsOn } from '../../src/layers/standing.ts';
import { type Trace, unite } from '../../src/layers/trace.ts';
import { watchRun } from '../../src/layers/tracer.ts';
import { mergeView, type View, type ViewLayer } from '../../src/layers/view.ts';
import { type LayerKey, Store } from '../../src/store/layers.ts';
import { bytesOf } from '../../src/store/sorted-manifest.ts';
import { addLayer, changes, EPOCH, newProject, path, quoted, root, runs, stackOf } from './overlays.ts';

type Run = Captured & { readonly trace: Trace | undefined; readonly work: string };

/** The view is the folder that the script begins in. */
function step(script: string): Step {
  return {
    command: ['bash', '-c', `cd /mnt\n${script}\ntrue`],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    binds: [],
    network: false,
    mounts: ['--bind', '/', '/', '--dev', '/dev', '--bind', 'root', '/mnt'],
  };
}

/** Runs a script on a view, in a layer's own sandbox, with programs of the host; the view is the folder it begins in. */
async function run(store: Store, view: View, script: string, isWatched = true): Promise<Run> {
  const work = store.makeWorkDir();
  const lower = stackOf(store, view, join(work, 'top'));
  const numbers = view.layers.map(({ row }) => row.n);
  const watched = isWatched ? watchRun({ layers: store.layout.layers, view: numbers, own: [] }) : undefined;
  const ending = await runSandboxed({
    folder: work,
    lower,
    notes: watched?.fd,
    steps: [step(script)],
    timeout: 60,
    signal: undefined,
  });
  const trace = await watched?.end();
  assert.equal(ending.exitCode, 0, readFileSync(join(work, 'log'), 'utf8'));
  const now = Math.floor(Date.now() / 1000);
  const captured = capture(join(work, 'upper'), view, {
    epoch: EPOCH,
    ran: { from: now - 3600, to: now + 1 },
    settling: false,
    uids: new Map(),
    gids: new Map(),
  });
  const met = [...(trace?.met ?? []), ...view.corrections.map(({ entry }) => entry.path)];
  return { ...captured, trace: trace && { ...trace, met }, work };
}

function publish(store: Store, { work, manifest, records }: Run) {
  const made = join(work, 'layer');
  mkdirSync(made);
  renameSync(join(work, 'upper'), join(made, 'tree'));
  const about = { name: 'own', kind: 'scriptlet', key: `${work}` as LayerKey, inputs: {}, view: [] } as const;
  return store.publish(made, { ...about, manifest, records, ids: { uids: {}, gids: {} }, seconds: 0 });
}

const LOG = 'seen';
const look = fc.oneof(
  path.map((p) => `[ -e ${quoted(p)} ] && echo there >>${LOG}`),
  path.map((p) => `[ -f ${quoted(p)} ] && cat ${quoted(p)} >>${LOG}`),
  path.map((p) => `stat -c '%F %a %u' ${quoted(p)} >>${LOG} 2>&-`),
  path.map((p) => `ls -A ${quoted(p)} >>${LOG} 2>&-`),
  path.map((p) => `echo ${quoted(p)}/* >>${LOG}`),
  path.map((p) => `readlink ${quoted(p)} >>${LOG}`),
  // In what order a folder is listed is up to the filesystem, and with several layers to which of them lies lowest.
  path.map((p) => `find ${quoted(p)} -mindepth 1 -type d -print0 2>&- | LC_ALL=C sort -z >>${LOG}`),
);
const small = fc.array(fc.oneof({ weight: 2, arbitrary: look }, { weight: 1, arbitrary: changes }), {
  minLength: 1,
  maxLength: 4,
});
const script = small.map((lines) => `: >${LOG}\n${lines.join('\n')}`.replaceAll('[ -p', '[ ! -e /x -a -p'));
/** Adds alone. */
const addition = fc
  .array(
    fc.oneof(
      path.map((p) => `mkdir -p ${quoted(p)}`),
      path.map((p) => `[ -e ${quoted(p)} ] || echo new >${quoted(p)}`),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((lines) => lines.join('\n'));

/** Few places, so that what is looked for is what changes. */
const place = fc.constantFrom('a', 'a/f', 'a/g', 'a/d/f', 'b/f', 'f');
const edit = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(place, fc.nat(9))
      .map(([p, n]) => `mkdir -p "$(dirname ${p})" 2>&1; [ -d ${p} ] || echo ${n} >${p}`),
  },
  place.map((p) => `rm -rf ${p}`),
  fc.tuple(place, place).map(([a, b]) => `[ -d ${b} ] || ln -sfn ${a} ${b}`),
  place.map((p) => `[ ! -e ${p} ] || chmod 711 ${p}`),
);
const edits = fc.array(edit, { minLength: 1, maxLength: 5 }).map((lines) => lines.join('\n'));
const glance = fc.oneof(
  place.map((p) => `[ -e ${p} ] && echo there >>${LOG}`),
  place.map((p) => `[ -f ${p} ] && cat ${p} >>${LOG}`),
  place.map((p) => `stat -c '%F %a %s' ${p} >>${LOG} 2>&-`),
  place.map((p) => `echo ${p}/* >>${LOG}`),
  edit,
);
const glances = fc
  .array(glance, { minLength: 1, maxLength: 3 })
  .map((lines) => `: >${LOG}\n${lines.join('\n')}`);

type Case = readonly [before: readonly string[], own: string, more: string];

/** What a view of layers becomes, by a script. */
type Change = (store: Store, layers: readonly ViewLayer[], scripts: readonly string[], more: string) => View;

const oneMore: Change = (store, layers, _, more) =>
  mergeView(store, [...layers, addLayer(store, 'more', layers, more)]);

/** The first one comes out another way, and those above it stand. */
const otherBase: Change = (store, [base, ...others], [first], more) => {
  const { row } = addLayer(store, 'other base', [], `${first}\n${more}`);
  return mergeView(store, [{ ...base!, row }, ...others]);
};

/** A run on a view of random layers, and whether it stands when the view has become another one; then it is run there, and gives the same. */
async function holdStanding(cases: fc.Arbitrary<Case>, numRuns: number, change: Change): Promise<void> {
  let stood = 0;
  let fell = 0;
  await fc.assert(
    fc.asyncProperty(cases, async ([scripts, own, more]) => {
      const project = newProject();
      using store = new Store(project);
      const layers: ViewLayer[] = [];
      for (const [index, one] of scripts.entries())
        layers.push(addLayer(store, `layer-${index}`, layers, one));
      const ran = await run(store, mergeView(store, layers), own);
      assert.ok(ran.trace);
      const row = publish(store, ran);
      const now = change(store, layers, scripts, more);
      if (standsOn(store, { row, view: layers }, ran.trace, now)) {
        const again = await run(store, now, own, false);
        assert.equal(bytesOf(again.manifest).toString('latin1'), bytesOf(ran.manifest).toString('latin1'));
        stood++;
      } else fell++;
      rmSync(project, { recursive: true, force: true });
    }),
    { ...runs, numRuns },
  );
  assert.ok(stood > 0 && fell > 0, `${stood} stood, ${fell} did not`);
}

test('two traces are one with all that either has, each once and in order', () => {
  const one: Trace = {
    absent: ['b'],
    listed: ['x'],
    searched: [['etc', 'runlevels']],
    met: ['c'],
    asked: ['dpkg'],
  };
  const other: Trace = {
    absent: ['a', 'b'],
    listed: [],
    searched: [
      ['usr', 'modules'],
      ['etc', 'runlevels'],
    ],
    met: ['b', 'd'],
    asked: ['apt'],
  };
  assert.deepEqual(unite(one, other), {
    absent: ['a', 'b'],
    listed: ['x'],
    searched: [
      ['usr', 'modules'],
      ['etc', 'runlevels'],
    ],
    met: ['b', 'c', 'd'],
    asked: ['apt', 'dpkg'],
  });
  assert.equal(unite(one, { ...other, asked: 'whole' }).asked, 'whole');
});

test('where a layer stands on another view, running it there gives the same', async () => {
  const before = fc.array(changes, { minLength: 1, maxLength: 3 });
  await holdStanding(fc.tuple(before, script, fc.oneof(addition, changes)), runs.numRuns, oneMore);
});

test('the same where all happens in few places', async () => {
  const before = fc.array(edits, { minLength: 2, maxLength: 3 });
  await holdStanding(fc.tuple(before, glances, edits), runs.numRuns, oneMore);
});

test('the same where the base came out another way', async () => {
  const before = fc.array(edits, { minLength: 1, maxLength: 3 });
  await holdStanding(fc.tuple(before, glances, edits), runs.numRuns, otherBase);
});

/** What is noted of a script on one layer. */
async function traceOf(base: string, script: string): Promise<Trace> {
  using store = new Store(newProject());
  const layers = [addLayer(store, 'base', [], base)];
  const { trace } = await run(store, mergeView(store, layers), script);
  assert.ok(trace);
  return trace;
}

test('what is looked for in vain is noted where its way ends, and what is listed', async () => {
  const { absent, listed } = await traceOf(
    'mkdir -p a/b c/d; echo x >a/f; ln -s ../c/none a/l',
    '[ -e a/f ]; [ -e a/b/x ]; cat no/such/file; cat a/l; ls c >&2; echo y >a/made',
  );
  assert.deepEqual(absent, ['a/b/x', 'a/made', 'c/none', 'no']);
  assert.deepEqual(listed, ['c']);
});

test('all that is looked for is noted, but in folders with attributes and where dpkg goes', async () => {
  using store = new Store(newProject());
  const base =
    'mkdir -p a/b c/d var/lib/dpkg/info; echo x >a/f; echo x >c/g; echo x >var/lib/dpkg/info/x.list';
  const layers = [addLayer(store, 'base', [], base)];
  const more = 'echo x >a/h; echo x >a/i; mkdir e; setfattr -n user.x -v y e; echo x >e/f';
  layers.push(addLayer(store, 'more', layers, more));
  const { trace } = await run(
    store,
    mergeView(store, layers),
    'cat a/h a/f c/g; [ -e a/none ]; stat -c %a a/b e/f var/lib/dpkg/info/x.list',
  );
  assert.deepEqual(trace?.met, ['a/f', 'a/h', 'a/none', 'c/g', 'e', 'var/lib/dpkg']);
});

test('what a run sees is the same without notes: how folders look, and what is none', async () => {
  using store = new Store(newProject());
  const layers: ViewLayer[] = [];
  const add = (script: string): void => void layers.push(addLayer(store, `${layers.length}`, layers, script));
  add('mkdir -p a/b; chmod 2751 a; chown 33:44 a; echo x >a/b/f; echo file >d');
  add('chmod 1700 a/b; chown 55:66 a/b; echo y >a/b/f; echo z >a/z; mkdir c e; echo x >c/f; echo x >e/f');
  add('rm -r c e; echo file >c; rm d; mkdir d; echo x >d/f');
  const view = mergeView(store, layers);
  const script =
    // The root's own time is that of the run.
    "cat c d/f; ls e; stat -c '%n %a %u %g %Y %F' a a/b d; touch a/b/new a/new; stat -c '%n %a %u %g %F' . a a/b";
  const runs = [await run(store, view, script), await run(store, view, script, false)];
  const [noted, plain] = runs.map(({ work }) => readFileSync(join(work, 'log'), 'utf8'));
  assert.equal(noted, plain);
  assert.match(noted!, /^a 2751 33 44 1700000000 directory$/m);
  assert.equal(bytesOf(runs[0]!.manifest).toString(), bytesOf(runs[1]!.manifest).toString());
});

test('each reader of a folder is noted, also the second, and one that holds it open', async () => {
  const { listed, searched } = await traceOf(
    'mkdir -p bin other; echo "import nothing_of_this_name" >bin/p.py; echo "import os; os.listdir(\'/mnt/other\')" >bin/q.py',
    'python3 /mnt/bin/p.py; python3 /mnt/bin/q.py; python3 -c "import os; os.listdir(\'/mnt/bin\')"',
  );
  assert.deepEqual({ listed, searched }, { listed: ['bin', 'other'], searched: [] });
});

test('the list of packages counts as read unless dpkg was asked by name', async () => {
  const base =
    'mkdir -p var/lib/dpkg/info var/lib/dpkg/triggers; echo >var/lib/dpkg/status; echo >var/lib/dpkg/triggers/File';
  const asked = async (script: string): Promise<Trace['asked']> => (await traceOf(base, script)).asked;
  assert.deepEqual(await asked('[ -s var/lib/dpkg/triggers/File ]; ls var'), []);
  assert.equal(await asked('cat var/lib/dpkg/status'), 'whole');
  assert.equal(await asked('cd var/lib/dpkg && read -r line <status'), 'whole');
  assert.deepEqual(await asked('dpkg-query --admindir=/mnt/var/lib/dpkg -W nothing'), 'whole');
});

test('a flood of names is not kept, and the run goes on', async () => {
  using store = new Store(newProject());
  const view = mergeView(store, [addLayer(store, 'base', [], 'mkdir a')]);
  const ran = await run(store, view, 'perl -e \'for (1 .. 110000) { -e "a/$_" } open F, ">a/end"\'');
  assert.equal(ran.trace, undefined);
  assert.ok(ran.manifest.get('a/end' as never));
});

test('where nothing can be noted, the run goes on without, and its trace is none', async () => {
  using store = new Store(newProject());
  const view = mergeView(store, [addLayer(store, 'base', [], 'mkdir a; echo x >a/f')]);
  const work = store.makeWorkDir();
  const nothing = openSync('/dev/null', 'r+');
  const ending = await runSandboxed({
    folder: work,
    lower: stackOf(store, view, join(work, 'top')),
    notes: nothing,
    steps: [step('cat a/f; ls -l /proc/self/fd; echo y >a/g')],
    timeout: 60,
    signal: undefined,
  });
  closeSync(nothing);
  assert.deepEqual([ending.exitCode, ending.isNoted], [0, false]);
  assert.match(readFileSync(join(work, 'log'), 'utf8'), /^x$/m);
  assert.equal(readFileSync(join(work, 'upper/a/g'), 'utf8'), 'y\n');

  const watched = watchRun({ layers: store.layout.layers, view: [], own: [] });
  assert.equal(await watched?.end(), undefined, 'never mounted');
});

test('nothing is left of the filesystem that notes, and no step has its descriptor', async () => {
  using store = new Store(newProject());
  const view = mergeView(store, [addLayer(store, 'base', [], 'mkdir a')]);
  await run(store, view, 'ls -l /proc/self/fd >fds; ! grep fuse fds || exit 1');
  assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), / - fuse snap /);
  writeFileSync(join(root, 'still'), 'writable');
});

test('what comes back where a layer of the view had taken it away is not unlooked for', async () => {
  using store = new Store(newProject());
  const base = addLayer(store, 'base', [], 'mkdir a; echo x >a/f');
  const layers = [base, addLayer(store, 'less', [base], 'rm a/f')];
  const ran = await run(store, mergeView(store, layers), '[ -e a/f ] && echo there >seen');
  assert.deepEqual(ran.trace?.absent.includes('a/f'), false, 'a whiteout ends the search');
  const row = publish(store, ran);
  const more = addLayer(store, 'more', layers, 'echo y >a/f');
  assert.equal(
    standsOn(store, { row, view: layers }, ran.trace!, mergeView(store, [...layers, more])),
    false,
  );
});
