import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lock, PackageId, Pin } from '../debian/lock.ts';
import { ownFile } from '../host/own.ts';
import type { Conf } from '../project/conf.ts';
import { sourceFile } from '../project/declared.ts';
import type { Scriptlet } from '../project/scriptlet.ts';
import { canonicalJson, digestOf, type Json } from '../store/digest.ts';
import type { LayerKey, Store } from '../store/layers.ts';
import { contentOf, contentsOf, type Known, projectContent } from './content.ts';
import { changedMeanwhile } from './stage.ts';
import { type ViewLayer, viewDigests } from './view.ts';

/** Raised when the same inputs would now give another layer: a change to capture, to the sandbox or to what a key holds. */
const KEY_FORMAT = 3;

export type Inputs = { readonly [name: string]: Json };

const keys = new WeakMap<Inputs, LayerKey>();

export function keyOf(inputs: Inputs): LayerKey {
  const key = keys.get(inputs) ?? (digestOf(canonicalJson(inputs)) as string as LayerKey);
  keys.set(inputs, key);
  return key;
}

/** Everything that decides the content of the base. */
export function baseInputs(
  lock: Lock,
  { bootstrap, foreignArchs }: Pick<Conf, 'bootstrap' | 'foreignArchs'>,
): Inputs {
  return {
    format: KEY_FORMAT,
    kind: 'base',
    suite: lock.suite,
    arch: lock.arch,
    ...(foreignArchs.length > 0 ? { foreign_archs: foreignArchs } : {}),
    epoch: lock.epoch,
    bootstrap,
    debs: debInputs(lock, lock.base),
  };
}

/** Everything that decides the content of a scriptlet's layer: what it did not declare is not here, and it does not see it. */
export function scriptletInputs(
  { store, conf, lock }: { readonly store: Pick<Store, 'results'>; readonly conf: Conf; readonly lock: Lock },
  scriptlet: Scriptlet,
  debs: readonly PackageId[],
  view: readonly ViewLayer[],
): Inputs {
  const declared = (): Inputs => declaredInputs(scriptlet, conf.project, store.results);
  const ran = scriptlet.hasRun ? { prelude: preludeDigest(), ...declared() } : {};
  return {
    format: KEY_FORMAT,
    kind: 'scriptlet',
    suite: lock.suite,
    arch: lock.arch,
    epoch: lock.epoch,
    debs: debInputs(lock, debs),
    view: viewDigests(view),
    ...ran,
  };
}

/** What a scriptlet's own file, folder and declarations decide. */
export function declaredInputs(scriptlet: Scriptlet, project: string, known: Known): Inputs {
  const { data, files } = projectContent(scriptlet, project, known);
  return {
    functions: scriptlet.functions,
    // Before the variables, which hold them too: the reason for a run is the first difference.
    vars: { ...scriptlet.vars },
    variables: scriptlet.variables,
    data,
    files,
    sources: scriptlet.sources.map((source) => `${sourceFile(source)} ${source.sha256}`),
    network: scriptlet.network,
  };
}

/**
 * Makes sure that a layer runs on what its key holds: a person may have saved data or files since they were read. `folder` holds
 * what was staged, data in `data`, files below `home`.
 * @throws SnapError CHANGED when it is something else.
 */
export function checkStaged({ data, files }: Inputs, scriptlet: Scriptlet, folder: string): void {
  const staged = {
    data: scriptlet.dataDir === undefined ? {} : contentOf(join(folder, 'data')),
    files: contentsOf(join(folder, 'home'), scriptlet.files),
  };
  if (canonicalJson({ data: data!, files: files! }) === canonicalJson(staged)) return;
  throw changedMeanwhile(`of scriptlet "${scriptlet.name}"`);
}

/** Pins as a key holds them: a deb that moved to another place of the archive is the same deb. */
export function debInputs(lock: Lock, ids: readonly PackageId[]): Json {
  return ids.map((id) => {
    const { name, arch, version, sha256 } = pinOf(lock, id);
    return `${name} ${version} ${arch} ${sha256}`;
  });
}

export function pinOf(lock: Lock, id: PackageId): Pin {
  const pin = lock.pins.get(id);
  if (!pin) throw new Error(`The lock names "${id}" without a pin`);
  return pin;
}

export const PRELUDE = ownFile('src/layers/prelude.sh');

let prelude: string | undefined;

function preludeDigest(): string {
  prelude ??= digestOf(readFileSync(PRELUDE));
  return prelude;
}
