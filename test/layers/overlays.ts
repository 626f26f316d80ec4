import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import fc from 'fast-check';
import { capture } from '../../src/layers/capture.ts';
import { makeTop, mergeView, type View, type ViewLayer } from '../../src/layers/view.ts';
import type { LayerKey, Store } from '../../src/store/layers.ts';
import { type Entry, identity, printable } from '../../src/store/manifest.ts';

/** Random changes to trees, and layers that overlays of the kernel make of them. */

export const EPOCH = 1_700_000_000;
export const root = mkdtempSync(join(tmpdir(), 'snap-overlays-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** One change to a tree, as a line of shell that is run within it; what it cannot do it leaves. */
const NAMES = ['a', 'b', 'a.b', 'a-', 'odd\tname\n', '-n', '\xff\xfe', 'c'];
export const path = fc
  .array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 })
  .map((names) => `./${names.join('/')}`);
export const quoted = (text: string): string =>
  `$'${[...text].map((char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')}'`;
/** What changes a file itself leaves those that were linked alone: an overlay breaks links, and a plain tree does not. */
const inPlace = (p: string, how: (p: string) => string): string =>
  `getfattr -n user.linked ${quoted(p)} || ${how(quoted(p))}`;
const change = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(path, fc.integer({ min: 0, max: 9 }))
      .map(([p, n]) => inPlace(p, (file) => `[ -p ${file} ] || printf %s ${n} >${file}`)),
  },
  { weight: 4, arbitrary: path.map((p) => `mkdir -p ${quoted(p)}`) },
  { weight: 3, arbitrary: path.map((p) => `rm -rf ${quoted(p)}`) },
  { weight: 2, arbitrary: fc.tuple(path, path).map(([a, b]) => `mv -T ${quoted(a)} ${quoted(b)}`) },
  fc.tuple(path, path).map(([a, b]) => `ln -sfT ${quoted(a)} ${quoted(b)}`),
  fc
    .tuple(path, path)
    .map(([a, b]) => [quoted(a), quoted(b)])
    .map(
      ([a, b]) => `[ -L ${a} ] || [ ! -f ${a} ] || { setfattr -n user.linked -v y ${a} && ln -T ${a} ${b}; }`,
    ),
  path.map((p) => `rm -rf ${quoted(p)}; mkdir -p ${quoted(p)}`),
  path.map((p) => `rm -rf ${quoted(p)}; mkfifo ${quoted(p)}`),
  // No setgid on folders: an overlay moves a folder by copying it, and the copy would inherit what a folder moved in one tree does not.
  path.map((p) => inPlace(p, (it) => `if [ -d ${it} ]; then chmod 1750 ${it}; else chmod 2750 ${it}; fi`)),
  path.map((p) => inPlace(p, (it) => `chown -h 33:44 ${it}`)),
  path.map((p) => inPlace(p, (it) => `setfattr -n user.x -v y ${it}`)),
);

export function shell(folder: string, script: string): void {
  execFileSync('bash', ['-c', `${script}\ntrue`], { cwd: folder, stdio: ['ignore', 'ignore', 'ignore'] });
}

/** Runs a script in an overlay of the trees, topmost first, with the upper folder of `work`; returns when it is unmounted. */
export function inOverlay(work: string, lower: readonly string[], script: string): void {
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

export function described(entries: Iterable<Entry>): string[] {
  return [...entries]
    .filter(({ path }) => path !== '')
    .map((entry) => (entry.type === 'file' ? { ...entry, link: undefined } : entry))
    .map((entry) => `${printable(entry.path)} ${identity(entry)}`)
    .sort();
}

/** Runs a script on a view and keeps what it changed as a layer. */
export function addLayer(store: Store, name: string, below: readonly ViewLayer[], script: string): ViewLayer {
  const view = mergeView(store, below);
  const work = store.makeWorkDir();
  inOverlay(work, stackOf(store, view, join(work, 'top')), script);
  const captured = capture(join(work, 'upper'), view, {
    epoch: EPOCH,
    ran: { from: Math.floor(Date.now() / 1000) - 3600, to: Math.floor(Date.now() / 1000) + 1 },
    settling: false,
    uids: new Map(),
    gids: new Map(),
  });
  const made = join(work, 'layer');
  mkdirSync(made);
  store.shareFiles(join(work, 'upper'), captured.manifest, name);
  renameSync(join(work, 'upper'), join(made, 'tree'));
  const row = store.publish(made, {
    ...captured,
    name,
    kind: 'scriptlet',
    key: `key of ${name}` as LayerKey,
    inputs: {},
    view: [],
    ids: { uids: {}, gids: {} },
    seconds: 0,
  });
  return { name, row, sees: new Set(below.map((layer) => layer.name)) };
}

/** The trees that an overlay of a view is made of, the topmost first. */
export function stackOf(store: Store, view: View, top: string): string[] {
  makeTop(store, view, top, EPOCH);
  return [top, ...view.layers.map(({ row }) => store.treeOf(row.n)).reverse()];
}

export const runs = { numRuns: Number(process.env.SNAP_PROPERTY_RUNS ?? 40) };
export const changes = fc.array(change, { minLength: 1, maxLength: 12 }).map((lines) => lines.join('\n'));
let number = 0;

export function newProject(): string {
  const project = join(root, String(number++));
  mkdirSync(project);
  return project;
}
