import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseRecords } from '../../src/debian/records.ts';
import { type Difference, differenceAt, differencesBetween } from '../../src/layers/difference.ts';
import { changesBetween } from '../../src/layers/image.ts';
import { planImage } from '../../src/layers/plan.ts';
import { buildSide, folderSide, layerSide, type Side } from '../../src/layers/side.ts';
import { mergeView, type ViewLayer } from '../../src/layers/view.ts';
import type { Store } from '../../src/store/layers.ts';
import { addLayer, EPOCH, someFolder, someStore } from './some-layers.ts';

function made(script: string): string {
  const folder = join(someFolder(), 'tree');
  mkdirSync(folder);
  execFileSync('bash', ['-euc', script], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  return folder;
}

function side(folder: string): Side {
  return folderSide('a folder', folder);
}

function told(a: Side, b: Side): string[] {
  return [...differencesBetween(a.entries(), b.entries())].map(words);
}

function words({ modifier, path, aspects }: Difference): string {
  return [modifier, path, ...aspects].join(' ');
}

const place = fc.constantFrom('a', 'b', 'c/a', 'c/b');
const step = fc.oneof(
  fc
    .tuple(place, fc.constantFrom('1', '2', '33', ''))
    .map(([p, text]) => `rm -rf ${p}; printf '${text}' >${p}`),
  fc.tuple(place, place).map(([p, q]) => `ln -fT ${p} ${q}`),
  fc.tuple(place, place).map(([p, q]) => `rm -rf ${q}; ln -sT ${p} ${q}`),
  place.map((p) => `rm -rf ${p}`),
  place.map((p) => `rm -rf ${p}; mkdir ${p}`),
  place.map((p) => `rm -rf ${p}; mkfifo ${p}`),
  fc.tuple(place, fc.constantFrom('1 3', '1 5')).map(([p, dev]) => `rm -rf ${p}; mknod ${p} c ${dev}`),
  place.map((p) => `chmod 2751 ${p}`),
  place.map((p) => `chown -h 33:44 ${p}`),
  place.map((p) => `touch -h -d @1500000000 ${p}`),
  place.map((p) => `setfattr -h -n trusted.a -v 1 ${p}`),
);
const script = fc
  .array(step, { maxLength: 7 })
  .map(
    (steps) =>
      `mkdir c; set +e; exec 2>/dev/null\n${steps.join('\n')}\ntouch -d @5 . c; find . -type d -exec touch -d @5 {} +; true`,
  );

/** What the host's own programs say of a tree: all but the times of what was not touched. */
const LISTING = String.raw`cd "$1"; find . -mindepth 1 \( -type f -printf '%P f %m %U:%G %Ts ' -exec md5sum {} \; -printf '' \) \
  -o \( -type l -printf '%P l %U:%G %Ts %l\n' \) -o \( -type b -o -type c \) -exec stat -c '%n %t:%T %a %u:%g %Y' {} \; \
  -o -printf '%P %y %m %U:%G %Ts\n' | sort; getfattr -Rhd -m trusted. . 2>/dev/null || true
  find . -type f -links +1 -printf '%i %P\n' | sort -k2 | awk '{ if (!($1 in n)) n[$1] = ++c; print n[$1], $2 }'`;

function listing(folder: string): string {
  return execFileSync('bash', ['-euc', LISTING, 'bash', folder], { encoding: 'utf8' });
}

test('two folders have no difference just where find, stat, getfattr and md5sum see none', () => {
  let same = 0;
  fc.assert(
    fc.property(script, script, fc.boolean(), (a, b, twice) => {
      const stamp = '; find . ! -type d -newermt @1500000001 -exec touch -h -d @6 {} +';
      const [left, right] = [made(a + stamp), made((twice ? a : b) + stamp)];
      const differs = told(side(left), side(right));
      if (differs.length === 0) same++;
      assert.equal(differs.length === 0, listing(left) === listing(right), `${differs.join('\n')}`);
    }),
    { numRuns: 40 },
  );
  assert.ok(same > 5, String(same));
});

test('a folder with what tempts: nothing is followed or opened that is no file, names stay bytes', async () => {
  const folder = made(
    String.raw`mkfifo fifo; ln -s / root; ln -s loop loop; mknod null c 1 3; mkdir d; echo 1 >$'d/\xff\n'; echo 2 >-n; ln -- -n d/z`,
  );
  const server = createServer().listen(join(folder, 'sock'));
  await once(server, 'listening');
  const { leftOut, ...found } = side(folder);
  server.close();
  assert.deepEqual(
    [...found.entries()].map(({ path }) => path),
    ['', '-n', 'd', 'd/z', 'd/\xff\n', 'fifo', 'loop', 'null', 'root'],
  );
  assert.equal(found.contentOf('d/\xff\n' as never)?.toString(), '1\n');
  assert.equal(found.contentOf('fifo' as never), undefined);
  assert.deepEqual(leftOut, ['socket sock']);
});

test('hard links are told by the first path in byte order, whatever was met first', () => {
  const [a, b] = ['mkdir a; echo 1 >a/x; ln a/x a.b', 'mkdir a; echo 1 >a.b; ln a.b a/x'].map((text) =>
    side(made(`${text}; touch -d @5 a a/x .`)),
  );
  assert.deepEqual(told(a!, b!), []);
  const apart = side(made('mkdir a; echo 1 >a/x; echo 1 >a.b; touch -d @5 a a/x a.b .'));
  assert.deepEqual(told(a!, apart), ['U a/x links']);
});

const store = someStore();
const base = addLayer(
  store,
  [],
  'mkdir -p etc usr/bin; echo 1 >usr/bin/a; ln usr/bin/a usr/bin/b; echo 1 >etc/x; echo root:x:0:0::/: >etc/passwd',
  { name: 'base' },
);
const one = addLayer(
  store,
  [base],
  'mkdir -p etc usr/bin; echo 2 >etc/x; mknod usr/bin/b c 0 0; echo games:x:5:60::/: >etc/passwd',
  { name: 'one' },
);

function build(layers: readonly ViewLayer[], from: Store = store): Side {
  const plan = planImage(from, mergeView(from, layers), [], EPOCH);
  return buildSide('a build', plan, { paths: 0, bytes: 0, digest: plan.digest });
}

test('a build and the folder that it makes are the same, and what differs between builds is what a walk finds', () => {
  const [a, b] = [build([base]), build([base, one])];
  const quick = [...changesBetween(store, a.plan!, b.plan!)].flatMap(
    ({ path, was, now }) => differenceAt(path, was?.entry, now?.entry) ?? [],
  );
  assert.deepEqual(quick.map(words), told(a, b));
  assert.deepEqual(told(a, b), ['M etc/passwd content', 'M etc/x content', '- usr/bin/b']);
  const layers = new Map([...b.parts()].map(({ entry, layer }) => [entry.path as string, layer]));
  assert.equal(layers.get('etc/x'), 'one');
  assert.equal(layers.get('etc/passwd'), undefined, 'several layers add to it');
  assert.equal(b.contentOf('etc/x' as never)?.toString(), '2\n');
  assert.match(b.contentOf('etc/passwd' as never)!.toString(), /^games/m);
});

test('a layer by itself has its whiteouts, and its records as a file', () => {
  const layer = layerSide(store, 'one', one.row);
  assert.equal(layer.get('usr/bin/b' as never)?.type, 'whiteout');
  assert.ok(layer.recordsAt('etc/passwd' as never)?.has('games'));
  assert.deepEqual(
    parseRecords('etc/passwd', layer.contentOf('etc/passwd' as never)!.toString()).get('games'),
    'games:x:5:60::/:',
  );
  assert.deepEqual(told(layer, layer), []);
});
