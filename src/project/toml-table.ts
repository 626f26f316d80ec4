import { relative } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { SnapError } from '../host/error.ts';
import { didYouMean } from './name.ts';
import { lineOf, type TomlPath } from './toml-line.ts';

/** One conf file: where it lies and its text, for errors. */
export type Page = {
  readonly name: string;
  readonly file: string;
  readonly project: string;
  readonly text: string;
};

export type Table = Readonly<Record<string, unknown>>;

export function parseToml(page: Page): Table {
  try {
    return parse(page.text, { integersAsBigInt: 'asNeeded' });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [what = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n');
    throw new SnapError('CONF', `Cannot read ${place(page, error.line)}: ${what}`, {
      lines: error.codeblock.trimEnd().split('\n'),
      hint: 'the format is TOML, see docs/conf.md',
      cause: error,
    });
  }
}

export function checkKeys(page: Page, given: Table, path: TomlPath, known: readonly string[]): void {
  const stranger = Object.keys(given).find((key) => !known.includes(key));
  if (stranger === undefined) return;
  const shown = [...path.filter((part) => typeof part === 'string'), stranger].join('.');
  throw fault(page, [...path, stranger], `unknown key "${shown}"`, didYouMean(stranger, known, 'keys'));
}

export function string(page: Page, value: unknown, path: TomlPath): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw wrongType(page, value, path, 'a string');
  if (value === '') throw fault(page, path, `${label(path)} is empty`, 'write a value, or take the line out');
  return value;
}

/** A string that goes into a line of words, as apt's sources are. */
export function word(page: Page, value: unknown, path: TomlPath): string | undefined {
  const given = string(page, value, path);
  if (given === undefined || /^[!-Z\\^-~]+$/.test(given)) return given;
  throw fault(
    page,
    path,
    `"${given}" is not one plain word`,
    'expected no spaces, brackets or control characters',
  );
}

export function strings(page: Page, value: unknown, path: TomlPath): string[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw wrongType(page, value, path, 'an array of strings, as in ["a", "b"]');
  return value.map((item, index) => string(page, item, [...path, index])!);
}

export function words(page: Page, value: unknown, path: TomlPath): string[] | undefined {
  const given = strings(page, value, path);
  if (given?.length === 0)
    throw fault(page, path, `${label(path)} is empty`, 'write at least one, or take it out');
  return given?.map((item, index) => word(page, item, [...path, index])!);
}

export function table(page: Page, value: unknown, path: TomlPath): Table | undefined {
  if (value === undefined) return undefined;
  if (kindOf(value) !== 'a table') throw wrongType(page, value, path, `a table: [${String(path[0])}]`);
  return value as Table;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Date) return 'a date';
  if (typeof value === 'object') return 'a table';
  return typeof value === 'bigint' ? 'a number' : `a ${typeof value}`;
}

export function wrongType(page: Page, value: unknown, path: TomlPath, expected: string): SnapError {
  return fault(page, path, `${label(path)} is ${kindOf(value)}`, `expected ${expected}`);
}

export function fault(page: Page, path: TomlPath, what: string, hint: string): SnapError {
  return new SnapError('CONF', `Cannot read ${place(page, lineOf(page.text, path))}: ${what}`, { hint });
}

function place(page: Page, line: number): string {
  return `${relative(page.project, page.file)}:${line}`;
}

export function label(path: TomlPath): string {
  const shown = path.map((part) => (typeof part === 'number' ? `[${part + 1}]` : `.${part}`)).join('');
  return `"${shown.slice(1)}"`;
}
