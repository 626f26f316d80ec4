import type { Diff, PackageChange } from './diff.ts';
import type { FileChange } from './file-changes.ts';
import type { Aspect } from './layers/difference.ts';
import { printablePath } from './report/printable.ts';
import { count, counted, size, sizeChange } from './report/quantity.ts';
import type { Entry } from './store/manifest.ts';
import { decodeXattrs } from './store/tree.ts';

/** What differs in a file, for the eye; the modifier and the size stand elsewhere. */
export function detailOf(change: FileChange): string {
  const { before, after, aspects, moved, records } = change;
  if (!before || !after)
    return [kindWords((after ?? before)!), movedWords(moved, after)].filter(Boolean).join(', ');
  const words = aspects.map((aspect) => aspectWords(aspect, before, after)).filter((word) => word !== '');
  return [...(records ? [recordWords(records)] : []), ...words].join(', ');
}

const KINDS: Readonly<Record<Entry['type'], string>> = {
  file: 'file',
  dir: 'folder',
  symlink: 'link',
  char: 'device',
  block: 'block device',
  fifo: 'fifo',
  whiteout: 'whiteout',
};

function kindWords(entry: Entry): string {
  if (entry.type === 'file') return '';
  return entry.type === 'symlink' ? `-> ${printablePath(entry.target)}` : KINDS[entry.type];
}

function movedWords(moved: string | undefined, after: Entry | undefined): string {
  return moved === undefined ? '' : `${after ? 'was' : 'is now'} ${shownPath(moved)}`;
}

function aspectWords(aspect: Aspect, a: Entry, b: Entry): string {
  switch (aspect) {
    case 'type':
      return `${KINDS[a.type]} -> ${KINDS[b.type]}`;
    case 'content':
      return '';
    case 'target':
      return `${target(a)} -> ${target(b)}`;
    case 'device':
      return `${device(a)} -> ${device(b)}`;
    case 'mode':
      return `mode ${a.mode.toString(8)} -> ${b.mode.toString(8)}`;
    case 'owner':
      return `owner ${a.uid}:${a.gid} -> ${b.uid}:${b.gid}`;
    case 'attributes':
      return attributeWords(a, b);
    case 'links':
      return `hard link: ${linked(a)} -> ${linked(b)}`;
    case 'time':
      return `time ${time(a)} -> ${time(b)}`;
    default:
      return aspect satisfies never;
  }
}

function target(entry: Entry): string {
  return entry.type === 'symlink' ? printablePath(entry.target) : '';
}

function device(entry: Entry): string {
  return 'major' in entry ? `${entry.major}:${entry.minor}` : '';
}

function linked(entry: Entry): string {
  return entry.type === 'file' && entry.link !== undefined ? shownPath(entry.link) : 'none';
}

function time({ mtime }: Entry): string {
  const date = new Date(mtime * 1000);
  return Number.isNaN(date.getTime()) ? String(mtime) : date.toISOString().replace('.000', '');
}

function attributeWords(a: Entry, b: Entry): string {
  const [old, now] = [a, b].map(({ xattrs }) => new Map(decodeXattrs(xattrs)));
  const names = [...new Set([...old!.keys(), ...now!.keys()])].sort();
  const words = names.flatMap((name) => {
    const [was, is] = [old!.get(name), now!.get(name)];
    if (was && is) return was.equals(is) ? [] : [`${printablePath(name)} changed`];
    return [`${printablePath(name)} is ${was ? 'gone' : 'new'}`];
  });
  return `attribute ${words.join(', ')}`;
}

const NAMED_RECORDS = 3;

function recordWords(records: NonNullable<FileChange['records']>): string {
  const named = records.slice(0, NAMED_RECORDS).map(({ modifier, record }) => {
    return `${modifier === 'M' ? '' : modifier}${printablePath(record.replaceAll('\0', ' '))}`;
  });
  const more = records.length - named.length;
  return `${counted(records.length, 'record')}: ${named.join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
}

/** As a person reads it. */
export function shownPath(path: string): string {
  return `/${printablePath(path)}`;
}

export function versionWords({ before, after }: PackageChange): string {
  const [was, is] = [before, after].map((one) => {
    if (!one) return undefined;
    return one.state === 'installed' ? one.version : `${one.version} (${one.state})`;
  });
  return was !== undefined && is !== undefined ? `${was} -> ${is}` : (is ?? was ?? '');
}

export function totalWords({ a, b, files, count: counts }: Diff): string {
  const parts = [
    `${count(counts['+'])} added`,
    `${count(counts['-'])} removed`,
    `${count(counts.M)} content`,
    `${count(counts.U)} metadata`,
    `${count(counts.T)} type`,
  ];
  const sizes = `${size(a.bytes)} -> ${size(b.bytes)}, ${sizeChange(b.bytes - a.bytes)}`;
  return `${counted(files.length, 'path')}: ${parts.join(', ')}; size ${sizes}`;
}
