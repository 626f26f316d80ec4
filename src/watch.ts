import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { holdForBuild } from './bench.ts';
import { buildHeld, tidyUp } from './build.ts';
import { Changes } from './changes.ts';
import type { Order } from './debian/lock.ts';
import { errno, SnapError } from './host/error.ts';
import { type Inputs, readInputs } from './inputs.ts';
import {
  haltedError,
  joinRuns,
  obsolete,
  type Shared,
  shareRuns,
  stopRuns,
  type Wants,
  wantsOf,
} from './layers/relay.ts';
import { namesIn } from './project/conf.ts';
import { buildViews, closures } from './project/order.ts';
import type { Scriptlet } from './project/scriptlet.ts';
import { inputPaths } from './project/watched.ts';
import type { BuildEvent, Report } from './report/event.ts';
import type { BuildRequest, BuildResult } from './request.ts';
import type { Json } from './store/digest.ts';
import { Store } from './store/layers.ts';

/** What a watch tells while it goes on. */
export type WatchEvent =
  /** All is built that can be: from now on it waits for a file to be saved. */
  | { readonly kind: 'watching'; readonly files: number }
  /** Paths relative to the project that hold something else now. */
  | { readonly kind: 'changed'; readonly paths: readonly string[] }
  /** A build begins; the one before it has ended, or was stopped. */
  | { readonly kind: 'begin' }
  | { readonly kind: 'progress'; readonly event: BuildEvent }
  | { readonly kind: 'built'; readonly result: BuildResult }
  | { readonly kind: 'failed'; readonly error: unknown };

type Watching = {
  readonly request: BuildRequest;
  readonly changes: Changes;
  readonly tell: (event: WatchEvent) => void;
  readonly report: Report;
  /** Rejects when the watch is to end. */
  readonly ended: Promise<never>;
  /** The input paths, while the inputs can be read. */
  paths: readonly string[];
  /** Layers to run again, until a build has done so. */
  rerun: readonly string[];
  /** The image that was told last. */
  digest: string | undefined;
};

/**
 * Builds, and builds again whenever a file that the conf is made from holds something else, until the request's signal ends it. What is saved during
 * a build stops what it makes obsolete, and that alone. The image that a build leaves was made from inputs that nobody touched meanwhile.
 * @throws SnapError HOST when the host does not let it watch.
 */
export async function watch(request: BuildRequest, tell: (event: WatchEvent) => void): Promise<void> {
  using changes = new Changes(request.project);
  const report: Report = (event) => {
    if (event.kind === 'lock') changes.absorb(event.file);
    tell({ kind: 'progress', event });
  };
  const ended = whenAborted(request.signal);
  const { rerun } = request;
  const watching: Watching = { request, changes, tell, report, ended, paths: [], rerun, digest: undefined };
  try {
    for (;;) {
      const digest = watching.digest;
      await buildUntilStill(watching);
      if (watching.digest !== digest) await tidyUp(request, report);
      tell({ kind: 'watching', files: changes.files });
      while (!(await changed(watching)));
    }
  } catch (error) {
    if (!request.signal.aborted) throw error;
  }
}

/** What comes after a build: another one of what changed, one more of what was touched, or nothing for now. */
type Next = 'changed' | 'touched' | 'still';

/** Builds until there is nothing to do. Store and image are held only as long as that. */
async function buildUntilStill(watching: Watching): Promise<void> {
  const { request, report } = watching;
  using store = new Store(request.project);
  using _held = await holdForBuild(store, request, report);
  const shared = shareRuns(request.jobs);
  try {
    for (let next: Next = 'changed'; next !== 'still'; )
      next = await buildOnce(watching, store, shared, next === 'touched');
  } finally {
    await stopRuns(shared, shared.runs.keys());
  }
}

/** One build, until it has ended or something has changed. Of layers that it leaves behind the next one takes over what still counts. */
async function buildOnce(watching: Watching, store: Store, shared: Shared, quiet: boolean): Promise<Next> {
  const { request, changes, ended, tell, report } = watching;
  const read = await readAndWatch(watching, store);
  tell({ kind: 'begin' });
  if ('error' in read) return failed(watching, shared, read.error);
  const wants = liveWants(read.result, changes);
  await stopObsolete(watching, shared, wants.now());
  const heeding: Report = (event) => {
    wants.heed(event);
    report(event);
  };
  const halt = new AbortController();
  const asked = { ...request, rerun: watching.rerun };
  const building = outcomeOf(buildHeld(store, asked, heeding, joinRuns(shared, wants.now, halt.signal)));
  try {
    for (;;) {
      const first = await Promise.race([building, changes.next(), ended]);
      if (first !== 'saved') {
        return 'result' in first
          ? await built(watching, first.result, quiet)
          : await failed(watching, shared, first.error);
      }
      if (!tellChanged(watching)) continue;
      halt.abort(haltedError());
      const now = await outcomeOf(readInputs(request.project, request.conf, store));
      // Where they cannot be read now, what they make obsolete is known once they are mended.
      if ('result' in now) await stopObsolete(watching, shared, liveWants(now.result, changes).now());
      return 'changed';
    }
  } finally {
    halt.abort(haltedError());
    await building;
  }
}

/** Tells of an image. It counts only if no input was touched while it was made. */
async function built(watching: Watching, result: BuildResult, quiet: boolean): Promise<Next> {
  const { changes, tell } = watching;
  const news = result.digest !== watching.digest || result.layers.some(({ state }) => state === 'run');
  watching.rerun = [];
  watching.digest = result.digest;
  if (news || !quiet) tell({ kind: 'built', result });
  await noticed();
  if (changes.pending && (await changed(watching))) return 'changed';
  return changes.touched ? 'touched' : 'still';
}

/** Tells why there is no image, unless it is that something was saved meanwhile. Layers that are under way go on until there is a change. */
async function failed(watching: Watching, shared: Shared, error: unknown): Promise<Next> {
  const { changes, ended, tell, request } = watching;
  await noticed();
  const saved = errno(error) !== undefined || (error instanceof SnapError && error.code === 'CHANGED');
  if (saved && changes.touched) return 'changed';
  if (request.signal.aborted || !(error instanceof SnapError)) throw error;
  tell({ kind: 'failed', error });
  const idle = Promise.allSettled([...shared.runs.values()].map(({ done }) => done)).then(
    () => 'idle' as const,
  );
  for (;;) {
    const first = await Promise.race([...(changes.pending ? [] : [idle]), changes.next(), ended]);
    if (first === 'idle') return 'still';
    if (tellChanged(watching)) return 'changed';
  }
}

/** Waits until something has happened to an input; true where the input holds something else now. */
async function changed(watching: Watching): Promise<boolean> {
  await Promise.race([watching.changes.next(), watching.ended]);
  return tellChanged(watching);
}

function tellChanged({ tell, changes }: Watching): boolean {
  const paths = changes.take();
  if (paths.length > 0) tell({ kind: 'changed', paths });
  return paths.length > 0;
}

/** Waits until all events have come in of what has happened by now. */
async function noticed(): Promise<void> {
  await turn();
  await turn();
}

/** Reads the inputs, and watches all that they are read from before they are read. */
async function readAndWatch(watching: Watching, store: Store): Promise<Outcome<Inputs>> {
  const { changes, request } = watching;
  const own = join(request.project, 'conf', `${request.conf}.lock`);
  for (let watched = watching.paths; ; ) {
    changes.watch(watched, own);
    const read = await outcomeOf(readInputs(request.project, request.conf, store));
    if ('result' in read) watching.paths = inputPaths(read.result.conf, read.result.scriptlets);
    const wanted = 'result' in read ? watching.paths : loosePaths(request.project, watching.paths);
    if (wanted.join('\0') === watched.join('\0')) return read;
    watched = wanted;
  }
}

/** What may mend inputs that cannot be read: what they were read from when they could, all confs and scriptlets, and what these name. */
function loosePaths(project: string, known: readonly string[]): string[] {
  const scriptlets = namesIn(join(project, 'scriptlets'), '.sh').map((name) => `${name}.sh`);
  const named = scriptlets.flatMap((name) => [...wordsAfter('use_file', textOf(project, name))]);
  const paths = ['conf', 'scriptlets', ...named].map((path) => join(project, path));
  return [...new Set([...paths, ...known])].filter((path) => path.startsWith(`${project}/`));
}

function textOf(project: string, scriptlet: string): string {
  try {
    return readFileSync(join(project, 'scriptlets', scriptlet), 'utf8');
  } catch {
    return '';
  }
}

function* wordsAfter(declaration: string, text: string): Generator<string> {
  for (const [, words = ''] of text.matchAll(RegExp(`^\\s*${declaration}\\s+(.*)$`, 'gm')))
    yield* words
      .replaceAll(/["']/g, '')
      .split(/\s+/)
      .filter((word) => /^[^$#]/.test(word));
}

type LiveWants = { readonly now: () => Wants; readonly heed: (event: BuildEvent) => void };

/** What is wanted of each layer; what the build learns on its way counts at once. */
function liveWants({ conf, scriptlets, lock, parent }: Inputs, changes: Changes): LiveWants {
  const own = new Map<string, Json>([['base', [conf.suite, conf.arch, ...conf.foreignArchs]]]);
  for (const scriptlet of scriptlets) {
    own.set(scriptlet.name, ownInputs(scriptlet, conf.project, changes));
  }
  const orders: Order[] = [...(lock?.orders ?? []), ...(parent?.orders ?? [])];
  let wants: Wants | undefined;
  return {
    now: () => {
      wants ??= wantsOf(own, allSeen(scriptlets, orders));
      return wants;
    },
    heed: (event) => {
      if (event.kind !== 'learned') return;
      const { later, earlier, path } = event;
      orders.push({ later, earlier, path });
      wants = undefined;
    },
  };
}

/** What each layer is made on, its build's view included. */
function allSeen(scriptlets: readonly Scriptlet[], orders: readonly Order[]): Map<string, Set<string>> {
  const builds = buildViews(scriptlets, orders);
  const sees = closures(scriptlets, orders);
  return new Map([...sees].map(([name, seen]) => [name, new Set([...seen, ...(builds.get(name) ?? [])])]));
}

/** What a scriptlet's own file, folder and declarations decide, as far as they make its layer. */
function ownInputs(scriptlet: Scriptlet, project: string, changes: Changes): Json {
  const { packages, hasRun, functions, vars, variables, dataDir, files, sources, network } = scriptlet;
  const data = dataDir === undefined ? {} : changes.content(dataDir);
  if (scriptlet.kernel) return { kernel: JSON.stringify(scriptlet.kernel), data };
  if (!hasRun) return { packages };
  const contents = files.map((file) => [file, changes.content(join(project, file))]);
  const fetched = sources.map(({ url, sha256 }) => [url, sha256]);
  return { packages, functions, vars, variables, data, files: contents, sources: fetched, network };
}

async function stopObsolete({ report }: Watching, shared: Shared, wants: Wants): Promise<void> {
  const names = obsolete(shared.runs, wants);
  for (const name of names) report({ kind: 'layer-stop', name });
  await stopRuns(shared, names);
}

type Outcome<T> = { readonly result: T } | { readonly error: unknown };

/** Never rejects. */
function outcomeOf<T>(work: Promise<T>): Promise<Outcome<T>> {
  return work.then(
    (result) => ({ result }),
    (error: unknown) => ({ error }),
  );
}

/** Rejects with the signal's reason. */
function whenAborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {}); // nobody may be waiting
  if (signal.aborted) reject(signal.reason);
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  return promise;
}
