import { existsSync, readFileSync } from 'node:fs';
import { matchesGlob, relative } from 'node:path';
import { dependencyChain } from './debian/depends.ts';
import type { Lock } from './debian/lock.ts';
import { recordName } from './debian/records.ts';
import { nearest, SnapError } from './host/error.ts';
import { type Inputs, readInputs } from './inputs.ts';
import { findPath, namesIn, pathsNamed, type SeenLayer, type Writer } from './layers/origin.ts';
import { ownerIn, stanzasOf } from './layers/owner.ts';
import { FILE_ITSELF } from './layers/view.ts';
import { listConfs } from './project/conf.ts';
import type { Scriptlet } from './project/scriptlet.ts';
import { Store } from './store/layers.ts';
import { type Entry, parentOf, printable, type TreePath } from './store/manifest.ts';

/** A line of a file of the project; `text` is what it says. */
export type Place = { readonly file: string; readonly line: number; readonly text: string };

/** Who wrote a path into a layer. */
export type Part = {
  readonly layer: string;
  readonly number: number;
  readonly key: string;
  /** Whether the image has the path from here. */
  readonly wins: boolean;
  /** `records`: it changed records of a database file, which are merged. */
  readonly type: Entry['type'] | 'records';
  /** By what: a package's archive, `do_run`, maintainer scripts of the layer's packages, either of these, triggers, or the base. */
  readonly by: 'package' | 'do_run' | 'scripts' | 'do_run or scripts' | 'triggers' | 'base';
  /** The package whose file it is, in this layer or below it. */
  readonly package?: { readonly name: string; readonly version: string };
  /** The file of the project that do_run copied. */
  readonly copied?: string;
  /** The records that it changed. */
  readonly records?: readonly string[];
  /** The declaration that brought the package, or the beginning of do_run. */
  readonly declared?: Place;
  /** From the package that was declared to this one, along what packages depend on. */
  readonly chain?: readonly string[];
  /** The package in the lock. */
  readonly pinned?: Place;
};

export type Origin = {
  readonly conf: string;
  /** In the image, links on the way followed; as a person reads it. */
  readonly path: string;
  readonly removed: boolean;
  /** The declaration that leaves it out of the image. */
  readonly excluded?: Place;
  readonly parts: readonly Part[];
};

/** A conf's last build, and the files that it was made from as they are now. */
type Image = {
  readonly store: Store;
  readonly conf: string;
  readonly project: string;
  readonly inputs: Inputs;
  readonly layers: readonly SeenLayer[];
};

/**
 * Where a path of a conf's last image comes from; without a conf, of the one that was built last.
 * @throws SnapError USAGE when it is in no layer, with the nearest paths.
 */
export async function originOf(project: string, given: string | undefined, path: string): Promise<Origin> {
  using store = new Store(project);
  const conf = given ?? builtLast(store, project);
  const layers = layersOf(store, conf);
  const inputs = await readInputs(project, conf, store);
  const image: Image = { store, conf, project, inputs, layers };
  const wanted = Buffer.from(path).toString('latin1');
  const found = findPath(store, layers, wanted);
  if (found.kind === 'missing') throw unknownPath(image, path, wanted, found);
  const excluded = exclusion(image, found.path);
  return {
    conf,
    path: printable(found.path),
    removed: found.kind === 'removed',
    ...(excluded ? { excluded } : {}),
    parts: found.writers.map((writer) => partOf(image, writer, found.path)),
  };
}

function builtLast(store: Store, project: string): string {
  const builds = listConfs(project).flatMap((conf) => store.lastBuild(conf) ?? []);
  const last = builds.sort((a, b) => b.made - a.made)[0];
  if (last) return last.conf;
  throw new SnapError('USAGE', 'No conf was built yet', { hint: 'build one first: snap build' });
}

function layersOf(store: Store, conf: string): SeenLayer[] {
  const build = store.lastBuild(conf);
  if (!build)
    throw new SnapError('USAGE', `Conf "${conf}" was not built yet`, {
      hint: `build it first: snap build ${conf}`,
    });
  return (JSON.parse(build.layers) as [name: string, n: number][]).map(([name, n]) => {
    const row = store.layerNumbered(n);
    if (row) return { name, row, sees: new Set(store.noteOf(n).view.map(([seen]) => seen)) };
    throw new SnapError(
      'STORE',
      `Layer "${name}" of the last build of "${conf}" is not in the store any more`,
      {
        hint: `make it again: snap build ${conf}`,
      },
    );
  });
}

function unknownPath(
  { store, conf, layers }: Image,
  path: string,
  wanted: string,
  { folder, name }: { readonly folder: TreePath; readonly name: string },
): SnapError {
  const within = nearest(name, namesIn(store, layers, folder)).map((one) => `${folder}/${one}`);
  const last = wanted.replace(/\/+$/, '').split('/').at(-1) ?? '';
  const elsewhere = pathsNamed(store, layers, last)
    .slice(0, 3)
    .map((one) => `/${one}`);
  const near = [...new Set([...elsewhere, ...within.map((one) => `/${one}`.replace('//', '/'))])].slice(0, 3);
  return new SnapError('USAGE', `No layer of "${conf}" has the path "${path}"`, {
    hint:
      near.length > 0
        ? `did you mean ${near.map((one) => `"${printable(one)}"`).join(' or ')}?`
        : 'that of the last build; look into the image: snap shell',
  });
}

/** The declaration `exclude_path` that leaves out the path or a folder above it. */
function exclusion({ inputs, project }: Image, path: TreePath): Place | undefined {
  for (const scriptlet of inputs.scriptlets) {
    for (const glob of scriptlet.excludes) {
      const pattern = Buffer.from(glob)
        .toString('latin1')
        .replace(/^\/+|\/+$/g, '');
      for (let one = path; one !== ''; one = parentOf(one)) {
        if (one === pattern || matchesGlob(one, pattern))
          return declaration(project, scriptlet, `exclude_path ${glob}`);
      }
    }
  }
  return undefined;
}

function declaration(project: string, scriptlet: Scriptlet, text: string): Place | undefined {
  const line = scriptlet.lines[text];
  return line === undefined ? undefined : { file: relative(project, scriptlet.file), line, text };
}

function partOf(image: Image, { layer, entry, wins }: Writer, path: TreePath): Part {
  const { store, layers, inputs } = image;
  const { row, name } = layer;
  const names = archiveNames(image, path);
  const own = ownerIn(store, layer, path, names, entry);
  const [lower] = layers
    .filter((one) => layer.sees.has(one.name))
    .flatMap((one) => ownerIn(store, one, path, names, undefined) ?? []);
  const owner = own ?? lower;
  const by = own?.intact ? 'package' : byOf(image, layer);
  const scriptlet = inputs.scriptlets.find((one) => one.name === name);
  const copied = by !== 'package' && entry && scriptlet ? sourceOf(image, layer, entry) : undefined;
  return {
    layer: name,
    number: row.n,
    key: row.key,
    wins,
    type: entry?.type ?? 'records',
    by: copied === undefined ? by : 'do_run',
    ...(entry ? {} : { records: recordsIn(store, row.n, path) }),
    ...(owner ? { package: { name: owner.name, version: owner.version } } : {}),
    ...(copied === undefined ? {} : { copied }),
    ...(scriptlet ? declaredPart(image, layer, scriptlet, by, own?.name) : {}),
    ...pinnedPart(image, owner?.name),
  };
}

function byOf({ store }: Image, { row }: SeenLayer): Part['by'] {
  if (row.kind === 'base') return 'base';
  if (row.kind === 'settle') return 'triggers';
  const { functions, debs } = store.noteOf(row.n).inputs as { functions?: string; debs?: readonly string[] };
  if (!/^do_run \(\)/m.test(functions ?? '')) return 'scripts';
  return (debs ?? []).length > 0 ? 'do_run or scripts' : 'do_run';
}

/** The file of the scriptlet with the same content, if there is one: relative to the project. */
function sourceOf({ store }: Image, { name, row }: SeenLayer, entry: Entry): string | undefined {
  if (entry.type !== 'file' || entry.size === 0) return undefined;
  const { data = {}, files = {} } = store.noteOf(row.n).inputs as {
    data?: Record<string, string>;
    files?: Record<string, string>;
  };
  const own = Object.entries(data).map(([path, content]) => [`scriptlets/${name}/${path}`, content] as const);
  return [...own, ...Object.entries(files)].find(([, content]) => content.slice(2) === entry.digest)?.[0];
}

function recordsIn(store: Store, n: number, path: string): string[] {
  const keys = (store.recordsOf(n)[path] ?? []).map(([key]) => key).filter((key) => key !== FILE_ITSELF);
  return keys.map((key) => printable(recordName(key)));
}

/** A path as archives may hold it: `lib/x` for usr/lib/x where /lib is a link to usr/lib. */
function archiveNames({ store, layers }: Image, path: string): string[] {
  const [first = '', second = '', ...rest] = path.split('/');
  const link = layers[0] && store.manifestOf(layers[0].row.n).get(second as TreePath);
  const alias = link?.type === 'symlink' && link.target.replace(/^\//, '') === `${first}/${second}`;
  return [path, ...(alias ? [[second, ...rest].join('/')] : [])];
}

function declaredPart(
  image: Image,
  layer: SeenLayer,
  scriptlet: Scriptlet,
  by: Part['by'],
  name: string | undefined,
): Pick<Part, 'declared' | 'chain'> {
  if (by.startsWith('do_run')) {
    const declared = runPlace(image.project, scriptlet);
    return declared ? { declared } : {};
  }
  if (name === undefined) return {};
  const wants = scriptlet.packages.map((want) => want.split(':')[0]!);
  const stanzas = image.layers
    .filter((one) => one === layer || layer.sees.has(one.name))
    .flatMap(({ row }) => stanzasOf(image.store.recordsOf(row.n)));
  const chain = dependencyChain(stanzas, wants, name);
  const want = scriptlet.packages.find((one) => one.split(':')[0] === (chain?.[0] ?? wants[0]));
  const declared = declaration(image.project, scriptlet, `install_debian_deb ${want}`);
  return { ...(declared ? { declared } : {}), ...(chain ? { chain } : {}) };
}

function runPlace(project: string, { file }: Scriptlet): Place | undefined {
  const lines = readFileSync(file, 'utf8').split('\n');
  const line = lines.findIndex((text) => /^\s*(function\s+)?do_run\b/.test(text));
  return line < 0 ? undefined : { file: relative(project, file), line: line + 1, text: 'do_run' };
}

function pinnedPart({ inputs, project }: Image, name: string | undefined): Pick<Part, 'pinned'> {
  const { lock, lockFile } = inputs;
  const pin = name === undefined || !lock ? undefined : pinNamed(lock, name);
  if (!pin || !existsSync(lockFile)) return {};
  const start = `deb ${pin.name} ${pin.arch} ${pin.version}`;
  const line = readFileSync(lockFile, 'utf8')
    .split('\n')
    .findIndex((text) => text.startsWith(`${start} `));
  return line < 0 ? {} : { pinned: { file: relative(project, lockFile), line: line + 1, text: start } };
}

function pinNamed(lock: Lock, name: string) {
  return [...lock.pins.values()].find((pin) => pin.name === name);
}
