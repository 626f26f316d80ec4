import { SnapError } from '../host/error.ts';

/**
 * What a line of a fragment asks for. `value` is written as the kernel writes it: `y`, `m`, `n`, a number, or a string with its quotes, so
 * that the string "y" and the state y differ.
 */
export type Setting = {
  /** Without `CONFIG_`. */
  readonly symbol: string;
  readonly value: string;
  readonly file: string;
  /** From 1 on. */
  readonly line: number;
};

/** Two fragments ask for different values; the later one wins. */
export type Contradiction = { readonly lost: Setting; readonly won: Setting };

export type Merged = {
  /** One a symbol, in byte order of the symbols. */
  readonly settings: readonly Setting[];
  readonly contradictions: readonly Contradiction[];
};

/**
 * The settings of a fragment, in its order. `file` is the name that errors and origins tell.
 * @throws SnapError SCRIPTLET that tells every line which is no setting, and every symbol that is set twice.
 */
export function readFragment(text: string, file: string): Setting[] {
  const first = new Map<string, Setting>();
  const faults: string[] = [];
  for (const [index, written] of text.split('\n').entries()) {
    const line = index + 1;
    const read = readLine(written.trim());
    if (read === undefined) continue;
    if (typeof read === 'string') {
      faults.push(`${file}:${line}: ${read}`);
      continue;
    }
    const before = first.get(read.symbol);
    if (before) faults.push(`${file}:${line}: CONFIG_${read.symbol} is set in line ${before.line} already`);
    else first.set(read.symbol, { ...read, file, line });
  }
  if (faults.length > 0) throw faulty(file, faults);
  return [...first.values()];
}

/** All fragments as one: of two settings of a symbol the later one wins, and a different one before it is named. */
export function mergeFragments(fragments: readonly (readonly Setting[])[]): Merged {
  const bySymbol = new Map<string, Setting>();
  const contradictions: Contradiction[] = [];
  for (const setting of fragments.flat()) {
    const before = bySymbol.get(setting.symbol);
    if (before && !sameValue(before.value, setting.value))
      contradictions.push({ lost: before, won: setting });
    bySymbol.set(setting.symbol, setting);
  }
  const settings = [...bySymbol.values()].sort((a, b) => (a.symbol < b.symbol ? -1 : 1));
  return { settings, contradictions };
}

/**
 * The text that the kernel reads and that stands in the key: one line a symbol, in byte order. Neither comments nor white space nor the
 * order of the lines nor which fragment they come from make another one. The order has no meaning to the kernel either: where it
 * would, in a choice of which two members are asked for, the check refuses whichever comes out otherwise.
 */
export function canonical(settings: readonly Setting[]): string {
  return settings
    .toSorted((a, b) => (a.symbol < b.symbol ? -1 : 1))
    .map((setting) => `${configLine(setting.symbol, setting.value)}\n`)
    .join('');
}

/** A full configuration with what is asked for instead of what it said, for `make olddefconfig` to complete. */
export function overlay(base: string, settings: readonly Setting[]): string {
  const asked = new Set(settings.map(({ symbol }) => symbol));
  const kept = base.split('\n').filter((line) => {
    const read = readLine(line);
    return typeof read !== 'object' || !asked.has(read.symbol);
  });
  return `${kept.join('\n').trimEnd()}\n${canonical(settings)}`;
}

/** What a `.config` that the kernel wrote sets, in its order; what it says is not set is there as `n`. */
export function readConfig(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const read = readLine(line);
    if (typeof read === 'object') values.set(read.symbol, read.value);
  }
  return values;
}

/** As it stands in a `.config`. */
export function configLine(symbol: string, value: string): string {
  return value === 'n' ? `# CONFIG_${symbol} is not set` : `CONFIG_${symbol}=${value}`;
}

/** As people say it: `CONFIG_X=n` also for what is not set. */
export function spoken(symbol: string, value: string): string {
  return `CONFIG_${symbol}=${value}`;
}

/** `CONFIG_X=y in device-a.kconfig:3 is overridden by CONFIG_X=m in device-b.kconfig:9` */
export function tellContradiction({ lost, won }: Contradiction): string {
  return `${tellSetting(lost)} is overridden by ${tellSetting(won)}`;
}

export function tellSetting({ symbol, value, file, line }: Setting): string {
  return `${spoken(symbol, value)} in ${file}:${line}`;
}

/** Numbers are the same however they are written; the kernel writes `0x` before a hexadecimal one that comes without. */
export function sameValue(asked: string, actual: string): boolean {
  if (asked === actual) return true;
  if (!NUMBER.test(asked) || !NUMBER.test(actual)) return false;
  const bare = isHex(actual) && !isHex(asked) && /^\d/.test(asked) ? `0x${asked}` : asked;
  return numberOf(bare) === numberOf(actual);
}

const NUMBER = /^(-?\d+|0x[\da-f]+)$/i;
const NOT_SET = /^#\s*CONFIG_(\w+)\s+is\s+not\s+set$/;
const ASSIGNED = /^CONFIG_(\w+)=(.*)$/;

type Read = { readonly symbol: string; readonly value: string };

/** The setting in a line, undefined where there is none, or what is wrong with it. */
function readLine(line: string): Read | string | undefined {
  const [, unset] = NOT_SET.exec(line) ?? [];
  if (unset !== undefined) return { symbol: unset, value: 'n' };
  if (line === '' || line.startsWith('#')) return undefined;
  const [, symbol, written] = ASSIGNED.exec(line) ?? [];
  if (symbol === undefined || written === undefined) return `"${line}" is no setting`;
  const value = readValue(written);
  return value === undefined ? faultOf(symbol, written) : { symbol, value };
}

function readValue(written: string): string | undefined {
  if (/^[ymn]$/.test(written) || NUMBER.test(written)) return written;
  const [, inside] = /^"((?:[^"\\]|\\.)*)"$/.exec(written) ?? [];
  return inside === undefined ? undefined : quoted(inside.replace(/\\(.)/g, '$1'));
}

/** The kernel escapes these two and no other. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

function faultOf(symbol: string, written: string): string {
  if (written === '')
    return `CONFIG_${symbol} has no value: write "# CONFIG_${symbol} is not set" or a value`;
  if (/\s#/.test(written)) return `CONFIG_${symbol}=${written}: a comment needs a line of its own`;
  if (/^[YMN]$/.test(written))
    return `CONFIG_${symbol}=${written}: write "${written.toLowerCase()}" in lower case`;
  if (written.startsWith('"'))
    return `CONFIG_${symbol}=${written}: the string is not closed, or text follows it`;
  return `CONFIG_${symbol}=${written}: neither y, m or n, nor a "string", nor a number`;
}

function isHex(value: string): boolean {
  return /^0x/i.test(value);
}

function numberOf(text: string): bigint {
  return text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
}

function faulty(file: string, faults: readonly string[]): SnapError {
  const many = faults.length === 1 ? 'a line is wrong' : `${faults.length} lines are wrong`;
  return new SnapError('SCRIPTLET', `Cannot read kconfig fragment "${file}": ${many}`, {
    lines: faults,
    hint: 'a line is CONFIG_NAME=y, m, n, a "string" or a number, "# CONFIG_NAME is not set", or a comment',
  });
}
