import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ledgerOf } from '../bench.ts';
import { parseLock } from '../debian/lock-text.ts';
import { SnapError } from '../host/error.ts';
import { aptDirOf, checkKey, readInputs, sequenceOf } from '../inputs.ts';
import { makerOf } from '../kernel/layer.ts';
import { kernelFolders } from '../kernel/tree.ts';
import { contentKeys } from '../layers/content.ts';
import { forecast } from '../layers/forecast.ts';
import { listConfs, loadConf } from '../project/conf.ts';
import { readScriptlets } from '../project/scriptlet.ts';
import { isFull } from '../store/collect.ts';
import type { HoldingKind, Root } from '../store/gc.ts';
import { checkpointId, kernelId, layerId } from '../store/holdings.ts';
import type { Store } from '../store/layers.ts';
import { checkpointName, namesIn } from '../store/layout.ts';
import { recallUnchanged } from '../unchanged.ts';

/** What the project's own files ask for now, as far as that is known without running anything. */
export type ProjectSurvey = {
  readonly roots: readonly Root[];
  readonly confs: readonly string[];
  /** Keys of results that were asked for. */
  readonly asked: ReadonlySet<string>;
  /** Kinds of which nobody can tell what is needed: a file of the project cannot be read. */
  readonly unknown: ReadonlySet<HoldingKind | 'result'>;
};

/** What cannot be read is told in `notes`, and keeps everything that it might need. */
export async function surveyProject(store: Store, project: string, notes: string[]): Promise<ProjectSurvey> {
  const asked = new Set<string>();
  const unknown = new Set<HoldingKind | 'result'>();
  const roots: Root[] = [];
  const confs = listConfs(project);
  const attempt = async (
    what: string,
    kinds: readonly (HoldingKind | 'result')[],
    look: () => Promise<Root[]>,
  ) => {
    try {
      roots.push(...(await look()));
    } catch (error) {
      if (!(error instanceof SnapError) && !isFull(error)) throw error;
      for (const kind of kinds) unknown.add(kind);
      notes.push(`${what}: ${(error as Error).message}`);
    }
  };
  for (const file of lockFiles(project)) {
    await attempt(`debs are kept, since a lock cannot be read`, ['deb', 'tool'], async () => [
      lockRoot(project, file),
    ]);
  }
  for (const conf of confs) {
    const kinds = ['source', 'result', 'log', 'kernel', 'checkpoint'] as const;
    await attempt(`what conf "${conf}" would use is not known`, kinds, () =>
      confRoots(store, project, conf, asked),
    );
    await attempt(`indexes of packages are kept`, ['indexes'], () => indexRoots(project, conf));
  }
  return { roots, confs, asked, unknown };
}

function lockFiles(project: string): string[] {
  return namesIn(join(project, 'conf'))
    .filter((name) => name.endsWith('.lock'))
    .map((name) => join('conf', name));
}

function lockRoot(project: string, file: string): Root {
  const lock = parseLock(readFileSync(join(project, file), 'utf8'), file);
  const digests = [...lock.pins.values()].map(({ sha256 }) => sha256);
  return {
    kind: 'lock',
    name: file,
    because: `${file} pins it`,
    keeps: [...digests.flatMap(debIds), ...digests.map((one) => `tool ${one}`)],
  };
}

/** A deb, and what has come of it. */
export function debIds(sha256: string): string[] {
  return [`deb ${sha256}`, `part ${sha256}`];
}

/** Layers that a build would find now; what it would ask of sources, logs and cached results. */
async function confRoots(store: Store, project: string, name: string, asked: Set<string>): Promise<Root[]> {
  const conf = loadConf(project, name);
  const cache = {
    get: (key: string) => {
      asked.add(key);
      return store.results.get(key);
    },
    set: (key: string, value: string) => {
      asked.add(key);
      store.results.set(key, value);
    },
    keyOf: store.results.keyOf,
  };
  const scriptlets = await readScriptlets(conf, { cache });
  for (const scriptlet of scriptlets) {
    for (const key of contentKeys(scriptlet)) asked.add(key);
    if (scriptlet.hasCheck) asked.add(checkKey(scriptlet, project, cache));
  }
  const sources = scriptlets
    .flatMap(({ sources, kernel }) => [...sources, ...(kernel?.source.kind === 'url' ? [kernel.source] : [])])
    .flatMap(({ sha256 }) => [`source ${sha256}`, `part ${sha256}`]);
  const logs = ['base', ...scriptlets.map((one) => one.name)].map(logId);
  const because = `conf "${name}" would use it`;
  const hasKernel = scriptlets.some(({ kernel }) => kernel !== undefined);
  // What only builds need is in no image: no build holds it.
  const isHeld = recallUnchanged(project, name) && !hasKernel;
  const layers = isHeld ? [] : await foundLayers(store, project, name);
  const kernels = hasKernel ? await kernelsOf(store, project, name) : [];
  const checkpoints = scriptlets.map((one) => checkpointId(checkpointName(name, one.name)));
  const keeps = [...sources, ...logs, ...layers, ...kernels, ...checkpoints];
  return [{ kind: 'conf', name, because, keeps }];
}

/** The sources of the conf's kernels, and the trees that they are compiled in. */
async function kernelsOf(store: Store, project: string, name: string): Promise<string[]> {
  const { scriptlets, lock } = await readInputs(project, name, store);
  if (!lock) return [];
  return scriptlets.flatMap((scriptlet) =>
    scriptlet.kernel
      ? kernelFolders(scriptlet.name, scriptlet.kernel, lock, store.layout).map((folder) => kernelId(folder))
      : [],
  );
}

async function foundLayers(store: Store, project: string, name: string): Promise<string[]> {
  const inputs = await readInputs(project, name, store);
  const { conf, lock, parent } = inputs;
  if (!lock) return [];
  const planned = forecast(
    { store, conf, lock, ledger: ledgerOf(lock, parent), rerun: new Set(), makerOf },
    sequenceOf(inputs, lock),
  );
  return planned.flatMap(({ layer }) => (layer === undefined ? [] : [layerId(layer)]));
}

async function indexRoots(project: string, name: string): Promise<Root[]> {
  const folder = await aptDirOf(loadConf(project, name));
  return [{ kind: 'conf', name, because: `conf "${name}" asks it`, keeps: [`indexes ${folder}`] }];
}

export function logId(layer: string): string {
  return `log ${layer.replaceAll('/', '%')}.log`;
}
