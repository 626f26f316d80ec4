import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fieldOf } from '../debian/records.ts';
import type { LayerRow, RecordPatches, Store } from '../store/layers.ts';
import type { Entry, TreePath } from '../store/manifest.ts';
import { at } from '../store/tree.ts';

/** A package whose archive holds a path. */
export type Owner = {
  /** Without architecture. */
  readonly name: string;
  readonly version: string;
  /** Whether the file is as the archive holds it, by dpkg's own checksum; a file without one counts as intact. */
  readonly intact: boolean;
};

type Contents = Pick<Store, 'manifestOf' | 'recordsOf' | 'treeOf'>;
type Layer = { readonly row: LayerRow };

const INFO = 'var/lib/dpkg/info/';
const STATUS = 'var/lib/dpkg/status';

/** How packages may have come to hold a path. */
export type Claim = {
  /** The paths under which archives may hold it. */
  readonly names: readonly string[];
  /** Whether that of this package would lie here. */
  mayHold(name: string): boolean;
};

/**
 * The package that a layer brought the path with. `entry` is what the layer left there. Undefined where no package, or several (as for a
 * folder), have it.
 */
export function ownerIn(
  contents: Contents,
  { row }: Layer,
  path: TreePath,
  { names, mayHold }: Claim,
  entry: Entry | undefined,
): Owner | undefined {
  const control = path.startsWith(INFO) ? /^(.+)\.[^.]+$/.exec(path.slice(INFO.length))?.[1] : undefined;
  const holding = control === undefined ? listing(contents, row, names) : [control];
  const listed = holding.filter((name) => mayHold(name.split(':')[0]!));
  const plain = new Set(listed.map((name) => name.split(':')[0]!));
  const [owner = ''] = listed;
  const stanza = plain.size === 1 ? stanzaOf(contents.recordsOf(row.n), owner) : undefined;
  if (stanza === undefined) return undefined;
  const sum = control === undefined ? checksum(contents, row, owner, stanza, names) : undefined;
  const intact = sum === undefined || entry?.type !== 'file' || sum === md5(contents, row, path);
  return { name: owner.split(':')[0]!, version: fieldOf(stanza, 'Version'), intact };
}

/** The stanzas of dpkg's status that a layer set. */
export function stanzasOf(records: RecordPatches): string[] {
  return (records[STATUS] ?? []).flatMap(([key, value]) =>
    value === null || value === '' || key.includes('\0') || key.startsWith('\u0001') ? [] : [value],
  );
}

function stanzaOf(records: RecordPatches, name: string): string | undefined {
  const [plain, arch] = name.split(':');
  return stanzasOf(records).find(
    (stanza) =>
      fieldOf(stanza, 'Package') === plain &&
      (arch === undefined || fieldOf(stanza, 'Architecture') === arch),
  );
}

/** The packages, as their control files are named, whose list has one of these paths. */
function listing(contents: Contents, row: LayerRow, names: readonly string[]): string[] {
  const owners: string[] = [];
  for (const { path, type } of contents.manifestOf(row.n).values()) {
    if (type !== 'file' || !path.startsWith(INFO) || !path.endsWith('.list')) continue;
    const list = `\n${readFileSync(at(contents.treeOf(row.n), path), 'latin1')}`;
    if (names.some((name) => list.includes(`\n/${name}\n`)))
      owners.push(path.slice(INFO.length, -'.list'.length));
  }
  return owners;
}

/** What dpkg wrote down of a file of a package: in the package's list of checksums, or as that of a configuration file. */
function checksum(
  contents: Contents,
  row: LayerRow,
  owner: string,
  stanza: string,
  names: readonly string[],
): string | undefined {
  const sums = `${INFO}${owner}.md5sums` as TreePath;
  const listed =
    contents.manifestOf(row.n).get(sums)?.type === 'file'
      ? readFileSync(at(contents.treeOf(row.n), sums), 'latin1').split('\n')
      : [];
  const files = new Map(listed.map((line) => [line.slice(34), line.slice(0, 32)]));
  for (const line of fieldOf(stanza, 'Conffiles').split('\n')) {
    const [, name = '', sum = ''] = /^ ?\/(.+) ([0-9a-f]{32})(?: obsolete)?$/.exec(line) ?? [];
    files.set(name, sum);
  }
  return names.map((name) => files.get(name)).find((sum) => sum !== undefined);
}

function md5(contents: Contents, row: LayerRow, path: TreePath): string {
  return createHash('md5')
    .update(readFileSync(at(contents.treeOf(row.n), path)))
    .digest('hex');
}
