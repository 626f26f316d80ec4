import { aptName, movedPins } from './debian/lock.ts';
import { writeLock } from './debian/lock-file.ts';
import { coverLock, readInputs } from './inputs.ts';
import type { Report } from './report/event.ts';
import { Store } from './store/layers.ts';

export type LockRequest = {
  readonly project: string;
  readonly conf: string;
  /** The packages whose pins may move. */
  readonly update?: 'all' | readonly string[];
  readonly offline: boolean;
  readonly signal: AbortSignal;
};

export type LockResult = {
  /** Absolute path of the lock. */
  readonly file: string;
  /** Packages that came (no `from`), went (no `to`) or changed their version. */
  readonly moved: readonly { readonly name: string; readonly from?: string; readonly to?: string }[];
};

/** Makes a conf's lock cover what its scriptlets ask for, and moves the pins that `update` names. */
export async function lock(request: LockRequest, report: Report): Promise<LockResult> {
  using store = new Store(request.project);
  const wait = () => report({ kind: 'note', text: 'waiting for "snap gc" to end' });
  using _held = await store.hold(store.layout.lock, 'shared', wait, request.signal);
  const inputs = await readInputs(request.project, request.conf, store);
  const covered = await coverLock(inputs, store, { ...request, locked: false }, report);
  await writeLock(inputs.lockFile, covered);
  const moved = inputs.lock
    ? movedPins(inputs.lock, covered)
    : [...covered.pins.values()].map((pin) => arrived(aptName(pin, covered.arch), pin));
  return { file: inputs.lockFile, moved: moved.map(plain) };
}

function arrived(name: string, { version }: { version: string }) {
  return { name, from: undefined, to: version };
}

function plain({ name, from, to }: { name: string; from: string | undefined; to: string | undefined }) {
  return { name, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}
