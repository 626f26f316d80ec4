import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, matchesGlob } from 'node:path';
import { errno, nearest, SnapError } from '../host/error.ts';
import { GLOB_HINT, isMatchable } from '../host/glob.ts';
import { contentOf } from '../layers/content.ts';
import type { Kernel } from '../project/kernel.ts';
import type { Scriptlet } from '../project/scriptlet.ts';
import { type Digest, digestOf } from '../store/digest.ts';
import { canonical, type Merged, mergeFragments, readFragment, type Setting } from './kconfig.ts';
import { readSeries } from './series.ts';

export type Patch = {
  /** `patches/fix.patch`, relative to the scriptlet's folder. */
  readonly path: string;
  readonly strip: number;
  readonly reverse: boolean;
  readonly content: Buffer;
  readonly digest: Digest;
};

/** What a configuration begins with. */
export type Base =
  /** One that the source knows: `tinyconfig`. */
  | { readonly kind: 'target'; readonly name: string }
  | { readonly kind: 'file'; readonly name: string; readonly text: string };

export type Fragment = { readonly path: string; readonly settings: readonly Setting[] };

export type Module = {
  readonly name: string;
  /** Absolute path of its folder. */
  readonly folder: string;
  readonly content: Readonly<Record<string, string>>;
};

/** What lies in the folder of a kernel's scriptlet, read once: what is built is what is in the key. */
export type KernelData = {
  /** In the order of application. */
  readonly patches: readonly Patch[];
  readonly base: Base;
  /** The fragments in their order, by path relative to the scriptlet's folder. */
  readonly fragments: readonly Fragment[];
  /** All of them as one. */
  readonly config: Merged;
  readonly modules: readonly Module[];
};

/**
 * Reads patches, fragments and modules of a scriptlet that makes a kernel.
 * @throws SnapError SCRIPTLET for what is not there or cannot be read as what it should be.
 */
export function readKernelData({ name, kernel, dataDir, lines }: Scriptlet): KernelData {
  if (!kernel) throw new Error(`Scriptlet "${name}" makes no kernel`);
  const folder: Folder = { name, path: dataDir, lines };
  const fragments = fragmentPaths(folder, kernel).map((path) => ({ path, settings: readOne(folder, path) }));
  return {
    patches: kernel.patches.flatMap((path) => readPatches(folder, path)),
    base: readBase(folder, kernel),
    fragments,
    config: mergeFragments(fragments.map(({ settings }) => settings)),
    modules: readModules(folder, kernel),
  };
}

/** The settings of all fragments as they stand in the key, and as the kernel reads them. */
export function settingsText({ config }: KernelData): string {
  return canonical(config.settings);
}

type Folder = {
  readonly name: string;
  readonly path: string | undefined;
  readonly lines: Readonly<Record<string, number>>;
};

function readPatches(folder: Folder, path: string): Patch[] {
  const word = `kernel_patches ${path}`;
  const series = `${path}/series`;
  const { lines, faults } = readSeries(textOf(folder, series, word));
  const [fault] = faults;
  if (fault)
    throw dataFault(
      folder,
      `${series}:${fault.line}`,
      fault.what,
      `lines of a series are "NAME.patch [-pN] [-R]"`,
    );
  return lines.map(({ name, strip, reverse, line }) => {
    const file = `${path}/${name}`;
    const content = bytesOf(folder, file);
    if (content === undefined) {
      const hint = didYouMean(name, namesIn(folder, path));
      throw dataFault(folder, `${series}:${line}`, `there is no patch "${name}"`, hint);
    }
    return { path: file, strip, reverse, content, digest: digestOf(content) };
  });
}

function readBase(folder: Folder, { base }: Kernel): Base {
  if (!base.endsWith('.config')) return { kind: 'target', name: base };
  return { kind: 'file', name: base, text: textOf(folder, base, `kernel_kconfig ${base}`) };
}

/** Globs as the paths that they match, in byte order; a file that two of them match counts where it came first. */
function fragmentPaths(folder: Folder, { fragments }: Kernel): string[] {
  const paths = fragments.flatMap((glob) => {
    if (!/[*?[{]/.test(glob)) return [glob];
    const word = `kernel_kconfig ${glob}`;
    if (!isMatchable(glob)) throw dataFault(folder, '', `"${glob}" cannot be matched`, GLOB_HINT, word);
    const names = namesIn(folder, '')
      .filter((path) => matchesGlob(path, glob))
      .sort();
    if (names.length > 0) return names;
    throw dataFault(
      folder,
      '',
      `no file matches "${glob}"`,
      `it is looked for in scriptlets/${folder.name}/`,
      word,
    );
  });
  return [...new Set(paths)];
}

function readOne(folder: Folder, path: string) {
  return readFragment(textOf(folder, path, `kernel_kconfig ${path}`), path);
}

function readModules(folder: Folder, { modules }: Kernel): Module[] {
  const named = new Map<string, string>();
  return modules.map((path) => {
    const word = `kernel_module ${path}`;
    const name = basename(path);
    const other = named.get(name);
    if (other !== undefined)
      throw dataFault(
        folder,
        '',
        `two modules are called "${name}": ${other} and ${path}`,
        'rename one of the folders',
        word,
      );
    if (!/^[A-Za-z0-9][A-Za-z0-9._+-]*$/.test(name))
      throw dataFault(
        folder,
        '',
        `"${name}" cannot be the name of a module's folder`,
        'letters, digits and . _ + - make one',
        word,
      );
    named.set(name, path);
    const from = join(folder.path ?? '', path);
    if (folder.path === undefined || !statSync(from, { throwIfNoEntry: false })?.isDirectory()) {
      throw dataFault(
        folder,
        '',
        `there is no folder "${path}"`,
        `it is looked for in scriptlets/${folder.name}/`,
        word,
      );
    }
    const content = contentOf(from);
    if (content.Makefile === undefined && content.Kbuild === undefined) {
      throw dataFault(
        folder,
        '',
        `the module "${path}" has neither Makefile nor Kbuild`,
        'one of them says obj-m := NAME.o',
        word,
      );
    }
    return { name, folder: from, content };
  });
}

function textOf(folder: Folder, path: string, word: string): string {
  const bytes = bytesOf(folder, path);
  if (bytes !== undefined) return bytes.toString('utf8');
  const hint = didYouMean(path, namesIn(folder, ''));
  throw dataFault(folder, '', `there is no file "${path}"`, hint, word);
}

/** Undefined where there is no such file. */
function bytesOf(folder: Folder, path: string): Buffer | undefined {
  if (folder.path === undefined) return undefined;
  try {
    return readFileSync(join(folder.path, path));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(errno(error) ?? '')) return undefined;
    throw error;
  }
}

/** All files below a folder of the data. */
function namesIn({ path }: Folder, below: string): string[] {
  if (path === undefined) return [];
  try {
    const found = readdirSync(join(path, below), { recursive: true, withFileTypes: true, encoding: 'utf8' });
    const top = join(path, below);
    return found
      .filter((one) => one.isFile() || one.isSymbolicLink())
      .map((one) => join(one.parentPath, one.name).slice(top.length + 1));
  } catch (error) {
    if (errno(error) === 'ENOENT' || errno(error) === 'ENOTDIR') return [];
    throw error;
  }
}

function didYouMean(name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  return near.length > 0
    ? `did you mean ${near.map((one) => `"${one}"`).join(' or ')}?`
    : 'see that it is spelled right';
}

function dataFault({ name, lines }: Folder, place: string, what: string, hint: string, word = ''): SnapError {
  const line = lines[word] ?? lines[word.split(' ')[0] ?? ''] ?? 0;
  const file =
    place !== '' ? `scriptlets/${name}/${place}` : `scriptlets/${name}.sh${line > 0 ? `:${line}` : ''}`;
  return new SnapError('SCRIPTLET', `Cannot read ${file}: ${what}`, { hint });
}
