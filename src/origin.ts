import { existsSync, readFileSync } from 'node:fs';
import { matchesGlob, relative } from 'node:path';
import { dependencyChain } from './debian/depends.ts';
import { recordName } from './debian/records.ts';
import { nearest, SnapError } from './host/error.ts';
import { type Inputs, readInputs } from './inputs.ts';
import { claimOn, type Diversion, diversionsOf } from './layers/diversions.ts';
import { spellings } from './layers/follow.ts';
import {
  findPath,
  namesIn,
  pathsNamed,
  recordOrigins,
  type SeenLayer,
  type Writer,
} from './layers/origin.ts';
import { type Owner, ownerIn, stanzasOf } from './layers/owner.ts';
import { FILE_ITSELF } from './layers/view.ts';
import { chooseBuild, lookInto, planOfBuild } from './named-build.ts';
import { type PathHistory, pathHistory } from './path-history.ts';
import type { Scriptlet } from './project/scriptlet.ts';
import { type BuildNote, buildText } from './store/builds.ts';
import type { Store } from './store/layers.ts';
import { type Entry, parentOf, printable, type TreePath } from './store/manifest.ts';

/** A line of a file of the project; `text` is what it says. */
export type Place = {
  readonly file: string;
  readonly line: number;
  readonly text: string;
  /** The functions there are others by now than those that ran. */
  readonly isOther?: true;
};

/** Who wrote a path into a layer. */
export type Part = {
  readonly layer: string;
  readonly number: number;
  readonly key: string;
  /** Whether the image has the path from here. */
  readonly wins: boolean;
  /** `records`: it changed records of a database file, which are merged. */
  readonly type: Entry['type'] | 'records';
  /** By what: a package's archive, `do_run`, maintainer scripts of the layer's packages, either of these, a kernel's build, triggers, or the base. */
  readonly by: 'package' | 'do_run' | 'scripts' | 'do_run or scripts' | 'kernel' | 'triggers' | 'base';
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
  /** dpkg puts the path, or what lies there, elsewhere; `by` is the package that wants it, null where a person does. */
  readonly diverted?: { readonly by: string | null; readonly from: string; readonly to: string };
};

/** A record of a database file as a line of it, where it is one. */
export type RecordLine = {
  readonly record: string;
  readonly line?: string;
  readonly layer: string;
  readonly number: number;
};

export type Origin = {
  readonly conf: string;
  /** `demo@3` */
  readonly image: string;
  /** In the image, links on the way followed; as a person reads it. */
  readonly path: string;
  readonly removed: boolean;
  /** The declaration that leaves it out of the image; without a place when no scriptlet has it any more. */
  readonly excluded?: Pick<Place, 'text'> & Partial<Place>;
  /** None: no layer has it any more. */
  readonly parts: readonly Part[];
  /** Of a database file: who brought each record of it. */
  readonly lines?: readonly RecordLine[];
  readonly history: PathHistory;
  /** Why no place in the project's files can be named. */
  readonly unread?: string;
};

/** A build, and the files that it was made from as they are now. */
type Image = {
  readonly store: Store;
  readonly build: BuildNote;
  readonly project: string;
  /** Undefined when they cannot be read any more. */
  readonly inputs: Inputs | undefined;
  readonly layers: readonly SeenLayer[];
};

/**
 * Where a path of an image comes from, and in which builds it changed; without a name, of the image that was built last.
 * @throws SnapError USAGE when it is in no layer and in no earlier build, with the nearest paths.
 */
export async function originOf(project: string, name: string | undefined, path: string): Promise<Origin> {
  return lookInto(project, async (store) => {
    const build = chooseBuild(store, name);
    const { layers } = planOfBuild(store, build).view;
    const read = await readIfPossible(project, build.conf, store);
    return originIn({ store, build, project, inputs: read.inputs, layers }, path, read.unread);
  });
}

function originIn(image: Image, path: string, unread: string | undefined): Origin {
  const { store, build, layers } = image;
  const [plain, ...others] = spellings(path).map((wanted) => findPath(store, layers, wanted));
  const found = [plain!, ...others].find(({ kind }) => kind !== 'missing') ?? plain!;
  const at = found.kind === 'missing' ? goneFrom(image, path, found) : found.path;
  const excluded = exclusion(image, at);
  const lines = found.kind === 'there' ? recordLines(image, at) : [];
  return {
    conf: build.conf,
    image: buildText(build),
    path: printable(at),
    removed: found.kind !== 'there',
    ...(excluded ? { excluded } : {}),
    parts: found.kind === 'missing' ? [] : found.writers.map((writer) => partOf(image, writer, at)),
    ...(lines.length > 0 ? { lines } : {}),
    history: pathHistory(store, build, at)!,
    ...(unread === undefined ? {} : { unread }),
  };
}

type Read = { readonly inputs: Inputs | undefined; readonly unread?: string };

/** An old build can be looked into whatever became of the files it was made from. */
async function readIfPossible(project: string, conf: string, store: Store): Promise<Read> {
  try {
    return { inputs: await readInputs(project, conf, store) };
  } catch (error) {
    if (!(error instanceof SnapError)) throw error;
    return { inputs: undefined, unread: error.message };
  }
}

/**
 * The path that an earlier build had and this one has not.
 * @throws SnapError USAGE when there was none either.
 */
function goneFrom(
  image: Image,
  path: string,
  missing: { readonly folder: TreePath; readonly name: string },
): TreePath {
  const { store, build } = image;
  const wanted = Buffer.from(path).toString('latin1');
  const { folder, name } = missing;
  const last = wanted.replace(/\/+$/, '').split('/').at(-1) ?? '';
  const written = wanted.split('/').filter((part) => part !== '' && part !== '.');
  const whole = last === name ? (folder === '' ? name : `${folder}/${name}`) : written.join('/');
  if (pathHistory(store, build, whole as TreePath)?.changes.length) return whole as TreePath;
  throw unknownPath(image, path, wanted, missing);
}

/** Records that are lines of the file are told as such; of others, such as dpkg's stanzas, the names. */
function recordLines({ store, layers }: Image, path: TreePath): RecordLine[] {
  return recordOrigins(store, layers, path).map(({ key, value, layer }) => ({
    record: printable(recordName(key)),
    ...(value === '' || value.includes('\n') ? {} : { line: printable(value) }),
    layer: layer.name,
    number: layer.row.n,
  }));
}

function unknownPath(
  { store, build, layers }: Image,
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
  return new SnapError('USAGE', `No layer of "${buildText(build)}" has the path "${path}"`, {
    hint:
      near.length > 0
        ? `did you mean ${near.map((one) => `"${printable(one)}"`).join(' or ')}?`
        : `what is there: snap ls ${buildText(build)} /${printable(folder)}`,
  });
}

/** The declaration `exclude_path` that leaves out the path or a folder above it. */
function exclusion({ build, inputs, project }: Image, path: TreePath): Origin['excluded'] {
  for (const glob of build.excludes) {
    const pattern = Buffer.from(glob)
      .toString('latin1')
      .replace(/^\/+|\/+$/g, '');
    for (let one = path; one !== ''; one = parentOf(one)) {
      if (one !== pattern && !matchesGlob(one, pattern)) continue;
      const text = `exclude_path ${glob}`;
      const scriptlets = inputs?.scriptlets ?? [];
      return scriptlets.map((scriptlet) => declaration(project, scriptlet, text)).find(Boolean) ?? { text };
    }
  }
  return undefined;
}

function declaration(project: string, scriptlet: Scriptlet, text: string): Place | undefined {
  const line = scriptlet.lines[text];
  return line === undefined ? undefined : { file: relative(project, scriptlet.file), line, text };
}

function partOf(image: Image, { layer, entry, wins }: Writer, path: TreePath): Part {
  const { store, inputs } = image;
  const { row, name } = layer;
  const seen = seenBy(image, layer);
  const claim = claimOn(path, diversionsOf(store, [...seen, layer]), (one) => archiveNames(image, one));
  const own = ownerIn(store, layer, path, claim, entry);
  const [lower] = seen.flatMap((one) => ownerIn(store, one, path, claim, undefined) ?? []);
  const owner = own ?? lower;
  const by = own?.intact ? 'package' : byOf(image, layer);
  const scriptlet = inputs?.scriptlets.find((one) => one.name === name);
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
    ...pinnedPart(image, owner),
    ...(claim.diversion ? { diverted: divertedPart(claim.diversion) } : {}),
  };
}

/** The layers that a layer ran on; every one sees the base. */
function seenBy({ layers }: Image, layer: SeenLayer): SeenLayer[] {
  return layers.filter((one, at) => one !== layer && (at === 0 || layer.sees.has(one.name)));
}

function divertedPart({ by, from, to }: Diversion): NonNullable<Part['diverted']> {
  return { by: by ?? null, from: printable(from), to: printable(to) };
}

function byOf({ store }: Image, { row }: SeenLayer): Part['by'] {
  if (row.kind === 'base') return 'base';
  if (row.kind === 'settle') return 'triggers';
  const { kind, functions, debs } = store.noteOf(row.n).inputs as {
    kind?: string;
    functions?: string;
    debs?: readonly string[];
  };
  if (kind === 'kernel') return 'kernel';
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
    const { functions } = image.store.noteOf(layer.row.n).inputs as { functions?: string };
    const declared = runPlace(image.project, scriptlet, functions !== scriptlet.functions);
    return declared ? { declared } : {};
  }
  if (by === 'kernel') {
    const declared = firstDeclaration(image.project, scriptlet, 'kernel_source ');
    return declared ? { declared } : {};
  }
  if (name === undefined) return {};
  const wants = scriptlet.packages.map((want) => want.split(':')[0]!);
  const stanzas = [...seenBy(image, layer), layer].flatMap(({ row }) =>
    stanzasOf(image.store.recordsOf(row.n)),
  );
  const chain = dependencyChain(stanzas, wants, name);
  const want = scriptlet.packages.find((one) => one.split(':')[0] === (chain?.[0] ?? wants[0]));
  const declared = declaration(image.project, scriptlet, `install_debian_deb ${want}`);
  return { ...(declared ? { declared } : {}), ...(chain ? { chain } : {}) };
}

function firstDeclaration(project: string, scriptlet: Scriptlet, word: string): Place | undefined {
  const text = Object.keys(scriptlet.lines).find((one) => one.startsWith(word));
  return text === undefined ? undefined : declaration(project, scriptlet, text);
}

function runPlace(project: string, { file }: Scriptlet, isOther: boolean): Place | undefined {
  const lines = readFileSync(file, 'utf8').split('\n');
  const line = lines.findIndex((text) => /^\s*(function\s+)?do_run\b/.test(text));
  if (line < 0) return undefined;
  const place = { file: relative(project, file), line: line + 1, text: 'do_run' };
  return isOther ? { ...place, isOther: true } : place;
}

function pinnedPart({ inputs, project }: Image, owner: Owner | undefined): Pick<Part, 'pinned'> {
  if (!owner || !inputs?.lock || !existsSync(inputs.lockFile)) return {};
  const pins = [...inputs.lock.pins.values()];
  const pin = pins.find(({ name, version }) => name === owner.name && version === owner.version);
  if (!pin) return {};
  const start = `deb ${pin.name} ${pin.arch} ${pin.version}`;
  const line = readFileSync(inputs.lockFile, 'utf8')
    .split('\n')
    .findIndex((text) => text.startsWith(`${start} `));
  return line < 0
    ? {}
    : { pinned: { file: relative(project, inputs.lockFile), line: line + 1, text: start } };
}
