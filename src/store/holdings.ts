import { lstatSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { buildText, keptBuilds, readBuild } from './builds.ts';
import { type DiskName, diskName, disksOf } from './disks.ts';
import type { Holding, HoldingKind } from './gc.ts';
import type { LayerRow } from './layers.ts';
import { type Layout, namesIn } from './layout.ts';
import { sweepFolders } from './locks.ts';
import type { Use } from './rows.ts';

export function layerId(n: number): string {
  return `layer ${n}`;
}

/** What fetching a file again takes is not measured. Bytes a second. */
const FETCHING = 5 * 1024 * 1024;

/** Seconds: an image is read once. */
const DISK = 2;

/** Seconds: apt fetches and checks its indexes again. */
const INDEXES = 10;

const WORK_DIR = /^[0-9a-f]{16}$/;

/**
 * Everything in the store's folder that may go, whether or not something keeps it. What nobody knows is left alone, and so is the work of
 * running builds. No lock is needed to look.
 */
export function listHoldings(
  layout: Layout,
  rows: readonly LayerRow[],
  uses: ReadonlyMap<number, Use>,
): Holding[] {
  const { root, trash } = layout;
  const inFolder = (folder: string, path: string): string => join(relative(root, folder), path);
  return [
    ...layerHoldings(layout, rows, uses),
    ...buildHoldings(layout),
    ...fetched(layout, layout.debs, 'deb', '.deb'),
    ...fetched(layout, layout.sources, 'source', ''),
    ...namesIn(layout.tools).map((name) => plain('tool', name, inFolder(layout.tools, name), 1)),
    ...kernelHoldings(layout),
    ...checkpointHoldings(layout),
    ...namesIn(layout.apt).map((name) => plain('indexes', name, inFolder(layout.apt, name), INDEXES)),
    ...disksOf(layout).map((disk) => diskHolding(layout, disk)),
    ...namesIn(layout.logs).map((name) => dated(root, plain('log', name, inFolder(layout.logs, name), 0))),
    ...failed(layout).map((path) => dated(root, plain('unfinished', path, path, 0))),
    ...unfinished(layout).map((path) => wasteHolding('unfinished', path)),
    ...namesIn(trash).map((name) => wasteHolding('trash', inFolder(trash, name))),
  ];
}

/** What all debs and sources together are long. No lock. */
export function fetchedBytes({ debs, sources }: Layout): number {
  const files = [debs, sources].flatMap((folder) => namesIn(folder).map((name) => join(folder, name)));
  return files.reduce((sum, file) => sum + (lstatSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
}

/** What lies in the store that needs no index to be known for waste. */
export function wasteFolders({ root, tmp, trash }: Layout): string[] {
  return [...deadWork(tmp), ...namesIn(trash).map((name) => join(trash, name))].map((path) =>
    relative(root, path),
  );
}

/** What lies in the store and is no holding: the index, work that goes on, what nobody knows. */
export function restOf(
  root: string,
  holdings: readonly Pick<Holding, 'path'>[],
): { readonly id: string; readonly path: string }[] {
  const known = new Set(holdings.flatMap(({ path }) => path ?? []));
  const folders = new Set([...known].flatMap((path) => path.split('/')[0]!));
  const paths = namesIn(root).flatMap((name) =>
    folders.has(name) ? namesIn(join(root, name)).map((one) => join(name, one)) : [name],
  );
  return paths
    .filter((path) => !known.has(path) && !path.startsWith('builds/'))
    .map((path) => ({ id: `rest ${path}`, path }));
}

const NOTHING = { seconds: 0, above: 0, used: 0, floor: 0, waste: false, needs: [] } as const;

function plain(kind: HoldingKind, name: string, path: string, seconds: number): Holding {
  return { ...NOTHING, id: `${kind} ${name}`, kind, name, path, seconds };
}

function diskHolding({ root, disks }: Layout, disk: DiskName): Holding {
  const path = relative(root, join(disks, diskName(disk)));
  return dated(root, { ...plain('disk', diskName(disk), path, DISK), name: `${disk.conf} (${disk.kind})` });
}

/** Used last when it was written. */
function dated(root: string, holding: Holding): Holding {
  const stat = lstatSync(join(root, holding.path ?? ''), { throwIfNoEntry: false });
  return { ...holding, used: Math.floor((stat?.mtimeMs ?? 0) / 1000) };
}

/** What nobody can use. */
export function wasteHolding(kind: HoldingKind, path: string): Holding {
  return { ...NOTHING, id: `${kind} ${path}`, kind, name: path, path, waste: true };
}

/** Rows with their folders; rows without one, and folders without a row, which dead builds have left. */
function layerHoldings(
  { root, layers }: Layout,
  rows: readonly LayerRow[],
  uses: ReadonlyMap<number, Use>,
): Holding[] {
  const folders = new Set(namesIn(layers).filter((name) => /^[1-9]\d*$/.test(name)));
  const known = rows.map((row): Holding => {
    const path = folders.delete(String(row.n)) ? relative(root, join(layers, String(row.n))) : undefined;
    const { at = row.made, floor = 0 } = uses.get(row.n) ?? {};
    const about = { seconds: row.seconds, used: at, floor };
    const named = { kind: 'layer' as const, name: row.name, path };
    // A root may name a row without a folder; it goes nevertheless, since a build would take it for a layer.
    const id = path === undefined ? `row ${row.n}` : layerId(row.n);
    return { ...NOTHING, ...named, ...about, id, waste: path === undefined };
  });
  const lost = [...folders].map((name): Holding => {
    const path = relative(root, join(layers, name));
    return { ...wasteHolding('unfinished', path), id: layerId(Number(name)) };
  });
  return [...known, ...lost];
}

function buildHoldings(layout: Layout): Holding[] {
  return keptBuilds(layout).flatMap((build): Holding[] => {
    const note = readBuild(layout, build);
    if (note === undefined) return [];
    const name = buildText(build);
    const path = relative(layout.root, join(layout.builds, build.conf, `${build.number}.json`));
    const needs = note.layers.map(([, n]) => layerId(n));
    return [{ ...NOTHING, id: `build ${name}`, kind: 'build', name, path, used: note.made, needs }];
  });
}

/** The id of an unpacked source, or of a tree that kernels are compiled in, by the name of its folder. */
export function kernelId(folder: string): string {
  return `kernel ${folder}`;
}

/** What it took to make one stands in its note; without a note it is nothing. */
function kernelHoldings({ root, kernel }: Layout): Holding[] {
  return namesIn(kernel).flatMap((folder): Holding[] => {
    if (!/^(?:source|tree)-[0-9a-f]+$/.test(folder)) return [];
    const path = relative(root, join(kernel, folder));
    const note = join(path, 'note.json');
    const { name = folder, seconds } = readNote(join(root, note));
    if (seconds === undefined) return [wasteHolding('unfinished', path)];
    const { used } = dated(root, plain('kernel', name, note, seconds));
    return [{ ...plain('kernel', name, path, seconds), id: kernelId(folder), used }];
  });
}

/** The id of what is kept of a conf's scriptlet. */
export function checkpointId(name: string): string {
  return `checkpoint ${name}`;
}

function checkpointHoldings({ root, checkpoints }: Layout): Holding[] {
  return namesIn(checkpoints).map((name) => {
    const path = relative(root, join(checkpoints, name));
    const { seconds } = readNote(join(root, path, 'note.json'));
    if (seconds === undefined) return wasteHolding('unfinished', path);
    return dated(root, { ...plain('checkpoint', name, path, seconds), name: name.replace('%', ' ') });
  });
}

function readNote(file: string): { readonly name?: string; readonly seconds?: number } {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { name?: string; seconds?: number };
  } catch {
    return {};
  }
}

/** Files that are named by their digest, and what came of them before a download broke off. */
function fetched({ root }: Layout, folder: string, kind: 'deb' | 'source', ending: string): Holding[] {
  return namesIn(folder).flatMap((name): Holding[] => {
    const [, digest, part] = /^\.?([0-9a-f]{64})(?:\.deb)?(?:\.[0-9a-f]+)?(\.part)?$/.exec(name) ?? [];
    if (digest === undefined) return [];
    const path = relative(root, join(folder, name));
    if (part !== undefined) {
      const isTaken = name.startsWith('.');
      return [{ ...wasteHolding('unfinished', path), id: isTaken ? `unfinished ${path}` : `part ${digest}` }];
    }
    if (name !== `${digest}${ending}`) return [];
    const size = lstatSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
    return [dated(root, plain(kind, digest, path, size / FETCHING))];
  });
}

/** What `--keep-failed` has kept for a person to look at; paths relative to the store. */
function failed({ root, tmp }: Layout): string[] {
  return namesIn(tmp)
    .filter((name) => name.startsWith('failed.'))
    .map((name) => relative(root, join(tmp, name)));
}

/** What was never finished; paths relative to the store. */
function unfinished({ root, tmp, builds, tags }: Layout): string[] {
  const notes = namesIn(builds).flatMap((conf) =>
    namesIn(join(builds, conf))
      .filter((name) => name.endsWith('.new'))
      .map((name) => join(builds, conf, name)),
  );
  const names = namesIn(tags).filter((name) => name.endsWith('~'));
  return [...deadWork(tmp), ...notes, ...names.map((name) => join(tags, name))].map((path) =>
    relative(root, path),
  );
}

/** Work folders that nobody holds any more. */
function deadWork(tmp: string): string[] {
  const dead: string[] = [];
  sweepFolders(tmp, WORK_DIR, (folder) => void dead.push(folder));
  return dead;
}
