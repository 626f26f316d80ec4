import { fieldOf } from '../debian/records.ts';
import type { TreePath } from '../store/manifest.ts';
import type { Side } from './side.ts';

/** A package as dpkg's status file has it. */
export type Package = {
  readonly name: string;
  readonly arch: string;
  readonly version: string;
  /** `installed`, or what dpkg calls it that is less. */
  readonly state: string;
  /** What its maintainer says that it takes, bytes. */
  readonly installedSize: number;
};

export const STATUS = 'var/lib/dpkg/status' as TreePath;
export const INFO = 'var/lib/dpkg/info/';
const DIVERSIONS = 'var/lib/dpkg/diversions' as TreePath;

/** Packages by name and architecture (`libc6:amd64`); of those that were removed only configuration is left, and they are not here. */
export function packagesOf(side: Pick<Side, 'recordsAt'>): Map<string, Package> {
  const packages = new Map<string, Package>();
  for (const [key, stanza] of stanzas(side)) {
    const [, , state = ''] = fieldOf(stanza, 'Status').split(' ');
    if (state === 'config-files' || state === 'not-installed' || state === '') continue;
    const installedSize = Number(fieldOf(stanza, 'Installed-Size')) * 1024 || 0;
    const [name, arch] = [fieldOf(stanza, 'Package'), fieldOf(stanza, 'Architecture')];
    packages.set(key, { name, arch, version: fieldOf(stanza, 'Version'), state, installedSize });
  }
  return packages;
}

/** The configuration files that packages declare. */
export function conffilesOf(side: Pick<Side, 'recordsAt'>): Set<string> {
  const paths = new Set<string>();
  for (const [, stanza] of stanzas(side)) {
    for (const [, path = ''] of fieldOf(stanza, 'Conffiles').matchAll(/^ ?\/(.+) [0-9a-f]{32}(?: \S+)?$/gm))
      paths.add(path);
  }
  return paths;
}

function* stanzas(side: Pick<Side, 'recordsAt'>): Generator<[key: string, stanza: string]> {
  for (const [key, stanza] of side.recordsAt(STATUS) ?? []) {
    if (stanza && !key.includes('\0') && !key.startsWith('\u0001')) yield [key, stanza];
  }
}

type Contents = Pick<Side, 'get' | 'contentOf' | 'recordsAt'>;

/**
 * The paths that packages hold, as the tree has them: archives name `/lib/x` what lies at `usr/lib/x` where `/lib` is a link, and a path
 * that another package diverts lies elsewhere. Folders, which many packages hold, are there too, but not what lies at the top: packages
 * name `/lib` there as a folder.
 */
export function* pathsOf(side: Contents, packages: Iterable<Package>): Generator<[Package, TreePath]> {
  const aliases = new Map<string, string>();
  const diverted = diversionsOf(side);
  for (const one of packages) {
    for (const line of listOf(side, one)) {
      const path = plain(side, aliases, line.slice(1));
      const diversion = diverted.get(line.slice(1));
      yield [one, diversion && diversion.by !== one.name ? plain(side, aliases, diversion.to) : path];
    }
    for (const ending of ENDINGS) {
      for (const name of [one.name, `${one.name}:${one.arch}`])
        yield [one, `${INFO}${name}.${ending}` as TreePath];
    }
  }
}

/** The files that dpkg keeps of a package. */
const ENDINGS =
  'list md5sums preinst postinst prerm postrm conffiles config templates triggers shlibs symbols'.split(' ');

function listOf(side: Contents, { name, arch }: Package): string[] {
  for (const file of [`${name}:${arch}`, name]) {
    const path = `${INFO}${file}.list` as TreePath;
    const content = side.get(path)?.type === 'file' ? side.contentOf(path) : undefined;
    if (content)
      return content
        .toString('latin1')
        .split('\n')
        .filter((line) => line.includes('/', 1));
  }
  return [];
}

/** The first part of a path may be a link: /lib to usr/lib. */
function plain(side: Contents, aliases: Map<string, string>, path: string): TreePath {
  const [first = '', ...rest] = path.split('/');
  const entry = aliases.has(first) ? undefined : side.get(first as TreePath);
  const alias = entry?.type === 'symlink' ? entry.target.replace(/^\/+|\/+$/g, '') : first;
  if (!aliases.has(first)) aliases.set(first, alias);
  return [aliases.get(first), ...rest].join('/') as TreePath;
}

type Diversion = { readonly to: string; readonly by: string };

function diversionsOf(side: Contents): Map<string, Diversion> {
  const records = [...(side.recordsAt(DIVERSIONS)?.values() ?? [])];
  return new Map(
    records.flatMap((record): [string, Diversion][] => {
      const [from = '', to = '', by = ''] = record?.split('\n') ?? [];
      return from.startsWith('/') ? [[from.slice(1), { to: to.slice(1), by }]] : [];
    }),
  );
}
