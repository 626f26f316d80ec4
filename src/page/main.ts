/** What runs in the page that `--html` writes: the treemap, the list of files, sorting and searching. */
import type { PageData } from '../report/page.ts';
import { byId } from './element.ts';
import { showList } from './list.ts';
import { searchTables, sortTables } from './table.ts';
import { showTreemap } from './treemap.ts';

/** Milliseconds after the last key. */
const PAUSE = 120;

const files = JSON.parse(byId('data').textContent ?? '') as PageData;
const searchList = showList(files);
showTreemap(files);
sortTables();

const input = byId('search') as HTMLInputElement;
let waiting: number | undefined;
input.addEventListener('input', () => {
  clearTimeout(waiting);
  waiting = window.setTimeout(() => {
    searchList(input.value);
    searchTables(input.value);
  }, PAUSE);
});
document.documentElement.classList.add('ready');
