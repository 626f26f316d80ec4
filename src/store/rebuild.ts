import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { writeFile } from '../host/write.ts';
import { type BuildNote, keptBuilds, readBuild } from './builds.ts';
import { checkLayer, type FoundLayer, readLayer, SETTLED } from './check-layer.ts';
import { extentOf, rowOf } from './content.ts';
import { ADD_HOLDER, createIndex, type Database } from './database.ts';
import { type Layout, syncFolder } from './layout.ts';
import { outlineOf } from './sorted-manifest.ts';
import { syncFilesystemOf } from './sync.ts';

/** A layer's folder that no row was made for. */
export type LeftOut = { readonly n: number; readonly why: string };

export type Rebuilt = {
  readonly layers: number;
  readonly builds: number;
  readonly leftOut: readonly LeftOut[];
};

/**
 * Writes an index of all that lies in the store's folders into a new file. A layer of which nobody knows whether it reached the disk
 * is taken when all of its contents are right. Results are a cache and not made anew. Needs the store's index lock, alone.
 */
export function rebuildIndex(layout: Layout, file: string): Rebuilt {
  const database = createIndex(file);
  try {
    return fill(database, layout, true);
  } finally {
    database.close();
  }
}

/** The same in memory, for a store that takes no writes. Needs the store's index lock, shared. */
export function indexInMemory(layout: Layout): Database {
  const database = createIndex(':memory:');
  fill(database, layout, false);
  return database;
}

function fill(database: Database, layout: Layout, takesWrites: boolean): Rebuilt {
  return database.transaction(() => fillAll(database, layout, takesWrites))();
}

function fillAll(database: Database, layout: Layout, takesWrites: boolean): Rebuilt {
  const leftOut: LeftOut[] = [];
  const fresh: number[] = [];
  let layers = 0;
  const numbers = layerNumbers(layout);
  let highest = Math.max(0, ...numbers, ...slotLayers(layout));
  const add = addLayerTo(database);
  for (const n of numbers) {
    const found = usable(layout, n);
    if ('why' in found) {
      leftOut.push({ n, why: found.why });
      continue;
    }
    if (!found.isSettled) fresh.push(n);
    highest = Math.max(highest, ...found.note.view.map(([, below]) => below));
    add(n, found);
    layers++;
  }
  if (fresh.length > 0 && takesWrites) settle(layout, fresh);
  const builds = addBuilds(database, layout);
  for (const build of builds) highest = Math.max(highest, ...build.layers.map(([, n]) => n));
  database.prepare('INSERT INTO given VALUES (1, ?)').run(highest);
  return { layers, builds: builds.length, leftOut };
}

/** The layers that images were made from, and those of folders that `--output` named: their numbers stand for them as long as that. */
function slotLayers({ images, root }: Layout): number[] {
  const notes = [...notesIn(images), ...notesIn(join(root, 'outputs'))];
  return notes.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/\["[^"]*",(\d+),\[/g)].map(([, n]) => Number(n)),
  );
}

function notesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => (name.endsWith('.json') ? [join(folder, name)] : []));
}

/** The numbers of the folders in layers/, in order. */
export function layerNumbers({ layers }: Pick<Layout, 'layers'>): number[] {
  return readdirSync(layers)
    .filter((name) => /^[1-9]\d*$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

function usable(layout: Layout, n: number): (FoundLayer & { isSettled: boolean }) | { why: string } {
  const folder = join(layout.layers, String(n));
  try {
    const found = readLayer(folder);
    const isSettled = readdirSync(folder).includes(SETTLED);
    if (isSettled) return { ...found, isSettled };
    const { faults } = checkLayer(layout.layers, n, { deep: true });
    return faults[0] ? { why: `"${faults[0].path}" ${faults[0].what}` } : { ...found, isSettled };
  } catch (error) {
    if (error instanceof Error) return { why: error.message };
    throw error;
  }
}

/** What was just read may be in memory alone. */
function settle(layout: Layout, numbers: readonly number[]): void {
  try {
    syncFilesystemOf(layout.layers);
    syncFolder(layout.layers);
  } catch (error) {
    distrust(layout, numbers);
    throw error;
  }
  markSettled(layout, numbers);
}

/** Takes from layers that the disk may have lost what makes them layers: no index finds them again. */
export function distrust({ layers }: Pick<Layout, 'layers'>, numbers: Iterable<number>): void {
  for (const n of numbers) {
    const note = join(layers, String(n), 'layer.json');
    if (existsSync(note)) renameSync(note, `${note}.lost`);
  }
}

/** Whether it is noted that a layer is on the disk. */
export function isSettled({ layers }: Pick<Layout, 'layers'>, n: number): boolean {
  return existsSync(join(layers, String(n), SETTLED));
}

/** Notes that these layers are on the disk; to be called once they are. */
export function markSettled({ layers }: Pick<Layout, 'layers'>, numbers: Iterable<number>): void {
  for (const n of numbers) writeFile(join(layers, String(n), SETTLED), '');
}

function addLayerTo(database: Database): (n: number, found: FoundLayer) => void {
  const addRow = database.prepare(
    `INSERT INTO layers (n, key, ids, name, kind, digest, paths, bytes, seconds, made)
     VALUES (@n, @key, @ids, @name, @kind, @digest, @paths, @bytes, @seconds, @made)`,
  );
  const addHolder = database.prepare(ADD_HOLDER);
  return (n, { note, manifest }) => {
    addRow.run(rowOf(n, note, extentOf(manifest)));
    for (const { path } of outlineOf(manifest)) addHolder.run(path, note.name);
  };
}

function addBuilds(database: Database, layout: Layout): BuildNote[] {
  const addRow = database.prepare(
    `INSERT INTO builds (conf, number, made, seconds, digest, paths, bytes, layers)
     VALUES (@conf, @number, @made, @seconds, @digest, @paths, @bytes, @layers)`,
  );
  const notes = keptBuilds(layout).flatMap((name) => readBuild(layout, name) ?? []);
  for (const note of notes) addRow.run(buildRowOf(note));
  return notes;
}

/** The row of a build. */
export function buildRowOf(build: Omit<BuildNote, 'format'>) {
  const { conf, number, made, seconds, digest, paths, bytes, layers } = build;
  const names = JSON.stringify(layers.map(([name, n]) => [name, n]));
  return { conf, number, made, seconds, digest, paths, bytes, layers: names };
}
