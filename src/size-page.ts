import { bytesOf } from './layers/difference.ts';
import type { Page, PageColumn, PageFile, PageTable } from './report/page.ts';
import { printablePath } from './report/printable.ts';
import { count, size } from './report/quantity.ts';
import { DATABASES, type PackageShare, type Share, type SizedFile, type Sizes } from './size.ts';

/** What a tree holds as a page. */
export function sizePage(sizes: Sizes): Page {
  const { name, kind, bytes, paths } = sizes;
  const layers = sizes.layers.map((layer) => layer.name);
  const packages = sizes.packages.filter((one) => one.kind === 'package').map((one) => one.name);
  const positions = { layers: positionsOf(layers), packages: positionsOf(packages) };
  return {
    title: printablePath(name),
    subtitle: `What makes this ${kind === 'build' ? 'image' : kind} large.`,
    facts: [
      { label: 'Size', value: size(bytes) },
      { label: 'Paths', value: count(paths) },
      ...(layers.length > 0 ? [{ label: 'Layers', value: count(layers.length) }] : []),
      ...(packages.length > 0 ? [{ label: 'Packages', value: count(packages.length) }] : []),
    ],
    tables: [
      tableOf('Layers', 'layer', sizes.layers, bytes),
      packageTable(sizes.packages, bytes),
      tableOf('Folders', 'folder', shownFolders(sizes), bytes),
    ],
    files: {
      title: 'Files',
      legend: 'An area is the size of a file or folder. Hard links count once. A click goes into a folder.',
      kind: 'sizes',
      layers,
      packages,
      rows: rowsOf(sizes.files, positions),
    },
  };
}

/** Those that are a hundredth of the whole and more. */
export function shownFolders({ folders, bytes }: Sizes): Share[] {
  return folders
    .filter((folder) => folder.name !== '' && folder.bytes > 0 && folder.bytes * 100 >= bytes)
    .map((folder) => ({ ...folder, name: `/${printablePath(folder.name)}` }));
}

/** The name of a row of the table by package. */
export function packageName({ kind, name }: PackageShare): string {
  if (kind === 'package') return name;
  return kind === 'none' ? '(of no package)' : name === DATABASES ? DATABASES : `(scriptlet ${name})`;
}

function tableOf(title: string, first: string, shares: readonly Share[], whole: number): PageTable {
  const columns: PageColumn[] = [
    { title: first, kind: 'text' },
    { title: 'paths', kind: 'number' },
    { title: 'size', kind: 'number' },
    { title: 'share', kind: 'share' },
  ];
  const rows = shares.map(({ name, paths, bytes }) => {
    const share = hundredths(bytes, whole);
    return [
      name,
      { text: count(paths), sort: paths },
      { text: size(bytes), sort: bytes },
      { text: `${share.toFixed(1)} %`, sort: share },
    ];
  });
  return { title, columns, rows };
}

function packageTable(packages: readonly PackageShare[], whole: number): PageTable {
  const named = packages.map((one) => ({ ...one, name: packageName(one) }));
  const { title, columns, rows } = tableOf('Packages', 'package', named, whole);
  return {
    title,
    columns: [columns[0]!, { title: 'version', kind: 'text' }, ...columns.slice(1)],
    rows: rows.map(([name, ...rest], at) => [name!, packages[at]!.version ?? '', ...rest]),
  };
}

export function hundredths(part: number, whole: number): number {
  return whole === 0 ? 0 : (part / whole) * 100;
}

type Positions = Readonly<Record<'layers' | 'packages', ReadonlyMap<string, number>>>;

function positionsOf(names: readonly string[]): Map<string, number> {
  return new Map(names.map((name, at) => [name, at]));
}

function* rowsOf(files: Iterable<SizedFile>, positions: Positions): Generator<PageFile> {
  for (const file of files) if (file.entry.type !== 'dir') yield row(file, positions);
}

function row(
  { entry, layer = DATABASES, package: owner = '' }: SizedFile,
  { layers, packages }: Positions,
): PageFile {
  const bytes = bytesOf(entry);
  const detail =
    entry.type === 'file' && entry.link !== undefined ? `hard link of /${printablePath(entry.link)}` : '';
  return [
    printablePath(entry.path),
    bytes,
    bytes,
    layers.get(layer) ?? -1,
    packages.get(owner) ?? -1,
    '',
    detail,
  ];
}
