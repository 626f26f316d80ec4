import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Dispatcher } from 'undici';
import { errno, SnapError } from '../host/error.ts';
import { randomName } from '../host/random.ts';
import type { Proxies } from './host-proxy.ts';

/** One file to fetch: where from, what it must be, and where it goes. */
export type Transfer = {
  readonly url: string;
  readonly sha256: string;
  /** Bytes, or undefined when only the digest is known. */
  readonly size: number | undefined;
  readonly file: string;
  /** Looks at the verified bytes before they get their name; throwing refuses them. */
  readonly check?: (file: string) => Promise<void>;
};

export type TransferOptions = {
  /** Called with all bytes of this file that are there. */
  readonly progress: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds that a server may stay silent. */
  readonly patience?: number | undefined;
};

/** `gone` and `refused` end at once, the others after some tries; `unreachable` is likely to hit the archive's other files too. */
export type FailureKind = 'gone' | 'refused' | 'wrong' | 'unreachable';

/** Why one file did not come. */
export class TransferFailure extends Error {
  readonly kind: FailureKind;

  constructor(kind: FailureKind, reason: string, cause?: unknown) {
    super(reason, { cause });
    this.kind = kind;
  }
}

export type Client = AsyncDisposable & { readonly dispatcher: Dispatcher };

const TRIES = 3;
const REDIRECTS = 5;
const PATIENCE = 30_000;
/** Bytes that must come within one `patience`, against a server that drips for ever. */
const LEAST = 1024;
/** For a file of unknown size. */
const MOST = 64 * 2 ** 30;

/** Connections, kept open until disposed. */
export async function openClient(proxies: Proxies): Promise<Client> {
  const { EnvHttpProxyAgent } = await import('undici');
  const dispatcher = new EnvHttpProxyAgent({
    ...(proxies.http === undefined ? {} : { httpProxy: proxies.http }),
    ...(proxies.https === undefined ? {} : { httpsProxy: proxies.https }),
    noProxy: proxies.direct.join(','),
    connect: { timeout: 15_000 },
  });
  return { dispatcher, [Symbol.asyncDispose]: () => dispatcher.destroy() };
}

/**
 * Fetches one file. It gets its name only when whole, verified, checked and on disk; what came before a failure is kept beside it
 * as `.part` for the next try. The part has a name of its own while somebody writes to it, so two builds never write to one file.
 * @throws TransferFailure, or SnapError STORE when it cannot be stored.
 */
export async function transfer(client: Client, what: Transfer, options: TransferOptions): Promise<void> {
  const released = `${what.file}.part`;
  const part = join(dirname(what.file), `.${basename(what.file)}.${randomName()}.part`);
  await rename(released, part).catch(() => undefined);
  try {
    await tries(client, what, part, options);
    await what.check?.(part);
    await rename(part, what.file);
  } catch (error) {
    const keep = options.signal?.aborted || (error instanceof TransferFailure && error.kind !== 'wrong');
    await release(part, keep ? released : undefined).catch(() => undefined);
    throw stored(error, what);
  }
}

/** Gives a part up, to the next try or for good. */
async function release(part: string, to: string | undefined): Promise<void> {
  if (to === undefined || (await stat(part)).size === 0) await rm(part, { force: true });
  else await rename(part, to);
}

async function tries(client: Client, what: Transfer, part: string, options: TransferOptions): Promise<void> {
  for (let n = 1; ; n++) {
    try {
      return await once(client, what, part, options);
    } catch (error) {
      const again =
        error instanceof TransferFailure && (error.kind === 'wrong' || error.kind === 'unreachable');
      if (!again || n === TRIES || options.signal?.aborted) throw error;
      if (error.kind === 'wrong') await rm(part, { force: true });
      await sleep(250 * 4 ** (n - 1));
    }
  }
}

/** One try, going on where the part ends. */
async function once(client: Client, what: Transfer, part: string, options: TransferOptions): Promise<void> {
  await using handle = await open(part, 'a+', 0o600);
  const sink = await openSink(handle, what, options.progress);
  if (sink.bytes !== what.size) await receive(client, what, sink, options);
  if (what.size !== undefined && sink.bytes < what.size) {
    throw new TransferFailure(
      'unreachable',
      `the connection ended after ${sink.bytes} of ${what.size} bytes`,
    );
  }
  const digest = sink.hash.digest('hex');
  if (digest !== what.sha256) throw new TransferFailure('wrong', `the bytes have the SHA-256 ${digest}`);
  await handle.chmod(0o644);
  await handle.sync();
}

/** The part file with the digest of all that it holds. */
type Sink = {
  handle: FileHandle;
  hash: Hash;
  bytes: number;
  readonly take: (chunk: Buffer) => Promise<void>;
  readonly restart: () => Promise<void>;
};

async function openSink(
  handle: FileHandle,
  what: Transfer,
  progress: (bytes: number) => void,
): Promise<Sink> {
  const most = what.size ?? MOST;
  const sink: Sink = {
    handle,
    hash: createHash('sha256'),
    bytes: 0,
    take: async (chunk) => {
      if (sink.bytes + chunk.length > most) {
        throw new TransferFailure(
          'wrong',
          `the server sends more than the ${most} bytes that it should have`,
        );
      }
      sink.hash.update(chunk);
      sink.bytes += chunk.length;
      await handle.writeFile(chunk);
      progress(sink.bytes);
    },
    restart: async () => {
      await handle.truncate(0);
      sink.hash = createHash('sha256');
      sink.bytes = 0;
    },
  };
  if ((await handle.stat()).size > most) await handle.truncate(0);
  for await (const chunk of handle.createReadStream({ start: 0, autoClose: false })) {
    sink.hash.update(chunk);
    sink.bytes += (chunk as Buffer).length;
  }
  progress(sink.bytes);
  return sink;
}

async function receive(client: Client, what: Transfer, sink: Sink, options: TransferOptions): Promise<void> {
  const patience = options.patience ?? PATIENCE;
  const stall = new AbortController();
  let before = -1;
  const watch = setInterval(() => {
    if (before >= 0 && sink.bytes - before < LEAST) {
      stall.abort(sink.bytes === before ? 'the server does not answer' : 'the server is too slow');
    }
    before = sink.bytes;
  }, patience);
  const signal = AbortSignal.any([stall.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  try {
    const body = /^(file|copy):/.test(what.url)
      ? createReadStream(localPath(what.url), { start: sink.bytes })
      : await answer(client, what.url, sink, { signal, patience });
    for await (const chunk of body) await sink.take(chunk as Buffer);
  } catch (error) {
    if (stall.signal.aborted) throw new TransferFailure('unreachable', String(stall.signal.reason), error);
    throw failure(error);
  } finally {
    clearInterval(watch);
  }
}

type Asking = { readonly signal: AbortSignal; readonly patience: number };

/** Follows redirects to the body; the sink starts anew when the server does not go on where it ends. */
async function answer(
  client: Client,
  url: string,
  sink: Sink,
  { signal, patience }: Asking,
): Promise<AsyncIterable<unknown>> {
  const { request } = await import('undici');
  let at = new URL(url);
  const { username, password, origin } = at;
  for (let hops = 0; hops <= REDIRECTS; hops++) {
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    const response = await request(`${at.origin}${at.pathname}${at.search}`, {
      dispatcher: client.dispatcher,
      headersTimeout: patience,
      bodyTimeout: patience,
      signal,
      headers: {
        'user-agent': 'snap',
        ...(sink.bytes > 0 ? { range: `bytes=${sink.bytes}-` } : {}),
        ...(username !== '' && at.origin === origin
          ? { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }
          : {}),
      },
    });
    const { statusCode, headers, body } = response;
    const location = headers.location;
    if (statusCode === 206 && startsAt(headers['content-range']) === sink.bytes) return body;
    if (statusCode === 200 && sink.bytes > 0) await sink.restart();
    if (statusCode === 200) return body;
    body.on('error', () => undefined).destroy();
    if (statusCode < 300 || statusCode > 399 || typeof location !== 'string') throw statusFailure(statusCode);
    at = new URL(location, at);
    if (!/^https?:$/.test(at.protocol))
      throw new TransferFailure('refused', `it redirects to "${at.protocol}"`);
  }
  throw new TransferFailure('refused', `it redirects more than ${REDIRECTS} times`);
}

function startsAt(range: string | string[] | undefined): number {
  return Number(/^bytes (\d+)-/.exec(String(range))?.[1] ?? Number.NaN);
}

function statusFailure(status: number): TransferFailure {
  if (status === 404 || status === 410)
    return new TransferFailure('gone', `the server has it no more (${status})`);
  if (status === 401 || status === 403)
    return new TransferFailure('refused', `the server refuses it (${status})`);
  // A range that does not fit (416, or 206 from elsewhere) means that the part is not of this file: it starts anew.
  if (status === 416 || status === 206) return new TransferFailure('wrong', 'the server has other bytes');
  return new TransferFailure('unreachable', `the server answers ${status}`);
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  ENOTFOUND: 'its host has no address: is there a network?',
  EAI_AGAIN: 'its host has no address: is there a network?',
  ENETUNREACH: 'no network',
  EHOSTUNREACH: 'no way to its host',
  ETIMEDOUT: 'the server does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'the server does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'the server does not answer',
  UND_ERR_BODY_TIMEOUT: 'the server stopped sending',
  UND_ERR_SOCKET: 'the connection ended early',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the connection ended early',
};

function failure(error: unknown): unknown {
  const code = errno(error) ?? errno((error as Error | undefined)?.cause) ?? '';
  if (error instanceof TransferFailure || error instanceof SnapError) return error;
  if (code === 'ENOENT') return new TransferFailure('gone', 'there is no such file', error);
  if (['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EFBIG'].includes(code)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new TransferFailure('unreachable', REASONS[code] ?? message, error);
}

function stored(error: unknown, what: Transfer): unknown {
  const code = errno(error);
  if (error instanceof SnapError || error instanceof TransferFailure || code === undefined) return error;
  const size = what.size === undefined ? '' : ` of ${what.size} bytes`;
  return new SnapError('STORE', `Cannot store "${what.file}"${size}: ${(error as Error).message}`, {
    hint:
      code === 'ENOSPC' || code === 'EDQUOT' ? 'make room: snap gc' : 'see that the store can be written to',
    cause: error,
  });
}

function localPath(url: string): string {
  return fileURLToPath(url.replace(/^copy:/, 'file:').replace(/^file:\/*/, 'file:///'));
}
