import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm, utimes } from 'node:fs/promises';
import { Agent, request as requestPlain } from 'node:http';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { Certificate } from './certificate.ts';
import { createHttpServer, type ListeningHttpServer } from './http-server.ts';
import { type EndlessAnswer, takeAnswer } from './media-answer.ts';

const testdata = new URL('testdata/', import.meta.url).pathname;
const trusting = { rejectUnauthorized: false };

interface Bench extends AsyncDisposable {
  readonly server: ListeningHttpServer;
  readonly certificate: Certificate;
  readonly port: number;
  readonly answers: EndlessAnswer[];
  /** Requests that were handled. */
  readonly asked: number;
  renew(name: string): Promise<void>;
}

async function open(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'watchpost-'));
  const files = { certFile: join(folder, 'c.pem'), keyFile: join(folder, 'k.pem') };
  let seconds = 1;
  const place = async (name: string) => {
    await copyFile(`${testdata}${name}.crt`, files.certFile);
    await copyFile(`${testdata}${name}.key`, files.keyFile);
    await utimes(files.certFile, seconds, seconds++);
  };
  await place('first');
  const certificate = await Certificate.open(() => files, { clock: new ManualClock(), logger: silentLogger });
  const server = createHttpServer({ logger: silentLogger });
  server.secure(certificate.text);
  certificate.onChange((text) => server.secure(text));
  const answers: EndlessAnswer[] = [];
  let asked = 0;
  server.app.addHook('onRequest', async () => void asked++);
  server.app.get('/seen', ({ protocol, host, ip }) => ({ protocol, host, ip }));
  server.app.get('/media', (_request, reply) => {
    const answer = takeAnswer(reply, 'video/x-flv')!;
    answer.begin();
    answers.push(answer);
    return reply;
  });
  server.app.get('/refused', (_request, reply) => {
    takeAnswer(reply, 'video/x-flv')!.end(new Error('no'), false);
    return reply;
  });
  server.onUpgrade('/ws', (_request, socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n'));
  const { port } = await server.listen('127.0.0.1:0');
  return {
    ...{ server, certificate, port, answers },
    get asked() {
      return asked;
    },
    renew: async (name) => {
      await place(name);
      await certificate.look();
    },
    [Symbol.asyncDispose]: async () => {
      await server.close();
      certificate[Symbol.dispose]();
      await rm(folder, { recursive: true });
    },
  };
}

function session(port: number): ClientHttp2Session {
  return connectHttp2(`https://127.0.0.1:${port}`, trusting).on('error', () => {});
}

async function ask(client: ClientHttp2Session, path: string): Promise<{ status: number; type: string; body: string }> {
  const stream = client.request({ ':path': path });
  const [headers] = await once(stream, 'response');
  let body = '';
  for await (const chunk of stream.setEncoding('utf8')) body += chunk;
  return { status: headers[':status'], type: headers['content-type'], body };
}

async function endless(client: ClientHttp2Session): Promise<ClientHttp2Stream> {
  const stream = client.request({ ':path': '/media' });
  const [headers] = await once(stream, 'response');
  assert.deepEqual([headers[':status'], headers['content-type']], [200, 'video/x-flv']);
  return stream.on('error', () => {});
}

test('HTTP/2 and HTTP/1.1 are answered, and routes see that it was TLS', async () => {
  await using bench = await open();
  const client = session(bench.port);
  const seen = { protocol: 'https', host: `127.0.0.1:${bench.port}`, ip: '127.0.0.1' };
  assert.deepEqual(JSON.parse((await ask(client, '/seen')).body), seen);
  const outgoing = request({ host: '127.0.0.1', port: bench.port, path: '/seen', ...trusting }).end();
  const [response] = await once(outgoing, 'response');
  assert.deepEqual(
    [response.httpVersion, JSON.parse(String(await response.setEncoding('utf8').toArray()))],
    ['1.1', seen],
  );
  const refused = await ask(client, '/refused');
  assert.deepEqual([refused.status, JSON.parse(refused.body).code], [500, 'INTERNAL']);
  assert.match(refused.type, /^application\/problem\+json/);
});

test('an answer without an end on HTTP/2 holds back for its own viewer only, and ends with it', async () => {
  await using bench = await open();
  const client = session(bench.port);
  const slow = await endless(client);
  const quick = await endless(client);
  slow.pause();
  const [toSlow, toQuick] = bench.answers.map(({ socket }) => socket);
  const block = Buffer.alloc(64 * 1024);
  for (let i = 0; i < 8; i++) toSlow!.write(block);
  assert.equal(toSlow!.writableNeedDrain, true);
  let received = 0;
  const all = new Promise<void>((resolve) =>
    quick.on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (received === 40 * block.length) resolve();
    }),
  );
  for (let i = 0; i < 40; i++) if (!toQuick!.write(block)) await once(toQuick!, 'drain');
  await all;
  assert.equal(toSlow!.writableNeedDrain, true, 'the slow one still waits');
  const gone = once(toSlow!, 'close');
  slow.close(8);
  await gone;
  assert.equal(toQuick!.destroyed, false);
  const ended = once(quick, 'end');
  bench.answers[1]!.end(undefined, true);
  await ended;
});

test('a renewed certificate is shown to new connections; those that stand go on', async () => {
  await using bench = await open();
  const client = session(bench.port);
  const stream = await endless(client);
  const shown = async () => {
    const socket = connectTls({ host: '127.0.0.1', port: bench.port, ...trusting });
    await once(socket, 'secureConnect');
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };
  const before = await shown();
  await bench.renew('second');
  assert.notEqual(await shown(), before);
  bench.answers[0]!.socket.write('x');
  assert.equal(String((await once(stream, 'data'))[0]), 'x');
  assert.equal((await ask(client, '/seen')).status, 200);
  assert.equal((await ask(session(bench.port), '/seen')).status, 200);
});

test('HTTPS becomes HTTP and HTTPS again on the same port; answers that have begun go on', async () => {
  await using bench = await open();
  const { server, certificate, port, answers } = bench;
  const overTls = await endless(session(port));
  server.secure(undefined);
  const overHttp = await fetch(`http://127.0.0.1:${port}/media`);
  const chunks = overHttp.body!.getReader();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const seen = async () => {
    const [response] = await once(requestPlain({ agent, host: '127.0.0.1', port, path: '/seen' }).end(), 'response');
    const { protocol } = JSON.parse(String(await response.setEncoding('utf8').toArray()));
    return [protocol, response.headers.connection];
  };
  assert.deepEqual(await seen(), ['http', 'keep-alive']);
  server.secure(certificate.text);
  assert.deepEqual(await seen(), ['http', 'close'], 'what stands is answered once more');
  await assert.rejects(seen());
  assert.equal((await ask(session(port), '/seen')).status, 200);
  for (const { socket } of answers) socket.write('x');
  assert.equal(String((await once(overTls, 'data'))[0]), 'x');
  assert.equal(Buffer.from((await chunks.read()).value!).toString(), 'x');
});

test('headers that come too slowly end the connection, over HTTP and over TLS', async () => {
  const patience = { headersMs: 300, bodyMs: 300, checkEveryMs: 50 };
  const server = createHttpServer({ logger: silentLogger, patience });
  const { port } = await server.listen('127.0.0.1:0');
  const cutAfterMs = async (socket: Socket) => {
    const begin = Date.now();
    socket.on('error', () => {}).resume();
    socket.write('GET /seen HTTP/1.1\r\nHost: ');
    await once(socket, 'close');
    return Date.now() - begin;
  };
  const plain = await cutAfterMs(connectTcp(port, '127.0.0.1'));
  const certificate = await Promise.all(['crt', 'key'].map((end) => readFile(`${testdata}first.${end}`)));
  server.secure({ cert: certificate[0]!, key: certificate[1]! });
  const secure = connectTls({ host: '127.0.0.1', port, ...trusting });
  await once(secure, 'secureConnect');
  for (const ms of [plain, await cutAfterMs(secure)]) assert.ok(ms >= 250 && ms < 3000, `cut after ${ms} ms`);
  await server.close();
});

test('who asks over HTTP/2 and takes it back at once is cut off', async () => {
  await using bench = await open();
  const socket = connectTls({ port: bench.port, host: '127.0.0.1', ALPNProtocols: ['h2'], ...trusting });
  await once(
    socket.on('error', () => {}),
    'secureConnect',
  );
  const frame = (type: number, flags: number, stream: number, body: number[]) => {
    const head = [0, 0, body.length, type, flags, 0, 0, stream >> 8, stream & 255];
    return Buffer.from([...head, ...body]);
  };
  // GET, https, /, and an authority of one letter, from the static table (RFC 7541 Appendix A); then RST_STREAM, CANCEL.
  const hasty = Array.from({ length: 700 }, (_, i) => [
    frame(1, 5, 2 * i + 1, [0x82, 0x87, 0x84, 0x41, 1, 0x78]),
    frame(3, 0, 2 * i + 1, [0, 0, 0, 8]),
  ]);
  const closed = once(socket.resume(), 'close');
  socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0, []), ...hasty.flat()]));
  socket.setTimeout(3000, () => socket.destroy(new Error('it stays')));
  await closed;
  assert.ok(bench.asked > 0 && bench.asked <= 256, `${bench.asked} were handled`);
});

test('a connection without traffic is probed', async () => {
  await using bench = await open();
  const socket = connectTcp(bench.port, '127.0.0.1');
  await once(socket, 'connect');
  const address = `:${bench.port.toString(16).toUpperCase().padStart(4, '0')} `;
  // Column "tr": 02 is the timer of keep-alive (proc_net_tcp.rst of Linux).
  const isProbed = (line: string) => line.includes(`${address}0100007F`) && / 01 \S+ 02:/.test(line);
  const until = performance.now() + 3000;
  while (!(await readFile('/proc/net/tcp', 'latin1')).split('\n').some(isProbed)) {
    assert.ok(performance.now() < until, 'it has no timer');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  socket.destroy();
});

test('TLS 1.1 is refused', async () => {
  await using bench = await open();
  const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  const socket = connectTls({ host: '127.0.0.1', port: bench.port, ...trusting, ...old });
  const [error] = await once(socket, 'error');
  assert.equal(error.code, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
});

test('closing ends HTTP/2 sessions, upgraded connections and those that never began TLS', async () => {
  const bench = await open();
  const stream = await endless(session(bench.port));
  const silent = connectTcp(bench.port, '127.0.0.1');
  const upgraded = connectTls({ host: '127.0.0.1', port: bench.port, ...trusting });
  upgraded.write('GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  await once(upgraded, 'data');
  const closed = [stream, silent, upgraded].map(
    (one) => new Promise((resolve) => one.on('error', () => {}).once('close', resolve)),
  );
  await bench[Symbol.asyncDispose]();
  await Promise.all(closed);
});

test('a certificate that expires soon is told at once, then once a day', async () => {
  const files = { certFile: `${testdata}first.crt`, keyFile: `${testdata}first.key` };
  const dayMs = 24 * 3_600_000;
  const now = new ManualClock();
  using long = await Certificate.open(() => files, {
    clock: now,
    logger: silentLogger,
    onExpiring: () => assert.fail('told'),
  });
  const clock = new ManualClock(now.wallMs() + (long.daysLeft - 13) * dayMs);
  const told: number[] = [];
  const onExpiring = (days: number) => void told.push(days);
  using certificate = await Certificate.open(() => files, { clock, logger: silentLogger, onExpiring });
  assert.deepEqual([certificate.daysLeft, told], [13, [13]]);
  const pass = async (ms: number) => {
    clock.advance(ms);
    await new Promise((resolve) => setTimeout(resolve, 30));
  };
  await pass(10_000);
  await pass(10_000);
  assert.deepEqual(told, [13]);
  await pass(dayMs);
  await pass(14 * dayMs);
  assert.deepEqual(told, [13, 12, -2]);
});
