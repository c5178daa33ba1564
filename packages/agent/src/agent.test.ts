import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { chunkMessage } from '@watchpost/media/rtmp/chunk-writer.ts';
import { writeCommand } from '@watchpost/media/rtmp/command.ts';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { BackfillReader, type BackfillRecord } from '@watchpost/tunnel/backfill/record.ts';
import { formatEnrolmentToken } from '@watchpost/tunnel/enrolment-token.ts';
import { Agent } from './agent.ts';
import { ConfigSource } from './config/config-source.ts';
import type { Json } from './config/json.ts';
import { agentLogger, LogTail } from './log.ts';
import { nodePlatform } from './platform/node-platform.ts';
import { TestServer } from './platform/test-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'watchpost-agent-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const token = { id: '00112233aabb', secret: Uint8Array.from({ length: 24 }, (_, i) => i) };
const platform = nodePlatform();
let count = 0;

interface Bench extends AsyncDisposable {
  readonly server: TestServer;
  readonly agent: Agent;
  readonly tail: LogTail;
  readonly dir: string;
}

async function bench(config: (dir: string) => Json): Promise<Bench> {
  const server = await TestServer.start(token);
  const dir = join(folder, String(++count));
  const file = join(folder, `${count}.json`);
  const { agent: agentSection, ...rest } = config(dir);
  const agentPart = {
    agent_id: 'gate',
    tunnel_server_url: server.url,
    tunnel_server_token: formatEnrolmentToken(token),
    state_dir: dir,
  };
  writeFileSync(
    file,
    JSON.stringify({ agent: { ...agentPart, ...(agentSection as object) }, discovery: { enabled: false }, ...rest }),
  );
  const tail = new LogTail();
  const logger = agentLogger({ clock: platform.clock, verbose: true, tail, write: () => {} });
  const source = new ConfigSource(platform, file);
  const { config: loaded, local } = await source.load();
  const agent = new Agent(loaded, { platform, logger, tail, version: '1.0.0', local, source });
  await agent.start();
  const end = async () => {
    await agent.stop();
    await server[Symbol.asyncDispose]();
  };
  return { server, agent, tail, dir, [Symbol.asyncDispose]: end };
}

/** A TCP server that sends back what it gets. */
async function echo(
  onSocket?: (socket: Socket) => void,
  host = '127.0.0.1',
): Promise<{ port: number; server: Server } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    if (onSocket) onSocket(socket);
    else socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const end = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port: (server.address() as AddressInfo).port, server, [Symbol.asyncDispose]: end };
}

const camera = (port: number, more: Json = {}) => ({
  name: 'gate',
  host: '127.0.0.1',
  rtsp_port: port,
  rtsp_path: '/stream',
  ...more,
});

test('an agent enrols, pins the server, tells its targets and carries a port byte for byte through cuts', {
  timeout: 30_000,
}, async () => {
  await using peer = await echo();
  await using b = await bench(() => ({
    cameras: [camera(peer.port)],
    tunnel: { remote_port: peer.port, tunnel_port: 9554 },
  }));
  const targets = await b.server.message((message) => (message.type === 'targets' ? message.targets : undefined));
  assert.deepEqual(targets, [
    { host: '127.0.0.1', port: peer.port, service: 'rtsp', tunnel_port: 9554, camera: 'gate' },
  ]);
  const identity = JSON.parse(readFileSync(join(b.dir, 'identity.json'), 'utf8'));
  assert.equal(identity.server_key, Buffer.from(b.server.publicKey).toString('base64'));
  assert.equal(statSync(join(b.dir, 'identity.json')).mode & 0o777, 0o600);
  const { channel, received, closed } = b.server.open({ kind: 'tcp', host: '127.0.0.1', port: peer.port });
  const sent = Buffer.alloc(3_000_000, 0).map((_, i) => (i * 31) & 255);
  for (let at = 0; at < sent.length; at += 100_000) {
    channel.write(new Uint8Array(sent.subarray(at, at + 100_000)));
    if (at === 1_000_000 || at === 2_000_000) {
      const accepted = b.server.software.length;
      await new Promise((resolve) => setTimeout(resolve, 50));
      b.server.cut();
      await b.server.until(() => (b.server.software.length > accepted ? true : undefined));
    }
  }
  channel.end();
  assert.equal(await closed, 'clean');
  assert.equal(Buffer.concat(received).equals(sent), true);
  assert.ok(b.server.connections >= 3, `${b.server.connections} connections`);
});

test('a grace time that the server changed counts from the next connection on, in the same session', {
  timeout: 30_000,
}, async () => {
  await using b = await bench(() => ({}));
  await b.server.until(() => b.server.session);
  const { session } = b.server;
  b.server.graceMs = 300;
  b.server.cut();
  await b.server.until(() => (b.server.software.length > 1 ? true : undefined));
  assert.equal(b.server.session, session);
  b.server.onConnection = (socket) => socket.terminate();
  b.server.cut();
  await b.server.until(() => (/grace_over/.test(JSON.stringify(b.tail.last(100))) ? true : undefined), 3000);
});

test('targets outside the list are refused by the agent itself; a closed port ends what goes through it', {
  timeout: 30_000,
}, async () => {
  await using allowed = await echo();
  await using forbidden = await echo();
  await using b = await bench(() => ({ cameras: [camera(allowed.port)] }));
  await b.server.until(() => b.server.session);
  const outside = b.server.open({ kind: 'tcp', host: '127.0.0.1', port: forbidden.port });
  assert.equal(await outside.closed, 'not_allowed');
  const open = (port: number) => b.server.command('open_port', { host: '127.0.0.1', port, service: 'tcp' });
  assert.match((await open(forbidden.port)).error!, /not among the targets/);
  const inside = b.server.open({ kind: 'tcp', host: '127.0.0.1', port: allowed.port });
  inside.channel.write(Buffer.from('x'));
  await b.server.until(() => inside.received[0]);
  assert.equal((await b.server.command('close_port', { host: '127.0.0.1', port: allowed.port })).ok, true);
  assert.equal(await inside.closed, 'not_allowed');
  assert.equal(await b.server.open({ kind: 'tcp', host: '127.0.0.1', port: allowed.port }).closed, 'not_allowed');
  assert.equal((await open(allowed.port)).ok, true);
  const again = b.server.open({ kind: 'tcp', host: '127.0.0.1', port: allowed.port });
  again.channel.write(Buffer.from('y'));
  await b.server.until(() => again.received[0]);
  again.channel.reset('canceled');
});

test('a configuration from afar is checked, kept, and cannot widen what may be reached', {
  timeout: 30_000,
}, async () => {
  await using peer = await echo();
  await using b = await bench(() => ({ cameras: [camera(peer.port)] }));
  await b.server.until(() => b.server.session);
  const configure = (config: Json) => b.server.command('configure', { config });
  for (const [config, message] of [
    [{ agent: { tunnel_server_url: 'ws://127.0.0.1:1/' } }, /cannot be changed from afar/],
    [{ tunnel: { targets: ['10.0.0.1:*'] } }, /agent alone decides/],
    [{ cameras: [camera(peer.port), { name: 'other', host: '10.0.0.1' }] }, /not among the targets/],
    [{ buffer: { max_mb: -1 } }, /buffer\.max_mb must be a number/],
    [{ discovery: { enabled: true, register: false } }, /discovery\.enabled is false in agent\.json/],
  ] as const)
    assert.match((await configure(config)).error ?? '', message);
  const done = await configure({ buffer: { max_mb: 8 } });
  assert.deepEqual([done.ok, done.data], [true, { restart_needed: true }]);
  assert.equal(await b.agent.ended, 'restart');
  assert.deepEqual(JSON.parse(readFileSync(join(b.dir, 'changes.json'), 'utf8')), {
    ...{ buffer: { max_mb: 8 }, replaced: {} },
  });
});

test('a hostile server has nothing published to others of the network, by changes or by redirects', {
  timeout: 30_000,
}, async () => {
  let calls = 0;
  await using other = await echo((socket) => {
    calls += 1;
    socket.destroy();
  }, '127.0.0.2');
  const elsewhere = `127.0.0.2:${other.port}`;
  // An RTMP server that sends whoever comes to the other one.
  const rejection = { code: 'NetConnection.Connect.Rejected', ex: { code: 302, redirect: `rtmp://${elsewhere}/live` } };
  const refusal = chunkMessage(
    { chunkStreamId: 3, type: 20, timestampMs: 0, streamId: 0, chunkSize: 128 },
    writeCommand('_error', 1, [null, rejection]),
  );
  await using redirecting = await echo((socket) => {
    socket.write(new Uint8Array(1 + 2 * 1536).fill(3, 0, 1));
    socket.write(refusal);
    socket.resume();
  });
  await using virtual = await startRtspCamera({ host: '127.0.0.1', port: 0 });
  const { port, pathname } = new URL(Object.values(virtual.urls)[0]!);
  await using b = await bench(() => ({
    cameras: [camera(Number(port), { rtsp_path: pathname })],
    publish: [{ camera: 'gate', url: `rtmp://127.0.0.1:${redirecting.port}/live/gate` }],
  }));
  await b.server.until(() => b.server.session);
  const configure = (url: string) => b.server.command('configure', { config: { publish: [{ camera: 'gate', url }] } });
  for (const scheme of ['rtsp', 'rtsps', 'rtmp', 'rtmps'])
    assert.match((await configure(`${scheme}://${elsewhere}/live/x`)).error!, /neither this agent's server .* publish/);
  assert.equal(existsSync(join(b.dir, 'changes.json')), false);
  await b.server.until(() => b.tail.last(100).find((line) => line.includes('redirects the stream')));
  assert.equal(calls, 0);
  assert.equal((await configure(`rtsp://127.0.0.1:${other.port}/live/x`)).ok, true, 'the server is free on its host');
  assert.equal(await b.agent.ended, 'restart');
});

test('secrets stand in no log line, and the server gets the last lines', { timeout: 30_000 }, async () => {
  await using b = await bench(() => ({ cameras: [camera(9, { username: 'admin', password: 'hush-hush' })] }));
  await b.server.until(() => b.server.session);
  const { ok, data } = await b.server.command('log_tail', { lines: 50 });
  assert.equal(ok, true);
  const lines = (data as { lines: string[] }).lines;
  assert.ok(
    lines.some((line) => line.includes('Connected to the server')),
    lines.join('\n'),
  );
  const all = lines.join('\n');
  for (const secret of ['hush-hush', formatEnrolmentToken(token), 'private_key']) assert.ok(!all.includes(secret));
});

test('until cameras were looked for the list of targets is partial, and who asks for one waits', {
  timeout: 30_000,
}, async () => {
  const login = { username: 'admin', password: 'b' };
  const clips = { 'Streaming/Channels/101': 'clock-h264-aac' };
  await using virtual = await startRtspCamera({
    host: '127.0.0.1',
    port: 0,
    clips,
    auth: { ...login, methods: ['MD5'] },
  });
  const { port } = virtual;
  await using b = await bench(() => ({ discovery: { enabled: true, ports: [port], ...login } }));
  await b.server.until(() => b.server.session);
  const inside = b.server.open({ kind: 'tcp', host: '127.0.0.1', port });
  const outside = b.server.open({ kind: 'tcp', host: '127.0.0.1', port: 1 });
  inside.channel.write(Buffer.from('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n'));
  const lists: boolean[] = [];
  await b.server.message((message) => {
    if (message.type === 'targets') lists.push(message.partial === true);
    return message.type === 'cameras' ? true : undefined;
  });
  assert.deepEqual([lists[0], lists.at(-1)], [true, false]);
  assert.match(Buffer.from(await b.server.until(() => inside.received[0])).toString(), /^RTSP/);
  assert.equal(await outside.closed, 'not_allowed');
  inside.channel.reset('canceled');
});

test('cameras are found and described; health is told', { timeout: 30_000 }, async () => {
  await using virtual = await startRtspCamera({
    host: '127.0.0.1',
    port: 0,
    auth: { username: 'a', password: 'b', methods: ['MD5'] },
  });
  const port = Number(new URL(Object.values(virtual.urls)[0]!).port);
  const path = new URL(Object.values(virtual.urls)[0]!).pathname;
  await using b = await bench(() => ({ cameras: [camera(port, { rtsp_path: path, username: 'a', password: 'b' })] }));
  const found = await b.server.message((message) => (message.type === 'cameras' ? message.cameras[0] : undefined));
  assert.deepEqual(
    [found.id, found.reachable, found.streams[0]?.path, found.streams[0]?.codecs.includes('h264')],
    ['gate', true, path, true],
  );
  const health = await b.server.message((message) => (message.type === 'health' ? message.health : undefined));
  assert.ok(health.rss_bytes! > 1_000_000);
});

test('what a camera sent is kept within the bound, and fetched as it was from a key picture on', {
  timeout: 30_000,
}, async () => {
  await using virtual = await startRtspCamera({ host: '127.0.0.1', port: 0 });
  const url = new URL(Object.values(virtual.urls)[0]!);
  await using b = await bench(() => ({
    cameras: [camera(Number(url.port), { rtsp_path: url.pathname })],
    buffer: { enabled: true, store: 'disk', max_mb: 20 },
  }));
  await b.server.until(() => b.server.session);
  await new Promise((resolve) => setTimeout(resolve, 3500));
  b.server.messages.length = 0;
  const { writeServerMessage } = await import('@watchpost/tunnel/messages/server-message.ts');
  const records: BackfillRecord[] = [];
  const reader = new BackfillReader((record) => records.push(record));
  const now = Date.now();
  const fetched = b.server.open({ kind: 'backfill', buffer: 'gate.main', startMs: now - 2000, endMs: now - 500 });
  assert.equal(await fetched.closed, 'clean');
  for (const bytes of fetched.received) reader.receive(new Uint8Array(bytes));
  assert.equal(reader.isAtBoundary, true);
  assert.equal(records[0]!.kind, 'tracks');
  assert.equal(records.at(-1)!.kind, 'mark');
  const packets = records.filter((record) => record.kind === 'rtp');
  assert.ok(packets.length > 20, `${packets.length} packets`);
  const times = records.filter(({ kind }) => kind !== 'tracks').map(({ timeMs }) => timeMs);
  assert.deepEqual(
    times,
    [...times].sort((x, y) => x - y),
  );
  assert.ok(times.at(-1)! <= now - 500, 'nothing after the end');
  b.server.session!.sendMessage(writeServerMessage({ type: 'backfill_query' }));
  const offer = await b.server.message((message) => (message.type === 'backfill_offer' ? message : undefined));
  assert.equal(offer.buffers[0]!.buffer, 'gate.main');
  assert.ok(offer.buffers[0]!.ranges[0]!.bytes > 10_000);
  assert.equal(await b.server.open({ kind: 'backfill', buffer: 'none', startMs: 0, endMs: 1 }).closed, 'not_allowed');
});

test('a hostile server gets nothing: huge messages, nonsense, floods of channels', { timeout: 30_000 }, async () => {
  await using b = await bench(() => ({ cameras: [camera(9)] }));
  await b.server.until(() => b.server.session);
  const before = process.memoryUsage.rss();
  let turn = 0;
  const attacks = [
    (send: (bytes: Uint8Array) => void) => send(new Uint8Array(10_000_000)),
    (send: (bytes: Uint8Array) => void) => send(new Uint8Array(50_000).fill(255)),
    (send: (bytes: Uint8Array) => void) => {
      for (let i = 0; i < 1000; i++) send(new TextEncoder().encode('not a frame'));
    },
    (_send: (bytes: Uint8Array) => void) => {},
  ];
  b.server.onConnection = (socket) => {
    socket.on('error', () => {});
    attacks[turn++ % attacks.length]!((bytes) => socket.send(bytes));
  };
  b.server.session!.close('shutdown');
  await b.server.until(() => (turn >= 2 ? true : undefined), 20_000);
  assert.ok(process.memoryUsage.rss() - before < 100_000_000);
  b.server.onConnection = undefined;
  const messages = b.server.messages.length;
  b.server.session = undefined;
  await b.server.until(() => (b.server.session && b.server.messages.length > messages ? true : undefined), 25_000);
});
