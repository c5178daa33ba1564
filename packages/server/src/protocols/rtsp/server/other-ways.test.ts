import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';
import { silentLogger } from '@watchpost/base/logger.ts';
import { headerOf } from '@watchpost/media/rtsp/message.ts';
import { parseTransport } from '@watchpost/media/rtsp/transport.ts';
import { Certificate } from '../../../net/certificate.ts';
import { type ListenSettings, ProtocolPorts } from '../../../net/protocol-ports.ts';
import { picture, ServerBench, sound, TestClient, until } from './test-bench.ts';

const testdata = new URL('../../../net/testdata/', import.meta.url).pathname;
const groups = { groups: { first: 0xef_ff_2a_00, count: 256 }, ttl: 1 };

function connect(port: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(socket));
    socket.once('error', reject);
  });
}

test('a player over TLS gets what one without gets; the certificate is changed without a restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wp-tls-'));
  try {
    await using bench = await ServerBench.open();
    const files = { certFile: join(folder, 'c.pem'), keyFile: join(folder, 'k.pem') };
    const take = async (name: string) => {
      await copyFile(`${testdata}${name}.crt`, files.certFile);
      await copyFile(`${testdata}${name}.key`, files.keyFile);
    };
    await take('first');
    using certificate = await Certificate.open(() => files, { clock: bench.clock, logger: silentLogger });
    const { port } = await bench.listener.listen({ host: '127.0.0.1', port: 0 }, certificate);
    const dial = () =>
      new Promise<tls.TLSSocket>((resolve, reject) => {
        const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => resolve(socket));
        socket.once('error', reject);
      });
    const camera = await bench.online('gate');
    const socket = await dial();
    const client = new TestClient(socket, port);
    await client.play();
    camera.play(2);
    await until(() => client.frames.filter(({ channel }) => channel === 0).length === 5);
    assert.equal(socket.getPeerCertificate().subject.CN, 'first');
    await take('second');
    await copyFile(`${testdata}first.key`, files.keyFile);
    await certificate.look();
    const between = await dial();
    assert.equal(between.getPeerCertificate().subject.CN, 'first', 'half of a change is no change');
    between.destroy();
    await take('second');
    await certificate.look();
    const after = await dial();
    assert.equal(after.getPeerCertificate().subject.CN, 'second');
    after.destroy();
    camera.play(1);
    await until(() => client.frames.filter(({ channel }) => channel === 0).length === 6);
    socket.destroy();
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the port for TLS comes and goes with its certificate, which may be renewed or another one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wp-tls-'));
  try {
    await using bench = await ServerBench.open();
    const files = { certFile: join(folder, 'c.pem'), keyFile: join(folder, 'k.pem') };
    await copyFile(`${testdata}first.crt`, files.certFile);
    await copyFile(`${testdata}second.key`, files.keyFile);
    const logged: string[] = [];
    const logger = { ...silentLogger, error: (message: string) => void logged.push(message) };
    const bind = { host: '127.0.0.1', port: 0 };
    const { clock } = bench;
    let settings: ListenSettings = { bind, tls: { bind, files } };
    const parts = { protocol: 'rtsp', server: bench.listener, settings: () => settings, clock, logger };
    using opened = await ProtocolPorts.open(parts);
    const { open: ports } = opened;
    assert.ok(ports.plain && ports.tls === undefined);
    assert.match(logged.join(), /^protocols\.rtsp\.tls_cert: ".*c\.pem" and ".*k\.pem" are no certificate and its key/);
    const look = async () => {
      clock.advance(10_000);
      for (let i = 0; i < 20 && ports.tls === undefined; i++) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    await look();
    assert.equal(ports.tls, undefined);
    await copyFile(`${testdata}first.key`, files.keyFile);
    await look();
    const port = ports.tls ?? assert.fail('it never opened');
    const camera = await bench.online('gate');
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    const client = new TestClient(socket, port);
    await client.play();
    camera.play(2);
    await until(() => client.frames.filter(({ channel }) => channel === 0).length === 5);
    assert.equal(logged.length, 1, 'told once');
    await copyFile(`${testdata}second.crt`, files.certFile);
    await copyFile(`${testdata}second.key`, files.keyFile);
    clock.advance(10_000);
    let subject: unknown = 'first';
    for (let i = 0; i < 50 && subject === 'first'; i++) subject = await subjectAt(port);
    assert.equal(subject, 'second', 'it is renewed as any other');

    settings = { bind, tls: { bind, files: { certFile: `${testdata}first.crt`, keyFile: `${testdata}first.key` } } };
    await opened.look();
    assert.equal(await subjectAt(port), 'first', 'the section names others');
    settings = { bind };
    await opened.look();
    assert.equal(ports.tls, undefined);
    await assert.rejects(subjectAt(port), { code: 'ECONNREFUSED' });
    camera.play(2);
    await until(() => client.frames.filter(({ channel }) => channel === 0).length === 7);
    socket.destroy();
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a certificate that is none, and a plain client on the TLS port, harm nobody', async () => {
  await using bench = await ServerBench.open();
  const parts = { clock: bench.clock, logger: silentLogger };
  const wrong = { certFile: `${testdata}first.crt`, keyFile: `${testdata}second.key` };
  await assert.rejects(
    Certificate.open(() => wrong, parts),
    { code: 'CERTIFICATE_INVALID' },
  );
  await assert.rejects(
    Certificate.open(() => ({ ...wrong, keyFile: '/nonexistent' }), parts),
    { code: 'CERTIFICATE_INVALID' },
  );
  const files = { certFile: `${testdata}first.crt`, keyFile: `${testdata}first.key` };
  using certificate = await Certificate.open(() => files, parts);
  const { port } = await bench.listener.listen({ host: '127.0.0.1', port: 0 }, certificate);
  const plain = await connect(port);
  plain.on('error', () => {});
  plain.write('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n');
  await until(() => plain.destroyed || plain.readableEnded || plain.closed);
});

/** Whose certificate a port has. */
function subjectAt(port: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().subject.CN);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

/** Both halves of RTSP over HTTP; `cut` says how many characters each write of the POST has. */
async function tunnel(bench: ServerBench, options: { cut: number; postFirst?: boolean }): Promise<TestClient> {
  const head = (method: string) =>
    `${method} /live/gate HTTP/1.0\r\nx-sessioncookie: Q1w2\r\nAccept: application/x-rtsp-tunnelled\r\n`;
  const get = await connect(bench.port);
  const post = await connect(bench.port);
  const openPost = () => post.write(`${head('POST')}Content-Length: 32767\r\n\r\n`);
  if (options.postFirst) openPost();
  if (options.postFirst) await new Promise((resolve) => setTimeout(resolve, 30));
  get.write(`${head('GET')}\r\n`);
  const answer = await new Promise<string>((resolve) => get.once('data', (chunk) => resolve(chunk.toString())));
  assert.match(answer, /^HTTP\/1\.0 200 OK\r\n[\s\S]*application\/x-rtsp-tunnelled\r\n\r\n$/);
  assert.doesNotMatch(answer, /Content-Length/i, 'it never ends');
  if (!options.postFirst) openPost();
  const write = (bytes: Uint8Array) => {
    const text = Buffer.from(bytes).toString('base64');
    for (let at = 0; at < text.length; at += options.cut) post.write(text.slice(at, at + options.cut));
  };
  get.on('close', () => post.destroy());
  return new TestClient(get, bench.port, write);
}

for (const options of [{ cut: 5000 }, { cut: 7 }, { cut: 5000, postFirst: true }])
  test(`RTSP over HTTP on the same port: ${JSON.stringify(options)}`, async () => {
    await using bench = await ServerBench.open();
    const camera = await bench.online('gate');
    const client = await tunnel(bench, options);
    await client.play();
    camera.play(2);
    await until(() => client.frames.filter(({ channel }) => channel === 0).length === 5);
    await client.expect(200, 'GET_PARAMETER');
    await client.expect(200, 'TEARDOWN');
    await until(() => client.closed && bench.listener.connections === 0);
  });

test('halves of tunnels that stay alone, and whoever takes the port for a web server, are sent away', async () => {
  await using bench = await ServerBench.open();
  const answers: string[] = [];
  const ask = async (text: string) => {
    const socket = await connect(bench.port);
    socket.on('error', () => {});
    const index = answers.push('') - 1;
    socket.on('data', (chunk) => {
      answers[index] += chunk.toString();
    });
    socket.write(text);
    return socket;
  };
  await ask('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await ask('POST / HTTP/1.1\r\n'.padEnd(10_000, 'x'));
  await until(() => answers.every((answer) => answer.startsWith('HTTP/1.0 400')) && bench.listener.connections === 0);
  const halves = await Promise.all([
    ask('GET / HTTP/1.0\r\nx-sessioncookie: a\r\n\r\n'),
    ask('POST / HTTP/1.0\r\nx-sessioncookie: b\r\n\r\nT1BUSU9OUyAq'),
    ask('GE'),
    ask('GET / HTTP/1.0\r\nx-sess'),
  ]);
  await until(() => answers[2]!.startsWith('HTTP/1.0 200') && bench.listener.connections === 4);
  await new Promise((resolve) => setTimeout(resolve, 50));
  bench.clock.advance(11_000);
  await until(() => halves.every((socket) => socket.destroyed || socket.readableEnded));
  await until(() => bench.listener.connections === 0);
});

test('a POST that is no Base64 ends its tunnel and no other', async () => {
  await using bench = await ServerBench.open();
  const camera = await bench.online('gate');
  const good = await bench.connect();
  await good.play();
  const get = await connect(bench.port);
  get.write('GET / HTTP/1.0\r\nx-sessioncookie: z\r\n\r\n');
  await new Promise((resolve) => get.once('data', resolve));
  const post = await connect(bench.port);
  post.on('error', () => {});
  post.write('POST / HTTP/1.0\r\nx-sessioncookie: z\r\n\r\n{"no": "Base64"}');
  await until(() => get.closed || get.readableEnded);
  camera.play(2);
  await until(() => good.frames.filter(({ channel }) => channel === 0).length === 5);
});

test('one sender for all who play by multicast; it ends with the last of them', async () => {
  await using bench = await ServerBench.open({ settings: { multicast: groups } });
  const camera = await bench.online('gate', [picture, sound]);
  const got: Buffer[] = [];
  await using stack = new AsyncDisposableStack();
  const setUp = async () => {
    const client = await bench.connect();
    await client.expect(200, 'DESCRIBE');
    const answer = await client.expect(200, 'SETUP', {
      url: `${client.url}/trackID=0`,
      headers: { Transport: 'RTP/AVP;multicast' },
    });
    return { client, spec: parseTransport(headerOf(answer, 'Transport')!)[0]! };
  };
  const first = await setUp();
  const { destination, port, ttl, multicast } = first.spec;
  assert.match(destination!, /^239\.255\.42\.\d+$/);
  assert.deepEqual([port, ttl, multicast], [[8002, 8003], 1, true]);
  const second = await setUp();
  assert.deepEqual([second.spec.destination, second.spec.port], [destination, port], 'the same group');
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  stack.defer(() => void socket.close());
  await new Promise<void>((resolve) => socket.bind(port![0], destination!, resolve));
  socket.addMembership(destination!, '127.0.0.1');
  socket.on('message', (packet) => got.push(packet));
  await first.client.expect(200, 'PLAY');
  await second.client.expect(200, 'PLAY');
  assert.equal(bench.counts.players, 2);
  camera.play(25);
  await until(() => got.length >= 3);
  const sequences = got.map((packet) => packet.readUInt16BE(2));
  assert.ok(
    sequences.every((sequence, i) => i === 0 || sequence === ((sequences[i - 1]! + 1) & 0xffff)),
    'each once',
  );
  await first.client.expect(200, 'TEARDOWN');
  camera.play(2);
  const before = got.length;
  await until(() => got.length > before);
  await second.client.expect(200, 'PAUSE');
  const paused = got.length;
  camera.play(5);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(got.length <= paused + 1, 'nobody plays');
  await second.client.expect(200, 'TEARDOWN');
  assert.deepEqual([bench.counts.players, bench.hub.get('gate')!.readers.length], [0, 0]);
});

test('multicast is refused where it is off, and unicast taken where both are offered', async () => {
  await using bench = await ServerBench.open();
  await bench.online('gate');
  const client = await bench.connect();
  await client.expect(200, 'DESCRIBE');
  const ask = (transport: string) =>
    client.ask('SETUP', { url: `${client.url}/trackID=0`, headers: { Transport: transport } });
  assert.equal((await ask('RTP/AVP;multicast')).status, 461);
  assert.equal((await ask('RTP/AVP;unicast;client_port=0-1')).status, 461, 'nothing can be sent to port 0');
  assert.match(headerOf(await ask('RTP/AVP;multicast,RTP/AVP/TCP;interleaved=0-1'), 'Transport')!, /TCP/);
});

test('another range, another TTL, no multicast any more: for sessions set up afterwards', async () => {
  await using bench = await ServerBench.open({ settings: { multicast: groups } });
  await bench.online('gate');
  const early = await bench.connect();
  await early.expect(200, 'DESCRIBE');
  const setUp = async (client?: TestClient) => {
    const asking = client ?? (await bench.connect());
    if (client === undefined) await asking.expect(200, 'DESCRIBE');
    const headers = { Transport: 'RTP/AVP;multicast' };
    const answer = await asking.ask('SETUP', { url: `${asking.url}/trackID=0`, headers });
    if (answer.status !== 200) return answer.status;
    await asking.expect(200, 'PLAY');
    const { destination, ttl } = parseTransport(headerOf(answer, 'Transport')!)[0]!;
    return `${destination!.replace(/\.\d+$/, '')} ${ttl}`;
  };
  assert.equal(await setUp(), '239.255.42 1');
  bench.settings = { ...bench.settings, multicast: { groups: { first: 0xef_ff_2c_00, count: 256 }, ttl: 1 } };
  assert.equal(await setUp(), '239.255.44 1');
  bench.settings = { ...bench.settings, multicast: { groups: { first: 0xef_ff_2c_00, count: 256 }, ttl: 2 } };
  assert.equal(await setUp(early), '239.255.44 2', 'its connection is older than the change');
  const { multicast: _off, ...others } = bench.settings;
  bench.settings = others;
  assert.equal(await setUp(), 461);
  assert.equal(bench.counts.players, 3, 'the others play on');
});

test('a silent player by multicast is forgotten after a minute; reports keep it', async () => {
  await using bench = await ServerBench.open({ settings: { multicast: groups } });
  const camera = await bench.online('gate');
  const client = await bench.connect();
  await client.play('RTP/AVP;multicast');
  client.socket.destroy();
  camera.play(1);
  await until(() => bench.listener.connections === 0);
  assert.equal(bench.counts.players, 1, 'it may go on listening');
  bench.clock.advance(61_000);
  assert.deepEqual([bench.counts.players, bench.hub.get('gate')!.readers.length], [0, 0]);
});
