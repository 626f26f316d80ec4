import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { SnapError } from '../host/error.ts';
import { makeFolders } from '../host/folder.ts';
import type { Mirror } from '../project/conf.ts';
import { checkDeb } from './deb.ts';
import { debPath } from './debs.ts';
import { hostProxies } from './host-proxy.ts';
import type { Pin } from './lock.ts';
import { type Client, openClient, type Transfer, TransferFailure, transfer } from './transfer.ts';

/** Files and bytes, of those that were missing. */
export type DownloadProgress = {
  readonly done: number;
  readonly total: number;
  readonly bytes: number;
  /** Undefined while the size is not known. */
  readonly totalBytes: number | undefined;
};

export type DownloadOptions = {
  readonly offline: boolean;
  readonly report: (progress: DownloadProgress) => void;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds that a server may stay silent. */
  readonly patience?: number | undefined;
};

const PARALLEL = 4;

/** The pins whose debs are not in the store, each digest once. The size is looked at, the content is not: `snap verify` does that. */
export function missingDebs(pins: Iterable<Pin>, debsDir: string): Pin[] {
  const unique = [...new Map([...pins].map((pin) => [pin.sha256, pin])).values()];
  return unique.filter((pin) => sizeOf(debPath(debsDir, pin)) !== pin.size);
}

/**
 * Fetches the debs that are missing. Success promises that each pin's deb is in `debsDir`, whole, verified and checked.
 * Asks no server when nothing is missing. What came before a failure stays and is not fetched again.
 * @throws SnapError DOWNLOAD with the number of packages that are missing, the archive and the reason.
 */
export async function download(
  pins: Iterable<Pin>,
  options: DownloadOptions & { readonly debsDir: string; readonly mirrors: readonly Mirror[] },
): Promise<void> {
  const missing = missingDebs(pins, options.debsDir);
  if (missing.length === 0) return;
  if (options.offline) throw offlineError(missing);
  const transfers = missing.map((pin) => debTransfer(pin, options));
  makeFolders(options.debsDir, 0o700);
  const failures = await transferAll(transfers, options);
  await syncFolder(options.debsDir);
  if (failures.size > 0) throw missingError(missingDebs(missing, options.debsDir), failures);
}

/**
 * Fetches a file that a scriptlet declared (`http:`, `https:` or `file:`) and returns its path in `sourcesDir`, which is its digest.
 * @throws SnapError DOWNLOAD with the address and the reason.
 */
export async function fetchSource(
  url: string,
  sha256: string,
  options: DownloadOptions & { readonly sourcesDir: string },
): Promise<string> {
  const file = join(options.sourcesDir, sha256);
  if (sizeOf(file) !== undefined) return file;
  if (!URL.canParse(url) || !/^(https?|file):$/.test(new URL(url).protocol)) {
    throw new SnapError(
      'DOWNLOAD',
      `Cannot fetch "${url}": it is no address that begins with http:, https: or file:`,
    );
  }
  if (options.offline && !url.startsWith('file:')) {
    throw new SnapError(
      'DOWNLOAD',
      `Source "${url}" is not in the store, and --offline forbids to fetch it`,
      {
        hint: 'run once without --offline',
      },
    );
  }
  makeFolders(options.sourcesDir, 0o700);
  const [failure] = (await transferAll([{ url, sha256, size: undefined, file }], options)).values();
  await syncFolder(options.sourcesDir);
  if (failure === undefined) return file;
  throw new SnapError('DOWNLOAD', `Cannot fetch "${url}": ${failure.message}`, {
    hint:
      failure.kind === 'wrong'
        ? `if these bytes are the right ones, correct the digest that the scriptlet declares (${sha256})`
        : 'see that the address is right and run again; what came is kept',
    cause: failure,
  });
}

function debTransfer(
  pin: Pin,
  { mirrors, debsDir }: { readonly mirrors: readonly Mirror[]; readonly debsDir: string },
): Transfer {
  const mirror = mirrors.find((one) => one.name === pin.archive);
  if (mirror === undefined) {
    throw new SnapError(
      'DOWNLOAD',
      `Package "${pin.name}" comes from archive "${pin.archive}", which is not known here`,
      {
        lines: [`known: ${mirrors.map((one) => one.name).join(' ') || 'none'}`],
        hint: `name it in the conf, or add it to the host's apt sources`,
      },
    );
  }
  const path = pin.path.split('/').map(encodeURIComponent).join('/');
  const url = `${mirror.uri.replace(/\/+$/, '')}/${path}`;
  const check = (file: string) => checkDeb(file, `${pin.name} ${pin.version}`);
  return { url, sha256: pin.sha256, size: pin.size, file: debPath(debsDir, pin), check };
}

/** Runs some at a time; stops at an archive that does not answer, since each further file would wait for it too. */
async function transferAll(
  transfers: readonly Transfer[],
  { report, signal, patience }: DownloadOptions,
): Promise<Map<Transfer, TransferFailure>> {
  const failures = new Map<Transfer, TransferFailure>();
  const received = new Map<Transfer, number>();
  let done = 0;
  const totalBytes = transfers.every(({ size }) => size !== undefined)
    ? transfers.reduce((sum, { size }) => sum + (size ?? 0), 0)
    : undefined;
  const tell = () =>
    report({
      done,
      total: transfers.length,
      bytes: [...received.values()].reduce((a, b) => a + b, 0),
      totalBytes,
    });
  const stop = new AbortController();
  const both = AbortSignal.any([stop.signal, ...(signal === undefined ? [] : [signal])]);
  await using client = await openClient(await hostProxies());
  const queue = transfers.values();
  const worker = async () => {
    for (const one of queue) {
      if (both.aborted) return;
      const progress = (bytes: number) => {
        received.set(one, bytes);
        tell();
      };
      const failure = await outcome(client, one, { progress, signal: both, patience }).catch((error) => {
        stop.abort();
        throw error;
      });
      if (failure === undefined) done++;
      else if (!both.aborted) failures.set(one, failure);
      if (failure?.kind === 'unreachable') stop.abort();
      tell();
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: PARALLEL }, worker));
  if (signal?.aborted) throw new SnapError('INTERRUPTED', 'Stopped while downloading');
  const broken = workers.find((result) => result.status === 'rejected');
  if (broken !== undefined) throw broken.reason;
  return failures;
}

async function outcome(
  client: Client,
  one: Transfer,
  options: Parameters<typeof transfer>[2],
): Promise<TransferFailure | undefined> {
  try {
    await transfer(client, one, options);
    return undefined;
  } catch (error) {
    if (error instanceof TransferFailure) return error;
    throw error;
  }
}

function offlineError(missing: readonly Pin[]): SnapError {
  return new SnapError(
    'DOWNLOAD',
    `${count(missing.length)} not in the store (${megabytes(missing)}), and --offline forbids to fetch`,
    { lines: missing.slice(0, 10).map(line), hint: 'run once without --offline' },
  );
}

function missingError(missing: readonly Pin[], failures: ReadonlyMap<Transfer, TransferFailure>): SnapError {
  const reasons = new Map([...failures].map(([{ sha256 }, failure]) => [sha256, failure]));
  const failed = missing.filter((pin) => reasons.has(pin.sha256));
  const first = failed[0]!;
  const gone = failed.filter((pin) => reasons.get(pin.sha256)?.kind === 'gone');
  return new SnapError(
    'DOWNLOAD',
    `${count(missing.length)} missing: cannot fetch "${first.name}" ${first.version} from archive "${first.archive}": ${reasons.get(first.sha256)?.message}`,
    {
      lines: failed.slice(1, 10).map((pin) => `${line(pin)}: ${reasons.get(pin.sha256)?.message}`),
      hint:
        gone.length > 0
          ? `move to the versions that are there: snap lock --update ${gone.map((pin) => pin.name).join(' ')}`
          : 'run again; what came is kept',
      cause: reasons.get(first.sha256),
    },
  );
}

function line(pin: Pin): string {
  return `${pin.name} ${pin.version} from ${pin.archive}`;
}

function count(packages: number): string {
  return packages === 1 ? '1 package is' : `${packages} packages are`;
}

function megabytes(pins: readonly Pin[]): string {
  return `${(pins.reduce((sum, pin) => sum + pin.size, 0) / 1e6).toFixed(1)} MB`;
}

function sizeOf(file: string): number | undefined {
  try {
    return statSync(file).size;
  } catch {
    return undefined;
  }
}

async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r');
  await handle.sync();
}
