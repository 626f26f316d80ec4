import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { parseProxies } from '../../src/debian/host-proxy.ts';
import { openClient } from '../../src/debian/transfer.ts';

test("proxies come from the host's apt configuration, else from the environment", () => {
  const settings = [
    'Acquire::http::Proxy "http://cache.example:3142";',
    'Acquire::http::Proxy::local.example "DIRECT";',
    'Acquire::http::Proxy-Auto-Detect "/bin/x";',
  ];
  assert.deepEqual(parseProxies(settings, { https_proxy: 'http://env.example:1', no_proxy: 'a, b' }), {
    http: 'http://cache.example:3142',
    https: 'http://env.example:1',
    direct: ['local.example', 'a', 'b'],
  });
  const off = ['Acquire::http::Proxy "DIRECT";'];
  assert.deepEqual(parseProxies(off, { http_proxy: 'http://env.example' }), {
    http: undefined,
    https: undefined,
    direct: [],
  });
});

test('a download goes through the proxy', async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('through');
  });
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    socket.end('HTTP/1.1 502 no\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = await openClient({ http: proxy, https: undefined, direct: [] });
  const { request } = await import('undici');
  await request('http://archive.invalid/x', { dispatcher: client.dispatcher }).catch(() => undefined);
  await client[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
  assert.match(asked.join(), /archive\.invalid/);
});
