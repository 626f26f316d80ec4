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

/** A value on standard output, with nothing in it that a terminal would obey. */
export function printJson(value: unknown): void {
  print(safeJson(JSON.stringify(value, undefined, 2)));
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
