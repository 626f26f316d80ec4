import type { Fragment } from './data.ts';
import { type Changes, changedSymbols, changesOf, editFragment } from './fragment-edit.ts';
import { type Merged, mergeFragments, overlay, readConfig, readFragment, tellSetting } from './kconfig.ts';

/** What it takes to find out what comes of a fragment. */
export type Desk = {
  /** What the fragments are laid over, as text. */
  readonly base: string;
  /** All fragments, in their order. */
  readonly fragments: readonly Fragment[];
  /** The path of the one that is written. */
  readonly edited: string;
  /** `make olddefconfig` */
  readonly complete: (config: string) => Promise<string>;
  /** `make savedefconfig` */
  readonly reduce: (config: string) => Promise<string>;
};

/** What comes of a text of the fragment. */
export type Attempt = {
  readonly text: string;
  readonly merged: Merged;
  /** The configuration as it is asked for, and as the kernel completes it. */
  readonly asked: string;
  readonly config: string;
};

export async function tryOut({ base, fragments, edited, complete }: Desk, text: string): Promise<Attempt> {
  const settings = fragments.map((one) => (one.path === edited ? readFragment(text, edited) : one.settings));
  const merged = mergeFragments(settings);
  const asked = overlay(base, merged.settings);
  return { text, merged, asked, config: await complete(asked) };
}

export type WrittenBack = Attempt & {
  /** What was chosen and does not come of it, in words. */
  readonly undone: readonly string[];
};

/**
 * The text that makes of the configuration what was chosen, tried out until it does. It has no line that is of no use: what follows by
 * itself is not asked for.
 */
export async function writeBack(desk: Desk, begun: Attempt, chosen: string): Promise<WrittenBack> {
  const wanted = readConfig(chosen);
  const before = readConfig(begun.config);
  if (changedSymbols(before, wanted).length === 0) return { ...begun, undone: [] };
  const savedBefore = readConfig(await desk.reduce(begun.config));
  const savedAfter = readConfig(await desk.reduce(chosen));
  const asked = begun.merged.settings;
  const tryChanges = (changes: Changes): Promise<Attempt> =>
    tryOut(desk, editFragment(begun.text, desk.edited, changes, wanted.keys()));
  const first = changesOf({ before, after: wanted, savedBefore, savedAfter, asked });
  const { made, changes } = await completed(first, wanted, tryChanges);
  const missing = changedSymbols(readConfig(made.config), wanted);
  if (missing.length > 0)
    return { ...made, undone: missing.map((symbol) => tellUndone(symbol, wanted, made)) };
  return {
    ...(await shortened(made, changes, new Set(asked.map(({ symbol }) => symbol)), wanted, tryChanges)),
    undone: [],
  };
}

type TryChanges = (changes: Changes) => Promise<Attempt>;

/** More is asked for until all is as wanted, or nothing is left to ask for. */
async function completed(
  first: Changes,
  wanted: ReadonlyMap<string, string>,
  tryChanges: TryChanges,
): Promise<{ readonly made: Attempt; readonly changes: Changes }> {
  for (let changes = first; ; ) {
    const made = await tryChanges(changes);
    const config = readConfig(made.config);
    const fresh = changedSymbols(config, wanted).filter((symbol) => !changes.has(symbol));
    if (fresh.length === 0) return { made, changes };
    // What can be asked for as it is, before that which only comes to be seen by it, and mostly follows.
    const askable = fresh.filter((symbol) => config.has(symbol));
    const more = askable.length > 0 ? askable : fresh;
    changes = new Map([...changes, ...more.map((symbol) => [symbol, wanted.get(symbol) ?? 'n'] as const)]);
  }
}

/** In a choice the members that are not chosen need no line, unless a fragment asks for one. */
async function shortened(
  made: Attempt,
  changes: Changes,
  asked: ReadonlySet<string>,
  wanted: ReadonlyMap<string, string>,
  tryChanges: TryChanges,
): Promise<Attempt> {
  const fewer = new Map([...changes].filter(([symbol, value]) => value !== 'n' || asked.has(symbol)));
  if (fewer.size === changes.size) return made;
  const short = await tryChanges(fewer);
  return changedSymbols(readConfig(short.config), wanted).length === 0 ? short : made;
}

function tellUndone(
  symbol: string,
  wanted: ReadonlyMap<string, string>,
  { merged, config }: Attempt,
): string {
  const winner = merged.settings.find((setting) => setting.symbol === symbol);
  const chosen = `CONFIG_${symbol}=${wanted.get(symbol) ?? 'n'} was chosen`;
  if (winner) return `${chosen}, but ${tellSetting(winner)} comes later`;
  return `${chosen}, but comes out as ${readConfig(config).get(symbol) ?? 'n'}`;
}
