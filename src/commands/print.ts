import { gathered } from '../host/write.ts';
import { messageValue } from '../report/message.ts';
import { printable } from '../report/printable.ts';

/** Data: standard output, a line. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** A line of a text that belongs to the one above, such as a changed line: its own indentation stays. */
export function indented(line: string): string {
  return `    ${printable(line)}`;
}

/** Talk: standard error, a line. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/**
 * A value on standard output, with nothing in it that a terminal would obey. It may be an iterable, or have some as properties: they are
 * printed as arrays, an element at a time, so that nobody holds half a million of them, or their text.
 */
export function printJson(value: unknown): void {
  for (const text of gathered(jsonLines(value))) process.stdout.write(safeJson(text));
}

function* jsonLines(value: unknown): Generator<string> {
  yield* jsonPieces(value, '');
  yield '\n';
}

/** As JSON.stringify would have it with two spaces, the first line without its indentation. */
function* jsonPieces(value: unknown, indentation: string): Generator<string> {
  const within = `${indentation}  `;
  if (isIterable(value)) {
    let isEmpty = true;
    for (const element of value) {
      yield `${isEmpty ? '[' : ','}\n${within}${indentedJson(element, within) ?? 'null'}`;
      isEmpty = false;
    }
    yield isEmpty ? '[]' : `\n${indentation}]`;
  } else if (indentation === '' && isPlain(value)) {
    let isEmpty = true;
    for (const [name, property] of Object.entries(value)) {
      const json = isIterable(property) ? '' : indentedJson(property, within);
      if (json === undefined) continue;
      yield `${isEmpty ? '{' : ','}\n${within}${JSON.stringify(name)}: ${json}`;
      if (isIterable(property)) yield* jsonPieces(property, within);
      isEmpty = false;
    }
    yield isEmpty ? '{}' : '\n}';
  } else yield indentedJson(value, indentation) ?? '';
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !('toJSON' in value);
}

/** Undefined for what JSON does not have. */
function indentedJson(value: unknown, indentation: string): string | undefined {
  return JSON.stringify(value, undefined, 2)?.replaceAll('\n', `\n${indentation}`);
}

/** The same on one line: of several values each has a line of its own. */
export function printJsonLine(value: unknown): void {
  print(safeJson(JSON.stringify(value)));
}

function safeJson(text: string): string {
  return text.replace(/[\u007f-\u009f]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
}

/** With `json`, a failure of `work` is a value on standard output too, together with what is known by then. */
export async function reporting(
  json: boolean,
  work: () => Promise<number>,
  known: () => object = () => ({}),
  show: (value: unknown) => void = printJson,
): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (json) show({ ...known(), error: messageValue(error) });
    throw error;
  }
}
