import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { download, fetchSource } from './debian/download.ts';
import { hostMirrors } from './debian/host-sources.ts';
import { type Lock, type Pin, uncovered } from './debian/lock.ts';
import { readLock } from './debian/lock-file.ts';
import { resolve } from './debian/resolve.ts';
import { SnapError } from './host/error.ts';
import { ownFile } from './host/own.ts';
import type { Known } from './layers/content.ts';
import { declaredInputs, keyOf, PRELUDE, pinOf } from './layers/key.ts';
import type { Sequence } from './layers/sequence.ts';
import { check } from './project/check.ts';
import { type Conf, listConfs, loadConf, type Mirror } from './project/conf.ts';
import { BASH, EVALUATOR } from './project/evaluate.ts';
import { buildViews, closures, sequence } from './project/order.ts';
import { readScriptlets, type Scriptlet, wantsOf } from './project/scriptlet.ts';
import type { Report } from './report/event.ts';
import { digestOf } from './store/digest.ts';
import type { Store } from './store/layers.ts';

/** What a person wrote, and the locks beside it. */
export type Inputs = {
  readonly conf: Conf;
  /** In the order of the conf; before them those that only builds need. */
  readonly scriptlets: readonly Scriptlet[];
  readonly lockFile: string;
  readonly lock: Lock | undefined;
  /** The lock of the conf that this one extends. */
  readonly parent: Lock | undefined;
};

export async function readInputs(project: string, name: string, store: Store): Promise<Inputs> {
  const conf = loadConf(project, name);
  const scriptlets = await readScriptlets(conf, { cache: store.results, keeper: store.results });
  const target = { suite: conf.suite, arch: conf.arch };
  const lock = await readLock(lockOf(conf.project, conf.name), target);
  const [parentName] = conf.parents;
  const parent = parentName === undefined ? undefined : await readLock(lockOf(conf.project, parentName));
  return { conf, scriptlets, lockFile: lockOf(conf.project, conf.name), lock, parent };
}

/**
 * Every path outside of the store that decides what a build of these inputs gives, those too at which nothing lies yet: the project's
 * own, and the programs that read it. Undefined when it depends on what no path tells: the state of git's working tree.
 */
export function inputPaths({ conf, scriptlets, lockFile }: Inputs): string[] | undefined {
  if (scriptlets.some(({ vars }) => Object.hasOwn(vars, 'SNAP_COMMIT'))) return undefined;
  const confs = [conf.name, ...conf.parents].map((name) => join(conf.project, 'conf', `${name}.toml`));
  const locks = [lockFile, ...conf.parents.slice(0, 1).map((name) => lockOf(conf.project, name))];
  const own = scriptlets.flatMap(({ name, file, files }) => [
    file,
    ...[join(conf.project, 'scriptlets', name), ...files.map((path) => join(conf.project, path))].flatMap(
      below,
    ),
  ]);
  return [...SNAP_ITSELF, ...confs, ...locks, ...own];
}

/** What snap is, and what of it decides how a scriptlet is read and run. */
const SNAP_ITSELF = [ownFile('dist/.made'), PRELUDE, EVALUATOR, BASH];

/** The globs of what the image leaves out. */
export function excludesOf({ scriptlets }: Pick<Inputs, 'scriptlets'>): string[] {
  return scriptlets.flatMap((scriptlet) => scriptlet.excludes);
}

function lockOf(project: string, conf: string): string {
  return join(project, 'conf', `${conf}.lock`);
}

/** A path and everything beneath it. */
function below(path: string): string[] {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) return [path];
  return [path, ...readdirSync(path).flatMap((name) => below(join(path, name)))];
}

export type CoverOptions = {
  readonly update?: 'all' | readonly string[];
  readonly locked: boolean;
  readonly offline: boolean;
  /** Seconds that apt's indexes may be old; without it they are brought up to date. */
  readonly indexAge?: number;
  /** Ends a running apt at once. */
  readonly signal: AbortSignal;
};

/**
 * The lock that answers for all that the scriptlets ask for. Without `update` no pin moves, and no server is asked when the lock
 * covers everything.
 * @throws SnapError LOCK when `locked` and it does not.
 */
export async function coverLock(
  inputs: Inputs,
  store: Store,
  options: CoverOptions,
  report: Report,
): Promise<Lock> {
  const { conf, lock, parent } = inputs;
  const wants = wantsOf(inputs.scriptlets);
  const open = lock ? uncovered(lock, wants) : [];
  if (lock && open.length === 0 && options.update === undefined) return lock;
  if (options.locked) {
    const which = lock ? `does not cover ${open.map(({ name }) => `"${name}"`).join(', ')}` : 'is not there';
    throw new SnapError('LOCK', `Cannot build "${conf.name}": its lock "${inputs.lockFile}" ${which}`, {
      hint: `make it cover them, and commit it: snap lock ${conf.name}`,
    });
  }
  report({ kind: 'stage', name: 'Resolving packages' });
  const mirrors = await mirrorsOf(conf);
  return resolve({
    suite: conf.suite,
    arch: conf.arch,
    foreignArchs: conf.foreignArchs,
    mirrors,
    wants,
    lock,
    parent,
    update: options.update,
    aptDir: join(store.layout.apt, aptDirName(conf, mirrors)),
    debsDir: store.layout.debs,
    offline: options.offline,
    signal: options.signal,
    ...(options.indexAge === undefined ? {} : { indexAge: options.indexAge }),
    note: (text) => report({ kind: 'note', text }),
    now: () => projectEpoch(conf) ?? Math.floor(Date.now() / 1000),
  });
}

/** The name of the folder of apt's private root for a conf. */
export async function aptDirOf(conf: Conf): Promise<string> {
  return aptDirName(conf, await mirrorsOf(conf));
}

function aptDirName({ suite, arch, foreignArchs }: Conf, mirrors: readonly Mirror[]): string {
  return digestOf(JSON.stringify([mirrors, suite, arch, ...foreignArchs])).slice(0, 16);
}

/**
 * The SOURCE_DATE_EPOCH that other confs of the project have: with the same one, and the same packages, they share their layers.
 */
function projectEpoch(conf: Conf): number | undefined {
  const epochs = listConfs(conf.project).flatMap((name) => {
    const file = lockOf(conf.project, name);
    const epoch = existsSync(file) ? /^epoch (\d+)$/m.exec(readFileSync(file, 'utf8'))?.[1] : undefined;
    return epoch === undefined ? [] : [Number(epoch)];
  });
  return epochs.length > 0 ? Math.min(...epochs) : undefined;
}

export async function mirrorsOf(conf: Conf): Promise<readonly Mirror[]> {
  return conf.mirrors.length > 0 ? conf.mirrors : hostMirrors({ suite: conf.suite, arch: conf.arch });
}

/** Fetches what the store lacks of the lock's debs and the scriptlets' sources. */
export async function fetchInputs(
  { conf, scriptlets }: Inputs,
  lock: Lock,
  store: Store,
  options: { readonly offline: boolean; readonly signal: AbortSignal },
  report: Report,
): Promise<void> {
  const shared = {
    ...options,
    report: (progress: { done: number; total: number; bytes: number; totalBytes: number | undefined }) =>
      report({ kind: 'download', ...progress, totalBytes: progress.totalBytes ?? progress.bytes }),
  };
  const pins: Pin[] = [...lock.pins.keys()].map((id) => pinOf(lock, id));
  await download(pins, { ...shared, debsDir: store.layout.debs, mirrors: await mirrorsOf(conf) });
  const kernels = scriptlets.flatMap(({ kernel }) => (kernel?.source.kind === 'url' ? [kernel.source] : []));
  for (const { url, sha256 } of [...scriptlets.flatMap(({ sources }) => sources), ...kernels]) {
    await fetchSource(url, sha256, { ...shared, sourcesDir: store.layout.sources });
  }
}

/** The order of the view, with what the lock and the parent's lock learned. */
export function sequenceOf({ scriptlets, parent }: Inputs, lock: Pick<Lock, 'orders'>): Sequence {
  const orders = [...lock.orders, ...(parent?.orders ?? [])];
  const running = sequence(scriptlets, orders);
  return {
    scriptlets: running,
    sees: closures(scriptlets, orders, running),
    builds: buildViews(scriptlets, orders),
  };
}

/** Runs every do_check whose inputs have not passed it before. */
export async function checkInputs(
  { conf, scriptlets }: Inputs,
  store: Store,
  signal: AbortSignal,
): Promise<void> {
  await check(conf, scriptlets, {
    cache: store.results,
    checkKey: (scriptlet) => checkKey(scriptlet, conf.project, store.results),
    prelude: PRELUDE,
    signal,
  });
}

/** Under which a passed do_check is remembered. */
export function checkKey(scriptlet: Scriptlet, project: string, known: Known): string {
  return `check ${keyOf(declaredInputs(scriptlet, project, known))}`;
}
