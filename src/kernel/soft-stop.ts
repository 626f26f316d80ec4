import { closeSync, constants, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { errno } from '../host/error.ts';
import { makeNode } from '../host/syscall.ts';
import type { Bind } from '../layers/sandbox.ts';

/** Milliseconds in which make has to end by itself. */
const PATIENCE = 10_000;

const PLACE = '/run/snap/stop';

/**
 * Whatever runs gets a SIGTERM, once somebody writes into the fifo, and nothing follows it. Who reads has no name there, but dies with the
 * script.
 */
const SCRIPT = `trap 'exit 143' TERM
{ read -r _ <${PLACE}/fifo && kill -TERM -1; } &`;

/** How a script of bash is ended so that make removes what it has half made. */
export type SoftStop = Disposable & {
  /** Comes first in the script. */
  readonly script: string;
  readonly bind: Bind;
  /** What ends it at once. */
  readonly signal: AbortSignal;
};

/** Once `signal` is aborted, the script is told to end; what goes on nevertheless is killed. `folder` is one of the host's. */
export function softStop(folder: string, signal: AbortSignal): SoftStop {
  const place = join(folder, 'stop');
  const fifo = join(place, 'fifo');
  mkdirSync(place, { mode: 0o755 });
  makeNode(Buffer.from(fifo), 'fifo', 0o600);
  const hard = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const kill = (): void => hard.abort(signal.reason);
  const stop = (): void => {
    if (tell(fifo)) timer = setTimeout(kill, PATIENCE);
    else kill();
  };
  if (signal.aborted) kill();
  signal.addEventListener('abort', stop, { once: true });
  return {
    script: SCRIPT,
    bind: { from: place, to: PLACE },
    signal: hard.signal,
    [Symbol.dispose]() {
      signal.removeEventListener('abort', stop);
      clearTimeout(timer);
    },
  };
}

/** False where nobody listens. */
function tell(fifo: string): boolean {
  try {
    const fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    writeSync(fd, '\n');
    closeSync(fd);
    return true;
  } catch (error) {
    if (errno(error) === undefined) throw error;
    return false;
  }
}
