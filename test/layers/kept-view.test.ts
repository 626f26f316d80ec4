import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { recallRecords, settleImage, slotsOf, updateFolder } from '../../src/layers/image.ts';
import { changedPaths, recallView } from '../../src/layers/kept-view.ts';
import { planImage } from '../../src/layers/plan.ts';
import { mergeView, type View, type ViewLayer } from '../../src/layers/view.ts';
import type { Store } from '../../src/store/layers.ts';
import { type Entry, identity, type Manifest, printable, type TreePath } from '../../src/store/manifest.ts';
import { scanTree } from '../../src/store/tree.ts';
import { addLayer, EPOCH, someFolder, someStore } from './some-layers.ts';

const runs = { numRuns: Number(process.env.SNAP_PROPERTY_RUNS ?? 20) };

/** Random steps of bash in a tree; what they cannot do they leave. `w` leaves a whiteout. */
const path = fc.constantFrom(
  'etc/a',
  'etc/d',
  'etc/d/x',
  'usr/a',
  'usr/d',
  'usr/d/x',
  'usr/d/x/y',
  'var/a',
  'usr/d-',
);
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(path, fc.nat(3))
      .map(([p, n]) => `mkdir -p $(dirname ${p}); printf %s ${n || ''} >${p}`),
  },
  { weight: 2, arbitrary: fc.tuple(path, path).map(([a, b]) => `ln -fT ${a} ${b}`) },
  { weight: 2, arbitrary: path.map((p) => `rm -rf ${p}; mkdir -p ${p}/q; echo z >${p}/q/z`) },
  path.map((p) => `rm -rf ${p}; mkdir -p $(dirname ${p}); mknod ${p} c 0 0`),
  path.map((p) => `rm -rf ${p}; ln -sfT elsewhere ${p}`),
  path.map((p) => `chmod 2751 ${p}`),
  path.map((p) => `touch -h -d @1500000000 ${p}`),
  fc.nat(2).map((n) => `mkdir -p etc; printf 'a:x:${n}:0::/:/bin/sh\\n' >etc/passwd`),
  path.map((p) => `mkdir -p var/lib/dpkg; printf '/${p}\\n/${p}.real\\n:\\n' >var/lib/dpkg/diversions`),
  path.map((p) => `mkdir -p var/lib/dpkg; printf '0 0 700 /${p}\\n' >var/lib/dpkg/statoverride`),
);
const script = fc
  .array(step, { maxLength: 8 })
  .map((steps) => `mkdir -p etc/d var usr/d; set +e; exec 2>/dev/null\n${steps.join('\n')}\ntrue`);

/** Which layers a state has, in their order, and what each of them sees of the two before it. */
const state = fc.record({
  scripts: fc.array(fc.option(script, { freq: 3, nil: undefined }), { minLength: 4, maxLength: 4 }),
  sees: fc.array(fc.nat(3), { minLength: 4, maxLength: 4 }),
  without: fc.option(fc.nat(3), { nil: undefined }),
  excludes: fc.constantFrom<readonly string[]>([], [], [], ['usr/d/*']),
});
/** A file of one layer that changes, and nothing else: chance alone may leave that out. */
const plain = [1, 2, 3].map((n) => ({
  scripts: [undefined, `mkdir -p etc; echo ${n} >etc/a`, undefined, undefined],
  sees: [0, 0, 0, 0],
  without: undefined,
  excludes: [],
}));

test('a view that is merged where it changed is the view, and an image that is changed there is the image, in both slots', async () => {
  let merged = 0;
  let recalled = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(state, { minLength: 3, maxLength: 7 }), async (states) => {
      const store = someStore();
      const images = join(someFolder(), 'images');
      mkdirSync(images);
      const slots = slotsOf(images, 'a');
      const known: (string | undefined)[] = [];
      for (const { scripts, sees, without, excludes } of states) {
        const layers: ViewLayer[] = [];
        for (const [index, text] of scripts.entries()) {
          known[index] = text ?? known[index] ?? 'mkdir -p etc usr var';
          if (index !== 0 && index === without) continue;
          const seen = layers.filter((_, other) => other > 0 && (sees[index]! >> (other - 1)) & 1);
          const below = index === 0 ? [] : [layers[0]!, ...closure(layers, seen)];
          if (mergeView(store, below).conflicts.length > 0) return;
          layers.push(
            addLayer(store, below, known[index]!, {
              name: `layer-${index}`,
              inputs: { text: known[index]!, below: below.map(({ row }) => row.digest) },
            }),
          );
        }
        const fresh = mergeView(store, layers);
        assert.deepEqual(shown(everywhere(store, layers)), shown(fresh));
        assert.deepEqual(shown(recallView(store, 'x', layers)), shown(fresh));
        if (fresh.conflicts.length > 0) continue;
        merged++;
        const records = recallRecords(store, slots, { view: fresh, excludes, epoch: EPOCH });
        if (records) recalled++;
        const plan = planImage(store, fresh, excludes, EPOCH, records);
        const extent = await settleImage(store, slots, plan);
        const other = join(someFolder(), 'fresh');
        assert.deepEqual(
          await updateFolder(store, other, `${other}.json`, planImage(store, fresh, excludes, EPOCH)),
          extent,
        );
        assert.deepEqual(onDisk(slots.link), onDisk(other));
        assert.deepEqual(lines(plan.entries()), onDisk(other));
        rmSync(other, { recursive: true });
      }
      rmSync(join(store.layout.root, '..'), { recursive: true });
      rmSync(images, { recursive: true });
    }),
    { ...runs, examples: [[plain]] },
  );
  assert.ok(merged > 0, 'no state was without conflict');
  assert.ok(recalled > 0, 'no image had the same records');
});

/** The view, of which each path that a layer wrote is looked at. */
function everywhere(store: Store, layers: readonly ViewLayer[]): View {
  const changed = new Set(
    layers.slice(1).flatMap(({ row }) => [...store.manifestOf(row.n).values()].map(({ path }) => path)),
  );
  return mergeView(store, layers, { corrections: [], changed, sameRecords: false, recordless: new Set() });
}

function closure(layers: readonly ViewLayer[], seen: readonly ViewLayer[]): ViewLayer[] {
  const names = new Set(seen.flatMap(({ name, sees }) => [name, ...sees]));
  return layers.slice(1).filter(({ name }) => names.has(name));
}

function shown(view: View): object {
  return {
    conflicts: view.conflicts.map(({ earlier, later, path }) => `${earlier} ${later} ${path}`).sort(),
    corrections: view.conflicts.length > 0 ? [] : lines(view.corrections.map(({ entry }) => entry)),
    entries: lines([...view.entries()].map(({ entry }) => entry)),
    looked: lines([...view.entries()].flatMap(({ entry }) => view.get(entry.path) ?? [])),
    records: [...view.records].map(([path, { records }]) => [path, [...records]]),
  };
}

function onDisk(folder: string): string[] {
  return lines(scanTree(`${folder}/.`, { mtime: (stat) => Number(stat.mtimeNs) / 1e9 }).values());
}

function lines(entries: Iterable<Entry>): string[] {
  return [...entries].map((entry) => `${printable(entry.path)} ${identity(entry)} ${entry.mtime}`).sort();
}

function some(store: Store, texts: Readonly<Record<string, string>>): View {
  const layers: ViewLayer[] = [];
  for (const [name, text] of Object.entries(texts)) {
    layers.push(addLayer(store, layers.slice(0, 1), text, { name, inputs: { text } }));
  }
  return mergeView(store, layers);
}

test('two views may differ where a layer that changed does, and nowhere else', () => {
  const store = someStore();
  const base = 'mkdir -p usr/d; for n in 1 2 3 4; do echo $n >usr/d/$n; done';
  const leaf = (text: string): string => `mkdir -p usr/d etc; echo same >etc/same; echo ${text} >etc/leaf`;
  const before = some(store, { base, other: 'mkdir etc; echo x >etc/other', leaf: leaf('one') });
  const between = (texts: Readonly<Record<string, string>>): string[] | undefined => {
    const paths = changedPaths(store, before, some(store, texts));
    return paths && [...paths].sort();
  };
  const other = 'mkdir etc; echo x >etc/other';
  assert.deepEqual(between({ base, other, leaf: leaf('one') }), []);
  assert.deepEqual(between({ base, other, leaf: leaf('two') }), ['etc/leaf']);
  assert.deepEqual(between({ base, leaf: leaf('one') }), ['etc', 'etc/other']);
  assert.deepEqual(between({ base, other, leaf: leaf('one'), more: 'mkdir etc; echo x >etc/more' }), [
    'etc',
    'etc/more',
  ]);
  assert.deepEqual(between({ base: base.replace('4', '5'), other, leaf: leaf('one') }), [
    'usr/d/4',
    'usr/d/5',
  ]);
  assert.equal(between({ base, leaf: leaf('one'), other }), undefined, 'another order');
  const gone = between({ base, other, leaf: `${leaf('one')}; rm -r usr/d; mknod usr/d c 0 0` });
  for (const one of ['usr/d', 'usr/d/1', 'usr/d/4'])
    assert.ok(gone?.includes(one), `${one}, beneath a folder that is gone`);
});

test('views that differ at too many paths to look at each are not read to their end to know it', () => {
  const store = someStore();
  const base = addLayer(store, [], 'mkdir etc', { name: 'base', kind: 'base' });
  const large = addLayer(store, [base], 'touch large', { name: 'large' });
  let read = 0;
  const manifest: Manifest = {
    size: Infinity,
    get: () => undefined,
    *values() {
      for (;;) yield { ...store.manifestOf(base.row.n).get('' as TreePath)!, path: `${read++}` as TreePath };
    },
  };
  const reading = Object.create(store, {
    manifestOf: { value: (n: number) => (n === large.row.n ? manifest : store.manifestOf(n)) },
  }) as Store;
  const [before, now] = [mergeView(store, [base]), mergeView(store, [base, large])];
  assert.equal(changedPaths(reading, before, now), undefined);
  assert.ok(read > 1000 && read < 100_000, String(read));
});

test('of a layer that is known to have no records the note is not read', () => {
  const store = someStore();
  const passwd = "mkdir -p etc; printf 'a:x:1:0::/:/bin/sh\\n' >etc/passwd";
  const texts = { base: passwd, one: 'mkdir etc; echo x >etc/one', two: 'mkdir etc; echo x >etc/two' };
  const read: number[] = [];
  const plain = store.recordsOf.bind(store);
  store.recordsOf = (n) => {
    read.push(n);
    return plain(n);
  };
  const recordsOf = (texts: Readonly<Record<string, string>>) => {
    const { layers } = some(store, texts);
    read.length = 0;
    const { records } = recallView(store, 'x', layers);
    const lines = [...(records.get('etc/passwd')?.records.keys() ?? [])];
    return { lines, read: [...new Set(read)].map((n) => layers.find(({ row }) => row.n === n)?.name).sort() };
  };
  recordsOf(texts);
  assert.deepEqual(recordsOf(texts), { lines: ['a'], read: ['base'] });
  const more = {
    ...texts,
    two: `${texts.two}; printf 'a:x:1:0::/:/bin/sh\\nb:x:2:0::/:/bin/sh\\n' >etc/passwd`,
  };
  assert.deepEqual(recordsOf(more).lines, ['a', 'b']);
  assert.deepEqual(recordsOf(more), { lines: ['a', 'b'], read: ['base', 'two'] });
});

test('a path is looked up in a layer of the view, whichever layers hold it besides', () => {
  const store = someStore();
  const first = some(store, { base: 'mkdir etc; echo one >etc/x' });
  some(store, { base: 'mkdir etc; echo other >etc/x; echo y >etc/y' });
  const at = (path: string): Entry | undefined => first.get(path as TreePath);
  assert.equal(at('etc/y'), undefined);
  assert.equal(at('etc/x')?.type === 'file' && at('etc/x')?.path, 'etc/x');
  assert.deepEqual([...first.namesIn('etc' as TreePath)], ['x']);
});

test('a layer that now brings what another one has long diverted is in conflict with it', () => {
  const store = someStore();
  const base = 'mkdir -p var/lib/dpkg usr/bin';
  const diverts = `${base}; printf '/bin/x\\n/bin/x.real\\ntool\\n' >var/lib/dpkg/diversions`;
  const conflictsOf = (brings: string): string[] => {
    const { layers } = some(store, { base, diverts, brings: `mkdir -p usr/bin; echo x >usr/bin/${brings}` });
    return recallView(store, 'x', layers).conflicts.map(({ path }) => path);
  };
  assert.deepEqual(conflictsOf('y'), []);
  assert.deepEqual(conflictsOf('x'), ['usr/bin/x']);
  assert.deepEqual(conflictsOf('z'), []);
});
