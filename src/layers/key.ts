import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lock, PackageId, Pin } from '../debian/lock.ts';
import { ownFile } from '../host/own.ts';
import { sourceFile } from '../project/declared.ts';
import type { Scriptlet } from '../project/scriptlet.ts';
import { canonicalJson, digestOf, type Json } from '../store/digest.ts';
import type { LayerKey } from '../store/layers.ts';
import { printable } from '../store/manifest.ts';
import { scanTree } from '../store/tree.ts';
import { type ViewLayer, viewDigests } from './view.ts';

/** Raised when the same inputs would now give another layer: a change to capture, to the sandbox or to what a key holds. */
const KEY_FORMAT = 1;

export type Inputs = { readonly [name: string]: Json };

export function keyOf(inputs: Inputs): LayerKey {
  return digestOf(canonicalJson(inputs)) as string as LayerKey;
}

/** Everything that decides the content of the base. */
export function baseInputs(lock: Lock): Inputs {
  return {
    format: KEY_FORMAT,
    kind: 'base',
    suite: lock.suite,
    arch: lock.arch,
    epoch: lock.epoch,
    bootstrap: 'mmdebstrap',
    debs: debInputs(lock, lock.base),
  };
}

/** Everything that decides the content of a scriptlet's layer: what it did not declare is not here, and it does not see it. */
export function scriptletInputs(
  scriptlet: Scriptlet,
  project: string,
  lock: Lock,
  debs: readonly PackageId[],
  view: readonly ViewLayer[],
): Inputs {
  const ran = scriptlet.hasRun ? { prelude: preludeDigest(), ...declaredInputs(scriptlet, project) } : {};
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
export function declaredInputs(scriptlet: Scriptlet, project: string): Inputs {
  return {
    functions: scriptlet.functions,
    // Before the variables, which hold them too: the reason for a run is the first difference.
    vars: { ...scriptlet.vars },
    variables: scriptlet.variables,
    data: scriptlet.dataDir === undefined ? {} : contentOf(scriptlet.dataDir),
    files: Object.assign(
      {},
      ...scriptlet.files.map((file) => prefixed(file, contentOf(join(project, file)))),
    ),
    sources: scriptlet.sources.map((source) => `${sourceFile(source)} ${source.sha256}`),
    network: scriptlet.network,
  };
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

/**
 * The content of a file or folder of the project as a scriptlet sees it: of the mode only whether it is executable, which is all
 * that git keeps, so that a clone under another umask has the same keys.
 */
function contentOf(path: string): Record<string, string> {
  if (!existsSync(path)) return {};
  const content: Record<string, string> = {};
  for (const entry of scanTree(path, { mtime: () => 0 }).values()) {
    const name = printable(entry.path);
    if (entry.type === 'file') content[name] = `${entry.mode & 0o100 ? 'x' : 'f'} ${entry.digest}`;
    else if (entry.type === 'symlink') content[name] = `l ${printable(entry.target)}`;
    else if (entry.type === 'dir') content[name] = 'd';
  }
  return content;
}

function prefixed(folder: string, content: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(content).map(([name, value]) => [name === '' ? folder : `${folder}/${name}`, value]),
  );
}
