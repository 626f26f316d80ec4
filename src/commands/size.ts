import { resolve } from 'node:path';
import { writePage } from '../page-file.ts';
import { printablePath } from '../report/printable.ts';
import { count, counted, size } from '../report/quantity.ts';
import { type Column, table } from '../report/table.ts';
import { type Share, type Sizes, sizesOf } from '../size.ts';
import { hundredths, packageName, shownFolders, sizePage } from '../size-page.ts';
import { printable } from '../store/manifest.ts';
import { chooseProject } from './choose.ts';
import { print, printJson, reporting, say } from './print.ts';
import type { Command } from './session.ts';

export const DIVISIONS = ['layer', 'package', 'folder'] as const;
type Division = (typeof DIVISIONS)[number];

export type SizeOptions = { readonly by?: Division; readonly json?: boolean; readonly html?: string };

/** Rows of a table, where three are shown. */
const LARGEST = 15;

/** `snap size [IMAGE]` */
export const sizeCommand: Command<[image?: string], SizeOptions> = (session, [image], { by, json, html }) =>
  reporting(json === true, async () => {
    const sizes = await sizesOf(() => chooseProject(session), image, session.signal);
    for (const note of sizes.notes) say(note);
    if (html !== undefined) {
      writePage(resolve(html), sizePage(sizes));
      say(resolve(html));
    }
    if (json) printJson(sizesValue(sizes));
    else for (const line of lines(sizes, by)) print(line);
    return 0;
  });

function lines(sizes: Sizes, by: Division | undefined): string[] {
  const rows = rowsOf(sizes);
  const divisions = by === undefined ? DIVISIONS.filter((one) => rows[one].length > 0) : [by];
  const most = by === undefined ? LARGEST : Number.POSITIVE_INFINITY;
  const { name, paths, bytes } = sizes;
  return [
    `${printablePath(name)}: ${size(bytes)}, ${counted(paths, 'path')}`,
    ...divisions.flatMap((division) => ['', ...shareTable(division, rows[division], bytes, most)]),
  ];
}

function rowsOf(sizes: Sizes): Readonly<Record<Division, readonly Share[]>> {
  return {
    layer: sizes.layers,
    package: sizes.packages.map((one) => ({ ...one, name: packageName(one) })),
    folder: shownFolders(sizes),
  };
}

function shareTable(division: Division, all: readonly Share[], whole: number, most: number): string[] {
  const layout: readonly Column[] = [
    { title: 'size', align: 'right' },
    { title: 'share', align: 'right' },
    { title: 'paths', align: 'right' },
    { title: division },
  ];
  const shown = all.slice(0, most);
  const rest = all.slice(most);
  const rows = shown.map((share) => row(share, whole));
  if (rest.length > 0 && division !== 'folder') rows.push(row(sumOf(rest), whole));
  const more =
    rest.length > 0 && division === 'folder'
      ? [`and ${counted(rest.length, 'folder')} more of a hundredth or more`]
      : [];
  return [...table(layout, rows), ...more];
}

function row({ name, bytes, paths }: Share, whole: number): string[] {
  return [size(bytes), `${hundredths(bytes, whole).toFixed(1)} %`, count(paths), name];
}

function sumOf(rest: readonly Share[]): Share {
  const sum = (of: (share: Share) => number): number => rest.reduce((all, share) => all + of(share), 0);
  return {
    name: `and ${count(rest.length)} more`,
    bytes: sum(({ bytes }) => bytes),
    paths: sum(({ paths }) => paths),
  };
}

/** For programs: paths as in `snap diff --json`. */
function sizesValue({ files, folders, packages, ...rest }: Sizes): object {
  return {
    ...rest,
    packages: packages.map((one) => (one.kind === 'none' ? { ...one, name: null } : one)),
    folders: folders.map((folder) => ({ ...folder, name: printable(folder.name) })),
  };
}
