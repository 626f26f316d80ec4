import { existsSync, statfsSync } from 'node:fs';
import { type GcReport, gc, gcHeld } from './gc.ts';
import { bytesOf, parseAmount } from './host/amount.ts';
import { SnapError } from './host/error.ts';
import { loadConf } from './project/conf.ts';
import { counted, size as sizeText } from './report/quantity.ts';
import { isFullAt } from './store/collect.ts';
import { fetchedBytes } from './store/holdings.ts';
import { Store } from './store/layers.ts';
import { layoutOf } from './store/layout.ts';
import { tryHold } from './store/locks.ts';
import { layersSince } from './store/rows.ts';

/** As ccache has it: a store that was full has room for the next builds afterwards. */
const SLACK = 0.9;

/** What the store took when it was last measured. */
type Known = { readonly bytes: number; readonly fetched: number; readonly layers: number };

const SIZE_KEY = 'store size';

/**
 * Keeps the store within the size that the conf asks for, after a build. Looks closely only when it may take more, and
 * waits for nobody: whoever builds meanwhile does it in the end. Returns what it has to say. Holds no lock before.
 */
export async function keepWithin(
  project: string,
  conf: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { maxStoreSize } = loadConf(project, conf);
  const maxSize = maxStoreSize === undefined ? undefined : parseAmount(maxStoreSize);
  if (maxStoreSize === undefined || maxSize === undefined) return undefined;
  const layout = layoutOf(project);
  const { blocks, bsize } = statfsSync(layout.root);
  const most = bytesOf(maxSize, blocks * bsize);
  if (isWithin(project, most)) return undefined;
  using held = tryHold(layout.lock);
  if (!held) return undefined;
  const report = await gcHeld(layout, { project, signal, dryRun: false, maxSize, slack: SLACK });
  keepSize(project, report);
  return report.frees === 0 && !report.missing ? undefined : sizeWords(maxStoreSize, report);
}

/** Goes by what is known: the size then, and what came since; a layer takes no more than its files are long. */
function isWithin(project: string, most: number): boolean {
  using store = new Store(project);
  const { bytes, fetched, layers } = JSON.parse(store.results.get(SIZE_KEY) ?? 'null') ?? {
    bytes: 0,
    fetched: 0,
    layers: 0,
  };
  const { sum, last } = layersSince(store.index, layers);
  const now = fetchedBytes(store.layout);
  if (last <= layers && now <= fetched) return true;
  return bytes + sum + Math.max(0, now - fetched) <= most;
}

function keepSize(project: string, { size = 0, frees }: GcReport): void {
  using store = new Store(project);
  const { last } = layersSince(store.index, 0);
  const known: Known = { bytes: size - frees, fetched: fetchedBytes(store.layout), layers: last };
  store.results.set(SIZE_KEY, JSON.stringify(known));
}

function sizeWords(most: string, { frees, missing }: GcReport): string {
  const freed = frees > 0 ? `freed ${sizeText(frees)}` : 'found nothing to remove';
  if (!missing) return `the store was larger than ${most}: ${freed}`;
  return `the store is larger than ${most}: ${freed}, and ${sizeText(missing.bytes)} too much are kept (snap gc --keep-builds 1, snap clean)`;
}

/**
 * What is said of a build that found no room: what is free, what it may need going by the last time, and what gc would free. Any other
 * error is returned as it is.
 */
export async function explainFull(
  {
    project,
    conf,
    signal,
  }: { readonly project: string; readonly conf: string; readonly signal: AbortSignal },
  error: unknown,
  needs: () => Promise<number | undefined>,
): Promise<unknown> {
  const layout = layoutOf(project);
  if (!existsSync(layout.root) || !isFullAt(layout, error)) return error;
  const { bavail, bsize, ffree, files } = statfsSync(layout.root);
  const free = bavail * bsize;
  const needed = await needs().catch(() => undefined);
  const would = await gc({ project, signal, dryRun: true }, () => {}).catch(() => undefined);
  const missing = needed === undefined ? 0 : needed - free;
  const isMuch = would !== undefined && would.frees > 0;
  const lines = [
    `free there: ${sizeText(free)}${files > 0 ? `, ${counted(ffree, 'inode')}` : ''}`,
    ...(missing > 0 ? [`missing: about ${sizeText(missing)}, going by the last time`] : []),
    ...(would === undefined
      ? []
      : [
          `snap gc would free ${sizeText(would.frees)}${missing > would.frees && isMuch ? ', which is not enough' : ''}`,
        ]),
  ];
  const sentence = `Cannot build "${conf}": the filesystem of the store "${layout.root}" is full`;
  const first = error instanceof SnapError ? [error.message, ...error.lines] : [(error as Error).message];
  const hint =
    isMuch || would === undefined
      ? 'make room: snap gc'
      : 'make room there, or give the store a larger filesystem';
  return new SnapError('STORE', sentence, { lines: [...first, ...lines], hint, cause: error });
}
