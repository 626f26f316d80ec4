import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { writeXattr } from '../../src/host/syscall.ts';
import {
  currentSlot,
  makeAll,
  prepareSlots,
  type Slots,
  settleImage,
  slotsOf,
  updateFolder,
} from '../../src/layers/image.ts';
import { type ImagePlan, planImage } from '../../src/layers/plan.ts';
import { mergeView, type ViewLayer } from '../../src/layers/view.ts';
import type { Store } from '../../src/store/layers.ts';
import { type Dir, type Entry, identity, printable, type TreePath } from '../../src/store/manifest.ts';
import { scanTree } from '../../src/store/tree.ts';
import { startTreeHelper } from '../../src/store/tree-helper.ts';
import { addLayer, EPOCH, someFolder, someStore } from './some-layers.ts';

function planOf(store: Store, layers: readonly ViewLayer[], excludes: readonly string[] = []): ImagePlan {
  return planImage(store, mergeView(store, layers), excludes, EPOCH);
}

/** What lies on disk, with times; whole seconds only. */
function onDisk(folder: string): string[] {
  const found = scanTree(`${folder}/.`, { mtime: (stat) => Number(stat.mtimeNs) / 1e9 });
  return lines(found.values());
}

function lines(entries: Iterable<Entry>): string[] {
  return [...entries].map((entry) => `${printable(entry.path)} ${identity(entry)} ${entry.mtime}`).sort();
}

/** An image of two files, of which the text of one is given. */
function sameAndOther(store: Store, text: string): ImagePlan {
  const script = `mkdir etc; echo same >etc/same; echo ${text} >etc/other`;
  return planOf(store, [addLayer(store, [], script, { name: 'base', inputs: { text } })]);
}

function newSlots(): Slots {
  const images = join(someFolder(), 'images');
  mkdirSync(images);
  return slotsOf(images, 'a');
}

/** Random steps of bash, relative to a tree; what they cannot do they leave. Names lie in all the places that are treated apart. */
const place = fc.constantFrom('etc', 'var', 'usr', 'etc/a');
const name = fc.constantFrom('a', '-n', $('\xff\t\n'));
const path = fc.tuple(place, name).map(([folder, one]) => `./${folder}/${one}`);
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(path, fc.integer({ min: 0, max: 4 }))
      .map(([p, n]) => `[ -p ${p} ] || printf %s ${n || ''} >${p}`),
  },
  { weight: 3, arbitrary: fc.tuple(path, path).map(([a, b]) => `ln -fT ${a} ${b}`) },
  { weight: 2, arbitrary: path.map((p) => `rm -rf ${p}; mkdir -p ${p}/x/y; echo z >${p}/x/z`) },
  { weight: 2, arbitrary: path.map((p) => `rm -rf ${p}`) },
  fc.tuple(path, path).map(([a, b]) => `ln -sfT ${a} ${b}`),
  path.map((p) => `rm -rf ${p}; mkfifo ${p}`),
  path.map((p) => `chmod 2751 ${p}`),
  path.map((p) => `chown -h 33:44 ${p}`),
  path.map((p) => `touch -h -d @1500000000 ${p}`),
);

/** A word of bash for any bytes. */
function $(text: string): string {
  return `$'${[...text].map((char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')}'`;
}

const FOLDERS = `mkdir -p etc/a var usr; set +e; exec 2>/dev/null\n`;

test('after any series of changes, in both slots, an image is to the second what a fresh one is, and no edit of it reaches the store', async () => {
  const states = fc.array(fc.array(step, { maxLength: 14 }), { minLength: 2, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(states, async (states) => {
      const store = someStore();
      const slots = newSlots();
      const images: ImagePlan[] = [];
      for (const [number, steps] of states.entries()) {
        const layer = addLayer(store, [], `${FOLDERS}${steps.join('\n')}\ntrue`, {
          name: 'base',
          inputs: { number },
        });
        const plan = planOf(store, [layer]);
        const [shown, last] = [currentSlot(slots), images.at(-1)];
        images.push(plan);
        await settleImage(store, slots, plan);
        const expected = lines(plan.entries());
        assert.deepEqual(onDisk(slots.link), expected);
        if (shown && last && last.digest !== plan.digest) {
          assert.notEqual(currentSlot(slots), shown);
          assert.deepEqual(onDisk(shown), lines(last.entries()));
        }
        const fresh = join(someFolder(), 'fresh');
        await updateFolder(store, fresh, `${fresh}.json`, plan);
        assert.deepEqual(onDisk(fresh), expected);
        const helped = ['a', 'b'].map((one) => join(someFolder(), one));
        await makeAll(helped, plan, { isHelped: number === 0 });
        for (const one of helped) assert.deepEqual(onDisk(one), expected);
        assertOwnFiles(slots.link, plan);
        assertOwnFiles(fresh, plan);
        assertLinks(fresh, plan);
      }
      await settleImage(store, slots, images[0]!);
      assert.deepEqual(onDisk(slots.link), lines(images[0]!.entries()));
      rmSync(join(store.layout.root, '..'), { recursive: true });
    }),
    { numRuns: Number(process.env.SNAP_PROPERTY_RUNS ?? 40) },
  );
});

/** Files and symlinks of etc and var, and empty files, are no layer's; and paths share an inode just where the manifest says so. */
function assertOwnFiles(image: string, plan: ImagePlan): void {
  const names = new Map<number, Set<string>>();
  for (const entry of plan.entries()) {
    if (entry.type !== 'file' && entry.type !== 'symlink') continue;
    const { ino } = lstatSync(Buffer.concat([Buffer.from(`${image}/`), Buffer.from(entry.path, 'latin1')]));
    const link = entry.type === 'file' ? entry.link : undefined;
    names.set(ino, (names.get(ino) ?? new Set()).add(link ?? entry.path));
    const { ino: inLayer } = lstatSync(plan.sourceOf(plan.partAt(entry.path)!));
    const isOwn = /^(etc|var)\//.test(entry.path);
    const isEmpty = entry.type === 'file' && entry.size === 0;
    if (isOwn || isEmpty) assert.notEqual(ino, inLayer, printable(entry.path));
  }
  for (const groups of names.values()) assert.equal(groups.size, 1, [...groups].join());
}

/** Symlinks elsewhere are the layer's own. In a slot they may be those of the layer before, where that has the same. */
function assertLinks(image: string, plan: ImagePlan): void {
  for (const entry of plan.entries()) {
    if (entry.type !== 'symlink' || /^(etc|var)\//.test(entry.path)) continue;
    const { ino } = lstatSync(Buffer.concat([Buffer.from(`${image}/`), Buffer.from(entry.path, 'latin1')]));
    assert.equal(ino, lstatSync(plan.sourceOf(plan.partAt(entry.path)!)).ino, printable(entry.path));
  }
}

/** A POSIX ACL as the kernel keeps it: one user may read. */
const ACL = Buffer.from(
  '0200000001000700ffffffff020004004d00000004000500ffffffff10000500ffffffff20000500ffffffff',
  'hex',
);

test('what a folder of the image hands down to new entries is not theirs, neither its ACL nor its group', async () => {
  const store = someStore();
  const slots = newSlots();
  const make = (text: string): ImagePlan => {
    const folder = 'mkdir -p etc/f/d; echo x >etc/f/file; : >etc/f/empty; mkfifo etc/f/fifo';
    const script = `${folder}; echo ${text} >etc/f/changed; chmod 2770 etc/f; chgrp 33 etc/f`;
    const inputs = { text };
    return planOf(store, [addLayer(store, [], script, { name: 'base', inputs, finish: giveAcl })]);
  };
  for (const text of ['one', 'two', 'three']) {
    const plan = make(text);
    await settleImage(store, slots, plan);
    const entries = [...plan.entries()];
    assert.deepEqual(
      entries.filter(({ xattrs }) => xattrs !== '').map(({ path }) => path),
      ['etc/f'],
    );
    assert.deepEqual(onDisk(slots.link), lines(entries));
  }
});

function giveAcl(upper: string): void {
  writeXattr(Buffer.from(`${upper}/etc/f`), 'system.posix_acl_default', ACL);
}

test("a hard link between var and usr makes neither of them the store's, whenever it comes", async () => {
  const store = someStore();
  const slots = newSlots();
  const plain = addLayer(store, [], 'mkdir usr var; echo x >usr/x', { name: 'base', inputs: { step: 1 } });
  const linked = addLayer(store, [], 'mkdir usr var; echo x >usr/x; ln usr/x var/x', {
    name: 'base',
    inputs: { step: 2 },
  });
  const sharedWithStore = (layer: ViewLayer): boolean =>
    lstatSync(join(slots.link, 'usr/x')).ino === lstatSync(join(store.treeOf(layer.row.n), 'usr/x')).ino;
  for (const _ of [1, 2]) {
    await settleImage(store, slots, planOf(store, [plain]));
    assert.ok(sharedWithStore(plain));
    await settleImage(store, slots, planOf(store, [linked]));
    assert.ok(!sharedWithStore(linked) && !sharedWithStore(plain));
    assert.equal(lstatSync(join(slots.link, 'usr/x')).ino, lstatSync(join(slots.link, 'var/x')).ino);
  }
});

test('a hard link is made after the file that it is a link to, in whatever order a folder was walked through', async () => {
  const store = someStore();
  const slots = newSlots();
  const linked = addLayer(store, [], 'mkdir usr usr/d; echo x >usr/d/x; ln usr/d/x usr/d-', { name: 'base' });
  const other = addLayer(store, [], 'mkdir usr; echo y >usr/d-', { name: 'base', inputs: { step: 2 } });
  for (const layer of [linked, other, other, linked]) {
    const plan = planOf(store, [layer]);
    await settleImage(store, slots, plan);
    assert.deepEqual(onDisk(slots.link), lines(plan.entries()));
    assertOwnFiles(slots.link, plan);
  }
});

test('only what differs is touched', async () => {
  const store = someStore();
  const slots = newSlots();
  const make = (text: string): ImagePlan =>
    planOf(store, [
      addLayer(
        store,
        [],
        `mkdir -p etc usr; echo same >etc/same; echo ${text} >etc/other; echo ${text} >usr/other`,
        { name: 'base', inputs: { text } },
      ),
    ]);
  const [one, two] = [make('one'), make('two')];
  await settleImage(store, slots, one);
  await settleImage(store, slots, two);
  const slot = currentSlot(slots);
  const before = (path: string): bigint => lstatSync(join(slots.link, path), { bigint: true }).ctimeNs;
  await settleImage(store, slots, one);
  const same = before('etc/same');
  const other = lstatSync(join(slot!, 'etc/same')).ino;
  await settleImage(store, slots, two);
  assert.equal(currentSlot(slots), slot);
  assert.equal(lstatSync(join(slots.link, 'etc/same')).ino, other);
  await settleImage(store, slots, one);
  assert.equal(before('etc/same'), same);
});

test('a first image of new layers is in both slots, so that the first change touches only what differs; one of old layers is in one', async () => {
  const store = someStore();
  const make = (text: string): ImagePlan => sameAndOther(store, text);
  const [one, two] = [make('one'), make('two')];
  const slots = newSlots();
  assert.equal((await settleImage(store, slots, one)).paths, 4);
  const made = slots.slots.map((slot) => lstatSync(join(slot, 'etc/same')).ino);
  assert.equal(new Set(made).size, 2);
  for (const slot of slots.slots) assert.deepEqual(onDisk(slot), lines(one.entries()));
  assert.equal(currentSlot(slots), slots.slots[0]);
  assert.deepEqual(await settleImage(store, slots, two), { paths: 4, bytes: 9 });
  assert.equal(currentSlot(slots), slots.slots[1]);
  assert.equal(lstatSync(join(slots.link, 'etc/same')).ino, made[1]);
  assert.deepEqual(onDisk(slots.link), lines(two.entries()));
  const others = newSlots();
  await settleImage(store, others, one);
  assert.deepEqual(
    others.slots.map((slot) => existsSync(slot)),
    [true, false],
  );
});

test('slots that were filled ahead become the image, both of them, whatever differs', async () => {
  const script = fc.array(step, { maxLength: 14 });
  await fc.assert(
    fc.asyncProperty(script, script, async (ahead, after) => {
      const store = someStore();
      const slots = newSlots();
      const [first, plan] = [ahead, [...ahead, ...after]].map((steps, number) =>
        planOf(store, [
          addLayer(store, [], `${FOLDERS}${steps.join('\n')}\ntrue`, { name: 'base', inputs: { number } }),
        ]),
      ) as [ImagePlan, ImagePlan];
      const prepared = await prepareSlots(store, slots, () => first, GO_ON);
      for (const slot of slots.slots) assert.deepEqual(onDisk(slot), lines(first.entries()));
      assert.ok(!existsSync(slots.link));
      const extent = await settleImage(store, slots, plan, prepared);
      for (const slot of slots.slots) assert.deepEqual(onDisk(slot), lines(plan.entries()));
      assert.equal(currentSlot(slots), slots.slots[0]);
      const fresh = join(someFolder(), 'fresh');
      assert.deepEqual(extent, await updateFolder(store, fresh, `${fresh}.json`, plan));
      rmSync(join(store.layout.root, '..'), { recursive: true });
    }),
    { numRuns: Number(process.env.SNAP_PROPERTY_RUNS ?? 40) },
  );
});

const GO_ON = new AbortController().signal;

test('what was filled ahead is only changed where the image differs; where there is an image, nothing is', async () => {
  const store = someStore();
  const slots = newSlots();
  const make = (text: string): ImagePlan => sameAndOther(store, text);
  const [one, two] = [make('one'), make('two')];
  const prepared = await prepareSlots(store, slots, () => one, GO_ON);
  const inodes = (): number[] => slots.slots.map((slot) => lstatSync(join(slot, 'etc/same')).ino);
  const made = inodes();
  await settleImage(store, slots, two, prepared);
  assert.deepEqual(inodes(), made);
  assert.equal(readFileSync(join(slots.link, 'etc/other'), 'utf8'), 'two\n');
  make('three');
  assert.equal((await prepareSlots(store, slots, () => assert.fail(), GO_ON)).size, 0);
});

test('filling ahead that is stopped, or fails, leaves nothing', async () => {
  const store = someStore();
  const slots = newSlots();
  const many = Array.from({ length: 300 }, (_, index) => index).join(' ');
  const plan = planOf(store, [
    addLayer(store, [], `mkdir usr; for n in ${many}; do echo $n >usr/$n; done`, { name: 'base' }),
  ]);
  const stop = new AbortController();
  const filling = prepareSlots(store, slots, () => plan, stop.signal);
  while (!existsSync(slots.slots[1])) await setImmediate();
  stop.abort();
  assert.equal((await filling).size, 0);
  for (const slot of slots.slots) assert.ok(!existsSync(slot));
  rmSync(store.treeOf(1), { recursive: true });
  assert.equal((await prepareSlots(store, slots, () => plan, GO_ON)).size, 0);
  for (const slot of slots.slots) assert.ok(!existsSync(slot));
});

test('an image that is there already stays in its slot', async () => {
  const store = someStore();
  const slots = newSlots();
  const plan = planOf(store, [addLayer(store, [], 'echo x >x', { name: 'base' })]);
  store.settleDisk();
  await settleImage(store, slots, plan);
  const { ino } = lstatSync(`${slots.link}/x`);
  await settleImage(store, slots, plan);
  assert.equal(lstatSync(`${slots.link}/x`).ino, ino);
  assert.equal(readlinkSync(slots.link), '.a.a');
  assert.ok(!existsSync(slots.slots[1]));
});

test('a slot that somebody changed by hand is made anew', async () => {
  const store = someStore();
  const slots = newSlots();
  const make = (text: string): ImagePlan =>
    planOf(store, [
      addLayer(store, [], `mkdir d; echo ${text} >d/file; echo same >same`, {
        name: 'base',
        inputs: { text },
      }),
    ]);
  for (const text of ['one', 'two']) await settleImage(store, slots, make(text));
  rmSync(join(slots.slots[0], 'd'), { recursive: true });
  writeFileSync(join(slots.slots[0], 'added'), 'by hand');
  const three = make('three');
  await settleImage(store, slots, three);
  assert.deepEqual(onDisk(slots.link), lines(three.entries()));
});

test('something else in the place of the link is not touched', async () => {
  const store = someStore();
  const plan = planOf(store, [addLayer(store, [], 'echo x >x', { name: 'base' })]);
  const slots = newSlots();
  mkdirSync(slots.link);
  await assert.rejects(settleImage(store, slots, plan), {
    name: 'SnapError',
    message: /something else lies there/,
  });
  assert.deepEqual(readdirSync(slots.link), []);
});

test('a link of images that leads nowhere, or elsewhere, is replaced', async () => {
  const store = someStore();
  const plan = planOf(store, [addLayer(store, [], 'echo x >x', { name: 'base' })]);
  for (const target of ['.a.b', '/etc', 'nowhere']) {
    const slots = newSlots();
    symlinkSync(target, slots.link);
    await settleImage(store, slots, plan);
    assert.equal(readFileSync(join(slots.link, 'x'), 'utf8'), 'x\n');
  }
});

test('layers on another filesystem are copied', async (t) => {
  const store = someStore();
  if (lstatSync('/dev/shm').dev === lstatSync(store.layout.root).dev) return t.skip('no second filesystem');
  const plan = planOf(store, [
    addLayer(store, [], 'echo x >x; chmod 4711 x; ln x y; mkdir -p d/e; echo z >d/e/z', { name: 'base' }),
  ]);
  const folder = execFileSync('mktemp', ['-d', '/dev/shm/snap-image-XXXX'], { encoding: 'utf8' }).trim();
  t.after(() => rmSync(folder, { recursive: true }));
  await updateFolder(store, join(folder, 'image'), join(folder, 'note'), plan);
  assert.deepEqual(onDisk(join(folder, 'image')), lines(plan.entries()));
  const helped = [join(someFolder(), 'linked'), join(folder, 'helped')];
  await makeAll(helped, plan, { isHelped: true });
  for (const one of helped) assert.deepEqual(onDisk(one), lines(plan.entries()));
});

test('what the thread that helps cannot do is done without it, or told', async () => {
  const store = someStore();
  const layer = addLayer(store, [], 'mkdir -p usr/d; echo x >usr/d/x; echo y >usr/y', { name: 'base' });
  const plan = planOf(store, [layer]);
  const lost = join(store.treeOf(1), 'usr/d/x');
  renameSync(lost, `${lost}.away`);
  await assert.rejects(makeAll([join(someFolder(), 'a')], plan, { isHelped: true }), {
    code: 'ENOENT',
    path: lost,
  });
  renameSync(`${lost}.away`, lost);
  const places = ['a', 'b'].map((one) => join(someFolder(), one));
  const helper = startTreeHelper(places);
  helper.give('usr' as TreePath, { entry: plan.at('usr' as TreePath) as Dir, inherits: false });
  helper.give('usr/y' as TreePath, store.treeOf(1));
  assert.deepEqual([...(await helper.end())], ['usr', 'usr/y'], 'nothing is there that these could lie in');
  await helper[Symbol.asyncDispose]();
});

test('what globs exclude is left out with all beneath it, and hard links to it go on without it', () => {
  const store = someStore();
  const base = addLayer(
    store,
    [],
    'mkdir -p usr/share/doc/a usr/share/man/man1 opt; echo x >usr/share/doc/a/copyright; echo y >usr/share/doc/a/readme; echo z >usr/share/man/man1/x.1; ln usr/share/doc/a/readme usr/share/other; echo ä >opt/Grün; echo etc >passwd',
    { name: 'base' },
  );
  const excluded = (...globs: readonly string[]): string[] =>
    [...planOf(store, [base], globs).entries()]
      .map(({ path }) => path)
      .filter((one) => (/\./.test(one) === false && one.split('/').length > 2) || /Gr/.test(one));
  const all = excluded();
  assert.deepEqual(
    all.filter((one) => !excluded('/usr/share/doc/*').includes(one)),
    ['usr/share/doc/a', 'usr/share/doc/a/copyright', 'usr/share/doc/a/readme'],
  );
  assert.deepEqual(
    all.filter((one) => !excluded('usr/share/doc/*/[!c]*').includes(one)),
    ['usr/share/doc/a/readme'],
  );
  assert.deepEqual(
    all.filter((one) => !excluded('usr/share/man').includes(one)),
    ['usr/share/man', 'usr/share/man/man1'],
  );
  assert.equal(all.length - excluded('opt/Gr*').length, 1);
  assert.equal(all.length - excluded(Buffer.from('opt/Grün').toString('latin1')).length, 1);
  const other = planOf(store, [base], ['usr/share/doc/**']).at('usr/share/other' as TreePath);
  assert.ok(other?.type === 'file' && other.link === undefined);
});
