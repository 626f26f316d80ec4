import { columns, printable } from './printable.ts';

export type Column = { readonly title: string; readonly align?: 'left' | 'right' };

/**
 * Rows as aligned columns under their titles, two spaces apart, without trailing space. Numbers are given as text, in a column
 * that is aligned to the right. No rows: no lines.
 */
export function table(layout: readonly Column[], rows: Iterable<readonly string[]>): string[] {
  return [...tableLines(layout, rows)];
}

/** The same a line at a time. Goes through the rows twice, and holds none of them. */
export function* tableLines(layout: readonly Column[], rows: Iterable<readonly string[]>): Generator<string> {
  const widths = layout.map(() => 0);
  const widen = (row: readonly string[]): void => {
    for (const [at, width] of widths.entries()) widths[at] = Math.max(width, columns(row[at] ?? ''));
  };
  const line = (row: readonly string[]): string =>
    layout
      .map((column, at) => pad(row[at] ?? '', widths[at]!, column.align ?? 'left'))
      .join('  ')
      .trimEnd();
  let isEmpty = true;
  for (const row of rows) {
    widen(row.map(printable));
    isEmpty = false;
  }
  if (isEmpty) return;
  const titles = layout.map(({ title }) => title);
  widen(titles);
  yield line(titles);
  for (const row of rows) yield line(row.map(printable));
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - columns(text)));
  return align === 'right' ? space + text : text + space;
}
