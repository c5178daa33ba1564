import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttp, type Server as HttpServer } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { after, before, test } from 'node:test';
import { WebSocketServer } from 'ws';
import { nodePlatform } from './node-platform.ts';
import type { TlsTrust, WebSocketOptions } from './platform.ts';

const testdata = new URL('../../../server/src/net/testdata/', import.meta.url);
const cert = readFileSync(new URL('first.crt', testdata), 'utf8');
const key = readFileSync(new URL('first.key', testdata), 'utf8');
const pinOf = (pem: string) =>
  createHash('sha256')
    .update(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
const platform = nodePlatform();
const secure = createHttps({ cert, key });
const plain: HttpServer = createHttp();
const proxyRequests: string[] = [];
let proxyLogin: string | undefined;
const proxy: HttpServer = createHttp();

before(async () => {
  for (const server of [secure, plain])
    new WebSocketServer({ server }).on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  proxy.on('connect', (request, socket, head) => {
    proxyRequests.push(request.url!);
    if (request.headers['proxy-authorization'] !== proxyLogin) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const [host, port] = request.url!.split(':');
    const onward = connect(Number(port), host!, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.write(head);
      onward.pipe(socket);
      socket.pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  for (const server of [secure, plain, proxy])
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
});
after(() => {
  for (const server of [secure, plain, proxy]) {
    server.closeAllConnections();
    server.close();
  }
});

const portOf = (server: HttpServer | typeof secure) => (server.address() as AddressInfo).port;

/** Sends a message there and back. */
async function echo(trust: TlsTrust, more: Partial<WebSocketOptions> = {}): Promise<string> {
  const answer = Promise.withResolvers<string>();
  const options = {
    url: `wss://127.0.0.1:${portOf(secure)}/tunnel`,
    protocols: [],
    timeoutMs: 5000,
    maxMessageBytes: 1000,
    trust,
  };
  const link = await platform.openWebSocket(
    { ...options, ...more },
    {
      onMessage: (message) => answer.resolve(Buffer.from(message).toString()),
      onDrain: () => {},
      onClose: () => answer.reject(new Error('closed')),
    },
  );
  link.send(Buffer.from('hello'));
  try {
    return await answer.promise;
  } finally {
    link.close();
  }
}

test('a certificate that nobody vouches for is refused, with the cure', async () => {
  await assert.rejects(echo({}), { code: 'AGENT_UNREACHABLE', message: /agent\.(ca_file|certificate_pins)/ });
});

test('a server without TLS is told, with the cure', async () => {
  const url = `wss://127.0.0.1:${portOf(plain)}/tunnel`;
  await assert.rejects(echo({}, { url }), { code: 'AGENT_UNREACHABLE', message: /no TLS.*ws:/ });
});

test('a certificate that is not valid yet is told with the time that the machine takes it to be, and the cure', async () => {
  // Self-signed, valid from 2120 to 2140: to its makers it is to this machine's clock as 1970 is to a certificate of today.
  const read = (name: string) => readFileSync(new URL(`testdata/not-yet.${name}`, import.meta.url), 'utf8');
  const server = createHttps({ cert: read('crt'), key: read('key') });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  try {
    const attempt = echo({ authorities: [read('crt')] }, { url: `wss://127.0.0.1:${portOf(server)}/tunnel` });
    const today = new Date().toISOString().slice(0, 10);
    await assert.rejects(attempt, { code: 'AGENT_UNREACHABLE', message: new RegExp(`not valid yet.* ${today}T.*NTP`) });
  } finally {
    server.close();
  }
});

test('a pinned key is enough, another one is refused', async () => {
  assert.equal(await echo({ pins: [pinOf(cert)] }), 'hello');
  const other = pinOf(readFileSync(new URL('second.crt', testdata), 'utf8'));
  await assert.rejects(echo({ pins: [other] }), { code: 'AGENT_PIN_MISMATCH', kind: 'forbidden' });
});

test('what goes through TLS is masked with zeros, what does not with chance', async () => {
  const masks = async (server: HttpServer | typeof secure, scheme: string): Promise<string[]> => {
    const seen: string[] = [];
    // FIN and a binary message, masked, of 5 bytes (RFC 6455 §5.2): the mask follows.
    const look = (_request: unknown, socket: Duplex) =>
      socket.on('data', (bytes: Buffer) => {
        if (bytes.readUInt16BE(0) === 0x8285) seen.push(bytes.toString('hex', 2, 6));
      });
    server.on('upgrade', look);
    const url = `${scheme}://127.0.0.1:${portOf(server)}/tunnel`;
    for (let i = 0; i < 3; i++) assert.equal(await echo({ pins: [pinOf(cert)] }, { url }), 'hello');
    server.off('upgrade', look);
    return seen;
  };
  assert.deepEqual(await masks(secure, 'wss'), ['00000000', '00000000', '00000000']);
  assert.equal(new Set(await masks(plain, 'ws')).size, 3);
});

test('a proxy is asked by CONNECT, with its login where it wants one', async () => {
  const trust = { pins: [pinOf(cert)] };
  const address = `127.0.0.1:${portOf(proxy)}`;
  assert.equal(await echo(trust, { proxy: `http://${address}` }), 'hello');
  assert.equal(proxyRequests.at(-1), `127.0.0.1:${portOf(secure)}`);
  proxyLogin = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
  await assert.rejects(echo(trust, { proxy: `http://${address}` }), { code: 'AGENT_PROXY', message: /agent\.proxy/ });
  assert.equal(await echo(trust, { proxy: `http://me:p%40ss@${address}` }), 'hello');
});

test('what is no tunnel server is told as such', async () => {
  const plain = createHttp((_request, response) => response.writeHead(404).end());
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  const url = `ws://127.0.0.1:${portOf(plain)}/tunnel`;
  await assert.rejects(echo({}, { url }), { code: 'AGENT_NO_TUNNEL', message: /404.*the path is usually \/tunnel/ });
  plain.closeAllConnections();
  plain.close();
  await assert.rejects(echo({}, { url }), { code: 'AGENT_REFUSED' });
});

test('messages beyond the limit end the connection', async () => {
  const closed = Promise.withResolvers<void>();
  const webSockets = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  webSockets.on('connection', (socket) => socket.send(new Uint8Array(2000)));
  await once(webSockets, 'listening');
  await platform.openWebSocket(
    {
      url: `ws://127.0.0.1:${(webSockets.address() as AddressInfo).port}/`,
      protocols: [],
      timeoutMs: 1000,
      maxMessageBytes: 1000,
      trust: {},
    },
    { onMessage: () => assert.fail('it was handed over'), onDrain: () => {}, onClose: () => closed.resolve() },
  );
  await closed.promise;
  webSockets.close();
});

test('questions go to the group and to hosts, answers come back until the time is over', async () => {
  const camera = createSocket('udp4');
  camera.bind(0, '127.0.0.1');
  await once(camera, 'listening');
  camera.on('message', (message, from) => camera.send(`re:${message}`, from.port, from.address));
  const answers = new Set<string>();
  const question = {
    messages: [Buffer.from('a'), Buffer.from('b')],
    group: '127.0.0.1',
    port: camera.address().port,
    hosts: [],
    waitMs: 400,
  };
  await platform.askByMulticast(question, (answer, from) => answers.add(`${Buffer.from(answer)} ${from}`));
  camera.close();
  assert.ok(answers.has('re:a 127.0.0.1') && answers.has('re:b 127.0.0.1'), [...answers].join());
});

test('the machine tells at least its uptime and an unchanging tag', () => {
  const { uptimeS, machineTag, architecture } = platform.hostFacts();
  assert.ok(uptimeS > 0);
  assert.match(machineTag, /^[0-9a-f]{8}$/);
  assert.equal(platform.hostFacts().machineTag, machineTag);
  assert.ok(architecture.length > 0);
});
