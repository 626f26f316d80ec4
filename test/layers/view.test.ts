import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { capture } from '../../src/layers/capture.ts';
import { makeTop, mergeView, type ViewLayer } from '../../src/layers/view.ts';
import { type LayerKey, Store } from '../../src/store/layers.ts';
import { type Entry, identity, printable } from '../../src/store/manifest.ts';
import { scanTree } from '../../src/store/tree.ts';

const EPOCH = 1_700_000_000;
const root = mkdtempSync(join(tmpdir(), 'snap-view-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** One change to a tree, as a line of shell that is run within it; what it cannot do it leaves. */
const NAMES = ['a', 'b', 'a.b', 'a-', 'odd\tname\n', '-n', '\xff\xfe', 'c'];
const path = fc
  .array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 })
  .map((names) => `./${names.join('/')}`);
const quoted = (text: string): string =>
  `$'${[...text].map((char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')}'`;
const change = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(path, fc.integer({ min: 0, max: 9 }))
      .map(([p, n]) => `[ -p ${quoted(p)} ] || printf %s ${n} >${quoted(p)}`),
  },
  { weight: 4, arbitrary: path.map((p) => `mkdir -p ${quoted(p)}`) },
  { weight: 3, arbitrary: path.map((p) => `rm -rf ${quoted(p)}`) },
  { weight: 2, arbitrary: fc.tuple(path, path).map(([a, b]) => `mv -T ${quoted(a)} ${quoted(b)}`) },
  fc.tuple(path, path).map(([a, b]) => `ln -sfT ${quoted(a)} ${quoted(b)}`),
  fc.tuple(path, path).map(([a, b]) => `ln -T ${quoted(a)} ${quoted(b)}`),
  path.map((p) => `rm -rf ${quoted(p)}; mkdir -p ${quoted(p)}`),
  path.map((p) => `rm -rf ${quoted(p)}; mkfifo ${quoted(p)}`),
  path.map((p) => `chmod 2750 ${quoted(p)}`),
  path.map((p) => `chown -h 33:44 ${quoted(p)}`),
  path.map((p) => `setfattr -n user.x -v y ${quoted(p)}`),
);

function shell(folder: string, script: string): void {
  execFileSync('bash', ['-c', `${script}\ntrue`], { cwd: folder, stdio: ['ignore', 'ignore', 'ignore'] });
}

/** Runs a script in an overlay of the trees, topmost first, with the upper folder of `work`; returns when it is unmounted. */
function inOverlay(work: string, lower: readonly string[], script: string): void {
  for (const name of ['upper', 'work', 'root', 'lower']) mkdirSync(join(work, name), { recursive: true });
  lower.forEach((tree, number) => {
    symlinkSync(tree, join(work, 'lower', String(number)));
  });
  const names = lower.map((_, number) => `lower/${number}`).join(':');
  const mount = `mount -t overlay overlay -o lowerdir=${names},upperdir=upper,workdir=work,volatile,index=off,redirect_dir=off,metacopy=off root`;
  execFileSync('unshare', ['--mount', 'bash', '-c', `set -e; ${mount}; cd root; set +e\n${script}\ntrue`], {
    cwd: work,
    stdio: ['ignore', 'ignore', 'ignore'],
  });
}

function described(entries: Iterable<Entry>): string[] {
  const links = new Map<string, number>();
  return [...entries]
    .filter(({ path }) => path !== '')
    .map((entry) => (entry.type === 'file' ? { ...entry, link: undefined } : entry))
    .map((entry) => `${printable(entry.path)} ${identity(entry)}${links.get(entry.path) ?? ''}`)
    .sort();
}

test("a view of random layers equals the kernel's overlay of them, and the same changes made in one tree", () => {
  let number = 0;
  fc.assert(
    fc.property(
      fc.array(fc.array(change, { minLength: 1, maxLength: 12 }), { minLength: 2, maxLength: 5 }),
      (scripts) => {
        const project = join(root, String(number++));
        const plain = join(project, 'plain');
        mkdirSync(plain, { recursive: true });
        using store = new Store(project);
        const layers: ViewLayer[] = [];
        for (const [index, changes] of scripts.entries()) {
          const script = changes.join('\n');
          shell(plain, script);
          const view = mergeView(store, layers);
          const work = store.makeWorkDir();
          makeTop(store, view, join(work, 'top'), EPOCH);
          const trees = layers.map(({ row }) => store.treeOf(row.n)).reverse();
          inOverlay(work, [join(work, 'top'), ...trees], script);
          const now = Math.floor(Date.now() / 1000);
          const captured = capture(join(work, 'upper'), view, {
            epoch: EPOCH,
            ran: { from: now - 3600, to: now },
            settling: false,
            uids: new Map(),
            gids: new Map(),
          });
          const made = join(work, 'layer');
          mkdirSync(made);
          store.shareFiles(join(work, 'upper'), captured.manifest);
          renameSync(join(work, 'upper'), join(made, 'tree'));
          const row = store.publish(made, {
            ...captured,
            name: `layer-${index}`,
            kind: 'scriptlet',
            key: `key-${index}` as LayerKey,
            inputs: {},
            view: [],
            ids: { uids: {}, gids: {} },
            seconds: 0,
          });
          layers.push({ name: `layer-${index}`, row, sees: new Set(layers.map(({ name }) => name)) });
        }
        const view = mergeView(store, layers);
        assert.deepEqual(view.conflicts, []);
        const expected = described(scanTree(plain, { mtime: () => EPOCH }).values());
        assert.deepEqual(described([...view.entries()].map(({ entry }) => entry)), expected);
        const work = store.makeWorkDir();
        makeTop(store, view, join(work, 'top'), EPOCH);
        const trees = layers.map(({ row }) => store.treeOf(row.n)).reverse();
        inOverlay(work, [join(work, 'top'), ...trees], `cp -a . ${JSON.stringify(join(work, 'copy'))}`);
        assert.deepEqual(described(scanTree(join(work, 'copy'), { mtime: () => EPOCH }).values()), expected);
        rmSync(project, { recursive: true, force: true });
      },
    ),
    { numRuns: Number(process.env.SNAP_PROPERTY_RUNS ?? 60) },
  );
});
