import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseAmount } from '../host/amount.ts';
import { errno, SnapError } from '../host/error.ts';
import { type Mirror, nameMirrors, type RawMirror, readMirrors } from './mirror.ts';
import { didYouMean, NAME, NAME_RULE, variableFault } from './name.ts';
import { decimalAt, lineOf, type TomlPath } from './toml-line.ts';
import {
  checkKeys,
  fault,
  label,
  type Page,
  parseToml,
  string,
  strings,
  table,
  word,
  wrongType,
} from './toml-table.ts';

export type { Mirror } from './mirror.ts';

/** What a person asks for: `conf/NAME.toml` with all that it extends already merged in. */
export type Conf = {
  readonly name: string;
  /** Absolute path of the conf file. */
  readonly file: string;
  /** Absolute path of the project's folder. */
  readonly project: string;
  readonly suite: string;
  readonly arch: string;
  /** Further architectures whose packages may be installed, in the order of the conf. */
  readonly foreignArchs: readonly string[];
  /** Empty: the host's own apt sources. */
  readonly mirrors: readonly Mirror[];
  /** In the order in which the person listed them. */
  readonly scriptlets: readonly string[];
  readonly vars: Readonly<Record<string, string>>;
  /** Names of the confs that this one extends, nearest first. */
  readonly parents: readonly string[];
  readonly bootstrap: Bootstrap;
  /** `[store] max_size` as it is written. */
  readonly maxStoreSize?: string;
};

/** Debian's architectures that a conf may name. */
export const ARCHITECTURES: readonly string[] = [
  'amd64',
  'arm64',
  'armel',
  'armhf',
  'i386',
  'mips64el',
  'ppc64el',
  'riscv64',
  's390x',
];

const KEYS = [
  'suite',
  'arch',
  'foreign_archs',
  'extends',
  'scriptlets',
  'without',
  'bootstrap',
  'vars',
  'mirror',
  'store',
];

/** How a base is made. */
export type Bootstrap = 'trees' | 'mmdebstrap';
const BOOTSTRAPS: readonly string[] = ['trees', 'mmdebstrap'] satisfies Bootstrap[];

const STORE_KEYS = ['max_size'];

/**
 * Reads `conf/NAME.toml` and all that it extends.
 * @throws SnapError CONF with file, line and what was expected.
 */
export function loadConf(project: string, name: string): Conf {
  const chain = readChain(resolve(project), name);
  const merged = chain.reduceRight(merge, undefined)!;
  const { suite, arch, foreignArchs = [] } = merged;
  if (suite === undefined) throw missing(merged.page, 'suite', 'suite = "bookworm"');
  if (arch === undefined) throw missing(merged.page, 'arch', 'arch = "amd64"');
  if (foreignArchs.includes(arch)) {
    throw fault(merged.page, ['foreign_archs'], `"${arch}" is the arch of the image itself`, 'leave it out');
  }
  return {
    name,
    file: merged.page.file,
    project: resolve(project),
    suite,
    arch,
    foreignArchs,
    mirrors: nameMirrors(merged.mirrors, suite),
    scriptlets: merged.scriptlets,
    vars: merged.vars,
    bootstrap: merged.bootstrap ?? 'trees',
    parents: chain.slice(1).map((sheet) => sheet.page.name),
    ...(merged.maxStoreSize === undefined ? {} : { maxStoreSize: merged.maxStoreSize }),
  };
}

/**
 * The nearest folder from `from` upwards that holds a folder `conf/`.
 * @throws SnapError CONF when there is none.
 */
export function findProject(from: string): string {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    if (statSync(join(folder, 'conf'), { throwIfNoEntry: false })?.isDirectory()) return folder;
    if (folder === dirname(folder)) break;
  }
  throw new SnapError('CONF', `Cannot find a project: no folder "conf" in "${resolve(from)}" or above`, {
    hint: 'change into a project, or start one: snap init',
  });
}

/** Names of the confs of a project, in byte order; none when it has no folder `conf/`. */
export function listConfs(project: string): string[] {
  return namesIn(join(project, 'conf'), '.toml');
}

/** Names NAME of the files NAME`ending` in a folder, in byte order. */
export function namesIn(folder: string, ending: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith(ending))
    .map((file) => file.slice(0, -ending.length))
    .filter((name) => NAME.test(name))
    .sort();
}

/** One conf file as a value, or several merged. */
type Sheet = {
  readonly page: Page;
  readonly suite: string | undefined;
  readonly arch: string | undefined;
  readonly foreignArchs: readonly string[] | undefined;
  readonly parent: string | undefined;
  readonly scriptlets: readonly string[];
  readonly without: readonly string[];
  readonly vars: Readonly<Record<string, string>>;
  readonly mirrors: readonly RawMirror[];
  readonly bootstrap: Bootstrap | undefined;
  readonly maxStoreSize: string | undefined;
};

/** The conf and its parents, nearest first. */
function readChain(project: string, name: string): Sheet[] {
  const chain: Sheet[] = [];
  for (let next: string | undefined = name; next !== undefined; next = chain.at(-1)?.parent) {
    const child: Sheet | undefined = chain.at(-1);
    const cycle = chain.findIndex((sheet) => sheet.page.name === next);
    if (child !== undefined && cycle >= 0) {
      const way = [...chain.slice(cycle).map((sheet) => sheet.page.name), next].join(' -> ');
      throw fault(
        child.page,
        ['extends'],
        `it extends itself: ${way}`,
        'take one "extends" out of the circle',
      );
    }
    chain.push(readSheet(readPage(project, next, child?.page)));
  }
  return chain;
}

function readPage(project: string, name: string, child: Page | undefined): Page {
  if (!NAME.test(name)) {
    if (child) throw fault(child, ['extends'], `"${name}" is not the name of a conf`, NAME_RULE);
    throw new SnapError('CONF', `Cannot read conf "${name}": this is not the name of a conf`, {
      hint: NAME_RULE,
    });
  }
  const file = join(project, 'conf', `${name}.toml`);
  try {
    return { name, file, project, text: readFileSync(file, 'utf8') };
  } catch (error) {
    if (errno(error) !== 'ENOENT') {
      throw new SnapError('CONF', `Cannot read conf "${name}": ${file}: ${errno(error) ?? error}`, {
        cause: error,
      });
    }
    const hint = didYouMean(name, listConfs(project), 'confs');
    if (child) throw fault(child, ['extends'], `there is no conf "${name}"`, hint);
    throw new SnapError('CONF', `Cannot read conf "${name}": there is no file "${file}"`, { hint });
  }
}

function readSheet(page: Page): Sheet {
  const table = parseToml(page);
  checkKeys(page, table, [], KEYS);
  const scriptlets = strings(page, table.scriptlets, ['scriptlets']) ?? [];
  checkList(page, scriptlets, 'scriptlets');
  const without = strings(page, table.without, ['without']) ?? [];
  checkList(page, without, 'without');
  const arch = string(page, table.arch, ['arch']);
  if (arch !== undefined) checkArch(page, arch, ['arch']);
  const parent = string(page, table.extends, ['extends']);
  if (parent === undefined && without.length > 0) {
    throw fault(
      page,
      ['without'],
      '"without" needs "extends"',
      'name the conf whose scriptlets to leave out',
    );
  }
  return {
    page,
    suite: word(page, table.suite, ['suite']),
    arch,
    foreignArchs: readForeignArchs(page, table.foreign_archs),
    parent,
    scriptlets,
    without,
    vars: readVars(page, table.vars),
    mirrors: readMirrors(page, table.mirror),
    bootstrap: readBootstrap(page, table.bootstrap),
    maxStoreSize: readStore(page, table.store),
  };
}

/** `child` on top of the merged `parent`. */
function merge(parent: Sheet | undefined, child: Sheet): Sheet {
  if (parent === undefined) return child;
  for (const [index, name] of child.without.entries()) {
    if (parent.scriptlets.includes(name)) continue;
    const hint = didYouMean(name, parent.scriptlets, `scriptlets of "${child.parent}"`);
    throw fault(child.page, ['without', index], `"${child.parent}" has no scriptlet "${name}"`, hint);
  }
  const kept = parent.scriptlets.filter((name) => !child.without.includes(name));
  for (const [index, name] of child.scriptlets.entries()) {
    if (!kept.includes(name)) continue;
    const hint = `take it out here, or add "${name}" to "without" to move it to the end`;
    throw fault(
      child.page,
      ['scriptlets', index],
      `scriptlet "${name}" is in "${child.parent}" already`,
      hint,
    );
  }
  return {
    ...child,
    suite: child.suite ?? parent.suite,
    arch: child.arch ?? parent.arch,
    foreignArchs: child.foreignArchs ?? parent.foreignArchs,
    scriptlets: [...kept, ...child.scriptlets],
    vars: { ...parent.vars, ...child.vars },
    mirrors: child.mirrors.length > 0 ? child.mirrors : parent.mirrors,
    bootstrap: child.bootstrap ?? parent.bootstrap,
    maxStoreSize: child.maxStoreSize ?? parent.maxStoreSize,
  };
}

function readVars(page: Page, value: unknown): Record<string, string> {
  const vars: [string, string][] = [];
  for (const [name, given] of Object.entries(table(page, value, ['vars']) ?? {})) {
    const path = ['vars', name];
    const wrong = variableFault(name);
    if (wrong) throw fault(page, path, `variable "${name}" ${wrong}`, 'choose another name');
    vars.push([name, variable(page, given, path)]);
  }
  return Object.fromEntries(vars);
}

/** A number is taken as it is written: `1.10` does not become `1.1`. */
function variable(page: Page, value: unknown, path: TomlPath): string {
  switch (typeof value) {
    case 'string':
      if (value.includes('\0'))
        throw fault(page, path, `${label(path)} holds a NUL`, 'no shell can keep one');
      return value;
    case 'number':
    case 'bigint':
      return decimalAt(page.text, lineOf(page.text, path)) ?? String(value);
    case 'boolean':
      return String(value);
    default:
      throw wrongType(page, value, path, 'a string, a number or a boolean');
  }
}

function checkArch(page: Page, arch: string, path: TomlPath): void {
  if (ARCHITECTURES.includes(arch)) return;
  throw fault(page, path, `unknown arch "${arch}"`, `expected one of ${ARCHITECTURES.join(' ')}`);
}

function readForeignArchs(page: Page, value: unknown): readonly string[] | undefined {
  const archs = strings(page, value, ['foreign_archs']);
  for (const [index, arch] of archs?.entries() ?? []) {
    const path = ['foreign_archs', index];
    checkArch(page, arch, path);
    if (archs?.indexOf(arch) !== index)
      throw fault(page, path, `arch "${arch}" stands here twice`, 'take one out');
  }
  return archs;
}

function readBootstrap(page: Page, value: unknown): Bootstrap | undefined {
  const given = string(page, value, ['bootstrap']);
  if (given === undefined || BOOTSTRAPS.includes(given)) return given as Bootstrap | undefined;
  const near = didYouMean(given, BOOTSTRAPS, 'ways');
  throw fault(page, ['bootstrap'], `"${given}" is no way to make a base`, near);
}

function readStore(page: Page, value: unknown): string | undefined {
  const given = table(page, value, ['store']) ?? {};
  checkKeys(page, given, ['store'], STORE_KEYS);
  const size = string(page, given.max_size, ['store', 'max_size']);
  if (size === undefined || parseAmount(size)) return size;
  throw fault(
    page,
    ['store', 'max_size'],
    `"${size}" is not a size`,
    'expected a number with a unit, as in "20GB", or a share of the filesystem, as in "30%"',
  );
}

/** Names, each once. */
function checkList(page: Page, names: readonly string[], key: string): void {
  for (const [index, name] of names.entries()) {
    const path = [key, index];
    if (!NAME.test(name)) throw fault(page, path, `"${name}" is not the name of a scriptlet`, NAME_RULE);
    if (names.indexOf(name) === index) continue;
    const first = lineOf(page.text, [key, names.indexOf(name)]);
    throw fault(
      page,
      path,
      `scriptlet "${name}" stands here twice`,
      `take one out; the first is in line ${first}`,
    );
  }
}

function missing(page: Page, key: string, example: string): SnapError {
  return new SnapError('CONF', `Cannot read ${relative(page.project, page.file)}: "${key}" is missing`, {
    hint: `add ${example}`,
  });
}
