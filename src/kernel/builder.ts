import { mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { followFile } from '../host/follow-file.ts';
import { NOT_BOOTED, stackOf, type Workshop } from '../layers/run.ts';
import { type Bind, type Ending, enterSandbox, runSandboxed } from '../layers/sandbox.ts';
import { makeTop, type View } from '../layers/view.ts';
import { softStop } from './soft-stop.ts';

/** Where things are for whatever builds a kernel: the same always, since paths get into what is built. */
export const LINUX = '/usr/src/linux';
export const BUILD = '/usr/src/build';
export const MODULES = '/usr/src/modules';
export const OUT = '/usr/src/out';
/** Small inputs of one command. */
export const INPUT = '/run/snap/input';

export type BuilderCommand = {
  /** Of bash, with `set -euo pipefail`. */
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  readonly binds: readonly Bind[];
  /** Trees on top of the builder view, the topmost first. */
  readonly over?: readonly string[];
  /** Whether make may remove what it has half made when it is stopped; the outcome is that of make then. */
  readonly soft?: boolean;
  /** Gets what the command prints while it runs. */
  readonly onOutput?: (text: string) => void;
};

export type BuilderOutcome = {
  readonly ending: Ending;
  /** All that it printed. */
  readonly log: string;
  /** What it wrote outside of what was bound. */
  readonly upper: string;
};

/** The view that a kernel is built in: no network, nothing of the host. */
export type Builder = {
  run(command: BuilderCommand): Promise<BuilderOutcome>;
  /** Runs a command on the caller's terminal; returns its exit code. */
  enter(
    command: readonly string[],
    about: Omit<BuilderCommand, 'script' | 'onOutput'> & { cwd?: string },
  ): Promise<number>;
};

/** `work` is a work folder of the store; what the builder leaves in it stays until that goes. */
export function openBuilder(
  { store, lock, timeout, signal }: Pick<Workshop, 'store' | 'lock' | 'timeout' | 'signal'>,
  view: View,
  work: string,
): Builder {
  const top = join(work, 'top');
  makeTop(store, view, top, lock.epoch, NOT_BOOTED);
  let runs = 0;
  const begin = (over: readonly string[] = []) => {
    // Control groups are named after the folder.
    const folder = join(work, `${basename(work)}-${++runs}`);
    mkdirSync(folder, { mode: 0o700 });
    return { folder, lower: [...over, top, ...stackOf(store, view)], names: store.layout.names };
  };
  return {
    async run({ script, env, binds, over, soft, onOutput }) {
      const { folder, ...below } = begin(over);
      using stop = soft ? softStop(folder, signal) : undefined;
      const command = ['/bin/bash', '-c', `set -euo pipefail; umask 022\n${stop?.script ?? ''}\n${script}`];
      const log = join(folder, 'log');
      using _follow = onOutput ? followFile(log, onOutput) : undefined;
      const step = { command, env, binds: [...binds, ...(stop ? [stop.bind] : [])], network: false };
      const how = { timeout, signal: stop?.signal ?? signal, apart: stop !== undefined };
      const ending = await runSandboxed({ folder, ...below, steps: [step], ...how });
      return { ending, log: readFileSync(log, 'utf8'), upper: join(folder, 'upper') };
    },
    async enter(command, { env, binds, over, cwd = LINUX }) {
      const { folder, ...below } = begin(over);
      const words = ['/bin/sh', '-c', 'cd "$0" && exec "$@"', cwd, ...command];
      return enterSandbox({
        folder,
        ...below,
        step: { command: words, env, binds, network: false },
        signal,
      });
    },
  };
}

/** Builders of kernels see nothing of the host's environment. */
export function builderEnvironment(epoch: number): Record<string, string> {
  return {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    LC_ALL: 'C',
    TZ: 'UTC',
    SOURCE_DATE_EPOCH: String(epoch),
    KBUILD_BUILD_TIMESTAMP: dateText(epoch),
    KBUILD_BUILD_USER: 'snap',
    KBUILD_BUILD_HOST: 'snap',
    KBUILD_BUILD_VERSION: '1',
    KCONFIG_NOTIMESTAMP: '1',
  };
}

/** As `date` prints it in the C locale, in UTC: `Mon Nov 23 16:02:47 UTC 2026`. */
function dateText(epoch: number): string {
  const [day = '', date = '', month = '', year = '', time = ''] = new Date(epoch * 1000)
    .toUTCString()
    .replace(',', '')
    .split(' ');
  return `${day} ${month} ${date.replace(/^0/, ' ')} ${time} UTC ${year}`;
}
