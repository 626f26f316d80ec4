import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Lock } from '../../src/debian/lock.ts';
import { formatLock, parseLock } from '../../src/debian/lock-text.ts';
import type { LayerNote } from '../../src/store/layers.ts';
import { makeDist, ROOT, SNAP, start } from '../commands/launcher.ts';
import { SHARED_DEBS, shareDebs } from './shared-debs.ts';

/** Text by path. */
export type Files = Readonly<Record<string, string>>;

export type ProjectOptions = {
  /** The conf's `[vars]`, as TOML. */
  readonly vars?: string;
  /** Data of scriptlets (`scriptlets/NAME/...`), further confs. */
  readonly files?: Files;
  /** prepared: the base is in the store. empty: nothing but the debs is. */
  readonly store?: 'prepared' | 'empty';
  /** fresh: the lock has no ids at all, as `snap lock` makes it. */
  readonly ids?: 'fresh' | 'base';
  /** Whether the store holds apt's indexes, so that packages are resolved without the network. */
  readonly apt?: boolean;
};

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/**
 * A project of its own with a conf "a" of these scriptlets, in their order, and a lock that covers them, with no ids but the base's and no
 * orders. What they
 * ask for stands in the catalogue.
 */
export function makeProject(scriptlets: Files, options: ProjectOptions = {}): string {
  const project = makeFolder();
  const { vars = '', files = {}, store = 'prepared', ids = 'base', apt = false } = options;
  const list = JSON.stringify(Object.keys(scriptlets));
  write(project, {
    'conf/a.toml': `suite = "bookworm"\narch = "amd64"\nscriptlets = ${list}\n[vars]\n${vars}`,
    ...Object.fromEntries(Object.entries(scriptlets).map(([name, text]) => [`scriptlets/${name}.sh`, text])),
    ...files,
  });
  writeFileSync(join(project, 'conf', 'a.lock'), formatLock(lockFor(scriptlets, ids)));
  fillStore(project, store, apt);
  return project;
}

/** An empty folder under a name that tempts careless code; it goes when the test file ends. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'snap build, \\:'));
  folders.push(folder);
  return folder;
}

export function write(folder: string, files: Files): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** Appends or replaces text in a file of a project. */
export function edit(project: string, path: string, change: (text: string) => string): void {
  const file = join(project, path);
  const before = readFileSync(file, 'utf8');
  const now = change(before);
  if (now === before) throw new Error(`The edit changes nothing in ${path}`);
  writeFileSync(file, now);
}

let prepared: string | undefined;

/** The folder of the prepared project; made when there is none for this state of src/. */
export function preparedProject(): string {
  if (prepared) return prepared;
  makeDist();
  const cache = join(ROOT, 'node_modules', '.cache', 'snap-tests');
  const folder = join(cache, stateOf('src', 'test/build/prepare.ts', 'test/build/catalogue.ts'), 'project');
  if (!existsSync(folder)) {
    mkdirSync(dirname(cache), { recursive: true });
    const program = fileURLToPath(new URL('prepare.ts', import.meta.url));
    const command = [process.execPath, '--disable-warning=ExperimentalWarning', program, folder];
    execFileSync('flock', [`${cache}.lock`, ...command], { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  prepared = folder;
  return folder;
}

function stateOf(...paths: readonly string[]): string {
  const hash = createHash('sha256');
  for (const path of paths) {
    const top = join(ROOT, path);
    const names = statSync(top).isDirectory()
      ? readdirSync(top, { recursive: true, encoding: 'utf8' })
      : [''];
    for (const file of names.sort().map((name) => join(top, name))) {
      if (statSync(file).isFile()) hash.update(file).update(readFileSync(file));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

function lockFor(scriptlets: Files, ids: 'fresh' | 'base'): Lock {
  const file = join(preparedProject(), 'conf', 'all.lock');
  const all = parseLock(readFileSync(file, 'utf8'), file);
  const closures = Object.entries(scriptlets).flatMap(([name, text]) => {
    const wants = [...text.matchAll(/^install_debian_deb (.*)$/gm)].flatMap(([, words = '']) =>
      words.split(' '),
    );
    if (wants.length === 0) return [];
    const same = [...all.closures.values()].find(
      (one) => [...one.wants].sort().join() === [...wants].sort().join(),
    );
    if (!same) throw new Error(`The catalogue has no "${wants.join(' ')}"`);
    return [[name, { wants, debs: same.debs }] as const];
  });
  const none = { uids: new Map(), gids: new Map() };
  return { ...all, closures: new Map(closures), ...(ids === 'fresh' ? none : {}) };
}

/** Links what never changes in a store; copies what is written in place or locked. */
export function fillStore(project: string, kind: 'prepared' | 'empty', apt: boolean): void {
  const from = join(preparedProject(), 'store');
  const to = join(project, 'store');
  mkdirSync(to, { mode: 0o700 });
  for (const debs of [join(from, 'debs'), SHARED_DEBS]) shareDebs(debs, join(to, 'debs'));
  if (apt) copyTree(join(from, 'apt'), join(to, 'apt'), '-a');
  if (kind === 'prepared') {
    for (const name of ['layers', 'tools', 'builds']) copyTree(join(from, name), join(to, name), '-al');
    for (const name of ['index.db', 'format']) copyFileSync(join(from, name), join(to, name));
  }
}

/** On another filesystem a link is no choice. */
function copyTree(from: string, to: string, how: '-al' | '-a'): void {
  try {
    execFileSync('cp', [how, from, to], { stdio: 'ignore' });
  } catch {
    rmSync(to, { recursive: true, force: true });
    execFileSync('cp', ['-a', from, to]);
  }
}

export type Built = {
  readonly status: number | null;
  readonly stderr: string;
  /** What `--json` prints. */
  readonly json: {
    readonly image: string;
    readonly digest: string;
    readonly paths: number;
    readonly bytes: number;
    readonly layers: readonly { readonly name: string; readonly state: string; readonly reason: string }[];
    readonly error?: { readonly code: string; readonly message: string };
  };
  /** Names of the layers that ran, in the order of the view. */
  readonly ran: readonly string[];
};

export type BuildOptions = {
  readonly conf?: string;
  /** The command that starts snap. */
  readonly under?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether servers may be asked. */
  readonly online?: boolean;
};

/** `snap build --json ARGS...`, whatever comes of it. */
export function attemptBuild(
  project: string,
  args: readonly string[] = [],
  options: BuildOptions = {},
): Built {
  const { conf = 'a', under = [], env = {}, online = false } = options;
  const network = online ? [] : ['--offline'];
  const command = [...under, SNAP, '-C', project, 'build', conf, '--json', ...network, ...args];
  const { status, stdout, stderr } = start(command, { env });
  const json = JSON.parse(stdout === '' ? '{}' : stdout) as Built['json'];
  const ran = (json.layers ?? []).filter(({ state }) => state === 'run').map(({ name }) => name);
  return { status, stderr, json, ran };
}

/** A build that succeeds. */
export function build(project: string, args: readonly string[] = [], options: BuildOptions = {}): Built {
  const built = attemptBuild(project, args, options);
  if (built.status !== 0) throw new Error(`snap build exited with ${built.status}:\n${built.stderr}`);
  return built;
}

export function lockText(project: string, conf = 'a'): string {
  return readFileSync(join(project, 'conf', `${conf}.lock`), 'utf8');
}

/** The lines of a lock that begin with one of these words. */
export function lockLines(project: string, ...words: readonly string[]): string[] {
  return lockText(project)
    .split('\n')
    .filter((line) => words.includes(line.split(' ')[0] ?? ''));
}

export type StoredLayer = LayerNote & { readonly tree: string };

/** The layers of a store, the newest of each name. */
export function layersOf(project: string): Map<string, StoredLayer> {
  const folder = join(project, 'store', 'layers');
  const numbers = readdirSync(folder)
    .map(Number)
    .sort((a, b) => a - b);
  return new Map(
    numbers.map((n) => {
      const note = JSON.parse(readFileSync(join(folder, String(n), 'layer.json'), 'utf8')) as LayerNote;
      return [note.name, { ...note, tree: join(folder, String(n), 'tree') }];
    }),
  );
}
