import type { PageData, PageFile } from '../report/page.ts';
import { count } from '../report/quantity.ts';
import { byId, element } from './element.ts';
import { type Branch, searchIn, shortened, treeOf } from './tree.ts';
import { filesWords, ownerWords, sizeWords, toneOf } from './words.ts';

/** Rows that are made at a time: an element costs more than a path. */
const AT_ONCE = 300;
/** A list that is no longer is opened as a whole. */
const SHORT = 60;

/** The files as folders that open, made when they are opened; returns what shows the matches of a search instead. */
export function showList(files: PageData): (text: string) => void {
  const list = byId('list');
  const tree = treeOf(files, 'folders');
  const search = searchIn(files);
  const whole = (): void => {
    list.replaceChildren(...folderRows(files, tree, files.rows.length <= SHORT));
    if (files.rows.length === 0) list.append(element('p', 'empty', 'none'));
  };
  whole();
  return (text) => {
    if (text.trim() === '') return whole();
    const found = search(text);
    list.replaceChildren(
      element('p', 'empty', `${count(found.length)} of ${count(files.rows.length)} paths`),
    );
    appendMore(list, found, (file) => fileRow(files, file, file[0]));
  };
}

function folderRows(files: PageData, at: Branch, open: boolean): Node[] {
  const holder = element('div', 'folder');
  const children = [...at.children.values()].sort(byKindThenSize);
  appendMore(holder, children, (child) => branchRow(files, child, open));
  return [...holder.childNodes];
}

function byKindThenSize(a: Branch, b: Branch): number {
  return (
    Number(a.children.size === 0) - Number(b.children.size === 0) ||
    b.weight - a.weight ||
    (a.name < b.name ? -1 : 1)
  );
}

function branchRow(files: PageData, branch: Branch, open: boolean): HTMLElement {
  if (branch.children.size === 0 && branch.file) return fileRow(files, branch.file, branch.name);
  const { label, end } = shortened(branch);
  const summary = element(
    'summary',
    'row',
    badge(end.file?.[5] ?? ''),
    element('span', 'name', `${label}/`),
    element('span', 'detail', `${filesWords(end)}${end.file ? `  ${end.file[6]}` : ''}`),
    element('span', 'amount', sizeWords(files.kind, end.before, end.after)),
  );
  const details = element('details', '', summary);
  const fill = (): void => {
    if (details.open && details.childElementCount === 1)
      details.append(element('div', 'inside', ...folderRows(files, end, open)));
  };
  details.addEventListener('toggle', fill);
  details.open = open;
  fill();
  return details;
}

function fileRow(files: PageData, file: PageFile, name: string): HTMLElement {
  const [, before, after, , , modifier, detail] = file;
  return element(
    'div',
    'row file',
    badge(modifier),
    element('span', 'name', name),
    element('span', 'detail', detail),
    element('span', 'owner', ownerWords(files, file)),
    element('span', 'amount', sizeWords(files.kind, before, after)),
  );
}

function badge(modifier: string): HTMLElement {
  return element('span', `badge ${toneOf(modifier)}`, modifier);
}

function appendMore<T>(to: HTMLElement, items: readonly T[], row: (item: T) => Node): void {
  to.append(...items.slice(0, AT_ONCE).map(row));
  const rest = items.slice(AT_ONCE);
  if (rest.length === 0) return;
  const more = element('button', 'show-more', `Show more, ${count(rest.length)} are left`);
  more.type = 'button';
  more.addEventListener('click', () => {
    const parent = more.parentElement!;
    more.remove();
    appendMore(parent, rest, row);
  });
  to.append(more);
}
