import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after, test } from 'node:test';
import type { Transport } from '@watchpost/tunnel/types.ts';
import { type WebSocket, WebSocketServer } from 'ws';
import { openWebSocket } from './node-websocket.ts';
import type { WebSocketOptions } from './platform.ts';
import { acceptOf } from './websocket/upgrade.ts';

const closing: (() => void)[] = [];
after(() => {
  for (const close of closing) close();
});

interface Link {
  readonly transport: Transport;
  readonly messages: Buffer[];
  readonly closed: Promise<Error | undefined>;
  readonly drained: () => number;
}

async function open(port: number, more: Partial<WebSocketOptions> = {}): Promise<Link> {
  const messages: Buffer[] = [];
  const closed = Promise.withResolvers<Error | undefined>();
  let drains = 0;
  const transport = await openWebSocket(
    {
      url: `ws://127.0.0.1:${port}/tunnel`,
      protocols: ['t'],
      timeoutMs: 2000,
      maxMessageBytes: 1_000_000,
      trust: {},
      ...more,
    },
    {
      onMessage: (message) => messages.push(Buffer.from(message)),
      onDrain: () => {
        drains += 1;
      },
      onClose: closed.resolve,
    },
  );
  return { transport, messages, closed: closed.promise, drained: () => drains };
}

/** The server of a library, and the connection that comes to it. */
async function library(): Promise<{ port: number; peer: () => Promise<WebSocket> }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true });
  closing.push(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  const peer = once(server, 'connection').then(([socket]) => socket as WebSocket);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, peer: () => peer };
}

/** A server that shakes hands as it should, and then sends what it is told. */
async function raw(then: (socket: Socket) => void): Promise<{ port: number; received: () => Buffer }> {
  const received: Buffer[] = [];
  const server = createServer((socket) => {
    closing.push(() => socket.destroy());
    socket.on('error', () => {});
    socket.once('data', (request: Buffer) => {
      const key = /Key: (.*)\r/.exec(request.toString())![1]!;
      socket.on('data', (bytes: Buffer) => received.push(bytes));
      socket.write(
        `HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: t\r\nSec-WebSocket-Accept: ${acceptOf(key)}\r\n\r\n`,
      );
      then(socket);
    });
  });
  closing.push(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, received: () => Buffer.concat(received) };
}

async function until(look: () => boolean): Promise<void> {
  for (const endMs = performance.now() + 5000; !look(); ) {
    assert.ok(performance.now() < endMs, 'it never came to that');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('messages of every size go both ways, in fragments too, and pings are answered', async () => {
  const { port, peer } = await library();
  const link = await open(port);
  const socket = await peer();
  socket.on('message', (data) => socket.send(data));
  const sizes = [0, 1, 125, 126, 4090, 65_535, 65_536, 500_000];
  for (const size of sizes) link.transport.send(Buffer.alloc(size, size % 251));
  await until(() => link.messages.length === sizes.length);
  for (const [i, size] of sizes.entries()) assert.deepEqual(link.messages[i], Buffer.alloc(size, size % 251));
  const pong = once(socket, 'pong');
  socket.send(Buffer.from('a'), { binary: true, fin: false });
  socket.ping('still there?');
  socket.send(Buffer.from('b'), { binary: true, fin: true });
  assert.equal(String((await pong)[0]), 'still there?');
  await until(() => link.messages.length === sizes.length + 1);
  assert.equal(String(link.messages.at(-1)), 'ab');
  link.transport.close();
  await link.closed;
});

test('both ends say goodbye, whoever leaves', async () => {
  const ours = await library();
  const link = await open(ours.port);
  const closed = once(await ours.peer(), 'close');
  link.transport.send(Buffer.from('last'));
  link.transport.close();
  link.transport.send(Buffer.from('too late'));
  assert.equal((await closed)[0], 1000);
  assert.equal(await link.closed, undefined);
  const theirs = await library();
  const other = await open(theirs.port);
  const socket = await theirs.peer();
  const answered = once(socket, 'close');
  socket.close(4403, 'not any more');
  assert.equal((await answered)[0], 4403);
  assert.equal(await other.closed, undefined);
  const cut = await library();
  const third = await open(cut.port);
  (await cut.peer()).terminate();
  await third.closed;
});

test('frames that must not be end the connection with the right code', async () => {
  const cases: [frame: string, code: string][] = [
    ['8100', '03eb'],
    ['c200', '03ea'],
    ['827f7fffffffffffffff', '03f1'],
    ['8803 03e8ff', '03ef'],
  ];
  for (const [frame, code] of cases) {
    const server = await raw((socket) => socket.write(Buffer.from(frame.replace(' ', ''), 'hex')));
    const link = await open(server.port);
    const error = await link.closed;
    assert.equal((error as { code?: string }).code, 'WEBSOCKET_FRAME');
    const [head, length, ...rest] = server.received();
    assert.deepEqual([head, length], [0x88, 0x82]);
    const opened = rest.slice(4).map((byte, i) => byte ^ rest[i]!);
    assert.equal(Buffer.from(opened).toString('hex'), code);
    assert.deepEqual(link.messages, []);
  }
});

test('what came with the answer is read, and a server that does not take leave is left', async () => {
  const server = await raw((socket) => socket.write(Buffer.from('820168', 'hex')));
  const link = await open(server.port);
  await until(() => link.messages.length === 1);
  const beganMs = performance.now();
  link.transport.close();
  assert.equal(await link.closed, undefined);
  assert.ok(performance.now() - beganMs < 3000);
});

test('a server that reads nothing is waited for, and of its pings only the newest is answered', async () => {
  const deaf = Promise.withResolvers<Socket>();
  const server = await raw((socket) => {
    socket.pause();
    deaf.resolve(socket);
  });
  const link = await open(server.port);
  const socket = await deaf.promise;
  while (link.transport.bufferedBytes < 2_000_000) link.transport.send(Buffer.alloc(60_000));
  const waiting = link.transport.bufferedBytes;
  for (let i = 0; i < 2000; i++) socket.write(Buffer.from([0x89, 2, i >> 8, i & 255]));
  socket.write(Buffer.from('8904deadbeef820101', 'hex'));
  await until(() => link.messages.length === 1);
  assert.equal(link.transport.bufferedBytes, waiting);
  assert.equal(link.drained(), 0);
  socket.resume();
  await until(() => link.drained() > 0 && link.transport.bufferedBytes === 0);
  // Opcode 0xA, masked, four bytes (RFC 6455 §5.2); payloads that are still coming may end like anything.
  await until(() => server.received().readUInt16BE(server.received().length - 10) === 0x8a84);
  const [, , ...rest] = server.received().subarray(-10);
  assert.equal(Buffer.from(rest.slice(4).map((byte, i) => byte ^ rest[i]!)).toString('hex'), 'deadbeef');
  link.transport.close();
});

test('refusals are told with what they mean; Retry-After is kept within an hour', async () => {
  const answers: [status: number, headers: Record<string, string>, expected: object][] = [
    [503, { 'Retry-After': '10' }, { kind: 'unavailable', context: { status: 503, retryAfterMs: 10_000 } }],
    [429, { 'Retry-After': '999999999' }, { context: { status: 429, retryAfterMs: 3_600_000 } }],
    [502, { 'Retry-After': 'Fri, 31 Dec 1999 23:59:59 GMT' }, { context: { status: 502 } }],
    [302, { Location: 'ws://127.0.0.1/' }, { kind: 'not_found', context: { status: 302 } }],
    [200, {}, { message: /no tunnel server/ }],
    [401, {}, { message: /login/ }],
  ];
  let next = 0;
  const http = createHttp((_request, response) => {
    const [status, headers] = answers[next]!;
    response.writeHead(status, headers).end('<html>no</html>');
  });
  closing.push(() => http.close());
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  for (const [, , expected] of answers) {
    await assert.rejects(open((http.address() as AddressInfo).port), { code: 'AGENT_NO_TUNNEL', ...expected });
    next += 1;
  }
});

test('who answers wrongly, too much, too late or not at all is no server', async () => {
  const cases: [answer: string | undefined, expected: object][] = [
    [
      'HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: no\r\n\r\n',
      { code: 'AGENT_NO_TUNNEL', message: /Sec-WebSocket-Accept/ },
    ],
    [`HTTP/1.1 101 Fine\r\nX: ${'x'.repeat(20_000)}`, { message: /too long/ }],
    ['SSH-2.0-Something\r\n\r\n', { code: 'AGENT_NO_TUNNEL' }],
    ['', { kind: 'timeout', code: 'AGENT_TIMEOUT', message: /did not answer/ }],
    [undefined, { code: 'AGENT_UNREACHABLE', message: /closed.*wss:/ }],
  ];
  for (const [answer, expected] of cases) {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => (answer === undefined ? socket.end() : socket.write(answer)));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await assert.rejects(open((server.address() as AddressInfo).port, { timeoutMs: 300 }), expected);
    server.close();
  }
});

test('an attempt that is called off ends at once', async () => {
  const server = createServer(() => {});
  closing.push(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const abort = new AbortController();
  const attempt = open((server.address() as AddressInfo).port, { signal: abort.signal });
  server.once('connection', (socket) => {
    closing.push(() => socket.destroy());
    setTimeout(() => abort.abort(new Error('called off')), 20);
  });
  await assert.rejects(attempt, { message: 'called off' });
});
