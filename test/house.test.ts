import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const SRC = join(ROOT, 'src');

/** The floors, the highest first. What stands on one line knows nothing of each other. */
const FLOORS = [
  ['snap.ts'],
  ['commandline.ts'],
  ['commands'],
  ['kernel-config.ts', 'menuconfig.ts', 'kernel-shell.ts'],
  ['check.ts', 'graph.ts', 'watch.ts', 'repair.ts', 'diff-page.ts', 'kernel-tree.ts'],
  ['diff-words.ts', 'size-page.ts'],
  [
    'build.ts',
    'lock.ts',
    'shell.ts',
    'run.ts',
    'list.ts',
    'why.ts',
    'origin.ts',
    'look.ts',
    'history.ts',
    'keep.ts',
    'restore.ts',
    'verify.ts',
    'diff.ts',
    'size.ts',
  ],
  ['sides.ts', 'file-changes.ts'],
  ['room.ts'],
  ['gc.ts', 'du.ts', 'clean.ts'],
  ['roots'],
  ['bench.ts', 'output.ts', 'changes.ts', 'named-build.ts', 'path-history.ts', 'page-file.ts'],
  ['unchanged.ts'],
  ['inputs.ts', 'request.ts'],
  ['kernel', 'machine'],
  ['layers'],
  ['debian'],
  ['page'],
  ['store', 'project', 'report'],
  ['host'],
];

/** Packages that cost too much at every start: loaded inside the function that needs them. */
const HEAVY = ['undici', 'diff', '@viz-js/viz'];

/** Values to values: these read and start nothing. */
const PURE = [
  'diff-page.ts',
  'diff-words.ts',
  'size-page.ts',
  'commands/completion.ts',
  'debian/apt-output.ts',
  'debian/deb-paths.ts',
  'debian/depends.ts',
  'debian/listing.ts',
  'debian/lock-text.ts',
  'debian/lock.ts',
  'debian/packages.ts',
  'debian/records.ts',
  'debian/triggers.ts',
  'host/error.ts',
  'kernel/check-kconfig.ts',
  'kernel/expression.ts',
  'kernel/fragment-edit.ts',
  'kernel/kconfig.ts',
  'kernel/origins.ts',
  'kernel/compile-progress.ts',
  'kernel/series.ts',
  'kernel/times.ts',
  'project/kernel.ts',
  'layers/changed-paths.ts',
  'layers/difference.ts',
  'layers/held-differences.ts',
  'layers/moves.ts',
  'layers/estimate.ts',
  'layers/merge.ts',
  'layers/origin.ts',
  'layers/packages.ts',
  'layers/reason.ts',
  'report/dot.ts',
  'report/event.ts',
  'report/git-patch.ts',
  'report/line-diff.ts',
  'report/message.ts',
  'report/page.ts',
  'report/printable.ts',
  'report/progress.ts',
  'report/quantity.ts',
  'report/table.ts',
  'host/amount.ts',
  'store/gc.ts',
  'store/inodes.ts',
  'machine/serial.ts',
  'machine/kernel-config.ts',
  'machine/machine.ts',
  'page/squarify.ts',
  'page/tree.ts',
  'store/manifest.ts',
  'store/path-hash.ts',
  'store/sorted-manifest.ts',
];
const EDGES = ['node:fs', 'node:fs/promises', 'node:child_process', 'node:net', 'node:http', 'node:https'];

type Import = {
  readonly from: string;
  /** A file relative to src/, or the name of a package or of a part of Node. */
  readonly to: string;
  /** Nothing is loaded at run time. */
  readonly types: boolean;
  /** `import()` */
  readonly lazy: boolean;
};

const files = sourceFiles();
const imports = files.flatMap((file) => importsOf(file, readFileSync(join(SRC, file), 'utf8')));

test('every folder and file of src has its floor', () => {
  for (const file of files) assert.notEqual(floorOf(file), -1, `${file} stands on no floor`);
});

test('no import goes up a floor, or over to a neighbour on the same', () => {
  const wrong = imports.filter(
    ({ from, to }) => isSource(to) && partOf(from) !== partOf(to) && floorOf(from) >= floorOf(to),
  );
  assert.deepEqual(wrong.map(arrow), []);
});

test('no file imports itself in the end', () => {
  assert.deepEqual(cycles(imports.filter(({ types }) => !types)), []);
});

test('every import of an own file leads to a file', () => {
  const lost = imports.filter(({ to }) => isSource(to) && !files.includes(to));
  assert.deepEqual(lost.map(arrow), []);
});

test('each package has one doorway', () => {
  const doorways = Map.groupBy(
    imports.filter(({ to, types }) => !isSource(to) && !to.startsWith('node:') && !types),
    ({ to }) => packageOf(to),
  );
  for (const [name, all] of doorways) {
    assert.equal(new Set(all.map(({ from }) => from)).size, 1, `${name}: ${all.map(arrow).join(', ')}`);
  }
});

test('what is heavy is loaded by the function that needs it', () => {
  const early = imports.filter(({ to, lazy, types }) => HEAVY.includes(packageOf(to)) && !lazy && !types);
  assert.deepEqual(early.map(arrow), []);
});

test('the command line loads each command when it is called, and not before', () => {
  const early = imports.filter(
    ({ from, to, lazy, types }) => from === 'commandline.ts' && to.startsWith('commands/') && !lazy && !types,
  );
  assert.deepEqual(early.map(arrow), []);
});

test('pure files read no file and start no program', () => {
  const impure = imports.filter(({ from, to, types }) => PURE.includes(from) && EDGES.includes(to) && !types);
  assert.deepEqual(impure.map(arrow), []);
});

test('files are written by the one function whose errors name them', () => {
  const others = files
    .filter((file) => file !== 'host/write.ts')
    .filter((file) => /\bwriteFileSync\b/.test(readFileSync(join(SRC, file), 'utf8')));
  assert.deepEqual(others, []);
});

test('only commands and the command line itself write to stdout and stderr', () => {
  const loud = files
    .filter((file) => !['commandline.ts', 'commands'].includes(partOf(file)))
    .filter((file) => /\bconsole\.|process\.(stdout|stderr)/.test(readFileSync(join(SRC, file), 'utf8')));
  assert.deepEqual(loud, []);
});

test('a file is named after its subject and exports by name', () => {
  for (const file of files) {
    assert.doesNotMatch(basename(file), /^(utils?|helpers?|index|misc|common)\.ts$/, file);
    assert.doesNotMatch(readFileSync(join(SRC, file), 'utf8'), /^export default\b|\bas default\b/m, file);
  }
});

test('no tracked file names the host of a mirror or registry, nor a path of the machine it was written on', () => {
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0');
  const foreign = /\b(deb|ftp|security|snapshot|archive|cdn|registry)\.[a-z0-9-]+\.(org|com|net)\b/i;
  const machine = /(^|[^.\w])\/work\/[a-z]/m;
  for (const file of tracked.filter(
    (name) => name !== '' && name !== relative(ROOT, fileURLToPath(import.meta.url)),
  )) {
    const text = readTracked(join(ROOT, file));
    assert.doesNotMatch(text, foreign, file);
    assert.doesNotMatch(text, machine, file);
  }
});

function sourceFiles(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .sort();
}

/** All imports and re-exports of a file. Comments and strings that look like one would count: none of ours do. */
function importsOf(from: string, text: string): Import[] {
  const found: Import[] = [];
  const fixed = /^(?:import|export)\s+(type\s)?(?:([^'";]*?)\sfrom\s+)?'([^']+)'/gm;
  for (const [, type, names = '', to = ''] of text.matchAll(fixed)) {
    const onlyTypes = type !== undefined || /^\{(\s*type\s[^,}]+,?)+\s*\}$/.test(names);
    found.push({ from, to: resolved(from, to), types: onlyTypes, lazy: false });
  }
  for (const [, to = ''] of text.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g)) {
    found.push({ from, to: resolved(from, to), types: false, lazy: true });
  }
  return found;
}

function resolved(from: string, to: string): string {
  return to.startsWith('.') ? join(dirname(from), to) : to;
}

function isSource(to: string): boolean {
  return to.endsWith('.ts');
}

/** The folder, or the file at the top. */
function partOf(file: string): string {
  return file.split('/')[0] ?? file;
}

function floorOf(file: string): number {
  return FLOORS.findIndex((floor) => floor.includes(partOf(file)));
}

function packageOf(name: string): string {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}

function arrow({ from, to }: Import): string {
  return `${from} -> ${to}`;
}

/** The cycles, each as `a -> b -> a`. */
function cycles(all: readonly Import[]): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) found.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    if (done.has(file) || path.includes(file)) return;
    for (const { from, to } of all) if (from === file && isSource(to)) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  return found;
}

function readTracked(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
