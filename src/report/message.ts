import { diskFailure, SnapError } from '../host/error.ts';
import { printable } from './printable.ts';

/**
 * What a person reads when a command failed: the sentence, the lines that belong to it, and what to do next. Anything but a
 * SnapError is a bug of snap and shows its stack.
 */
export function message(given: unknown): string[] {
  const error = diskFailure(given) ?? given;
  if (!(error instanceof SnapError)) return bug(error);
  return [
    `snap: ${sentence(error.message)}`,
    ...error.lines.map((line) => `  ${printable(line)}`.trimEnd()),
    ...(error.hint === undefined ? [] : [`hint: ${sentence(error.hint)}`]),
  ];
}

/** The same as a value for `--json`. */
export function messageValue(given: unknown): {
  readonly code: string;
  readonly message: string;
  readonly lines: readonly string[];
  readonly hint?: string;
} {
  const error = diskFailure(given) ?? given;
  if (!(error instanceof SnapError)) return { code: 'BUG', message: String(error), lines: stack(error) };
  const { code, message, lines, hint } = error;
  return { code, message, lines, ...(hint === undefined ? {} : { hint }) };
}

function bug(error: unknown): string[] {
  return [
    'snap: This is a bug in snap, not a mistake of yours',
    ...stack(error).map((line) => `  ${printable(line)}`),
    'hint: report it with these lines and the command that you gave',
  ];
}

/** The stack, and those of its causes. */
function stack(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  const own = (error.stack ?? String(error)).split('\n');
  return error.cause === undefined ? own : [...own, 'because of:', ...stack(error.cause)];
}

/** A message may hold foreign words and several lines; each line is made safe by itself. */
function sentence(text: string): string {
  return text
    .split('\n')
    .map((line) => printable(line))
    .join('\n  ');
}
