import { configLine, readFragment, type Setting, sameValue } from './kconfig.ts';

/** What was changed by hand in a whole configuration. */
export type Edit = {
  readonly before: ReadonlyMap<string, string>;
  readonly after: ReadonlyMap<string, string>;
  /** Both as `make savedefconfig` has them: without what the kernel's own defaults say. */
  readonly savedBefore: ReadonlyMap<string, string>;
  readonly savedAfter: ReadonlyMap<string, string>;
  /** What all fragments together ask for. */
  readonly asked: readonly Setting[];
};

/** New values by symbol; undefined: nothing is asked of it any more. */
export type Changes = ReadonlyMap<string, string | undefined>;

/**
 * What a fragment has to ask for so that the edit comes of it: of what changed only that which does not follow by itself, and all
 * that fragments ask for otherwise by now.
 */
export function changesOf({ before, after, savedBefore, savedAfter, asked }: Edit): Changes {
  const wanted = new Map(asked.map(({ symbol, value }) => [symbol, value]));
  const changes = new Map<string, string | undefined>();
  for (const symbol of changedSymbols(before, after)) {
    const value = after.get(symbol);
    const asks = wanted.get(symbol);
    const follows =
      asks === undefined ? savedBefore.get(symbol) === savedAfter.get(symbol) : sameOrNone(asks, value);
    if (!follows) changes.set(symbol, value ?? (isState(asks ?? before.get(symbol)) ? 'n' : undefined));
  }
  return changes;
}

/** The symbols with another value; not to be set and not to be there is the same. */
export function changedSymbols(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): string[] {
  const symbols = new Set([...after.keys(), ...before.keys()]);
  return [...symbols].filter((symbol) => !sameOrNone(before.get(symbol), after.get(symbol)));
}

/**
 * The text of a fragment that asks for these values. Lines that stay as they are keep their place and form, as do comments; a changed one
 * takes the place of the old one; new ones come at the end, in the order of `order`.
 */
export function editFragment(
  text: string,
  file: string,
  changes: Changes,
  order: Iterable<string> = [],
): string {
  const own = new Map(readFragment(text, file).map((setting) => [setting.line, setting]));
  const known = new Set([...own.values()].map(({ symbol }) => symbol));
  const lines = text.split('\n').flatMap((line, index) => {
    const setting = own.get(index + 1);
    return setting && changes.has(setting.symbol)
      ? changedLine(line, setting, changes.get(setting.symbol))
      : [line];
  });
  const place = new Map([...order].map((symbol, index) => [symbol, index]));
  const placeOf = (symbol: string): number => place.get(symbol) ?? place.size;
  const added = [...changes]
    .flatMap(([symbol, value]) => (value === undefined || known.has(symbol) ? [] : [{ symbol, value }]))
    .sort((a, b) => placeOf(a.symbol) - placeOf(b.symbol) || (a.symbol < b.symbol ? -1 : 1))
    .map(({ symbol, value }) => configLine(symbol, value));
  if (added.length === 0) return lines.join('\n');
  const kept = lines.join('\n');
  return `${kept === '' || kept.endsWith('\n') ? kept : `${kept}\n`}${added.join('\n')}\n`;
}

function changedLine(line: string, { symbol, value }: Setting, now: string | undefined): string[] {
  if (now === undefined) return [];
  return sameValue(value, now) ? [line] : [configLine(symbol, now)];
}

function sameOrNone(one = 'n', other = 'n'): boolean {
  return sameValue(one, other);
}

function isState(value: string | undefined): boolean {
  return value === undefined || /^[ymn]$/.test(value);
}
