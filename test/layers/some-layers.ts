import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { watchClock } from '../../src/host/clock.ts';
import { type Captured, type CaptureOptions, capture } from '../../src/layers/capture.ts';
import { mergeView, type ViewLayer } from '../../src/layers/view.ts';
import type { Json } from '../../src/store/digest.ts';
import { type LayerKey, type LayerKind, Store } from '../../src/store/layers.ts';

/** SOURCE_DATE_EPOCH of these layers. */
export const EPOCH = 1_700_000_000;

const opened: Store[] = [];
const folders: string[] = [];
after(() => {
  for (const store of opened) store[Symbol.dispose]();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export function someFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'snap layers, \\:'));
  folders.push(folder);
  return folder;
}

export function someStore(): Store {
  const store = new Store(someFolder());
  opened.push(store);
  return store;
}

export type Making = {
  readonly name?: string;
  readonly kind?: LayerKind;
  readonly inputs?: { readonly [name: string]: Json };
  readonly options?: Partial<CaptureOptions>;
  /** Does what bash cannot. */
  readonly finish?: (upper: string) => void;
};

/**
 * Captures what a script of bash leaves in an empty folder, as if it were the upper folder of an overlay over these layers: a whiteout is
 * `mknod NAME c 0 0`. `finish` does what bash cannot. `upper` stays where it is.
 */
export function captureScript(
  store: Store,
  below: readonly ViewLayer[],
  script: string,
  options: Partial<CaptureOptions> = {},
  finish: (upper: string) => void = () => {},
): Captured & { readonly upper: string } {
  const upper = join(store.makeWorkDir(), 'upper');
  mkdirSync(upper, { mode: 0o755 });
  const clock = watchClock();
  execFileSync('bash', ['-euc', script], { cwd: upper, stdio: ['ignore', 'ignore', 'inherit'] });
  finish(upper);
  const ran = clock.end();
  const settings = { epoch: EPOCH, ran, settling: false, uids: new Map(), gids: new Map(), ...options };
  return { ...capture(upper, mergeView(store, below), settings), upper };
}

/** Publishes what a script leaves as a layer that sees those below. */
export function addLayer(
  store: Store,
  below: readonly ViewLayer[],
  script: string,
  making: Making = {},
): ViewLayer {
  const { name = `layer-${Math.random()}`, kind = 'scriptlet', inputs = {}, options = {}, finish } = making;
  const { upper, ...captured } = captureScript(store, below, script, options, finish);
  store.shareFiles(upper, captured.manifest, name);
  const made = store.makeWorkDir();
  renameSync(upper, join(made, 'tree'));
  const row = store.publish(made, {
    ...captured,
    name,
    kind,
    key: `key of ${name} ${JSON.stringify(inputs)}` as LayerKey,
    inputs,
    view: below.map((layer) => [layer.name, layer.row.n] as const),
    ids: { uids: {}, gids: {} },
    seconds: 0,
  });
  return { name, row, sees: new Set(below.map((layer) => layer.name)) };
}
