import type { PageData, PageFile } from '../report/page.ts';

export type Grouping = 'folders' | 'packages' | 'layers';

/** A folder, a group of files, or a file. */
export type Branch = {
  readonly name: string;
  readonly path: string;
  weight: number;
  before: number;
  after: number;
  files: number;
  /** Of a single file. */
  file: PageFile | undefined;
  readonly children: Map<string, Branch>;
};

/** What an area stands for: bytes, of a file that differs the larger of both. */
export function weightOf([, before, after]: PageFile): number {
  return Math.max(before, after);
}

/** The files as a tree: of folders, or by package or layer and then of folders. */
export function treeOf({ rows, layers, packages, kind }: PageData, grouping: Grouping): Branch {
  const root = branch('', '');
  for (const file of rows) {
    const [path, , , layer, owner] = file;
    if (grouping === 'folders') {
      add(root, path.split('/'), file);
      continue;
    }
    const none = kind === 'differences' ? '(of no changed package)' : '(of no package)';
    const group = grouping === 'layers' ? (layers[layer] ?? '(databases)') : (packages[owner] ?? none);
    add(root, [group, ...path.split('/')], file);
  }
  return root;
}

function branch(name: string, path: string): Branch {
  return { name, path, weight: 0, before: 0, after: 0, files: 0, file: undefined, children: new Map() };
}

function add(root: Branch, parts: readonly string[], file: PageFile): void {
  let at = root;
  count(at, file);
  for (const part of parts) {
    let next = at.children.get(part);
    if (next === undefined) {
      next = branch(part, at.path === '' ? part : `${at.path}/${part}`);
      at.children.set(part, next);
    }
    at = next;
    count(at, file);
  }
  at.file = file;
}

function count(at: Branch, file: PageFile): void {
  at.weight += weightOf(file);
  at.before += file[1];
  at.after += file[2];
  at.files++;
}

/** Folders that hold one folder and nothing else are one with it. */
export function shortened(at: Branch): { readonly label: string; readonly end: Branch } {
  let end = at;
  let label = at.name;
  while (end.file === undefined && end.children.size === 1) {
    const [only] = end.children.values();
    if (!only || only.children.size === 0) break;
    end = only;
    label = `${label}/${only.name}`;
  }
  return { label, end };
}

/** The largest first. */
export function heaviest(at: Branch): Branch[] {
  return [...at.children.values()]
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight || (a.name < b.name ? -1 : 1));
}

/** A match has every word in its path, its package, its layer or its modifier's detail, whatever the case. */
export function searchIn({ rows, layers, packages }: PageData): (text: string) => readonly PageFile[] {
  let hay: string[] | undefined;
  return (text) => {
    hay ??= rows.map(([path, , , layer, owner]) =>
      `${path}\n${layers[layer] ?? ''}\n${packages[owner] ?? ''}`.toLowerCase(),
    );
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    return rows.filter((_, at) => words.every((word) => hay![at]!.includes(word)));
  };
}
