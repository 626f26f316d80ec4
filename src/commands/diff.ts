import { resolve } from 'node:path';
import { type Diff, type DiffRequest, diff, type PackageChange } from '../diff.ts';
import { detailOf, shownPath, totalWords, versionWords } from '../diff-words.ts';
import { type FileChange, type FileChanges, GROUPS, type Group } from '../file-changes.ts';
import { printablePath } from '../report/printable.ts';
import { count, counted, sizeChange } from '../report/quantity.ts';
import { table, tableLines } from '../report/table.ts';
import { type Entry, printable } from '../store/manifest.ts';
import { chooseProject } from './choose.ts';
import { indented, print, printJson, reporting, say } from './print.ts';
import type { Command } from './session.ts';

export const LEVELS = ['layers', 'packages', 'config', 'files', 'all'] as const;
export type Level = (typeof LEVELS)[number];

export type DiffOptions = {
  readonly level?: readonly Level[];
  readonly path?: readonly string[];
  readonly ignore?: readonly string[];
  readonly ignoreTimes?: boolean;
  readonly patch?: boolean;
  readonly json?: boolean;
  readonly html?: string;
};

/** `snap diff A B`: exit code 0 when they are the same, 1 when they differ; trouble is 2. */
export const diffCommand: Command<[a: string, b: string], DiffOptions> = (session, [a, b], options) =>
  reporting(options.json === true, async () => {
    const {
      level: levels = LEVELS.slice(0, -1),
      path: paths = [],
      ignore = [],
      ignoreTimes = false,
    } = options;
    const request: DiffRequest = {
      project: () => chooseProject(session),
      a,
      b,
      paths,
      ignore,
      ignoreTimes,
      signal: session.signal,
      ...(options.patch
        ? { patch: ({ group }) => options.level === undefined || isShown(levels, group) }
        : {}),
    };
    return diff(request, (found) => tellDiff(found, levels, options));
  });

async function tellDiff(found: Diff, levels: readonly Level[], { json, html }: DiffOptions): Promise<number> {
  for (const note of found.notes) say(note);
  if (html !== undefined) await writeDiffPage(resolve(html), found);
  let patched = 0;
  function* counting(texts: Iterable<string>): Generator<string> {
    for (const text of texts) {
      patched++;
      yield text;
    }
  }
  const patch = found.patch && counting(found.patch);
  if (json) printJson(diffValue(found, patch));
  else if (patch) for (const text of patch) printPatch(text);
  else for (const line of lines(found, levels)) print(line);
  tellRest(found, levels, patch && patched);
  return found.same ? 0 : 1;
}

async function writeDiffPage(file: string, result: Diff): Promise<void> {
  const [{ diffPage }, { writePage }] = await Promise.all([
    import('../diff-page.ts'),
    import('../page-file.ts'),
  ]);
  writePage(file, diffPage(result));
  say(file);
}

function isShown(levels: readonly Level[], group: Group): boolean {
  if (levels.includes('all')) return true;
  return group !== 'package' && levels.includes(group === 'config' ? 'config' : 'files');
}

function* lines(result: Diff, levels: readonly Level[]): Generator<string> {
  if (result.same && result.layers.length === 0) return;
  const { a, b, files, packages } = result;
  const shows = (level: Level): boolean => levels.includes(level) || levels.includes('all');
  yield `${printablePath(a.name)} -> ${printablePath(b.name)}`;
  if (shows('layers')) yield* section('Layers', layerLines(result));
  if (shows('packages')) yield* section('Packages', packages.map(packageLine));
  if (shows('config')) yield* section('Configuration files', fileLines(files, 'config'));
  if (shows('files')) yield* section('Other files', fileLines(files, 'other'));
  if (levels.includes('all')) yield* section('Files of these packages', fileLines(files, 'package'));
  yield '';
  yield totalWords(result);
}

function* section(title: string, content: Iterable<string>): Generator<string> {
  let isBegun = false;
  for (const line of content) {
    if (!isBegun) yield* ['', title];
    isBegun = true;
    yield `  ${line}`;
  }
}

function layerLines({ layers }: Diff): string[] {
  const layout = [
    { title: 'layer' },
    { title: 'change' },
    { title: 'paths', align: 'right' },
    { title: 'size', align: 'right' },
    { title: 'reason' },
  ] as const;
  const rows = layers.map(({ name, change, paths, bytes, reason = '' }) => {
    return [name, change, count(paths), sizeChange(bytes), reason];
  });
  return table(layout, rows);
}

function packageLine(change: PackageChange): string {
  const sign = change.before && change.after ? '' : change.after ? '+ ' : '- ';
  const files = change.files === 0 ? '' : `, ${counted(change.files, 'path')}`;
  return `${sign}${change.name}: ${versionWords(change)}, ${sizeChange(change.bytes)}${files}`;
}

function* fileLines(files: FileChanges, group: Group): Generator<string> {
  const layout = [
    { title: '' },
    { title: 'path' },
    { title: 'size', align: 'right' },
    { title: '' },
  ] as const;
  const rows = {
    *[Symbol.iterator]() {
      for (const file of files.of(group)) yield fileRow(file);
    },
  };
  const lines = tableLines(layout, rows);
  lines.next(); // the titles
  yield* lines;
}

function fileRow(file: FileChange): string[] {
  const path = `${shownPath(file.path)}${isFolder(file) ? '/' : ''}`.replace(/^\/\/$/, '/');
  return [file.modifier, path, file.bytes === 0 ? '' : sizeChange(file.bytes), detailOf(file)];
}

function isFolder({ before, after }: FileChange): boolean {
  return (after ?? before)?.type === 'dir' && (before ?? after)?.type === 'dir';
}

/** To a terminal nothing goes that it would obey, to a program each byte. */
function printPatch(text: string): void {
  const bytes = Buffer.from(text, 'latin1');
  if (!process.stdout.isTTY) process.stdout.write(bytes);
  else for (const line of bytes.toString().split('\n').slice(0, -1)) print(indented(line).slice(4));
}

/** What standard output does not say. `patched`: how many paths a patch was printed for. */
function tellRest(result: Diff, levels: readonly Level[], patched: number | undefined): void {
  const { a, b, same, layers, files, ignored } = result;
  if (same) {
    const anew = layers.length === 0 ? '' : `, though ${counted(layers.length, 'layer')} differ`;
    say(`${printablePath(a.name)} and ${printablePath(b.name)}: the same${anew}`);
  }
  if (ignored.paths > 0) say(`left out by --path and --ignore: ${counted(ignored.paths, 'difference')}`);
  if (ignored.times > 0)
    say(`left out by --ignore-times: ${counted(ignored.times, 'difference')} of time alone`);
  const hidden = GROUPS.filter((group) => !isShown(levels, group));
  const untold = hidden.reduce((sum, group) => sum + files.countOf(group), 0);
  if (untold > 0 && patched === undefined)
    say(`not listed: ${counted(untold, 'path')}; for all: --level all`);
  if (patched !== undefined && patched < files.length)
    say(
      `a patch has no owners, times, folders, devices: ${counted(patched, 'path')} of ${count(files.length)} that differ`,
    );
}

/** For programs, by `printJson`: paths as they are where they are UTF-8, else with `\\xNN` for a byte, and each `\\` doubled. */
function diffValue({ notes, files, patch: _, ...rest }: Diff, patch: Iterable<string> | undefined): object {
  return {
    ...rest,
    files: fileValues(files),
    notes,
    ...(patch ? { patch: decoded(patch) } : {}),
  };
}

function* decoded(texts: Iterable<string>): Generator<string> {
  for (const text of texts) yield Buffer.from(text, 'latin1').toString();
}

function* fileValues(files: Iterable<FileChange>): Generator<object> {
  for (const { before, after, path, moved, ...file } of files)
    yield {
      path: printable(path),
      ...file,
      before: entryValue(before),
      after: entryValue(after),
      ...(moved === undefined ? {} : { moved: printable(moved) }),
    };
}

/** Without the digest, which nobody may have worked out. */
function entryValue(entry: Entry | undefined): object | null {
  if (!entry) return null;
  const { type, mode, uid, gid, mtime, xattrs } = entry;
  const common = {
    type,
    mode: mode.toString(8).padStart(4, '0'),
    uid,
    gid,
    mtime,
    ...(xattrs ? { xattrs } : {}),
  };
  switch (entry.type) {
    case 'file':
      return {
        ...common,
        size: entry.size,
        ...(entry.link === undefined ? {} : { link: printable(entry.link) }),
      };
    case 'symlink':
      return { ...common, target: printable(entry.target) };
    case 'char':
    case 'block':
      return { ...common, major: entry.major, minor: entry.minor };
    default:
      return common;
  }
}
