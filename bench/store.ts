/**
 * What gc's plan and a look at all of it cost in a large store: 1,000 layers and 1,000,000 entries, or what is asked for. Makes the store in a
 * folder of its own, measures `snap verify`, `snap gc -n`, `snap gc` and `snap du`, and removes it: [--layers N] [--entries N] [--keep] [DIR]
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { canonicalJson, type Digest, digestOf } from '../src/store/digest.ts';
import { type LayerKey, Store } from '../src/store/layers.ts';
import type { Entry, TreePath } from '../src/store/manifest.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { values, positionals } = parseArgs({
  options: {
    layers: { type: 'string', default: '1000' },
    entries: { type: 'string', default: '1000000' },
    keep: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const [layers, entries] = [Number(values.layers), Number(values.entries)];
const project =
  positionals[0] ?? mkdtempSync(join(process.env.SNAP_BENCH ?? '/var/tmp', 'snap-bench-store-'));

/** Builds of one conf, each of a tenth of the layers; so the last three of them keep three tenths. */
const BUILDS = 10;
const FOLDERS = 10;
/** One file in so many holds something: the others cost no blocks, and gc has to look at them all the same. */
const FULL = 10;
const CONTENT = 'content\n';
const TIME = 1_700_000_000;

try {
  if (!existsSync(join(project, 'store'))) makeStore();
  for (const args of [['verify'], ['gc', '-n'], ['gc', '-n', '--max-size', '100MB'], ['du']]) {
    for (let run = 0; run < 3; run++) measure(args);
  }
  if (!values.keep) {
    process.stdout.write('every file with a further link, as those of an image have:\n');
    execFileSync('cp', ['-al', join(project, 'store/layers'), join(project, 'copy')]);
    for (let run = 0; run < 3; run++) measure(['gc', '-n']);
    for (let run = 0; run < 3; run++) measure(['gc', '-n', '--max-size', '100MB']);
    rmSync(join(project, 'copy'), { recursive: true });
    measure(['gc']);
  }
} finally {
  if (!values.keep) rmSync(project, { recursive: true, force: true });
}

function makeStore(): void {
  mkdirSync(join(project, 'conf'), { recursive: true });
  writeFileSync(join(project, 'conf/big.toml'), 'suite = "bookworm"\narch = "amd64"\nscriptlets = []\n');
  using store = new Store(project);
  const numbers = Array.from({ length: layers }, (_, at) =>
    makeLayer(store, at, Math.round(entries / layers)),
  );
  store.settleDisk();
  const digest = digestOf('image') as Digest;
  for (let build = 0; build < BUILDS; build++) {
    const own = numbers.slice((build * layers) / BUILDS, ((build + 1) * layers) / BUILDS);
    const recipe = {
      layers: own.map((n) => [`layer-${n}`, n, []] as const),
      excludes: [],
      epoch: TIME,
      records: '',
    };
    const circumstances = { seconds: 1, lock: digest, ran: [], commit: null, made: TIME };
    store.addBuild({ conf: 'big', digest, paths: 1, bytes: 1, ...recipe, ...circumstances });
  }
}

function makeLayer(store: Store, at: number, count: number): number {
  const folder = store.makeWorkDir();
  const manifest = new Map<TreePath, Entry>();
  const common = { uid: 0, gid: 0, mtime: TIME, xattrs: '' };
  const add = (entry: Entry): void => void manifest.set(entry.path, entry);
  add({ ...common, path: '' as TreePath, type: 'dir', mode: 0o755 });
  mkdirSync(join(folder, 'tree'));
  for (let one = 0; one < FOLDERS; one++) {
    const path = `folder-${at}-${one}` as TreePath;
    mkdirSync(join(folder, 'tree', path));
    add({ ...common, path, type: 'dir', mode: 0o755 });
    for (let file = 0; file < Math.max(0, count / FOLDERS - 1); file++) {
      const content = file % FULL === 0 ? CONTENT : '';
      const name = `${path}/file-${String(file).padStart(5, '0')}` as TreePath;
      writeFileSync(join(folder, 'tree', name), content);
      utimesSync(join(folder, 'tree', name), TIME, TIME);
      add({
        ...common,
        path: name,
        type: 'file',
        mode: 0o644,
        size: content.length,
        digest: digestOf(content),
        link: undefined,
      });
    }
  }
  for (const { type, path } of manifest.values())
    if (type === 'dir') utimesSync(join(folder, 'tree', path), TIME, TIME);
  const sorted = new Map([...manifest].sort(([a], [b]) => (a < b ? -1 : 1)));
  const inputs = { kind: 'scriptlet', number: at };
  const layer = {
    name: `layer-${at}`,
    kind: 'scriptlet' as const,
    key: digestOf(canonicalJson(inputs)) as string as LayerKey,
    inputs,
  };
  const { n } = store.publish(folder, {
    ...layer,
    view: [],
    records: {},
    ids: { uids: {}, gids: {} },
    seconds: 1 + (at % 7),
    manifest: sorted,
  });
  store.dropWorkDir(folder);
  return n;
}

function measure(args: readonly string[]): void {
  const began = performance.now();
  const peak = join(ROOT, 'bench/peak.mjs');
  const file = join(project, 'peak');
  const env = { ...process.env, NODE_OPTIONS: `--import=${peak}`, SNAP_BENCH_PEAK: file };
  const { status, stderr } = spawnSync(join(ROOT, 'bin/snap'), ['-C', project, ...args, '--json'], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const seconds = (performance.now() - began) / 1000;
  const memory = existsSync(file) ? `${Math.round(Number(readFileSync(file, 'utf8')) / 1024)} MiB` : '?';
  process.stdout.write(
    `snap ${args.join(' ')}: ${seconds.toFixed(2)} s, peak ${memory}${status === 0 ? '' : `, exit ${status}: ${stderr}`}\n`,
  );
}
