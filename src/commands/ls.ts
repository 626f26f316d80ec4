import { type Listed, type Listing, listings, see } from '../look.ts';
import { lookInto } from '../named-build.ts';
import { printablePath } from '../report/printable.ts';
import { localTime } from '../report/quantity.ts';
import { table } from '../report/table.ts';
import { buildText } from '../store/builds.ts';
import { type Entry, printable } from '../store/manifest.ts';
import { chooseProject } from './choose.ts';
import { print, printJson, reporting } from './print.ts';
import type { Command } from './session.ts';

export type LsOptions = { readonly recursive?: boolean; readonly json?: boolean };

/** `snap ls [IMAGE] [PATH]` */
export const lsCommand: Command<[first?: string, second?: string], LsOptions> = (session, args, options) =>
  reporting(options.json === true, () => {
    const { image, paths } = imageAndPaths(args.filter((arg) => arg !== undefined));
    return lookInto(chooseProject(session), (store) => {
      const sight = see(store, image);
      const found = listings(sight, paths[0] ?? '/', { recursive: options.recursive === true });
      if (options.json) printJson({ image: buildText(sight.build), ...listingValue(found) });
      else printListings(found, options.recursive === true);
      return 0;
    });
  });

/** What is a path has a slash in it; only then the first argument names no image. */
export function imageAndPaths(args: readonly string[]): {
  readonly image?: string;
  readonly paths: readonly string[];
} {
  const [first, ...rest] = args;
  return first === undefined || first.includes('/') ? { paths: args } : { image: first, paths: rest };
}

function printListings(found: Iterable<Listing>, recursive: boolean): void {
  let before = false;
  for (const { path, isFolder, entries } of found) {
    if (before) print('');
    if (recursive && isFolder) print(`/${printablePath(path)}:`);
    const rows = entries.map((one) => row(one, isFolder ? nameOf(one.entry) : `/${path}`));
    for (const line of table(LAYOUT, rows).slice(1)) print(line);
    before = true;
  }
}

const LAYOUT = [
  { title: '' },
  { title: '' },
  { title: '' },
  { title: '', align: 'right' },
  { title: '' },
  { title: '' },
  { title: '' },
] as const;

function row({ entry, user, group, layers }: Listed, name: string): string[] {
  const target = entry.type === 'symlink' ? ` -> ${printablePath(entry.target)}` : '';
  return [
    modeText(entry),
    user ?? String(entry.uid),
    group ?? String(entry.gid),
    sizeText(entry),
    localTime(new Date(entry.mtime * 1000).toISOString()),
    layers.length > 2
      ? `${layers[0]!.name} +${layers.length - 1}`
      : layers.map((layer) => layer.name).join(','),
    `${printablePath(name)}${target}`,
  ];
}

function nameOf({ path }: Entry): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

const LETTERS: Readonly<Record<Entry['type'], string>> = {
  file: '-',
  dir: 'd',
  symlink: 'l',
  char: 'c',
  block: 'b',
  fifo: 'p',
  whiteout: '?',
};

/** `-rwsr-xr-x`, with `+` where there are attributes besides: capabilities, ACLs. */
function modeText({ type, mode, xattrs }: Entry): string {
  const bits = [6, 3, 0].map((shift, who) => {
    const three = mode >> shift;
    const special = (mode >> (11 - who)) & 1;
    const executes = three & 1;
    const letter = who === 2 ? 't' : 's';
    const last = special ? (executes ? letter : letter.toUpperCase()) : executes ? 'x' : '-';
    return `${three & 4 ? 'r' : '-'}${three & 2 ? 'w' : '-'}${last}`;
  });
  return `${LETTERS[type]}${type === 'symlink' ? 'rwxrwxrwx' : bits.join('')}${xattrs === '' ? '' : '+'}`;
}

/** Bytes; of a device its numbers. */
function sizeText(entry: Entry): string {
  if (entry.type === 'file') return String(entry.size);
  if (entry.type === 'symlink') return String(entry.target.length);
  return entry.type === 'char' || entry.type === 'block' ? `${entry.major}, ${entry.minor}` : '';
}

const TYPES: Readonly<Record<Entry['type'], string>> = {
  file: 'file',
  dir: 'folder',
  symlink: 'link',
  char: 'char device',
  block: 'block device',
  fifo: 'fifo',
  whiteout: 'removed',
};

/** For `printJson`: the first listing is that of what was asked for. */
function listingValue(found: Iterable<Listing>): object {
  const listings = found[Symbol.iterator]();
  const first = listings.next();
  return {
    path: `/${printable(first.done ? '' : first.value.path)}`,
    entries: (function* () {
      for (let next = first; !next.done; next = listings.next()) yield* next.value.entries.map(entryValue);
    })(),
  };
}

function entryValue({ entry, user, group, layers }: Listed): object {
  const { path, type, mode, uid, gid, mtime, xattrs } = entry;
  return {
    path: `/${printable(path)}`,
    type: TYPES[type],
    mode: mode.toString(8).padStart(4, '0'),
    uid,
    gid,
    user: user ?? null,
    group: group ?? null,
    modified: new Date(mtime * 1000).toISOString(),
    ...(entry.type === 'file' ? { bytes: entry.size, digest: entry.digest } : {}),
    ...(entry.type === 'file' && entry.link !== undefined ? { link: `/${printable(entry.link)}` } : {}),
    ...(entry.type === 'symlink' ? { target: printable(entry.target) } : {}),
    ...(entry.type === 'char' || entry.type === 'block' ? { major: entry.major, minor: entry.minor } : {}),
    ...(xattrs === '' ? {} : { xattrs }),
    layers,
  };
}
