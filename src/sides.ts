import { existsSync, realpathSync, statSync } from 'node:fs';
import { errno, nearest, SnapError } from './host/error.ts';
import { archiveSide, buildSide, folderSide, layerSide, lookInto, type Side } from './layers/side.ts';
import { BUILD_NAMES, findBuild, namedBuild, planAsNoted } from './named-build.ts';
import { buildText } from './store/builds.ts';
import type { LayerRow, Store } from './store/layers.ts';
import type { TreePath } from './store/manifest.ts';

export type Opened = {
  readonly side: Side;
  /** What is to be said of how the name was taken. */
  readonly notes: readonly string[];
};

export type Opening = {
  readonly signal: AbortSignal;
  /** Files of an archive whose content is asked for. */
  readonly wanted?: (path: TreePath) => boolean;
};

/** Whether a person names something on disk: with a `/` in it or a `.` before it; all else is in the store. */
export function isPath(text: string): boolean {
  return text.startsWith('.') || text.includes('/');
}

/**
 * What a person named: a build (CONF, CONF@3, CONF~1, a tag), a layer (NAME, NAME@57, 57), a folder or a tar archive (a path).
 * @throws SnapError USAGE when there is no such thing.
 */
export async function openSide(store: () => Store, text: string, opening: Opening): Promise<Opened> {
  if (isPath(text)) {
    const layer = existsSync(text) || /^[./]/.test(text) ? undefined : namedLayer(store(), text);
    return layer ? opened(layerSide(store(), layerText(layer), layer)) : opened(await onDisk(text, opening));
  }
  const [build, layer] = [namedBuild(store(), text), namedLayer(store(), text)];
  if (build === undefined && layer) return opened(layerSide(store(), layerText(layer), layer));
  if (build === undefined) throw noSuchName(store(), text);
  const note = findBuild(store(), text);
  const side = buildSide(buildText(build), planAsNoted(store(), note), note);
  if (layer === undefined) return opened(side);
  return { side, notes: [`"${text}" is taken as build ${side.name}; the layer is ${layerText(layer)}`] };
}

function opened(side: Side): Opened {
  return { side, notes: side.leftOut.map((what) => `left out of ${side.name}: ${what}`) };
}

function layerText({ name, n }: LayerRow): string {
  return `${name}@${n}`;
}

/** NAME is the newest layer of that name. */
function namedLayer(store: Store, text: string): LayerRow | undefined {
  const [, name, number] = /^(?:(.+)@)?([1-9]\d{0,8})$/.exec(text) ?? [];
  if (number === undefined) return store.lastOf(text, '');
  const row = store.layerNumbered(Number(number));
  return name === undefined || row?.name === name ? row : undefined;
}

async function onDisk(text: string, { signal, wanted }: Opening): Promise<Side> {
  const stat = statOf(text);
  if (stat.isDirectory()) return lookInto(text, () => folderSide(text, realpathSync(text)));
  return archiveSide(text, text, signal, wanted);
}

function statOf(text: string) {
  try {
    return statSync(text);
  } catch (error) {
    if (errno(error) === undefined) throw error;
    const there = errno(error) === 'ENOENT' ? 'no such file or folder' : (error as Error).message;
    throw new SnapError('USAGE', `Cannot read "${text}": ${there}`, {
      hint: `what has no "/" is the name of a build or a layer`,
      cause: error,
    });
  }
}

function noSuchName(store: Store, text: string): SnapError {
  if (existsSync(text)) {
    return new SnapError('USAGE', `There is no build and no layer "${text}"`, {
      hint: `the one on disk is ./${text}`,
    });
  }
  try {
    findBuild(store, text);
  } catch (error) {
    if (!(error instanceof SnapError)) throw error;
    const names = new Set(store.layerNames());
    const near = nearest(text, names).map((name) => `"${name}"`);
    const layers = near.length > 0 ? [`layers of a name like it: ${near.join(', ')}`] : [];
    return new SnapError('USAGE', `There is no build and no layer "${text}"`, {
      lines: layers,
      hint: error.hint ?? `a build is named ${BUILD_NAMES}`,
    });
  }
  throw new Error('A build came from nowhere');
}
