import { copyFileSync, existsSync, readdirSync, renameSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { debPath } from './debian/debs.ts';
import type { Lock } from './debian/lock.ts';
import { SnapError } from './host/error.ts';
import { run } from './host/program.ts';
import type { Inputs } from './inputs.ts';
import { makerOf } from './kernel/layer.ts';
import { debTrees } from './layers/deb-trees.ts';
import { adopt, fits, type Ledger } from './layers/ids.ts';
import { pinOf } from './layers/key.ts';
import { joinRuns, type Shared, shareRuns } from './layers/relay.ts';
import type { Bench } from './layers/round.ts';
import type { Report } from './report/event.ts';
import type { BuildRequest } from './request.ts';
import type { Store } from './store/layers.ts';

/** The store for adding, and the conf's image for this build alone. */
export async function holdForBuild(
  store: Store,
  { conf, signal }: BuildRequest,
  report: Report,
): Promise<Disposable> {
  using held = new DisposableStack();
  const wait = (what: string) => () => report({ kind: 'note', text: `waiting for ${what}` });
  held.use(await store.hold(store.layout.lock, 'shared', wait('"snap gc" to end'), signal));
  const busy = join(store.layout.images, `.${conf}.busy`);
  held.use(await store.hold(busy, 'exclusive', wait(`another build of "${conf}" to end`), signal));
  return held.move();
}

/** What the layers of a build are made with. */
export async function makeBench(
  inputs: Inputs,
  lock: Lock,
  store: Store,
  request: BuildRequest,
  report: Report,
  relay = joinRuns(shareRuns(request.jobs)),
): Promise<Bench> {
  return {
    store,
    conf: inputs.conf,
    lock,
    ledger: shareLedger(relay.shared, ledgerOf(lock, inputs.parent)),
    eatmydata: await eatmydataOf(lock, store),
    timeout: request.timeout,
    keepFailed: request.keepFailed,
    jobs: Math.min(request.jobs, availableParallelism()),
    cleanKernel: request.cleanKernel ?? false,
    signal: request.signal,
    report,
    relay,
    rerun: rerunOf(inputs, request),
    makerOf,
    trees: debTrees(store, lock, request.signal),
  };
}

/** The layers to run again: with `cleanKernel` those of kernels too. */
function rerunOf({ scriptlets }: Inputs, { rerun, cleanKernel }: BuildRequest): Set<string> {
  const kernels = scriptlets.flatMap(({ name, kernel }) => (kernel && cleanKernel ? [name] : []));
  return new Set([...rerun, ...kernels]);
}

/** The lock's ids; a name that it does not hold has the id that the conf's parent gave it, so that their layers are the same. */
export function ledgerOf(lock: Lock, parent: Lock | undefined): Ledger {
  const join = (own: ReadonlyMap<string, number>, inherited: ReadonlyMap<string, number> = new Map()) => {
    const taken = new Set(own.values());
    const added = [...inherited].filter(([name, id]) => !own.has(name) && !taken.has(id));
    return new Map([...own, ...added]);
  };
  return { uids: join(lock.uids, parent?.uids), gids: join(lock.gids, parent?.gids) };
}

/** The ledger that layers under way give ids from; a new one where the lock came to say something else. */
function shareLedger(shared: Shared, own: Ledger): Ledger {
  const ids = { uids: Object.fromEntries(own.uids), gids: Object.fromEntries(own.gids) };
  if (shared.ledger === undefined || !fits(shared.ledger, ids)) shared.ledger = own;
  else adopt(shared.ledger, ids);
  return shared.ledger;
}

/** libeatmydata of the target's suite, unpacked once from the locked deb. */
export async function eatmydataOf(lock: Lock, store: Store): Promise<string> {
  const pin = pinOf(lock, lock.tools[0]!);
  const folder = join(store.layout.tools, pin.sha256);
  if (!existsSync(folder)) {
    const unpacked = store.makeWorkDir();
    await run(['dpkg-deb', '--extract', debPath(store.layout.debs, pin), unpacked]);
    const library = readdirSync(unpacked, { recursive: true, encoding: 'utf8' }).find((file) =>
      /\/libeatmydata\.so$/.test(file),
    );
    if (!library) throw new SnapError('LOCK', `The deb of "${pin.name}" holds no libeatmydata.so`);
    const made = store.makeWorkDir();
    copyFileSync(join(unpacked, library), join(made, 'libeatmydata.so'));
    if (!existsSync(folder)) renameSync(made, folder);
    store.dropWorkDir(unpacked);
  }
  return join(folder, 'libeatmydata.so');
}
