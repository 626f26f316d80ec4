import { closeSync, constants, openSync, readSync } from 'node:fs';
import { nearest, SnapError } from './host/error.ts';
import { follow, spellings } from './layers/follow.ts';
import type { ImagePlan, Part } from './layers/plan.ts';
import { chooseBuild, planOfBuild } from './named-build.ts';
import { type BuildNote, buildText } from './store/builds.ts';
import type { Store } from './store/layers.ts';
import { type Entry, type File, parentOf, printable, type TreePath } from './store/manifest.ts';

/** An image that is looked into. */
export type Sight = { readonly store: Store; readonly build: BuildNote; readonly plan: ImagePlan };

/** One path of an image as it is listed. */
export type Listed = {
  readonly entry: Entry;
  /** Names of the image's own; undefined where it has none for the number. */
  readonly user: string | undefined;
  readonly group: string | undefined;
  /** The layer that it comes from; of a database file all that have records in it. */
  readonly layers: readonly { readonly name: string; readonly number: number }[];
};

/** A folder with what is in it; or a path that is none, by itself. */
export type Listing = {
  readonly path: TreePath;
  readonly isFolder: boolean;
  /** In byte order. */
  readonly entries: readonly Listed[];
};

/** @throws SnapError as `chooseBuild` and `planOfBuild`. */
export function see(store: Store, image: string | undefined): Sight {
  const build = chooseBuild(store, image);
  return { store, build, plan: planOfBuild(store, build) };
}

/**
 * What lies at a path, and with `recursive` in all folders beneath it, each by itself. A link at the end is not followed, unless a slash
 * comes after it.
 * @throws SnapError USAGE when nothing is there.
 */
export function* listings(sight: Sight, text: string, { recursive = false } = {}): Generator<Listing> {
  const list = lister(sight);
  const path = reach(sight, text);
  const { plan } = sight;
  if (plan.at(path)?.type !== 'dir') yield { path, isFolder: false, entries: [list(plan.partAt(path)!)] };
  else yield* folderListings(plan, path, list, recursive);
}

function* folderListings(
  plan: ImagePlan,
  path: TreePath,
  list: (part: Part) => Listed,
  recursive: boolean,
): Generator<Listing> {
  const all = recursive && path === '' ? partsByFolder(plan) : undefined;
  const partsIn = (folder: TreePath): readonly Part[] =>
    all ? (all.get(folder) ?? []) : childrenOf(plan, folder).map((child) => plan.partAt(child)!);
  const pending = [path];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const entries = partsIn(folder).map(list);
    yield { path: folder, isFolder: true, entries };
    if (!recursive) return;
    const folders = entries.filter(({ entry }) => entry.type === 'dir').map(({ entry }) => entry.path);
    pending.push(...folders.reverse());
  }
}

/** For a look at everything one walk through the layers costs less than a look at each path. */
function partsByFolder(plan: ImagePlan): ReadonlyMap<TreePath, readonly Part[]> {
  const folders = new Map<TreePath, Part[]>();
  for (const part of plan.parts()) {
    const { path } = part.entry;
    if (path === '') continue;
    const folder = folders.get(parentOf(path));
    if (folder) folder.push(part);
    else folders.set(parentOf(path), [part]);
  }
  return folders;
}

/**
 * The content of a regular file in parts, links followed within the image; each part is overwritten by the next.
 * @throws SnapError USAGE when there is no such file.
 */
export function* contentAt(sight: Sight, text: string): Generator<Buffer> {
  const { plan, build } = sight;
  const path = reach(sight, text, { last: true });
  const part = plan.partAt(path);
  if (part?.entry.type !== 'file') {
    const what = part === undefined || part.entry.type === 'dir' ? 'a folder' : NOT_READ[part.entry.type];
    throw new SnapError('USAGE', `Cannot print "${text}" of ${buildText(build)}: it is ${what}`, {
      hint: `look at it: snap ls ${buildText(build)} /${printable(path)}`,
    });
  }
  const record = plan.recordAt(path);
  if (record) yield record;
  else yield* partsOf(plan.sourceOf(part));
}

const NOT_READ: Readonly<Record<Exclude<Entry['type'], File['type'] | 'dir'>, string>> = {
  symlink: 'a link',
  char: 'a device',
  block: 'a device',
  fifo: 'a fifo',
  whiteout: 'removed',
};

function* partsOf(file: Buffer): Generator<Buffer> {
  const chunk = Buffer.alloc(1 << 18);
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    for (let length = readSync(fd, chunk); length > 0; length = readSync(fd, chunk))
      yield chunk.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

/** Where a path leads that a person wrote. */
function reach({ plan, build }: Sight, text: string, options: { readonly last?: boolean } = {}): TreePath {
  const [plain, ...others] = spellings(text).map((path) => follow(plan.at, path, options));
  const found = [plain!, ...others].find(({ kind }) => kind === 'there') ?? plain!;
  if (found.kind === 'there') return found.path;
  const { folder, name } = found;
  const names = childrenOf(plan, folder).map((path) => path.slice(folder === '' ? 0 : folder.length + 1));
  const near = nearest(name, names).map(
    (one) => `"${printable(`${folder === '' ? '' : `/${folder}`}/${one}`)}"`,
  );
  throw new SnapError('USAGE', `There is no "${text}" in ${buildText(build)}`, {
    hint:
      near.length > 0
        ? `did you mean ${near.join(' or ')}?`
        : `what is there: snap ls ${buildText(build)} /${printable(folder)}`,
  });
}

/** The paths in a folder of an image, in byte order; costs what is in it, not what is beneath. */
function childrenOf(plan: ImagePlan, folder: TreePath): TreePath[] {
  const prefix = folder === '' ? '' : `${folder}/`;
  const names = [...plan.view.namesIn(folder)].map((name) => `${prefix}${name}` as TreePath);
  const records = [...plan.records.keys()].filter((path) => parentOf(path) === folder);
  return [...new Set([...names, ...records])].filter((path) => plan.at(path) !== undefined).sort();
}

function lister({ store, plan }: Sight): (part: Part) => Listed {
  const users = namesById(plan, 'etc/passwd');
  const groups = namesById(plan, 'etc/group');
  const { layers } = plan.view;
  const layersOf = (part: Part): Listed['layers'] => {
    const { path } = part.entry;
    const makers = plan.records.has(path)
      ? layers.filter(({ row }) => Object.hasOwn(store.recordsOf(row.n), path))
      : [layers[part.layer]!];
    return makers.map(({ name, row }) => ({ name, number: row.n }));
  };
  return (part) => {
    const { uid, gid } = part.entry;
    return { entry: part.entry, user: users.get(uid), group: groups.get(gid), layers: layersOf(part) };
  };
}

/** Of several names for a number the first one counts, as for the system. */
function namesById(plan: ImagePlan, path: string): Map<number, string> {
  const lines = [...(plan.view.records.get(path)?.records.values() ?? [])];
  const fields = lines.map((line) => line.split(':')).filter(([name, , id]) => name && id);
  return new Map(fields.reverse().map(([name = '', , id]) => [Number(id), name]));
}
