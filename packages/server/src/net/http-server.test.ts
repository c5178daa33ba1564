import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { createHttpServer, type HttpServerOptions, type ListeningHttpServer } from './http-server.ts';
import { endlessRoute, takeAnswer } from './media-answer.ts';
import { FieldError } from './problem.ts';

const loopback = '127.0.0.1:0';

async function withServer(
  run: (server: ListeningHttpServer) => Promise<void>,
  options: Partial<HttpServerOptions> = {},
): Promise<void> {
  const server = createHttpServer({ logger: silentLogger, ...options });
  try {
    await run(server);
  } finally {
    await server.close();
  }
}

const thrown: readonly { name: string; error: unknown; status: number; code: string }[] = [
  {
    name: 'a thing that is not there',
    error: new WatchpostError('no', { kind: 'not_found', code: 'X_NOT_FOUND' }),
    status: 404,
    code: 'X_NOT_FOUND',
  },
  {
    name: 'a conflict',
    error: new WatchpostError('no', { kind: 'conflict', code: 'X_TAKEN' }),
    status: 409,
    code: 'X_TAKEN',
  },
  {
    name: 'a wrong field',
    error: new FieldError([{ field: 'a.b', message: 'is wrong' }]),
    status: 400,
    code: 'REQUEST_INVALID',
  },
  { name: 'a bug', error: new Error('secret detail'), status: 500, code: 'INTERNAL' },
  { name: 'something that is no error', error: 'text', status: 500, code: 'INTERNAL' },
];

for (const { name, error, status, code } of thrown)
  test(`${name} is answered ${status} with a problem document`, () =>
    withServer(async ({ app }) => {
      app.get('/fails', () => Promise.reject(error));
      const answer = await app.inject({ url: '/fails' });
      assert.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8');
      const body = answer.json();
      assert.deepEqual([answer.statusCode, body.status, body.code, body.type], [status, status, code, 'about:blank']);
      assert.ok(body.title && body.detail);
      assert.ok(!answer.body.includes('secret detail'));
    }));

const broken: readonly {
  name: string;
  method?: 'POST';
  url: string;
  body?: string;
  headers?: Record<string, string>;
  status: number;
  code: string;
}[] = [
  { name: 'an unknown address', url: '/api/v1/nothing?token=x', status: 404, code: 'ROUTE_NOT_FOUND' },
  { name: 'a broken escape', url: '/%ff', status: 400, code: 'URL_INVALID' },
  {
    name: 'broken JSON',
    method: 'POST',
    url: '/echo',
    body: '{"a":',
    headers: { 'content-type': 'application/json' },
    status: 400,
    code: 'JSON_INVALID',
  },
  {
    name: 'a poisoned prototype',
    method: 'POST',
    url: '/echo',
    body: '{"__proto__":{}}',
    headers: { 'content-type': 'application/json' },
    status: 400,
    code: 'JSON_INVALID',
  },
  {
    name: 'a form',
    method: 'POST',
    url: '/echo',
    body: 'a=b',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    status: 415,
    code: 'MEDIA_TYPE_UNSUPPORTED',
  },
  {
    name: 'a body of more than a megabyte',
    method: 'POST',
    url: '/echo',
    body: JSON.stringify('x'.repeat(1_100_000)),
    headers: { 'content-type': 'application/json' },
    status: 413,
    code: 'BODY_TOO_LARGE',
  },
];

for (const { name, method = 'GET', url, body, headers, status, code } of broken)
  test(`${name} is answered ${status} ${code}`, () =>
    withServer(async ({ app }) => {
      app.post('/echo', async (incoming) => incoming.body);
      const answer = await app.inject({
        method,
        url,
        headers: headers ?? {},
        ...(body === undefined ? {} : { payload: body }),
      });
      assert.deepEqual([answer.statusCode, answer.json().code], [status, code]);
      assert.ok(!answer.body.includes('token=x'));
    }));

test('a POST that says JSON but has no body is taken as one without a body', () =>
  withServer(async ({ app }) => {
    app.post('/echo', async (incoming) => ({ body: incoming.body ?? 'none' }));
    const answer = await app.inject({ method: 'POST', url: '/echo', headers: { 'content-type': 'application/json' } });
    assert.deepEqual(answer.json(), { body: 'none' });
  }));

test('HEAD of an answer without a length tells none', () =>
  withServer(async ({ app }) => {
    app.route({ ...endlessRoute, url: '/live', handler: (_request, reply) => reply.type('video/x-flv').send() });
    const answer = await app.inject({ method: 'HEAD', url: '/live' });
    assert.equal(answer.statusCode, 200);
    assert.deepEqual([answer.headers['content-type'], answer.headers['content-length']], ['video/x-flv', undefined]);
  }));

test('requests behind an answer that never ends are not read: media go on, and the server lives', () =>
  withServer(async (server) => {
    let asked = 0;
    server.app.get('/media', async (_request, reply) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const answer = takeAnswer(reply, 'video/x-flv')!;
      answer.begin();
      answer.socket.write('one ');
      setTimeout(() => answer.socket.end('two'), 200);
    });
    server.app.get('/other', async () => `other ${++asked}`);
    const { port } = await server.listen(loopback);
    const socket = connect(port, '127.0.0.1');
    const other = 'GET /other HTTP/1.1\r\nHost: a\r\n\r\n';
    socket.write(`GET /media HTTP/1.1\r\nHost: a\r\n\r\n${other}`);
    // One without a host, which Node answers by itself, and one that it asks to be gone.
    const late = [
      other,
      'GET /other HTTP/1.1\r\n\r\n',
      'GET /other HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n',
      '\0\0\0\r\n\r\n',
    ];
    setTimeout(() => socket.write(late.join('')), 120);
    let text = '';
    for await (const chunk of socket) text += chunk;
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\none two$/s);
    assert.ok(asked <= 1, 'what came with the first request was read with it');
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/other`)).text(), `other ${asked}`);
  }));

test('a 429 says when to try again', () =>
  withServer(async ({ app }) => {
    const context = { retryAfterSeconds: 2.2 };
    app.get('/', () => Promise.reject(new WatchpostError('later', { kind: 'resource_exhausted', code: 'X', context })));
    const answer = await app.inject({ url: '/' });
    assert.deepEqual([answer.statusCode, answer.headers['retry-after']], [429, '3']);
  }));

test('every answer has the security headers, problems included, and none allows other origins', () =>
  withServer(async ({ app }) => {
    app.get('/', async () => 'ok');
    for (const url of ['/', '/nothing']) {
      const { headers } = await app.inject({ url, headers: { origin: 'http://evil.example' } });
      assert.match(String(headers['content-security-policy']), /default-src 'self'.*media-src 'self' blob:/);
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['access-control-allow-origin'], undefined);
    }
  }));

test('a port that is taken is told with the program that holds it', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  await withServer(async (server) => {
    await assert.rejects(server.listen(`127.0.0.1:${port}`), (error) => {
      assert.ok(error instanceof WatchpostError);
      assert.deepEqual([error.kind, error.code, error.context['pid']], ['unavailable', 'HTTP_PORT_TAKEN', process.pid]);
      assert.match(error.message, new RegExp(`port ${port} is taken by ".+" \\(process ${process.pid}\\)`));
      return true;
    });
    const address = await server.listen(`127.0.0.1:${port}`, { nextFreePort: true });
    assert.ok(address.port > port && address.port < port + 20);
    assert.deepEqual(server.address, address);
  });
  holder.close();
});

test('an address that this machine does not have is told apart from a taken port', () =>
  withServer(async (server) => {
    await assert.rejects(server.listen('192.0.2.1:8080'), { code: 'HTTP_BIND_FAILED' });
    await assert.rejects(server.listen('8080'), { code: 'BIND_INVALID' });
  }));

/** Status code of a WebSocket upgrade. */
async function upgrade(port: number, path: string): Promise<number> {
  const headers = { connection: 'Upgrade', upgrade: 'websocket' };
  const outgoing = request({ host: '127.0.0.1', port, path, headers }).end();
  return new Promise((resolve, reject) => {
    outgoing.on('upgrade', (incoming, socket) => {
      socket.destroy();
      resolve(incoming.statusCode!);
    });
    outgoing.on('response', (incoming) => {
      incoming.resume();
      resolve(incoming.statusCode!);
    });
    outgoing.on('error', reject);
  });
}

test('an upgrade goes to the longest prefix; one that nobody takes is refused', () =>
  withServer(async (server) => {
    const seen: string[] = [];
    const take = (name: string) => (incoming: IncomingMessage, socket: { end(text: string): unknown }) => {
      seen.push(`${name} ${incoming.url}`);
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    };
    server.onUpgrade('/fmp4/', take('live'));
    server.onUpgrade('/fmp4/special/', take('special'));
    const { port } = await server.listen(loopback);
    assert.equal(await upgrade(port, '/fmp4/gate?token=x'), 101);
    assert.equal(await upgrade(port, '/fmp4/special/gate'), 101);
    assert.equal(await upgrade(port, '/elsewhere'), 404);
    assert.deepEqual(seen, ['live /fmp4/gate?token=x', 'special /fmp4/special/gate']);
  }));

test('closing ends answers that never end, and upgraded connections', async () => {
  const server = createHttpServer({ logger: silentLogger });
  server.app.get('/endless', (_incoming, reply) => {
    reply.hijack();
    reply.raw.writeHead(200).write('x');
  });
  server.onUpgrade('/ws', (_incoming, socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n'));
  const { port } = await server.listen(loopback);
  const [endless] = (await once(get({ host: '127.0.0.1', port, path: '/endless' }), 'response')) as [IncomingMessage];
  endless.on('error', () => {}).resume();
  const socket = connect(port, '127.0.0.1');
  socket.write('GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  await once(socket, 'data');
  const ended = Promise.all([endless, socket].map((stream) => new Promise((resolve) => stream.once('close', resolve))));
  await server.close();
  await ended;
  assert.equal(server.address, undefined);
});

test('the console is served: assets for ever, pages of its router as index.html, nothing else', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'watchpost-'));
  await mkdir(join(directory, 'assets'));
  await writeFile(join(directory, 'index.html'), '<title>Console</title>');
  await writeFile(join(directory, 'assets/index-DkE8a_1x.js'), 'export {}');
  const page = { accept: 'text/html,*/*' };
  await withServer(
    async ({ app }) => {
      for (const url of ['/', '/streams/gate', '/setup?token=x']) {
        const answer = await app.inject({ url, headers: page });
        assert.deepEqual([answer.statusCode, answer.body], [200, '<title>Console</title>'], url);
        assert.equal(answer.headers['cache-control'], 'no-cache');
      }
      const asset = await app.inject({ url: '/assets/index-DkE8a_1x.js' });
      assert.equal(asset.headers['cache-control'], 'public, max-age=31536000, immutable');
      for (const url of ['/assets/gone-DkE8a_1x.js', '/api/v1/gone', '/hls/gate/gone', '/..%2f..%2fetc/passwd.txt'])
        assert.equal((await app.inject({ url, headers: page })).statusCode, 404, url);
      for (const url of ['/streams/gate', '/streams/%00']) {
        const { statusCode, body } = await app.inject({ url });
        assert.deepEqual([statusCode, JSON.parse(body).code], [404, 'ROUTE_NOT_FOUND'], url);
      }
      assert.equal((await app.inject({ method: 'POST', url: '/streams', headers: page })).statusCode, 404);
    },
    { consoleDirectory: directory },
  );
  await rm(directory, { recursive: true });
});

test('where the console is not built, a page says how to build it', () =>
  withServer(
    async ({ app }) => {
      const answer = await app.inject({ url: '/', headers: { accept: 'text/html' } });
      assert.equal(answer.statusCode, 200);
      assert.match(answer.body, /npm run build/);
    },
    { consoleDirectory: '/nonexistent' },
  ));
