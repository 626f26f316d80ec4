/** Lets a click on a heading sort its table, and shows of every table the rows that match a search. */
export function sortTables(): void {
  for (const heading of document.querySelectorAll<HTMLTableCellElement>('th')) {
    heading.tabIndex = 0;
    heading.setAttribute('role', 'button');
    heading.addEventListener('click', () => sortBy(heading));
    heading.addEventListener('keydown', ({ key }) => {
      if (key === 'Enter') sortBy(heading);
    });
  }
}

function sortBy(heading: HTMLTableCellElement): void {
  const body = heading.closest('table')?.tBodies[0];
  if (!body) return;
  const at = heading.cellIndex;
  const descending = heading.getAttribute('aria-sort') === 'descending';
  for (const other of heading.parentElement?.children ?? []) other.removeAttribute('aria-sort');
  heading.setAttribute('aria-sort', descending ? 'ascending' : 'descending');
  const direction = descending ? 1 : -1;
  const rows = [...body.rows].sort((a, b) => direction * compare(a.cells[at], b.cells[at]));
  body.append(...rows);
}

function compare(a: HTMLTableCellElement | undefined, b: HTMLTableCellElement | undefined): number {
  const [left, right] = [a?.dataset.sort, b?.dataset.sort];
  if (left !== undefined && right !== undefined) return Number(left) - Number(right);
  return (a?.textContent ?? '').localeCompare(b?.textContent ?? '');
}

export function searchTables(text: string): void {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const table of document.querySelectorAll<HTMLDetailsElement>('details.table')) {
    let shown = 0;
    for (const row of table.querySelectorAll<HTMLTableRowElement>('tbody tr')) {
      const content = (row.textContent ?? '').toLowerCase();
      row.hidden = !words.every((word) => content.includes(word));
      if (!row.hidden) shown++;
    }
    const all = table.querySelectorAll('tbody tr').length;
    table.querySelector('.count')!.textContent = shown === all ? String(all) : `${shown} of ${all}`;
    if (words.length > 0 && shown > 0) table.open = true;
  }
}
