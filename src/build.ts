import { SnapError } from './host/error.ts';
import type { LayerState, Report } from './report/event.ts';

export type BuildRequest = {
  /** Absolute path of the project's folder. */
  readonly project: string;
  /** The conf's name. */
  readonly conf: string;
  readonly jobs: number;
  readonly locked: boolean;
  readonly offline: boolean;
  /** Seconds that one scriptlet may take. */
  readonly timeout?: number;
  readonly keepFailed: boolean;
  /** Absolute path of the folder that gets the image instead of `images/`. */
  readonly output?: string;
  /** Layers to run again whatever the store has. */
  readonly rerun: readonly string[];
  readonly signal: AbortSignal;
};

export type LayerResult = {
  readonly name: string;
  readonly key: string;
  readonly state: LayerState;
  readonly seconds: number;
  readonly reason: string;
};

export type BuildResult = {
  /** Absolute path. */
  readonly image: string;
  readonly digest: string;
  readonly seconds: number;
  readonly paths: number;
  readonly bytes: number;
  readonly layers: readonly LayerResult[];
};

export type PlannedLayer = {
  readonly name: string;
  readonly state: 'hit' | 'run' | 'unknown';
  readonly reason: string;
  /** What it took the last time. */
  readonly seconds?: number;
  readonly key?: string;
};

export type PlanResult = { readonly layers: readonly PlannedLayer[] };

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

export type ShellRequest = {
  readonly project: string;
  /** With a layer: the conf that it is seen in; without that, the one that was built last. */
  readonly conf?: string;
  /** The scriptlet whose view is entered instead of the image. */
  readonly layer?: string;
  /** Instead of an interactive shell. */
  readonly command: readonly string[];
  readonly signal: AbortSignal;
};

export type CheckRequest = {
  readonly project: string;
  readonly conf: string;
  readonly jobs: number;
  readonly signal: AbortSignal;
};

export type Difference = {
  /** Bytes of the path, latin1-decoded. */
  readonly path: string;
  readonly what: string;
  /** The reason for which this one is allowed. */
  readonly allowed?: string;
};

export type CheckResult = { readonly same: boolean; readonly differences: readonly Difference[] };

export type ListedConf = {
  readonly name: string;
  readonly image?: string;
  /** ISO 8601. */
  readonly built?: string;
  readonly paths?: number;
  readonly bytes?: number;
  readonly layers?: number;
};

export async function build(_request: BuildRequest, _report: Report): Promise<BuildResult> {
  throw notBuilt();
}

export async function plan(_request: BuildRequest): Promise<PlanResult> {
  throw notBuilt();
}

export async function lock(_request: LockRequest, _report: Report): Promise<LockResult> {
  throw notBuilt();
}

export async function check(_request: CheckRequest, _report: Report): Promise<CheckResult> {
  throw notBuilt();
}

/** The log of a layer's last run. */
export async function logOf(_project: string, _layer: string, _conf?: string): Promise<string> {
  throw notBuilt();
}

/** A root shell in a throw-away overlay. Returns its exit code. */
export async function shell(_request: ShellRequest): Promise<number> {
  throw notBuilt();
}

export async function list(_project: string): Promise<readonly ListedConf[]> {
  throw notBuilt();
}

function notBuilt(): SnapError {
  return new SnapError('STORE', 'Not built yet');
}
