import { readFileSync } from 'node:fs';
import { SnapError } from '../host/error.ts';
import { ownFile } from '../host/own.ts';
import { checkKconfig, doubtful, type Facts, type Problem, type SymbolFacts } from './check-kconfig.ts';
import { readConfig, type Setting } from './kconfig.ts';

const SCRIPT = ownFile('src/kernel/facts.sh');
const PROGRAM = ownFile('src/kernel/facts.c');

/** Where the kernel's tree and its compiler are: the builder view. */
export type KconfigTree = {
  /** Runs a program in the kernel's folder and returns its standard output. @throws SnapError when it fails */
  readonly run: (command: readonly string[]) => Promise<string>;
  /** The path of the final configuration, as `run` sees it. */
  readonly config: string;
  /** Further arguments of make that decide what Kconfig sees, as in `ARCH=arm64`. */
  readonly make?: readonly string[];
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
  const inDoubt = doubtful(asked, values);
  if (inDoubt.length === 0) return [];
  const facts = await askKconfig(
    tree,
    inDoubt.map(({ symbol }) => symbol),
  ).catch(noFacts);
  return checkKconfig({ asked, final: values, facts });
}

/** What the kernel's own reader of Kconfig says of these symbols, and of all that decides over them. */
export async function askKconfig(tree: KconfigTree, symbols: readonly string[]): Promise<Facts> {
  const { config, make = [] } = tree;
  const [script, program] = [SCRIPT, PROGRAM].map((file) => readFileSync(file, 'utf8'));
  const command = ['sh', '-c', script!, 'facts.sh', program!, config, make.join(' '), 'MODULES', ...symbols];
  const facts = readFacts(await tree.run(command));
  const unknown = symbols.filter((symbol) => !facts.symbols.has(symbol));
  return unknown.length === 0 ? facts : { ...facts, elsewhere: await findElsewhere(tree, unknown) };
}

/** A kernel whose Kconfig cannot be asked is checked all the same. */
function noFacts(error: unknown): undefined {
  if (!(error instanceof SnapError) || error.code === 'INTERRUPTED') throw error;
}

function readFacts(text: string): Facts {
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as SymbolFacts | { readonly names: readonly string[] });
  return {
    symbols: new Map(lines.flatMap((line) => ('names' in line ? [] : [[line.name, line]]))),
    names: new Set(lines.flatMap((line) => ('names' in line ? line.names : []))),
    elsewhere: new Map(),
  };
}

/** The other architectures have folders of their own, which Kconfig does not read. */
async function findElsewhere(
  { run }: KconfigTree,
  symbols: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const pattern = `^[[:space:]]*(menu)?config[[:space:]]+(${symbols.join('|')})[[:space:]]*$`;
  const found = await run(['sh', '-c', 'grep -rE --include="Kconfig*" "$1" arch || true', 'sh', pattern]);
  const places = found.split('\n').flatMap((line) => {
    const [, file, symbol] = /^arch\/([^:]+):\s*(?:menu)?config\s+(\w+)/.exec(line) ?? [];
    return file === undefined || symbol === undefined ? [] : [{ symbol, arch: file.split('/')[0]! }];
  });
  const grouped = Map.groupBy(places, ({ symbol }) => symbol);
  return new Map([...grouped].map(([symbol, all]) => [symbol, [...new Set(all.map(({ arch }) => arch))]]));
}
