import { columns, printable } from './printable.ts';

export type Column = { readonly title: string; readonly align?: 'left' | 'right' };

/**
 * Rows as aligned columns under their titles, two spaces apart, without trailing space. Numbers are given as text, in a column
 * that is aligned to the right. No rows: no lines.
 */
export function table(layout: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const cells = [layout.map((column) => column.title), ...rows.map((row) => row.map(printable))];
  const widths = layout.map((_, at) =>
    cells.reduce((widest, row) => Math.max(widest, columns(row[at] ?? '')), 0),
  );
  return cells.map((row) =>
    layout
      .map((column, at) => pad(row[at] ?? '', widths[at]!, column.align ?? 'left'))
      .join('  ')
      .trimEnd(),
  );
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - columns(text)));
  return align === 'right' ? space + text : text + space;
}
