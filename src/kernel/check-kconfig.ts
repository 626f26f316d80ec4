import { nearest, SnapError } from '../host/error.ts';
import {
  ALWAYS,
  type Expression,
  parseExpression,
  type Token,
  type Truth,
  tellExpression,
  truthOf,
  truthOfValue,
} from './expression.ts';
import { type Setting, sameValue, spoken, tellSetting } from './kconfig.ts';

/** What the kernel's Kconfig says of a symbol, with the values of the final configuration. */
export type SymbolFacts = {
  readonly name: string;
  readonly type: 'bool' | 'tristate' | 'integer' | 'hex' | 'string' | string;
  readonly value: string;
  /** None: nobody can ask for it, the kernel alone sets it. */
  readonly prompts: readonly { readonly text: string; readonly visible: readonly Token[] }[];
  readonly defaults: readonly { readonly value: readonly Token[]; readonly visible: readonly Token[] }[];
  readonly selected: readonly Token[];
  readonly ranges: readonly {
    readonly low: string;
    readonly high: string;
    readonly visible: readonly Token[];
  }[];
  readonly choice?: {
    readonly prompt: string;
    readonly members: readonly (readonly [name: string, value: string])[];
    readonly visible: readonly Token[];
  };
};

export type Facts = {
  readonly symbols: ReadonlyMap<string, SymbolFacts>;
  /** All symbols of the kernel's Kconfig; empty unless one that was asked for is not there. */
  readonly names: ReadonlySet<string>;
  /** The architectures, and their files, that define a symbol which this one does not. */
  readonly elsewhere: ReadonlyMap<string, readonly string[]>;
};

export type Problem =
  | {
      readonly kind: 'unknown';
      readonly setting: Setting;
      readonly near: readonly string[];
      readonly elsewhere: readonly string[];
    }
  | {
      readonly kind: 'different';
      readonly setting: Setting;
      readonly actual: string;
      /** Undefined where nobody could be asked. */
      readonly reason: string | undefined;
      /** What to ask for as well, where that alone would do. */
      readonly ask: readonly string[];
    };

export type Check = {
  readonly asked: readonly Setting[];
  /** The configuration after `make olddefconfig`. */
  readonly final: ReadonlyMap<string, string>;
  /** Undefined where the kernel's Kconfig could not be asked: problems come without a reason. */
  readonly facts: Facts | undefined;
};

/** Every setting that did not come out as it was asked for, in the order given, and why. */
export function checkKconfig({ asked, final, facts }: Check): Problem[] {
  return asked.flatMap((setting): Problem[] => {
    if (facts && facts.names.size > 0 && !facts.names.has(setting.symbol)) return [unknown(setting, facts)];
    const actual = final.get(setting.symbol) ?? 'n';
    if (sameValue(setting.value, actual)) return [];
    const symbol = facts?.symbols.get(setting.symbol);
    const why = facts && symbol ? explain(setting, actual, symbol, { asked, facts }) : undefined;
    return [{ kind: 'different', setting, actual, reason: why?.reason, ask: why?.ask ?? [] }];
  });
}

/** The symbols for which the kernel's Kconfig has to be asked: what came out otherwise, and what the configuration does not know. */
export function doubtful(asked: readonly Setting[], final: ReadonlyMap<string, string>): Setting[] {
  return asked.filter(({ symbol, value }) => {
    const actual = final.get(symbol);
    return actual === undefined || !sameValue(value, actual);
  });
}

/** One error that tells all problems. `subject` is what they belong to, as in `kernel "kernel"`. */
export function kconfigError(subject: string, problems: readonly Problem[]): SnapError {
  const many =
    problems.length === 1
      ? 'a setting is not as asked for'
      : `${problems.length} settings are not as asked for`;
  const asks = [...new Set(problems.flatMap((problem) => (problem.kind === 'different' ? problem.ask : [])))];
  return new SnapError('SCRIPTLET', `Cannot configure ${subject}: ${many}`, {
    lines: problems.map(tellProblem),
    hint:
      asks.length > 0
        ? `ask for ${asks.slice(0, 8).join(', ')} too, or take the lines out`
        : 'change these lines of the fragments, or take them out',
  });
}

/** `CONFIG_SQUASHFS=y in device-x.kconfig:7 is not set: depends on MISC_FILESYSTEMS=n` */
export function tellProblem(problem: Problem): string {
  const { setting } = problem;
  if (problem.kind === 'different') {
    const state = problem.actual === 'n' ? 'is not set' : `came out as ${problem.actual}`;
    return `${tellSetting(setting)} ${state}${problem.reason === undefined ? '' : `: ${problem.reason}`}`;
  }
  const { elsewhere, near } = problem;
  if (elsewhere.length > 0)
    return `${tellSetting(setting)}: this architecture has no such symbol, it is one of ${elsewhere.join(', ')}`;
  const found = near.map((name) => `CONFIG_${name}`).join(', ');
  return `${tellSetting(setting)}: this kernel has no such symbol${found === '' ? '' : `; the nearest: ${found}`}`;
}

/** The symbols that select it as things are. */
export function selectingNow(symbol: SymbolFacts): string[] {
  return selectorsOf(symbol).flatMap((one) => {
    const selector = first(one);
    return truthOf(one) > 0 && selector.kind === 'symbol' ? [selector.name] : [];
  });
}

function unknown(setting: Setting, { names, elsewhere }: Facts): Problem {
  const { symbol } = setting;
  return { kind: 'unknown', setting, near: nearNames(symbol, names), elsewhere: elsewhere.get(symbol) ?? [] };
}

/** People also leave an ending out: EXT4 is EXT4_FS. */
function nearNames(symbol: string, names: ReadonlySet<string>): string[] {
  const longer = [...names]
    .filter((name) => name.startsWith(`${symbol}_`))
    .sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  return [...new Set([...longer.slice(0, 2), ...nearest(symbol, names)])].slice(0, 3);
}

type Reason = { readonly reason: string; readonly ask?: readonly string[] };
type Around = { readonly asked: readonly Setting[]; readonly facts: Facts };

function explain(setting: Setting, actual: string, symbol: SymbolFacts, around: Around): Reason {
  const tooMany = isTruth(symbol) && truthOfValue(actual) > truthOfValue(setting.value);
  return (
    wrongType(setting, symbol) ??
    modulesOff(setting, symbol, around.facts) ??
    (tooMany ? tooMuch(symbol, around) : tooLittle(setting, symbol, around)) ??
    wrongRange(setting, symbol) ?? { reason: 'its Kconfig does not tell why' }
  );
}

function isTruth({ type }: SymbolFacts): boolean {
  return type === 'bool' || type === 'tristate';
}

const EXPECTED: Readonly<Record<string, readonly [RegExp, string]>> = {
  bool: [/^[yn]$/, 'it is y or n, never a module'],
  tristate: [/^[ymn]$/, 'it is y, m or n'],
  integer: [/^(n|-?\d+)$/, 'it is a number'],
  hex: [/^(n|\d+|0x[\da-f]+)$/i, 'it is a hexadecimal number'],
  string: [/^(n|".*")$/, 'it is a "string"'],
};

function wrongType({ value }: Setting, { type }: SymbolFacts): Reason | undefined {
  const [form, words] = EXPECTED[type] ?? [];
  return form === undefined || form.test(value) ? undefined : { reason: words! };
}

function modulesOff({ value }: Setting, { type }: SymbolFacts, { symbols }: Facts): Reason | undefined {
  if (value !== 'm' || type !== 'tristate' || symbols.get('MODULES')?.value !== 'n') return undefined;
  return { reason: 'modules are off, MODULES=n', ask: ['CONFIG_MODULES=y'] };
}

function wrongRange({ value }: Setting, { ranges, type }: SymbolFacts): Reason | undefined {
  if ((type !== 'integer' && type !== 'hex') || value === 'n') return undefined;
  const range = ranges.find(({ visible }) => truthOf(parseExpression(visible)) > 0);
  if (!range) return undefined;
  const [number, low, high] = [value, range.low, range.high].map((text) => numberOf(text, type));
  if (number! >= low! && number! <= high!) return undefined;
  return { reason: `its range is ${range.low} to ${range.high}` };
}

function numberOf(text: string, type: string): bigint {
  if (text.startsWith('-')) return -BigInt(text.slice(1));
  return BigInt(type === 'hex' && !/^0x/i.test(text) ? `0x${text}` : text);
}

/** It is more than was asked for: something selects it, or it is what its choice comes down to. */
function tooMuch(symbol: SymbolFacts, around: Around): Reason | undefined {
  const selectors = selectorsOf(symbol).filter((one) => truthOf(one) > 0);
  if (selectors.length > 0)
    return { reason: `selected by ${some(selectors.map((one) => tellExpression(first(one))))}` };
  if (symbol.choice)
    return { reason: `the choice "${symbol.choice.prompt}" comes down to it, ask for another member` };
  return tooLittle({ value: 'y' }, symbol, around);
}

/** Something is in the way of it. */
function tooLittle(
  { value }: Pick<Setting, 'value'>,
  symbol: SymbolFacts,
  { asked, facts }: Around,
): Reason | undefined {
  if (symbol.prompts.length === 0) return { reason: withoutPrompt(symbol) };
  const wanted: Truth = value === 'y' && symbol.type === 'tristate' ? 2 : 1;
  const where = { facts, asked, choice: choiceOf(symbol), told: new Set([symbol.name]) };
  const unmet = unmetOf(visibilityOf(symbol), wanted, where);
  if (unmet) return { reason: `depends on ${unmet.text}`, ask: unmet.ask };
  return symbol.choice && otherMember(symbol.name, symbol.choice, asked);
}

/** What sets a symbol that nobody can ask for. */
function withoutPrompt(symbol: SymbolFacts): string {
  const names = selectorsOf(symbol).flatMap((one) => {
    const selector = first(one);
    return selector.kind === 'symbol' ? [selector.name] : [];
  });
  const ways = [
    ...(names.length > 0
      ? [`${some([...new Set(names)])} ${names.length > 1 ? 'select' : 'selects'} it`]
      : []),
    ...(symbol.defaults.length > 0
      ? [`its default is ${some(symbol.defaults.map(tellDefault), ', else ')}`]
      : []),
  ];
  return ['it has no prompt', ...ways].join('; ');
}

function tellDefault({ value, visible }: SymbolFacts['defaults'][number]): string {
  const condition = parseExpression(visible);
  const told = tellExpression(parseExpression(value));
  return condition.kind === 'constant' ? told : `${told} if ${tellExpression(condition)}`;
}

function selectorsOf({ selected }: SymbolFacts): readonly Expression[] {
  if (selected.length === 0) return [];
  const expression = parseExpression(selected);
  return expression.kind === 'or' ? expression.of : [expression];
}

/** The selector itself: what comes after it are conditions. */
function first(expression: Expression): Expression {
  return expression.kind === 'and' ? expression.of[0]! : expression;
}

function otherMember(
  name: string,
  { prompt, members }: NonNullable<SymbolFacts['choice']>,
  asked: readonly Setting[],
): Reason | undefined {
  const chosen = members.find(([member, value]) => value === 'y' && member !== name)?.[0];
  if (chosen === undefined) return undefined;
  const other = asked.find(({ symbol, value }) => symbol === chosen && value === 'y');
  return { reason: `the choice "${prompt}" is ${other ? tellSetting(other) : spoken(chosen, 'y')}` };
}

/** A symbol can be asked for where one of its prompts is to be seen. */
function visibilityOf({ prompts }: SymbolFacts): Expression {
  const all = prompts.map(({ visible }) => parseExpression(visible));
  return all.length === 1 ? all[0]! : { kind: 'or', of: all };
}

function choiceOf({ choice }: SymbolFacts): Expression {
  return choice ? parseExpression(choice.visible) : ALWAYS;
}

type Unmet = {
  readonly text: string;
  /** What to ask for; nothing where there is more than one way. */
  readonly ask: readonly string[];
};
type Where = Around & {
  readonly choice: Expression;
  /** Symbols that were named as missing: once is enough, since conditions come down from many menus. */
  readonly told: Set<string>;
};

/** The parts of an expression that keep it below `wanted`, and what keeps those down. Undefined: nothing that was not told. */
function unmetOf(expression: Expression, wanted: Truth, where: Where): Unmet | undefined {
  if (truthOf(expression, where.choice) >= wanted) return undefined;
  switch (expression.kind) {
    case 'and':
      return joined(expression.of.flatMap((part) => unmetOf(part, wanted, where) ?? []));
    case 'or':
      return unmetAlternatives(expression.of, wanted, where);
    case 'choice':
      return unmetOf(where.choice, wanted, { ...where, choice: ALWAYS });
    case 'symbol':
      return unmetSymbol(expression, wanted, where);
    case 'constant':
      return { text: expression.value === 'm' ? 'm, it can only be a module' : expression.value, ask: [] };
    case 'not':
    case 'compare':
      return { text: tellExpression(expression), ask: [] };
    default:
      return expression satisfies never;
  }
}

function joined(parts: readonly Unmet[]): Unmet | undefined {
  if (parts.length === 0) return undefined;
  return {
    text: parts.map(({ text }) => (parts.length > 1 && / or /.test(text) ? `(${text})` : text)).join(' and '),
    ask: parts.flatMap(({ ask }) => ask),
  };
}

/** An alternative of which nothing is left to tell will be met with what was told before. */
function unmetAlternatives(parts: readonly Expression[], wanted: Truth, where: Where): Unmet | undefined {
  const unmet = parts.map((part) => unmetOf(part, wanted, { ...where, told: new Set(where.told) }));
  if (unmet.includes(undefined)) return undefined;
  const texts = [...new Set(unmet.flatMap((one) => one?.text ?? []))];
  return { text: some(texts, ' or '), ask: texts.length === 1 ? (unmet[0]?.ask ?? []) : [] };
}

function unmetSymbol(
  { name, value }: { readonly name: string; readonly value: string },
  wanted: Truth,
  where: Where,
): Unmet | undefined {
  if (where.told.has(name)) return undefined;
  where.told.add(name);
  const symbol = where.facts.symbols.get(name);
  const setting = where.asked.find((one) => one.symbol === name);
  const text = `${name}=${value}${setting ? ` (${setting.file}:${setting.line})` : ''}`;
  if (!symbol) return { text, ask: [] };
  if (symbol.prompts.length === 0) return { text: `${text} (${withoutPrompt(symbol)})`, ask: [] };
  const needed = symbol.type === 'tristate' ? wanted : 1;
  const own = unmetOf(visibilityOf(symbol), needed, { ...where, choice: choiceOf(symbol) });
  const ask = [`CONFIG_${name}=${symbol.type === 'tristate' && wanted === 1 ? 'm' : 'y'}`];
  return own ? { text: `${text}, which depends on ${own.text}`, ask: [...own.ask, ...ask] } : { text, ask };
}

const MOST_TOLD = 4;

function some(texts: readonly string[], word = ', '): string {
  const more = texts.length - MOST_TOLD;
  const shown = texts.slice(0, more > 1 ? MOST_TOLD : undefined).join(word);
  return more > 1 ? `${shown}${word}${more} more` : shown;
}
