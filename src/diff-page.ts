import type { Diff, LayerChange, PackageChange } from './diff.ts';
import { detailOf, versionWords } from './diff-words.ts';
import type { FileChange, FileChanges } from './file-changes.ts';
import { bytesOf } from './layers/difference.ts';
import type { Fact, Page, PageCell, PageFile, PageTable, Tone } from './report/page.ts';
import { printablePath } from './report/printable.ts';
import { count, size, sizeChange } from './report/quantity.ts';

/** A diff as a page. */
export function diffPage(diff: Diff): Page {
  const { a, b, files } = diff;
  const layers = namesOf(files, layerOf);
  const packages = namesOf(files, (file) => file.package);
  return {
    title: `${printablePath(a.name)} → ${printablePath(b.name)}`,
    subtitle: diff.same ? 'Nothing differs.' : `${a.kind} against ${b.kind}, what differs`,
    facts: factsOf(diff),
    tables: [layerTable(diff.layers), packageTable(diff.packages)],
    files: {
      title: 'Paths that differ',
      legend:
        'An area is the size of what differs, the larger one of before and after. Green: added. Red: removed. Yellow: changed.',
      kind: 'differences',
      layers,
      packages,
      rows: rowsOf(files, layers, packages),
    },
  };
}

function factsOf({ a, b, count: counts, ignored }: Diff): Fact[] {
  const leftOut = ignored.paths + ignored.times;
  return [
    { label: 'Size', value: size(b.bytes) },
    { label: 'Change', value: sizeChange(b.bytes - a.bytes), ...toned(b.bytes - a.bytes) },
    { label: 'Paths', value: count(b.paths) },
    { label: 'Added', value: count(counts['+']) },
    { label: 'Removed', value: count(counts['-']) },
    { label: 'Content', value: count(counts.M) },
    { label: 'Metadata', value: count(counts.U) },
    { label: 'Type', value: count(counts.T) },
    ...(leftOut > 0 ? [{ label: 'Left out', value: count(leftOut) }] : []),
  ];
}

function toned(bytes: number): { readonly tone?: Tone } {
  return bytes === 0 ? {} : { tone: bytes > 0 ? 'more' : 'less' };
}

function changeCell(bytes: number): PageCell {
  return { text: sizeChange(bytes), sort: bytes, ...toned(bytes) };
}

function numberCell(number: number): PageCell {
  return { text: count(number), sort: number };
}

function layerTable(layers: readonly LayerChange[]): PageTable {
  const columns = [
    { title: 'layer', kind: 'text' },
    { title: 'change', kind: 'text' },
    { title: 'reason', kind: 'text' },
    { title: 'paths', kind: 'number' },
    { title: 'size', kind: 'number' },
  ] as const;
  const rows = layers.map(({ name, change, reason = '', paths, bytes }) => [
    name,
    change,
    reason,
    numberCell(paths),
    changeCell(bytes),
  ]);
  return { title: 'Layers', columns, rows };
}

function packageTable(packages: readonly PackageChange[]): PageTable {
  const columns = [
    { title: 'package', kind: 'text' },
    { title: 'change', kind: 'text' },
    { title: 'version', kind: 'text' },
    { title: 'paths', kind: 'number' },
    { title: 'size', kind: 'number' },
  ] as const;
  const rows = packages.map((one) => {
    const change = !one.before ? 'new' : one.after ? 'changed' : 'gone';
    return [one.name, change, versionWords(one), numberCell(one.files), changeCell(one.bytes)];
  });
  return { title: 'Packages', columns, rows };
}

function namesOf(files: FileChanges, nameOf: (file: FileChange) => string | undefined): string[] {
  const names = new Set<string | undefined>();
  for (const file of files) names.add(nameOf(file));
  return [...names].filter((name) => name !== undefined).sort();
}

function* rowsOf(
  files: FileChanges,
  layers: readonly string[],
  packages: readonly string[],
): Generator<PageFile> {
  for (const file of files) yield row(file, layers, packages);
}

function layerOf({ layers }: FileChange): string | undefined {
  return layers.after ?? layers.before;
}

function row(file: FileChange, layers: readonly string[], packages: readonly string[]): PageFile {
  const { path, before, after, modifier } = file;
  return [
    path === '' ? '(root)' : printablePath(path),
    bytesOf(before),
    bytesOf(after),
    layers.indexOf(layerOf(file) ?? ''),
    packages.indexOf(file.package ?? ''),
    modifier,
    detailOf(file),
  ];
}
