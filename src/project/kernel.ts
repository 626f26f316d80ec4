import { posix } from 'node:path';
import type { Declaration } from './evaluation.ts';
import { NAME, NAME_RULE } from './name.ts';

/** Where the source of a kernel comes from. */
export type KernelSource =
  | { readonly kind: 'url'; readonly url: string; readonly sha256: string }
  /** A package of Debian's that holds `usr/src/NAME.tar.*`. */
  | { readonly kind: 'deb'; readonly name: string };

/** What a scriptlet declares of a kernel. Paths are relative to the scriptlet's own folder, normalised. */
export type Kernel = {
  readonly source: KernelSource;
  /** Folders with a quilt series, in the order declared. */
  readonly patches: readonly string[];
  /** What the fragments are laid over: a configuration that the source knows by name, or a file ending in `.config`. */
  readonly base: string;
  /** Files and globs in the order declared; later ones win. */
  readonly fragments: readonly string[];
  /** Folders of external modules. */
  readonly modules: readonly string[];
  /** The kernel's own name of an architecture; undefined: that of the conf's. */
  readonly arch: string | undefined;
  readonly versionSuffix: string;
  /** Whether the image gets what external modules are compiled against. */
  readonly headers: boolean;
};

/** Under which a lock holds the packages that a kernel's source comes with: no name of a scriptlet. */
export function sourceClosure(scriptlet: string): string {
  return `${scriptlet}${SOURCE}`;
}

/** The scriptlet that a lock's closure is of. */
export function ofClosure(name: string): string {
  return name.endsWith(SOURCE) ? name.slice(0, -SOURCE.length) : name;
}

const SOURCE = '/source';

export type Wrong = { readonly what: string; readonly hint: string; readonly line: number };

const USAGE: Readonly<Record<string, string>> = {
  kernel_source: 'kernel_source URL SHA256, or kernel_source deb:NAME',
  kernel_patches: 'kernel_patches FOLDER...',
  kernel_kconfig: 'kernel_kconfig [tinyconfig|allnoconfig|defconfig|NAME_defconfig|FILE.config] FRAGMENT...',
  kernel_module: 'kernel_module FOLDER...',
  kernel_arch: 'kernel_arch ARCH',
  kernel_version_suffix: 'kernel_version_suffix TEXT',
  kernel_headers: 'kernel_headers',
  build_need: 'build_need NAME...',
};

/** Words whose last declaration would silently win. */
const ONCE = ['kernel_source', 'kernel_arch', 'kernel_version_suffix'];

/** Words that stand alone. */
const ALONE = ['kernel_headers'];

/** The kernel that a scriptlet's declarations describe, undefined for none; or what is wrong with them. */
export function readKernel(declarations: readonly Declaration[]): Kernel | Wrong | undefined {
  const words = declarations.filter(({ word }) => Object.hasOwn(USAGE, word));
  const [first] = words;
  if (first === undefined) return undefined;
  const of = (word: string): Declaration[] => words.filter((one) => one.word === word);
  for (const { word, line, args } of words) {
    const isAlone = ALONE.includes(word);
    if (isAlone === (args.length === 0)) continue;
    const what = isAlone ? `"${word}" with arguments: it has none` : `"${word}" with no argument`;
    return { line, what, hint: `usage: ${USAGE[word]}` };
  }
  for (const word of ONCE) {
    const [, second] = of(word);
    if (second)
      return { line: second.line, what: `a second "${word}"`, hint: 'a scriptlet makes one kernel' };
  }
  const [sourceWord] = of('kernel_source');
  if (!sourceWord) {
    const hint = `"${first.word}" is for a scriptlet that makes a kernel: declare kernel_source`;
    return { line: first.line, what: `"${first.word}" without "kernel_source"`, hint };
  }
  const source = readSource(sourceWord);
  const base = baseOf(of('kernel_kconfig'));
  const wrong = [source, ...words.map(wrongPath), base].find(isWrong);
  if (wrong) return wrong;
  const paths = (word: string): string[] => [
    ...new Set(
      of(word)
        .flatMap(({ args }) => args)
        .map(plainPath),
    ),
  ];
  const arch = of('kernel_arch')[0]?.args[0];
  const suffix = of('kernel_version_suffix')[0];
  const oddWord = [...of('kernel_arch'), ...of('kernel_version_suffix')].find(({ args }) => args.length > 1);
  if (oddWord)
    return {
      line: oddWord.line,
      what: `"${oddWord.word}" with ${oddWord.args.length} arguments`,
      hint: `usage: ${USAGE[oddWord.word]}`,
    };
  if (suffix && !/^[A-Za-z0-9._+~-]{1,32}$/.test(suffix.args[0]!)) {
    return {
      line: suffix.line,
      what: `"${suffix.args[0]}" cannot be a part of a kernel's version`,
      hint: 'it is made of letters, digits and . _ + ~ -, at most 32 of them',
    };
  }
  return {
    source: source as KernelSource,
    patches: paths('kernel_patches'),
    base: (base as Base).base,
    fragments: [...new Set(of('kernel_kconfig').flatMap(fragmentsOf).map(plainPath))],
    modules: paths('kernel_module'),
    arch,
    versionSuffix: suffix?.args[0] ?? '',
    headers: of('kernel_headers').length > 0,
  };
}

/** What is wrong with the names of `build_need`; they must be scriptlets. */
export function wrongBuildNeed(declarations: readonly Declaration[], name: string): Wrong | undefined {
  for (const { word, args, line } of declarations) {
    if (word !== 'build_need') continue;
    const odd = args.find((arg) => arg === name || !NAME.test(arg));
    if (odd === name)
      return { line, what: `it needs itself: ${name} -> ${name}`, hint: 'take this build_need out' };
    if (odd !== undefined) return { line, what: `"${odd}" is not the name of a scriptlet`, hint: NAME_RULE };
  }
  return undefined;
}

export function isWrong(value: unknown): value is Wrong {
  return typeof value === 'object' && value !== null && 'what' in value;
}

function readSource({ args, line }: Declaration): KernelSource | Wrong {
  const hint = `usage: ${USAGE.kernel_source}`;
  const [where = '', sha256 = ''] = args;
  const deb = /^deb:(.*)$/.exec(where)?.[1];
  if (deb !== undefined) {
    if (args.length !== 1 || !/^[a-z0-9][a-z0-9+.-]+$/.test(deb)) {
      return { line, what: `"${args.join(' ')}" names no package of Debian's`, hint };
    }
    return { kind: 'deb', name: deb };
  }
  if (args.length !== 2)
    return {
      line,
      what: `"kernel_source" with ${args.length === 1 ? 'one argument' : `${args.length} arguments`}`,
      hint,
    };
  if (!URL.canParse(where) || !/^https?:$/.test(new URL(where).protocol)) {
    return { line, what: `"${where}" is not an http: or https: URL`, hint };
  }
  if (!/^[0-9a-f]{64}$/i.test(sha256)) {
    return {
      line,
      what: `"${sha256}" is not a SHA-256`,
      hint: 'expected 64 hex digits, as sha256sum prints them',
    };
  }
  return { kind: 'url', url: where, sha256: sha256.toLowerCase() };
}

type Base = { readonly base: string };

const BASE = /^(?:tinyconfig|allnoconfig|defconfig|[A-Za-z0-9_.-]+_defconfig|.+\.config)$/;

/** The first word of the first `kernel_kconfig` may name the base. */
function baseOf(declarations: readonly Declaration[]): Base | Wrong {
  const [first, ...others] = declarations;
  for (const { args, line } of [...(first ? [{ ...first, args: first.args.slice(1) }] : []), ...others]) {
    const late = args.find((arg) => BASE.test(arg));
    if (late === undefined) continue;
    return {
      line,
      what: `"${late}" comes after a fragment`,
      hint: 'what the fragments are laid over is named first',
    };
  }
  const word = first?.args[0] ?? '';
  return { base: BASE.test(word) ? plainPath(word) : 'tinyconfig' };
}

function fragmentsOf({ args }: Declaration, index: number): readonly string[] {
  return index === 0 && BASE.test(args[0] ?? '') ? args.slice(1) : args;
}

/** Words whose arguments are paths below the scriptlet's own folder. */
const PATHS = ['kernel_patches', 'kernel_kconfig', 'kernel_module'];

function wrongPath({ word, args, line }: Declaration): Wrong | undefined {
  if (!PATHS.includes(word)) return undefined;
  const out = args.find(
    (arg) => arg === '' || arg.startsWith('/') || /^\.\.?(?:\/|$)/.test(`${plainPath(arg)}`),
  );
  if (out === undefined) return undefined;
  return {
    line,
    what: `${word} "${out}" does not lie in the scriptlet's own folder`,
    hint: 'expected a path relative to the folder of the same name as the scriptlet',
  };
}

function plainPath(path: string): string {
  return posix.normalize(path).replace(/\/$/, '');
}
