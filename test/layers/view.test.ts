import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { runSandboxed } from '../../src/layers/sandbox.ts';
import { mergeView, type View, type ViewLayer } from '../../src/layers/view.ts';
import { Store } from '../../src/store/layers.ts';
import { scanTree } from '../../src/store/tree.ts';
import {
  addLayer,
  changes,
  described,
  EPOCH,
  inOverlay,
  newProject,
  root,
  runs,
  shell,
  stackOf,
} from './overlays.ts';

/** What a process sees in an overlay of a view. */
function seenIn(store: Store, view: View): string[] {
  const work = store.makeWorkDir();
  const copy = join(work, 'copy');
  inOverlay(work, stackOf(store, view, join(work, 'top')), `cp -a . ${JSON.stringify(copy)}`);
  return described(scanTree(copy, { mtime: () => EPOCH }).values());
}

function shown(view: View): string[] {
  return described([...view.entries()].map(({ entry }) => entry));
}

test("a view of random layers equals the kernel's overlay of them, and the same changes made in one tree", () => {
  fc.assert(
    fc.property(fc.array(changes, { minLength: 2, maxLength: 5 }), (scripts) => {
      const project = newProject();
      const plain = join(project, 'plain');
      mkdirSync(plain);
      using store = new Store(project);
      const layers: ViewLayer[] = [];
      for (const [index, script] of scripts.entries()) {
        shell(plain, script);
        layers.push(addLayer(store, `layer-${index}`, layers, script));
      }
      const view = mergeView(store, layers);
      assert.deepEqual(view.conflicts, []);
      const expected = described(scanTree(plain, { mtime: () => EPOCH }).values());
      assert.deepEqual(shown(view), expected);
      assert.deepEqual(seenIn(store, view), expected);
      rmSync(project, { recursive: true, force: true });
    }),
    runs,
  );
});

/** One replaces a folder, and another one that does not see it removes something in that folder, and so has it too. */
const BURIED: [string, { script: string; sees: number[] }[]] = [
  'mkdir -p a/b/c',
  [
    { script: 'rm -rf a; echo file >a', sees: [] },
    { script: 'rm -rf a/b/c', sees: [] },
  ],
];

test('layers side by side are in conflict, or an overlay shows them as the view has them', () => {
  const layer = fc.record({ script: changes, sees: fc.array(fc.nat(3), { maxLength: 2 }) });
  let merged = 0;
  fc.assert(
    fc.property(changes, fc.array(layer, { minLength: 2, maxLength: 4 }), (first, others) => {
      const project = newProject();
      using store = new Store(project);
      const base = addLayer(store, 'base', [], first);
      const layers: ViewLayer[] = [];
      for (const [index, { script, sees }] of others.entries()) {
        const seen = new Set(
          layers.filter((_, other) => sees.includes(other)).flatMap((one) => [one.name, ...one.sees]),
        );
        const below = [base, ...layers.filter(({ name }) => seen.has(name))];
        if (mergeView(store, below).conflicts.length > 0) return;
        layers.push(addLayer(store, `layer-${index}`, below, script));
      }
      const view = mergeView(store, [base, ...layers]);
      if (view.conflicts.length > 0) return;
      assert.deepEqual(seenIn(store, view), shown(view));
      merged++;
      rmSync(project, { recursive: true, force: true });
    }),
    { ...runs, examples: [BURIED] },
  );
  assert.ok(merged > 0, 'no case was without conflict');
});

/** Runs a script in the overlay of a layer, on the host's programs, and returns what it printed. */
async function inSandbox(work: string, lower: readonly string[], script: string): Promise<string> {
  const ending = await runSandboxed({
    folder: work,
    lower,
    steps: [
      {
        command: ['bash', '-c', `cd /mnt\n${script}\ntrue`],
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
        binds: [],
        network: false,
        mounts: ['--bind', '/', '/', '--bind', 'root', '/mnt'],
      },
    ],
    timeout: undefined,
    signal: undefined,
  });
  assert.equal(ending.exitCode, 0);
  return readFileSync(join(work, 'log'), 'utf8');
}

/** New trees of one file each, that stand between the layers of a view. */
function fillers(count: number): string[] {
  const folder = mkdtempSync(join(root, 'fillers-'));
  return Array.from({ length: count }, (_, n) => {
    const tree = join(folder, String(n));
    mkdirSync(join(tree, 'filler'), { recursive: true });
    writeFileSync(join(tree, 'filler', String(n)), String(n));
    return tree;
  });
}

test('layers among more trees than the kernel takes in one overlay show what they show alone', async () => {
  const many = fillers(700);
  await fc.assert(
    fc.asyncProperty(
      fc.array(changes, { minLength: 3, maxLength: 5 }),
      fc.array(fc.nat(many.length), { minLength: 5, maxLength: 5 }),
      async (scripts, places) => {
        const project = newProject();
        const plain = join(project, 'plain');
        mkdirSync(plain);
        using store = new Store(project);
        const layers: ViewLayer[] = [];
        for (const [index, script] of scripts.slice(0, -1).entries()) {
          shell(plain, script);
          layers.push(addLayer(store, `layer-${index}`, layers, script));
        }
        shell(plain, scripts.at(-1)!);
        const view = mergeView(store, layers);
        const work = store.makeWorkDir();
        const [top = '', ...trees] = stackOf(store, view, join(work, 'top'));
        const at = places.slice(0, trees.length).toSorted((a, b) => a - b);
        const lower = [
          top,
          ...many.slice(0, at[0]),
          ...trees.flatMap((tree, index) => [tree, ...many.slice(at[index], at[index + 1] ?? many.length)]),
        ];
        assert.equal(lower.length, 1 + trees.length + many.length);
        const copy = join(work, 'copy');
        mkdirSync(copy);
        await inSandbox(work, lower, `${scripts.at(-1)}\nrm -r filler\ncp -a . ${JSON.stringify(copy)}`);
        const seen = described(scanTree(copy, { mtime: () => EPOCH }).values());
        assert.deepEqual(seen, described(scanTree(plain, { mtime: () => EPOCH }).values()));
        rmSync(project, { recursive: true, force: true });
      },
    ),
    { ...runs, numRuns: Math.ceil(runs.numRuns / 4) },
  );
});

test('files of more trees than one overlay takes are of one device, and hard links stay links', async () => {
  const [lowest = '', ...many] = fillers(700);
  shell(
    lowest,
    'mkdir -p d; echo x >d/one; ln d/one d/two; setfattr -n user.x -v y d/one; chmod 4751 d/one; chown 33:44 d',
  );
  const project = newProject();
  using store = new Store(project);
  const script = `
    stat -c '%d' d d/one filler/1 filler/699 . | sort -u | wc -l
    [ d/one -ef d/two ] && stat -c '%h %a' d/one; stat -c '%u:%g' d
    getfattr --only-values -n user.x d/two; echo
    echo more >>d/one; cat d/one
    rm -r d; ls filler | wc -l; ls`;
  const printed = await inSandbox(store.makeWorkDir(), [...many, lowest], script);
  assert.equal(printed, '1\n2 4751\n33:44\ny\nx\nmore\n700\nfiller\n');
});

test('what a tree near the top takes away is gone, however many trees lie between', async () => {
  const many = fillers(700);
  const at = (position: number, script: string): void => shell(many[position]!, script);
  at(699, 'mkdir -p gone/d again kept; touch gone/d/f again/old kept/f kept/g replaced');
  at(650, 'mkdir -p gone/d; touch gone/d/g; rm -f replaced; mkdir replaced; touch replaced/f');
  at(20, 'mknod gone c 0 0; mknod again c 0 0; mkdir kept; mknod kept/f c 0 0; echo file >replaced');
  at(10, 'mkdir again; touch again/new');
  using store = new Store(newProject());
  const script = 'find . -path ./filler -prune -o -type f -print | sort; cat replaced; rm kept/g; ls kept';
  assert.equal(
    await inSandbox(store.makeWorkDir(), many, script),
    './again/new\n./kept/g\n./replaced\nfile\n',
  );
});

test('more trees than two overlays take are refused', async () => {
  using store = new Store(newProject());
  const lower = Array.from({ length: 1000 }, () => '/nonexistent');
  await assert.rejects(inSandbox(store.makeWorkDir(), lower, 'true'), {
    message: 'Cannot show 1000 layers at once: the kernel takes 999',
  });
});
