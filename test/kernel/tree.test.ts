import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { GONE, patchedIn } from '../../src/kernel/patches.ts';
import { type BuildTree, givePatched, openTree, renewInput, shadowsHeader } from '../../src/kernel/tree.ts';
import type { Store } from '../../src/store/layers.ts';
import { someFolder, someStore } from '../layers/some-layers.ts';

/** Unix seconds of the youngest file of a builder view that nobody looks at. */
const FLOOR = 1_700_000_000;

type Wanted = { readonly basis?: string; readonly clean?: boolean; readonly floor?: number };

function open(store: Store, { basis = 'b', clean = false, floor = FLOOR }: Wanted = {}): Promise<BuildTree> {
  const signal = new AbortController().signal;
  const wanted = { basis, clean, floor: () => floor };
  return openTree({ store, signal, report: () => {} }, 'kernel', 'source', wanted);
}

/** Writes a file as a build does: with the time that it is. */
function make(tree: BuildTree, path: string, text = path): string {
  const file = join(tree.folder, 'build', path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

function timeOf(file: string): bigint {
  return lstatSync(file, { bigint: true }).mtimeNs;
}

function pristine(files: Readonly<Record<string, string>>): string {
  const folder = someFolder();
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, 'usr/src/linux', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    utimesSync(file, 1000, 1000);
  }
  return folder;
}

/** Patches the tree's source to hold these files besides the pristine ones. */
function patch(tree: BuildTree, source: string, files: Readonly<Record<string, string>>): void {
  const top = join(tree.folder, 'patched/usr/src/linux');
  rmSync(top, { recursive: true, force: true });
  mkdirSync(top, { recursive: true });
  for (const [path, text] of Object.entries(files)) writeFileSync(join(top, path), text);
  givePatched(tree, source, patchedIn(top));
}

test('what a build makes is as old as what it was made from, whatever the clock says', async () => {
  using tree = await open(someStore());
  tree.begin();
  const object = make(tree, 'a.o');
  utimesSync(object, 4e9, 4e9); // a clock that was far ahead
  const other = make(tree, 'b.o');
  tree.end();
  assert.equal(timeOf(object), timeOf(other));
  tree.begin();
  const later = make(tree, 'c.o');
  tree.end();
  assert.ok(timeOf(later) > timeOf(object));
  assert.ok(timeOf(later) < BigInt(FLOOR + 1) * 1_000_000_000n);
});

test('a file that a patch changed is younger than all that was made before; one that it left alone keeps its time', async () => {
  const source = pristine({ 'a.c': 'a', 'b.c': 'b' });
  using tree = await open(someStore());
  const patched = (path: string): string => join(tree.folder, 'patched/usr/src/linux', path);
  tree.begin();
  patch(tree, source, { 'a.c': 'a patched', 'b.c': 'b patched' });
  const object = make(tree, 'a.o');
  tree.end();
  const before = timeOf(patched('b.c'));
  assert.ok(timeOf(patched('a.c')) <= timeOf(object));
  tree.begin();
  patch(tree, source, { 'a.c': 'a patched twice', 'b.c': 'b patched' });
  assert.ok(timeOf(patched('a.c')) > timeOf(object));
  assert.equal(timeOf(patched('b.c')), before);
});

test('a file that no patch changes any more lies there as it was, younger than what was made from the other', async () => {
  const source = pristine({ 'a.c': 'a' });
  using tree = await open(someStore());
  tree.begin();
  patch(tree, source, { 'a.c': 'a patched', 'new.c': 'new' });
  const object = make(tree, 'a.o');
  tree.end();
  tree.begin();
  patch(tree, source, {});
  const file = join(tree.folder, 'patched/usr/src/linux/a.c');
  assert.equal(readFileSync(file, 'utf8'), 'a');
  assert.ok(timeOf(file) > timeOf(object));
  assert.equal(tree.note.given['new.c']?.[0], GONE);
  tree.end();
  tree.begin();
  const time = timeOf(file);
  patch(tree, source, {});
  assert.equal(timeOf(file), time, 'given once, it is compiled once');
});

test('a build that failed half way leaves what it did not compile to be compiled', async () => {
  const source = pristine({ 'a.c': 'a', 'b.c': 'b' });
  using tree = await open(someStore());
  tree.begin();
  patch(tree, source, {});
  const [a, b] = [make(tree, 'a.o'), make(tree, 'b.o')];
  tree.end();
  tree.begin();
  patch(tree, source, { 'a.c': 'A', 'b.c': 'does not compile' });
  make(tree, 'a.o', 'again');
  tree.end();
  tree.begin();
  patch(tree, source, { 'a.c': 'A', 'b.c': 'B' });
  const patched = (path: string): bigint => timeOf(join(tree.folder, 'patched/usr/src/linux', path));
  assert.ok(patched('a.c') <= timeOf(a), 'a.o is up to date');
  assert.ok(patched('b.c') > timeOf(b), 'b.o is not');
});

test('what was written by a build that was killed is removed before the next, and nothing else', async () => {
  const store = someStore();
  const first = await open(store);
  first.begin();
  make(first, 'whole.o');
  first.end();
  first.begin();
  make(first, 'half.o');
  first[Symbol.dispose](); // the process has died: it never said that it had ended
  using second = await open(store);
  assert.equal(existsSync(join(second.folder, 'build/half.o')), false);
  assert.equal(existsSync(join(second.folder, 'build/whole.o')), true);
  assert.equal(second.isFresh, false);
});

test('a new configuration is younger than what the kernel has made of the old one, even if that was in the same generation', async () => {
  using tree = await open(someStore());
  tree.begin();
  const made = make(tree, 'auto.conf');
  const config = make(tree, '.config');
  renewInput(tree, '.config');
  tree.end();
  assert.ok(timeOf(config) > timeOf(made));
  tree.begin();
  make(tree, 'auto.conf');
  tree.end();
  assert.ok(timeOf(config) <= timeOf(made));
});

test('a tree is emptied on demand, for another builder view, and where its note is not whole', async () => {
  const store = someStore();
  const build = async (wanted: Wanted): Promise<{ was: boolean; fresh: boolean }> => {
    using tree = await open(store, wanted);
    const was = existsSync(join(tree.folder, 'build/a.o'));
    tree.begin();
    make(tree, 'a.o');
    tree.end();
    return { was, fresh: tree.isFresh };
  };
  assert.deepEqual(await build({}), { was: false, fresh: true });
  assert.deepEqual(await build({}), { was: true, fresh: false });
  assert.deepEqual(await build({ clean: true }), { was: false, fresh: true });
  assert.deepEqual(await build({ basis: 'another gcc' }), { was: false, fresh: true });
  const { folder } = await open(store, { basis: 'another gcc' }).then((tree) => {
    tree[Symbol.dispose]();
    return tree;
  });
  const note = JSON.parse(readFileSync(join(folder, 'note.json'), 'utf8'));
  writeFileSync(
    join(folder, 'note.json'),
    JSON.stringify({ ...note, boot: 'a boot before the power was cut' }),
  );
  assert.deepEqual(await build({ basis: 'another gcc' }), { was: false, fresh: true });
});

test('with a clock that stands before the files of the builder view, a tree is neither used nor kept', async () => {
  const store = someStore();
  const floor = Math.floor(Date.now() / 1000) + 86_400;
  for (const _ of [1, 2]) {
    using tree = await open(store, { floor });
    assert.equal(tree.isFresh, true);
    assert.equal(existsSync(join(tree.folder, 'build/a.o')), false);
    tree.begin();
    make(tree, 'a.o');
    tree.end();
  }
});

test('a new header is noticed when something was compiled with one of its name; one that changed or went is not', async () => {
  const source = pristine({ 'include/a.h': 'a', 'b.c': 'b' });
  using tree = await open(someStore());
  tree.begin();
  patch(tree, source, { 'new.h': 'new' });
  make(tree, '.b.o.cmd', 'deps_b.o := b.c /usr/src/linux/include/a.h');
  tree.end();
  assert.equal(shadowsHeader(tree, { 'include/a.h': 'f changed', 'new.h': 'f changed' }, source), false);
  assert.equal(shadowsHeader(tree, { 'include/a.h': GONE }, source), false);
  assert.equal(shadowsHeader(tree, {}, source), false);
  assert.equal(shadowsHeader(tree, { 'driver/b.h': 'f new' }, source), false);
  assert.equal(shadowsHeader(tree, { 'driver/a.h': 'f new' }, source), true);
});
