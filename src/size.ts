import { SnapError } from './host/error.ts';
import { bytesOf } from './layers/difference.ts';
import { type Package, packagesOf, pathsOf } from './layers/packages.ts';
import { lookInto, type Side } from './layers/side.ts';
import { openSide } from './sides.ts';
import { keptBuilds } from './store/builds.ts';
import { type HeldStore, openHeld } from './store/held-store.ts';
import type { Store } from './store/layers.ts';
import { type Entry, parentOf, type TreePath } from './store/manifest.ts';

/** One part of a whole: bytes are those of regular files, hard links counted once. */
export type Share = { readonly name: string; readonly bytes: number; readonly paths: number };

/** `scriptlet`: what no package's list names, by the layer that made it; `none` where there are no layers. */
export type PackageShare = Share & {
  readonly kind: 'package' | 'scriptlet' | 'none';
  readonly version?: string;
  /** What its maintainer says that it takes, bytes. */
  readonly installedSize?: number;
};

export type SizedFile = {
  readonly entry: Entry;
  /** Undefined: a database file, to which several layers add; or there are no layers. */
  readonly layer: string | undefined;
  readonly package: string | undefined;
};

/** What a tree holds. Each list has the largest first. */
export type Sizes = {
  readonly name: string;
  readonly kind: Side['kind'];
  readonly bytes: number;
  readonly paths: number;
  /** None but for a build. */
  readonly layers: readonly Share[];
  readonly packages: readonly PackageShare[];
  /** With all that lies below; the root has the empty name. */
  readonly folders: readonly Share[];
  /** All in byte order. */
  readonly files: readonly SizedFile[];
  readonly notes: readonly string[];
};

/** A tree by layer, by package, by folder. `image` is what `snap diff` takes; without it the build that was made last. */
export async function sizesOf(
  project: () => string,
  image: string | undefined,
  signal: AbortSignal,
): Promise<Sizes> {
  let opened: HeldStore | undefined;
  const store = (): Store => {
    opened ??= openHeld(project());
    return opened.store;
  };
  try {
    const { side, notes } = await openSide(store, image ?? lastBuilt(store()), { signal });
    return await lookInto(side.name, () => ({ ...sized(side), notes }));
  } finally {
    opened?.[Symbol.dispose]();
  }
}

function lastBuilt(store: Store): string {
  const last = [...new Set(keptBuilds(store.layout).map(({ conf }) => conf))]
    .flatMap((conf) => store.lastBuild(conf) ?? [])
    .sort((a, b) => b.made - a.made)[0];
  if (last) return last.conf;
  throw new SnapError('USAGE', 'No conf was built yet', { hint: 'build one first: snap build' });
}

function sized(side: Side): Omit<Sizes, 'notes'> {
  const owners = ownersIn(side);
  const files: SizedFile[] = [];
  const layers = new Sums<Share>((name) => ({ name, bytes: 0, paths: 0 }));
  const packages = new Sums<PackageShare>((name) => packageShare(name, owners.known));
  const folders = new Sums<Share>((name) => ({ name, bytes: 0, paths: 0 }));
  for (const { entry, layer } of side.parts()) {
    const owner = entry.type === 'dir' ? undefined : owners.byPath.get(entry.path);
    files.push({ entry, layer, package: owner });
    if (side.plan) layers.add(layer ?? DATABASES, entry);
    packages.add(owner ?? `${NO_PACKAGE}${side.plan ? (layer ?? DATABASES) : ''}`, entry);
    for (let folder = entry.path; folder !== ''; ) {
      folder = parentOf(folder);
      folders.add(folder, entry);
    }
  }
  const bytes = files.reduce((sum, { entry }) => sum + bytesOf(entry), 0);
  const { name, kind } = side;
  const lists = { layers: layers.sorted(), packages: packages.sorted(), folders: folders.sorted() };
  return { name, kind, bytes, paths: files.length, ...lists, files };
}

/** What stands for the layer of a database file. */
export const DATABASES = '(databases)';
/** Before the name of a layer, where packages are named: no package's name has it. */
const NO_PACKAGE = '\0';

class Sums<Part extends Share> {
  readonly #parts = new Map<string, Part>();
  readonly #begin: (name: string) => Part;

  constructor(begin: (name: string) => Part) {
    this.#begin = begin;
  }

  add(name: string, entry: Entry): void {
    const part = this.#parts.get(name) ?? this.#begin(name);
    const sum = { bytes: part.bytes + bytesOf(entry), paths: part.paths + 1 };
    this.#parts.set(name, { ...part, ...sum });
  }

  sorted(): Part[] {
    return [...this.#parts.values()].sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
  }
}

type Owners = {
  readonly byPath: ReadonlyMap<TreePath, string>;
  readonly known: ReadonlyMap<string, Package>;
};

/** Where several packages list a path (a file that one took over from another), the last one has it. */
function ownersIn(side: Side): Owners {
  const packages = packagesOf(side);
  const names = new Map<Package, string>();
  const known = new Map<string, Package>();
  for (const [key, one] of packages) {
    const name = known.has(one.name) ? key : one.name;
    names.set(one, name);
    known.set(name, one);
  }
  const byPath = new Map<TreePath, string>();
  for (const [one, path] of pathsOf(side, packages.values())) byPath.set(path, names.get(one)!);
  return { byPath, known };
}

function packageShare(name: string, known: ReadonlyMap<string, Package>): PackageShare {
  const empty = { bytes: 0, paths: 0 };
  if (name.startsWith(NO_PACKAGE)) {
    const layer = name.slice(NO_PACKAGE.length);
    return layer === '' ? { name: '', kind: 'none', ...empty } : { name: layer, kind: 'scriptlet', ...empty };
  }
  const { version, installedSize } = known.get(name)!;
  return { name, kind: 'package', ...empty, version, installedSize };
}
