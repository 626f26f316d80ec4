import { readFileSync } from 'node:fs';
import { SnapError } from '../host/error.ts';
import { ownFile } from '../host/own.ts';
import { checkKconfig, doubtful, type Facts, type Problem, type SymbolFacts } from './check-kconfig.ts';
import { readConfig, type Setting } from './kconfig.ts';

const SCRIPT = ownFile('src/kernel/facts.sh');
const PROGRAM = ownFile('src/kernel/facts.c');

/** Where the kernel's source, its compiler and its configuration are. */
export type KconfigTree = {
  /** make with all that tells it of the kernel, as words of a shell: where it lies, where it is built, its architecture. */
  readonly make: string;
  /**
   * Runs a script of sh with these files in the folder `$FILES`, and returns its standard output.
   * @throws SnapError when it fails.
   */
  run(script: string, files: Readonly<Record<string, string>>): Promise<string>;
};

/**
 * Every setting that did not come out as it was asked for, and why. `final` is the text of the configuration after `make olddefconfig`.
 * Where all is as asked for, nothing is run.
 */
export async function findProblems(
  tree: KconfigTree,
  asked: readonly Setting[],
  final: string,
): Promise<Problem[]> {
  const values = readConfig(final);
  const symbols = doubtful(asked, values).map(({ symbol }) => symbol);
  if (symbols.length === 0) return [];
  return checkKconfig({ asked, final: values, facts: await askKconfig(tree, symbols).catch(noFacts) });
}

/** What the kernel's own reader of Kconfig says of these symbols, and of all that decides over them. */
export async function askKconfig(tree: KconfigTree, symbols: readonly string[]): Promise<Facts> {
  const script = `MAKE=${singleQuoted(tree.make)}\n${readFileSync(SCRIPT, 'utf8')}`;
  const names = [...new Set(['MODULES', ...symbols])].join('\n');
  return readFacts(
    await tree.run(script, { 'facts.c': readFileSync(PROGRAM, 'utf8'), symbols: `${names}\n` }),
  );
}

/** A kernel whose Kconfig cannot be asked is checked all the same, without reasons. */
function noFacts(error: unknown): undefined {
  if (!(error instanceof SnapError) || error.code === 'INTERRUPTED') throw error;
}

type Line = SymbolFacts | { readonly names: readonly string[] } | { readonly unknown: string };

function readFacts(text: string): Facts {
  const lines = text.split('\n');
  const parsed = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Line);
  return {
    symbols: new Map(parsed.flatMap((line) => ('name' in line ? [[line.name, line]] : []))),
    names: new Set(parsed.flatMap((line) => ('names' in line ? line.names : []))),
    elsewhere: readElsewhere(lines),
  };
}

/** The other architectures have folders of their own, which Kconfig does not read. */
function readElsewhere(lines: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const places = lines.flatMap((line) => {
    const [, arch, symbol] = /^arch\/([^:/]+)[^:]*:\s*(?:menu)?config\s+(\w+)/.exec(line) ?? [];
    return arch === undefined || symbol === undefined ? [] : [{ symbol, arch }];
  });
  const grouped = Map.groupBy(places, ({ symbol }) => symbol);
  return new Map(
    [...grouped].map(([symbol, all]) => [symbol, [...new Set(all.map(({ arch }) => arch))].sort()]),
  );
}

function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
