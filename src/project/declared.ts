import { posix } from 'node:path';
import { SnapError } from '../host/error.ts';
import { GLOB_HINT, isMatchable } from '../host/glob.ts';
import type { Conf } from './conf.ts';
import { type Declaration, type Evaluation, type Fault, isFault } from './evaluation.ts';
import { isWrong, type Kernel, readKernel, wrongBuildNeed } from './kernel.ts';
import { didYouMean, NAME, NAME_RULE } from './name.ts';

export type Source = { readonly url: string; readonly sha256: string };

/** What a scriptlet declares, checked for all that can be told without looking at the disk. */
export type Declared = {
  /** Names in the order declared, without '*'. */
  readonly needs: readonly string[];
  /** `need '*'`: runs last and sees everything. */
  readonly needsAll: boolean;
  /** Arguments of `install_debian_deb`. */
  readonly packages: readonly string[];
  /** Arguments of `use_var` with their values. */
  readonly vars: Readonly<Record<string, string>>;
  /** Arguments of `use_file`, relative to the project, normalised. */
  readonly files: readonly string[];
  readonly sources: readonly Source[];
  readonly network: boolean;
  /** Relative to the image's root; bytes as latin1, as paths in trees are. */
  readonly excludes: readonly string[];
  /** What makes it the scriptlet of a kernel. */
  readonly kernel: Kernel | undefined;
  /** Scriptlets whose layers its build sees and the image does not get. */
  readonly buildNeeds: readonly string[];
  /** Line of each declaration in the file, by its text: `install_debian_deb bluez` -> 4. One entry for each argument. */
  readonly lines: Readonly<Record<string, number>>;
};

/**
 * Holds the declarations of a scriptlet against the conf.
 * @throws SnapError SCRIPTLET with the line.
 */
export function readDeclared(
  name: string,
  evaluation: Evaluation | Fault,
  conf: Conf,
  vars: Readonly<Record<string, string>>,
): Declared {
  if (isFault(evaluation)) throw scriptletFault(name, evaluation.line, evaluation.what, evaluation.hint);
  const { declarations } = evaluation;
  for (const declaration of declarations) checkCount(name, declaration);
  const each = (word: string, check: Check): string[] => argumentsOf(name, declarations, word, check);
  const needs = each('need', checkNeed);
  return {
    needs: needs.filter((need) => need !== '*'),
    needsAll: needs.includes('*'),
    packages: each('install_debian_deb', (arg) => checkPackage(arg, conf)),
    vars: Object.fromEntries(
      each('use_var', (arg) => checkVariable(arg, conf, vars)).map((n) => [n, vars[n]!]),
    ),
    files: each('use_file', checkFile),
    sources: readSources(name, declarations),
    network: declarations.some(({ word }) => word === 'use_network'),
    excludes: each('exclude_path', checkExclude),
    kernel: kernelOf(name, evaluation),
    buildNeeds: [
      ...new Set(declarations.filter(({ word }) => word === 'build_need').flatMap(({ args }) => args)),
    ],
    lines: linesOf(declarations),
  };
}

/** A kernel is made in a view of its own: nothing else of the scriptlet could see it, or be seen by it. */
function kernelOf(name: string, { declarations, functions }: Evaluation): Kernel | undefined {
  const kernel = wrongBuildNeed(declarations, name) ?? readKernel(declarations);
  if (isWrong(kernel)) throw scriptletFault(name, kernel.line, kernel.what, kernel.hint);
  if (kernel === undefined) return undefined;
  const other = declarations.find(({ word }) => NOT_OF_KERNELS.includes(word));
  const hint = `write a scriptlet of its own for that, with "need ${name}"`;
  if (other) throw scriptletFault(name, other.line, `"${other.word}" beside "kernel_source"`, hint);
  if (functions.some(([word]) => word === 'do_run')) {
    throw scriptletFault(name, 0, '"do_run" beside "kernel_source"', hint);
  }
  return kernel;
}

const NOT_OF_KERNELS = ['install_debian_deb', 'fetch_source', 'use_file', 'use_network'];

/** An error in a scriptlet's file; line 0: unknown. */
export function scriptletFault(name: string, line: number, what: string, hint?: string): SnapError {
  const place = line > 0 ? `scriptlets/${name}.sh:${line}` : `scriptlets/${name}.sh`;
  return new SnapError('SCRIPTLET', `Cannot evaluate ${place}: ${what}`, hint === undefined ? {} : { hint });
}

type Wrong = { readonly what: string; readonly hint: string };
/** The argument as it is to be kept, or what is wrong with it. */
type Check = (arg: string, name: string) => string | Wrong;

/** All arguments of a word, each once, in the order declared. */
function argumentsOf(
  name: string,
  declarations: readonly Declaration[],
  word: string,
  check: Check,
): string[] {
  const kept = new Set<string>();
  for (const declaration of declarations.filter((one) => one.word === word)) {
    for (const arg of declaration.args) {
      const checked = check(arg, name);
      if (typeof checked !== 'string')
        throw scriptletFault(name, declaration.line, checked.what, checked.hint);
      kept.add(checked);
    }
  }
  return [...kept];
}

function checkCount(name: string, { word, args, line }: Declaration): void {
  const usage = USAGE[word];
  if (usage === undefined) return;
  const right =
    word === 'fetch_source' ? args.length === 2 : (args.length === 0) === (word === 'use_network');
  if (!right) throw scriptletFault(name, line, `"${word}" with ${counted(args.length)}`, `usage: ${usage}`);
}

const USAGE: Readonly<Record<string, string>> = {
  need: "need NAME... or need '*'",
  install_debian_deb: 'install_debian_deb PACKAGE...',
  use_var: 'use_var NAME...',
  use_file: 'use_file PATH...',
  fetch_source: 'fetch_source URL SHA256',
  use_network: 'use_network',
  exclude_path: "exclude_path 'GLOB'...",
};

function counted(count: number): string {
  if (count === 0) return 'no argument';
  return count === 1 ? 'one argument' : `${count} arguments`;
}

function checkNeed(need: string, name: string): string | Wrong {
  if (need === name) return { what: `it needs itself: ${name} -> ${name}`, hint: 'take this need out' };
  if (need === '*' || NAME.test(need)) return need;
  return { what: `"${need}" is not the name of a scriptlet`, hint: NAME_RULE };
}

function checkPackage(wanted: string, { name, arch, foreignArchs }: Conf): string | Wrong {
  const match = /^[a-z0-9][a-z0-9+.-]+(?::([a-z0-9-]+))?$/.exec(wanted);
  if (match) {
    const other = match[1] ?? arch;
    if (other === arch || foreignArchs.includes(other)) return wanted;
    const all = [...foreignArchs, other].map((one) => `"${one}"`).join(', ');
    return {
      what: `"${wanted}" is of an architecture that the image does not have`,
      hint: `allow it in conf/${name}.toml: foreign_archs = [${all}]`,
    };
  }
  return {
    what: `"${wanted}" is not the name of a Debian package`,
    hint: 'versions are pinned in the lock, not here',
  };
}

function checkVariable(wanted: string, conf: Conf, vars: Readonly<Record<string, string>>): string | Wrong {
  if (Object.hasOwn(vars, wanted)) return wanted;
  const names = Object.keys(vars);
  const hint = `${didYouMean(wanted, names, 'variables')} variables come from [vars] of conf/${conf.name}.toml`;
  return { what: `unknown variable "${wanted}"`, hint };
}

function checkFile(path: string): string | Wrong {
  const hint = 'expected a file or folder of the project, relative to its top';
  if (path.startsWith('/')) return { what: `use_file "${path}" is an absolute path`, hint };
  const plain = plainPath(path);
  if (plain === '..' || plain.startsWith('../'))
    return { what: `use_file "${path}" lies outside the project`, hint };
  if (plain === '.')
    return { what: `use_file "${path}" is the whole project`, hint: 'name what the scriptlet uses' };
  return plain;
}

function plainPath(path: string): string {
  return posix.normalize(path).replace(/\/$/, '');
}

/** Globs are matched against the paths of trees: no leading slash, bytes as latin1. */
function checkExclude(glob: string): string | Wrong {
  const plain = glob.replace(/^\/+/, '').replace(/\/+$/, '');
  const parts = plain.split('/');
  const bytes = Buffer.from(plain).toString('latin1');
  if (!isMatchable(bytes)) return { what: `exclude_path "${glob}" cannot be matched`, hint: GLOB_HINT };
  if (plain !== '' && parts.every((part) => part !== '' && part !== '.' && part !== '..')) return bytes;
  return {
    what: `exclude_path "${glob}" matches no path of an image`,
    hint: "for example exclude_path 'usr/share/doc/*'",
  };
}

function readSources(name: string, declarations: readonly Declaration[]): Source[] {
  const sources = new Map<string, Source>();
  for (const { word, args, line } of declarations) {
    if (word !== 'fetch_source') continue;
    const [url = '', sha256 = ''] = args;
    const source = checkSource(url, sha256);
    if ('what' in source) throw scriptletFault(name, line, source.what, source.hint);
    const file = sourceFile(source);
    const other = sources.get(file);
    if (other && (other.url !== url || other.sha256 !== source.sha256)) {
      throw scriptletFault(
        name,
        line,
        `two sources end in "${file}"`,
        'both would be that file in $SOURCES_DIR',
      );
    }
    sources.set(file, source);
  }
  return [...sources.values()];
}

/** The name of a source's file in `$SOURCES_DIR`: the last part of its URL's path. */
export function sourceFile({ url }: Source): string {
  const last = new URL(url).pathname.split('/').at(-1) ?? '';
  return decodeURIComponent(last);
}

function checkSource(url: string, sha256: string): Source | Wrong {
  if (!URL.canParse(url)) return { what: `"${url}" is not a URL`, hint: `usage: ${USAGE.fetch_source}` };
  const { protocol } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') {
    return { what: `unknown kind of URL "${protocol}"`, hint: 'expected http: or https:' };
  }
  const file = /%(?![0-9a-f]{2})/i.test(url) ? '' : fileOr(url);
  if (file === '' || file === '.' || file === '..' || /[/\0]/.test(file)) {
    return {
      what: `"${url}" ends in no file name`,
      hint: 'the file in $SOURCES_DIR is called as the last part of the URL',
    };
  }
  if (!/^[0-9a-f]{64}$/i.test(sha256)) {
    return { what: `"${sha256}" is not a SHA-256`, hint: 'expected 64 hex digits, as sha256sum prints them' };
  }
  return { url, sha256: sha256.toLowerCase() };
}

function fileOr(url: string): string {
  try {
    return sourceFile({ url, sha256: '' });
  } catch {
    return ''; // an escape that is not UTF-8
  }
}

function linesOf(declarations: readonly Declaration[]): Record<string, number> {
  const lines: [string, number][] = declarations.flatMap(({ word, args, line }): [string, number][] => {
    if (args.length === 0) return [[word, line]];
    const named = word === 'fetch_source' ? args.slice(0, 1) : args;
    return named.map((arg) => [`${word} ${word === 'use_file' ? plainPath(arg) : arg}`, line]);
  });
  return Object.fromEntries(lines.reverse()); // the first of a kind counts
}
