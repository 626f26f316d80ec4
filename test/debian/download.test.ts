import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { debPath } from '../../src/debian/debs.ts';
import { type DownloadProgress, download, fetchSource, missingDebs } from '../../src/debian/download.ts';
import type { Pin } from '../../src/debian/lock.ts';
import { SnapError } from '../../src/host/error.ts';
import { run } from '../../src/host/program.ts';
import { Archive, sha256 } from './fixture/archive.ts';
import { debOf } from './fixture/deb-file.ts';

const archive = await Archive.open();
let store: string;
after(async () => {
  await archive[Symbol.asyncDispose]();
  await rm(store, { recursive: true, force: true });
});
beforeEach(async () => {
  if (store !== undefined) await rm(store, { recursive: true, force: true });
  store = await mkdtemp(join(tmpdir(), 'snap-debs-'));
  archive.faults.clear();
  archive.asked.length = 0;
});

const deb = debOf('Package: foo\nVersion: 1.0\n', [{ name: './foo', content: 'x'.repeat(200_000) }]);

async function offer(
  name: string,
  content: Buffer = Buffer.concat([deb, Buffer.from(`${name}\n`)]),
): Promise<Pin> {
  const path = `pool/${name}+1_1:2~3_amd64.deb`;
  await archive.write(path, content);
  return {
    name,
    arch: 'amd64',
    version: '1:2~3',
    size: content.length,
    sha256: sha256(content),
    archive: 'debian',
    path,
  };
}

function options(more: Partial<Parameters<typeof download>[1]> = {}) {
  return {
    debsDir: join(store, 'debs'),
    mirrors: archive.mirrors,
    offline: false,
    report: () => undefined,
    patience: 400,
    ...more,
  };
}

async function refused(promise: Promise<unknown>): Promise<SnapError> {
  const error = await promise.then(
    () => assert.fail('it was not refused'),
    (reason) => reason,
  );
  assert.ok(error instanceof SnapError, String(error?.stack ?? error));
  assert.equal(error.code, 'DOWNLOAD');
  return error;
}

async function names(): Promise<string[]> {
  return (await readdir(join(store, 'debs')).catch(() => [])).sort();
}

function onPath(pin: Pin, answer: (request: IncomingMessage, response: ServerResponse) => boolean): void {
  archive.faults.set(`/debian/${pin.path}`, answer);
}

/** Sends the first half and drops the connection. */
function half(response: ServerResponse, content: Buffer): true {
  response.setHeader('content-length', content.length);
  response.write(content.subarray(0, content.length / 2), () => setTimeout(() => response.destroy(), 50));
  return true;
}

test('debs that are missing come verified, and the report counts them', async () => {
  const pins = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => offer(name)));
  const told: DownloadProgress[] = [];
  await download(pins, options({ report: (progress) => told.push(progress) }));
  assert.deepEqual(await names(), pins.map((pin) => `${pin.sha256}.deb`).sort());
  for (const pin of pins) assert.equal(sha256(await readFile(debPath(join(store, 'debs'), pin))), pin.sha256);
  const bytes = pins.reduce((sum, pin) => sum + pin.size, 0);
  assert.deepEqual(told.at(-1), { done: 6, total: 6, bytes, totalBytes: bytes });
});

test('with nothing missing no server is asked, and undici is not even loaded', async () => {
  const pin = await offer('a');
  await download([pin], options());
  archive.asked.length = 0;
  await download([pin, pin], options({ offline: true }));
  assert.deepEqual(archive.asked, []);
  const script = `
    const { registerHooks } = await import('node:module');
    registerHooks({ resolve(name, context, next) { console.log(name); return next(name, context); } });
    const { download } = await import(${JSON.stringify(new URL('../../src/debian/download.ts', import.meta.url))});
    await download([${JSON.stringify(pin)}], ${JSON.stringify({ debsDir: join(store, 'debs'), mirrors: [], offline: true })});`;
  const loaded = await run([process.execPath, '--input-type=module', '-e', script]);
  assert.match(loaded, /transfer\.ts/);
  assert.doesNotMatch(loaded, /^undici$/m);
});

test('offline the missing ones are counted and nothing is asked', async () => {
  const pins = [await offer('a'), await offer('b')];
  const error = await refused(download(pins, options({ offline: true })));
  assert.match(error.message, /^2 packages are not in the store \(0.4 MB\)/);
  assert.deepEqual(archive.asked, []);
});

test('a connection that is cut is taken up where it ended', async () => {
  const pin = await offer('a');
  const content = await readFile(join(archive.folder, 'debian', pin.path));
  let cuts = 0;
  onPath(pin, (_, response) => cuts++ === 0 && half(response, content));
  await download([pin], options());
  assert.equal(archive.asked.length, 2);
  assert.match(archive.asked[1] ?? '', / bytes=\d+-$/);
  assert.deepEqual(await names(), [`${pin.sha256}.deb`]);
});

test('a connection that is always cut fails with the count, and the next run goes on from there', async () => {
  const pins = [await offer('a'), await offer('b')];
  const content = await readFile(join(archive.folder, 'debian', pins[0]!.path));
  onPath(pins[0]!, (request, response) =>
    request.headers.range === undefined ? half(response, content) : Boolean(response.destroy()),
  );
  const error = await refused(download([pins[0]!], options()));
  assert.match(
    error.message,
    /1 package is missing: cannot fetch "a" 1:2~3 from archive "debian": the connection|connection reset/,
  );
  assert.deepEqual(await names(), [`${pins[0]!.sha256}.deb.part`]);
  archive.faults.clear();
  archive.asked.length = 0;
  await download(pins, options());
  assert.match(archive.asked.find((path) => path.includes('/a+')) ?? '', / bytes=\d+-$/);
  assert.equal((await names()).length, 2);
});

test('bytes with another digest never get into the store, even after a good beginning', async () => {
  const pin = await offer('a');
  await archive.write(pin.path, Buffer.alloc(pin.size, 'y'));
  const error = await refused(download([pin], options()));
  assert.match(error.message, /"a" .*archive "debian": the bytes have the SHA-256/);
  assert.equal(archive.asked.length, 3);
  assert.deepEqual(await names(), []);
});

test('a spoiled part is thrown away and the file fetched anew', async () => {
  const pin = await offer('a');
  await mkdir(join(store, 'debs'));
  await writeFile(join(store, 'debs', `${pin.sha256}.deb.part`), 'spoiled');
  await download([pin], options());
  assert.deepEqual(await names(), [`${pin.sha256}.deb`]);
});

test('a server that ignores the range is taken from the beginning', async () => {
  const pin = await offer('a');
  const content = await readFile(join(archive.folder, 'debian', pin.path));
  await mkdir(join(store, 'debs'));
  await writeFile(join(store, 'debs', `${pin.sha256}.deb.part`), content.subarray(0, 1000));
  onPath(pin, (_, response) => response.end(content) && true);
  await download([pin], options());
  assert.equal(archive.asked.length, 1);
  assert.deepEqual(await names(), [`${pin.sha256}.deb`]);
});

test('a version that is gone is told with the command that moves on, and the others still come', async () => {
  const pins = [await offer('a'), await offer('b'), await offer('c')];
  const gone = pins.map((pin, n) =>
    n === 1 ? { ...pin, sha256: '0'.repeat(64), path: 'pool/none.deb' } : pin,
  );
  const error = await refused(download(gone, options()));
  assert.match(error.message, /1 package is missing: cannot fetch "b" .*\(404\)/);
  assert.match(error.hint ?? '', /snap lock --update b$/);
  assert.equal((await names()).length, 2);
});

test('a redirect is followed, a loop of them is not', async () => {
  const pin = await offer('a');
  await archive.write('elsewhere', await readFile(join(archive.folder, 'debian', pin.path)));
  onPath(pin, (_, response) => response.writeHead(302, { location: '/debian/elsewhere' }).end() && true);
  await download([pin], options());
  const loop = await offer('b');
  onPath(loop, (request, response) => response.writeHead(301, { location: request.url }).end() && true);
  assert.match((await refused(download([loop], options()))).message, /redirects more than 5 times/);
  assert.equal(archive.asked.filter((path) => path.includes('/b+')).length, 6);
  const local = await offer('c');
  onPath(local, (_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end() && true);
  assert.match((await refused(download([local], options()))).message, /redirects to "file:"/);
});

test('a server that sends for ever is cut off at the size of the pin', async () => {
  const pin = await offer('a');
  let sent = 0;
  onPath(pin, (_, response) => {
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent += 65_536;
    };
    response.on('drain', more);
    more();
    return true;
  });
  const error = await refused(download([pin], options()));
  assert.match(error.message, /sends more than the \d+ bytes/);
  assert.ok(sent < 50e6, `it took ${sent} bytes`);
  assert.deepEqual(await names(), []);
});

test('a server that never answers, or drips, is given up', async () => {
  const silent = await offer('a');
  onPath(silent, () => true);
  assert.match((await refused(download([silent], options()))).message, /the server does not answer/);
  const dripping = await offer('b');
  onPath(dripping, (_, response) => {
    response.write('x');
    const timer = setInterval(() => response.write('x'), 50);
    response.on('close', () => clearInterval(timer));
    return true;
  });
  assert.match((await refused(download([dripping], options()))).message, /too slow/);
});

test('without a network it stops at once and says how many packages are missing', async () => {
  const pins = await Promise.all(Array.from({ length: 30 }, (_, n) => offer(`p${n}`)));
  const mirrors = archive.mirrors.map((mirror) => ({ ...mirror, uri: 'http://127.0.0.1:1/debian' }));
  const error = await refused(download(pins, options({ mirrors })));
  assert.match(error.message, /30 packages are missing: .* from archive "debian": connection refused/);
  assert.ok(error.lines.length < 9, 'it did not try them all');
  const unknown = await refused(download(pins, options({ mirrors: [] })));
  assert.match(unknown.message, /archive "debian", which is not known here/);
});

test('a deb that would write outside is refused although its digest is right', async () => {
  const evil = debOf('Package: evil\nVersion: 1\n', [
    { name: '../../etc/cron.d/evil', content: '* * * * * root evil\n' },
  ]);
  const pin = await offer('evil', evil);
  const error = await refused(download([pin], options()));
  assert.match(error.message, /Refused package "evil 1:2~3": .*with "\.\."/);
  assert.deepEqual(await names(), []);
});

test('two downloads of one deb at once both end well', async () => {
  const pin = await offer('a');
  await Promise.all(Array.from({ length: 4 }, () => download([pin], options())));
  assert.deepEqual(await names(), [`${pin.sha256}.deb`]);
});

test('an abort ends a download and keeps what came', async () => {
  const pin = await offer('a');
  const content = await readFile(join(archive.folder, 'debian', pin.path));
  const abort = new AbortController();
  onPath(
    pin,
    (_, response) =>
      response.write(content.subarray(0, 50_000), () => setTimeout(() => abort.abort(), 50)) || true,
  );
  await assert.rejects(download([pin], options({ signal: abort.signal })), { code: 'INTERRUPTED' });
  assert.deepEqual(await names(), [`${pin.sha256}.deb.part`]);
});

test('a mirror may be a folder', async () => {
  const pin = await offer('a');
  const mirrors = archive.mirrors.map((mirror) => ({ ...mirror, uri: `file://${archive.folder}/debian` }));
  await download([pin], options({ mirrors }));
  assert.deepEqual(missingDebs([pin], join(store, 'debs')), []);
  assert.deepEqual(archive.asked, []);
});

test('a source comes by its digest from a server or a folder, once', async () => {
  await archive.write('src/a b.tar', 'source');
  const sourcesDir = join(store, 'sources');
  const with_ = { sourcesDir, offline: false, report: () => undefined, patience: 400 };
  const file = await fetchSource(`${archive.uri}/src/a%20b.tar`, sha256('source'), with_);
  assert.equal(await readFile(file, 'utf8'), 'source');
  assert.equal(
    await fetchSource('http://127.0.0.1:1/x', sha256('source'), { ...with_, offline: true }),
    file,
  );
  await archive.write('src/c', 'other');
  const url = `file://${archive.folder}/debian/src/c`;
  assert.equal(await fetchSource(url, sha256('other'), with_), join(sourcesDir, sha256('other')));
});

test('a source with another digest, at no address, or offline is refused', async () => {
  await archive.write('src/a', 'source');
  const with_ = {
    sourcesDir: join(store, 'sources'),
    offline: false,
    report: () => undefined,
    patience: 400,
  };
  const wrong = await refused(fetchSource(`${archive.uri}/src/a`, sha256('x'), with_));
  assert.match(`${wrong.message} ${wrong.hint}`, new RegExp(`${sha256('source')}.*${sha256('x')}`));
  assert.match((await refused(fetchSource(`${archive.uri}/none`, sha256('x'), with_))).message, /404/);
  assert.match(
    (await refused(fetchSource('ftp://x/y', sha256('x'), with_))).message,
    /no address that begins/,
  );
  const offline = await refused(
    fetchSource(`${archive.uri}/src/a`, sha256('x'), { ...with_, offline: true }),
  );
  assert.match(offline.message, /--offline/);
  assert.deepEqual(await readdir(join(store, 'sources')), []);
});
