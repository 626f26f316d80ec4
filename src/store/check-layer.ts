import { readdirSync, readFileSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { errno } from '../host/error.ts';
import { checkTree, type Fault, type Way } from './check-tree.ts';
import { contentDigestOf, type Extent, rowOf } from './content.ts';
import { canonicalJson, digestOf } from './digest.ts';
import type { LayerNote, LayerRow } from './layers.ts';
import type { Entry, File, Manifest, TreePath } from './manifest.ts';
import { hashOfPath } from './path-hash.ts';
import { SortedManifest } from './sorted-manifest.ts';

/** A layer as its folder has it, its tree apart. */
export type FoundLayer = { readonly note: LayerNote; readonly manifest: Manifest };

/** What was found of a layer. */
export type LayerReport = {
  readonly n: number;
  /** Its row as it should be; undefined where it is broken. */
  readonly row: LayerRow | undefined;
  /** The numbers of the layers that it ran on. */
  readonly view: readonly number[];
  /** Why it cannot be told what its tree should be: the layer has to be made again. */
  readonly broken?: string;
  readonly faults: readonly Fault[];
  /** The folders that are only ways to something: how they look, its view decides. */
  readonly ways: readonly Way[];
  /** The hashes of its paths. */
  readonly paths: Uint32Array;
};

/** What stands in a layer's folder. */
export const LAYER_FILES = ['tree', 'manifest', 'layer.json', 'settled', 'trace'];

/** In a layer's folder what was noted while it ran, below a line with the digest of that. Nothing rests on its being there. */
export const TRACE = 'trace';

export function traceFile(trace: string): string {
  return `${digestOf(trace)}\n${trace}`;
}

/** Undefined where there is none, or where it is damaged. */
export function readTrace(file: string): string | undefined {
  try {
    const text = readFileSync(file, 'utf8');
    const end = text.indexOf('\n');
    const trace = text.slice(end + 1);
    return end >= 0 && digestOf(trace) === text.slice(0, end) ? trace : undefined;
  } catch (error) {
    if (errno(error) === undefined) throw error;
    return undefined;
  }
}

/** In a layer's folder once the layer is known to be on the disk; an empty file. */
export const SETTLED = 'settled';

/**
 * The note and the manifest of a layer, whole.
 * @throws Error that says what is wrong with them.
 */
export function readLayer(folder: string): FoundLayer {
  const note = readNote(join(folder, 'layer.json'));
  const bytes = readFileSync(join(folder, 'manifest'));
  if (contentDigestOf(bytes, note.records) !== note.digest)
    throw new Error('its manifest and records do not have the digest that "layer.json" says');
  return { note, manifest: new SortedManifest(bytes) };
}

function readNote(file: string): LayerNote {
  const text = readFileSync(file, 'utf8');
  const note = parsed(text);
  if (note?.format !== 1 || typeof note.records !== 'object') throw new Error('"layer.json" is damaged');
  if (!isKeyOf(note)) throw new Error('its key is not that of the inputs in "layer.json"');
  return note;
}

function isKeyOf({ key, inputs }: LayerNote): boolean {
  return digestOf(canonicalJson(inputs)) === (key as string);
}

function parsed(text: string): LayerNote | undefined {
  try {
    return JSON.parse(text) as LayerNote;
  } catch {
    return undefined;
  }
}

export type LayerCheck = {
  /** Whether contents are hashed. */
  readonly deep: boolean;
  /** False for a file that somebody else looks at already under another name. */
  readonly claim?: (entry: File, stat: Stats) => boolean;
};

/** Compares a layer's folder with its note and manifest. Needs the store's lock, shared. */
export function checkLayer(layers: string, n: number, { deep, claim = () => true }: LayerCheck): LayerReport {
  const folder = join(layers, String(n));
  const none = { n, row: undefined, view: [], faults: [], ways: [], paths: new Uint32Array() };
  let found: FoundLayer;
  try {
    found = readLayer(folder);
  } catch (error) {
    if (error instanceof Error) return { ...none, broken: reasonOf(error) };
    throw error;
  }
  const ways: Way[] = [];
  const tally = startTally(found.manifest.size);
  const faults = checkTree(join(folder, 'tree'), tally.through(found.manifest.values()), {
    reads: (entry, stat) => deep && claim(entry, stat),
    onWay: (way) => ways.push(way),
  });
  const names = readdirSync(folder);
  const strange = names.filter((name) => !LAYER_FILES.includes(name));
  const beside = strange.map((name) => ({ path: `../${name}` as TreePath, what: 'does not belong here' }));
  if (names.includes(TRACE) && readTrace(join(folder, TRACE)) === undefined)
    beside.push({ path: `../${TRACE}` as TreePath, what: 'is damaged' });
  const { note } = found;
  const { extent, paths } = tally.end();
  return {
    n,
    row: rowOf(n, note, extent),
    view: note.view.map(([, below]) => below),
    faults: [...faults, ...beside],
    ways,
    paths,
  };
}

/** Adds entries up while somebody else goes through them: to decode a manifest costs as much as to look at its files. */
function startTally(size: number) {
  const paths = new Uint32Array(size);
  let count = 0;
  let bytes = 0;
  let rest: Iterator<Entry> | undefined;
  const take = (entry: Entry): void => {
    paths[count++] = hashOfPath(entry.path);
    if (entry.type === 'file') bytes += entry.size;
  };
  return {
    through(entries: Iterable<Entry>): Iterable<Entry> {
      const all = entries[Symbol.iterator]();
      rest = all;
      return (function* () {
        for (let next = all.next(); !next.done; next = all.next()) {
          take(next.value);
          yield next.value;
        }
      })();
    },
    end(): { extent: Extent; paths: Uint32Array } {
      for (let next = rest?.next(); next && !next.done; next = rest?.next()) take(next.value);
      return { extent: { paths: count, bytes }, paths };
    },
  };
}

function reasonOf(error: Error): string {
  const code = errno(error);
  if (code === undefined) return error.message;
  const path = (error as NodeJS.ErrnoException).path;
  return code === 'ENOENT'
    ? `"${path}" is missing`
    : `${path === undefined ? 'it' : `"${path}"`} cannot be read: ${code}`;
}
