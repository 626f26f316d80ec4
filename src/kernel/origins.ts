import type { SymbolFacts } from './check-kconfig.ts';
import { selectingNow } from './check-kconfig.ts';
import { type Setting, sameValue } from './kconfig.ts';

/** Where a line of a configuration comes from. */
export type Origin =
  | { readonly kind: 'fragment'; readonly file: string; readonly line: number }
  /** As it is in what the fragments are laid over. */
  | { readonly kind: 'base'; readonly name: string }
  /** Symbols that fragments or base brought select it. */
  | { readonly kind: 'selected'; readonly by: readonly string[] }
  /** Its own default, or what its choice comes down to. */
  | { readonly kind: 'default' };

export type ConfigLine = {
  readonly symbol: string;
  readonly value: string;
  /** What the base says; undefined where it says nothing. */
  readonly base: string | undefined;
  readonly origin: Origin;
};

export type Configuration = {
  /** As the kernel completed it. */
  readonly final: ReadonlyMap<string, string>;
  readonly base: ReadonlyMap<string, string>;
  readonly baseName: string;
  readonly settings: readonly Setting[];
  /** Of the symbols that neither fragments nor base explain; see `unexplained`. */
  readonly facts: ReadonlyMap<string, SymbolFacts>;
};

/** Every line of a configuration, in its order, and where it comes from. */
export function originsOf(configuration: Configuration): ConfigLine[] {
  const asked = new Map(configuration.settings.map((setting) => [setting.symbol, setting]));
  return [...configuration.final].map(([symbol, value]) => ({
    symbol,
    value,
    base: configuration.base.get(symbol),
    origin: originOf(symbol, value, asked.get(symbol), configuration),
  }));
}

/** The symbols that are set by the kernel itself: whoever wants to know why asks its Kconfig. */
export function unexplained({
  final,
  base,
  settings,
}: Pick<Configuration, 'final' | 'base' | 'settings'>): string[] {
  const asked = new Map(settings.map(({ symbol, value }) => [symbol, value]));
  return [...final].flatMap(([symbol, value]) => {
    const known = asked.get(symbol) ?? base.get(symbol);
    return value === 'n' || (known !== undefined && sameValue(known, value)) ? [] : [symbol];
  });
}

/** The lines that are not as in the base; what is not there any more comes last, as not set. */
export function differencesFrom(
  { base, baseName: _, ...rest }: Configuration,
  lines: readonly ConfigLine[],
): ConfigLine[] {
  const there = new Set(lines.map(({ symbol }) => symbol));
  const asked = new Map(rest.settings.map((setting) => [setting.symbol, setting]));
  const changed = lines.filter((line) => !sameValue(line.value, line.base ?? 'n'));
  const gone = [...base].filter(([symbol, value]) => value !== 'n' && !there.has(symbol));
  return [
    ...changed,
    ...gone.map(([symbol, value]): ConfigLine => {
      const setting = asked.get(symbol);
      const origin: Origin = setting?.value === 'n' ? fragmentOrigin(setting) : { kind: 'default' };
      return { symbol, value: 'n', base: value, origin };
    }),
  ];
}

/** As a person reads it: `device-x.kconfig:7`, `tinyconfig`, `selected by EXT4_FS`, `default`. */
export function tellOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'fragment':
      return `${origin.file}:${origin.line}`;
    case 'base':
      return origin.name;
    case 'selected':
      return `selected by ${origin.by.join(', ')}`;
    case 'default':
      return 'default';
    default:
      return origin satisfies never;
  }
}

function originOf(
  symbol: string,
  value: string,
  setting: Setting | undefined,
  { base, baseName, facts }: Configuration,
): Origin {
  if (setting && sameValue(setting.value, value)) return fragmentOrigin(setting);
  const before = base.get(symbol);
  if (before !== undefined && sameValue(before, value)) return { kind: 'base', name: baseName };
  const known = facts.get(symbol);
  const by = known ? selectingNow(known) : [];
  return by.length > 0 ? { kind: 'selected', by } : { kind: 'default' };
}

function fragmentOrigin({ file, line }: Setting): Origin {
  return { kind: 'fragment', file, line };
}
