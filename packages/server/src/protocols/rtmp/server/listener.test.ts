import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import tls from 'node:tls';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { Certificate } from '../../../net/certificate.ts';
import { RtmpServerBench, until } from './test-bench.ts';

const testdata = new URL('../../../net/testdata/', import.meta.url).pathname;

/** A publisher whose stream is online. */
async function publishing(bench: RtmpServerBench, id: string) {
  const publisher = bench.connect('publish', id);
  await until(() => publisher.active);
  publisher.begin();
  publisher.play(3);
  await until(() => bench.hub.get(id)?.state === 'online');
  return publisher;
}

test('what an encoder publishes is played from the last key picture on, with its time stamps', async () => {
  await using bench = await RtmpServerBench.open();
  const publisher = await publishing(bench, 'gate');
  assert.deepEqual(
    bench.hub.get('gate')!.tracks.map(({ codec }) => codec),
    ['h264', 'aac'],
  );
  const player = bench.connect('play', 'gate');
  await until(() => player.media.length >= 9);
  publisher.play(2);
  await until(() => player.media.length >= 13);
  const [metadata, ...rest] = player.media;
  assert.equal(metadata!.type, 18);
  const video = rest.filter(({ type }) => type === 9).map(({ timestampMs }) => timestampMs);
  // Decoding times: the parameter sets allow two pictures to be reordered, which show where the stream begins.
  assert.deepEqual(video, [0, 0, 0, 0, 40, 80]);
  assert.equal(bench.counts.players, 1);
});

test('all players get the very same bytes; one that reads nothing is cut, and harms nobody', async () => {
  await using bench = await RtmpServerBench.open();
  const publisher = await publishing(bench, 'gate');
  const players = [bench.connect('play', 'gate'), bench.connect('play', 'gate')];
  const stuck = bench.connect('play', 'gate');
  await until(() => [...players, stuck].every(({ media }) => media.length >= 9));
  stuck.socket.pause();
  for (let second = 0; second < 45; second++) {
    publisher.play(25, 20_000);
    await until(() => players.every(({ media }) => media.length >= 9 + (second + 1) * 50));
    bench.clock.advance(1000);
  }
  assert.equal(players[0]!.received, players[1]!.received);
  await until(() => bench.counts.stuckPlayers === 1);
  assert.equal(bench.counts.players, 2);
});

test('credentials of the stream key reach the access control; a refusal is told and the stream not made', async () => {
  await using bench = await RtmpServerBench.open();
  bench.refuse = ({ headers }) =>
    headers['authorization'] === `Basic ${btoa('bob:s&crêt'.normalize())}`
      ? undefined
      : new WatchpostError('name or password is wrong', { kind: 'unauthenticated', code: 'LOGIN_WRONG' });
  const wrong = bench.connect('publish', 'gate?user=bob&password=no');
  await until(() => wrong.closed);
  assert.match(wrong.failure!.message, /name or password is wrong/);
  assert.equal(bench.hub.get('gate'), undefined);
  const { action, streamId, takesPasswords, query } = bench.asked[0]!;
  assert.deepEqual([action, streamId, takesPasswords], ['publish', 'gate', true]);
  assert.equal(query.get('user'), 'bob');
  const signed = bench.connect('play', 'gate?token=abc');
  await until(() => signed.closed);
  assert.equal(bench.asked[1]!.query.get('token'), 'abc');
  assert.equal(bench.asked[1]!.action, 'live');
});

test('names that are not below live, streams that have a source, and stopped ones are refused', async () => {
  await using bench = await RtmpServerBench.open();
  await bench.define('camera', { protocol: 'rtsp' });
  await bench.define('halted', { stopped: true });
  for (const [name, reason] of [
    ['a/b', /no "live\/\*\*\*" here/],
    ['Gate', /no name for a stream/],
    ['camera', /has a source of its own/],
    ['halted', /is stopped/],
  ] as const) {
    const client = bench.connect('publish', name);
    await until(() => client.closed);
    assert.match(client.failure!.message, reason);
  }
});

test('whoever publishes later takes over; a stream made for publishers goes a while after the last one', async () => {
  await using bench = await RtmpServerBench.open();
  const first = await publishing(bench, 'gate');
  const second = await publishing(bench, 'gate');
  await until(() => first.closed);
  assert.equal(bench.hub.publishers.countOf('rtmp'), 1);
  second.play(2);
  assert.equal(bench.hub.get('gate')!.state, 'online');
  second.socket.destroy();
  await until(() => bench.hub.get('gate')!.state === 'offline');
  bench.clock.advance(14_000);
  assert.ok(bench.hub.get('gate'));
  bench.clock.advance(2000);
  await until(() => bench.hub.get('gate') === undefined);
});

test('silent publishers and clients that do nothing are hung up on', async () => {
  await using bench = await RtmpServerBench.open();
  const publisher = await publishing(bench, 'gate');
  const mute = await muteClient(bench, 2);
  for (let second = 0; second < 12; second++) bench.clock.advance(1000);
  await until(() => mute.closed && publisher.closed);
  assert.equal(bench.hub.get('gate')!.state, 'offline');
  assert.equal(bench.hub.get('gate')!.reason!.code, 'SOURCE_SILENT');
});

test('where no place is left the oldest stranger makes room, and nobody who publishes or plays', async () => {
  await using bench = await RtmpServerBench.open({ maxConnections: 4 });
  const publisher = await publishing(bench, 'gate');
  const strangers = [await muteClient(bench, 2), await muteClient(bench, 3), await muteClient(bench, 4)];
  for (const [index, stranger] of strangers.entries()) {
    const player = bench.connect('play', 'gate');
    await until(() => player.media.length > 0 && stranger.closed);
    assert.deepEqual(
      strangers.map(({ closed }) => closed),
      strangers.map((_, i) => i <= index),
    );
  }
  const beyond = bench.connect('play', 'gate');
  await until(() => beyond.closed);
  assert.deepEqual([bench.listener.connections, bench.counts.players, publisher.closed], [4, 3, false]);
});

test('another limit of connections counts for the next one; those above it stay', async () => {
  await using bench = await RtmpServerBench.open({ maxConnections: 3 });
  const publisher = await publishing(bench, 'gate');
  const players = [bench.connect('play', 'gate'), bench.connect('play', 'gate')];
  await until(() => players.every(({ media }) => media.length > 0));
  const refused = async () => {
    const client = bench.connect('play', 'gate');
    await until(() => client.closed);
  };
  await refused();
  bench.settings.maxConnections = 2;
  await refused();
  bench.settings.maxConnections = 5;
  const more = [bench.connect('play', 'gate'), bench.connect('play', 'gate')];
  await until(() => more.every(({ media }) => media.length > 0));
  await refused();
  assert.deepEqual(
    [publisher, ...players].map(({ closed }) => closed),
    [false, false, false],
  );
});

test('another size of chunks is for connections that begin afterwards; no two share their bytes', async () => {
  await using bench = await RtmpServerBench.open();
  const publisher = await publishing(bench, 'gate');
  const before = bench.connect('play', 'gate');
  await until(() => before.media.length >= 9);
  bench.settings.chunkSize = 128;
  const after = bench.connect('play', 'gate');
  await until(() => after.media.length >= 9);
  const begun = [before.received, after.received];
  publisher.play(50, 20_000);
  await until(() => [before, after].every(({ media }) => media.length >= 9 + 100));
  const [large, small] = [before.received - begun[0]!, after.received - begun[1]!];
  // A head of 1 byte every 128 bytes, or every 4096.
  assert.ok(small > large * 1.005 && small < large * 1.01, `${small} bytes, and ${large}`);
  assert.deepEqual(after.media.slice(-100), before.media.slice(-100));
  assert.equal(bench.listener.muxing, 2);
  before.socket.destroy();
  await until(() => bench.listener.muxing === 1);
});

/** A client that connects and says nothing; `count` are connected with it. */
async function muteClient(bench: RtmpServerBench, count: number): Promise<{ readonly closed: boolean }> {
  const state = { closed: false };
  const socket = net.connect(bench.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.on('close', () => {
    state.closed = true;
  });
  socket.resume();
  await until(() => bench.listener.connections === count);
  return state;
}

test('garbage and half handshakes end their own connection only', async () => {
  await using bench = await RtmpServerBench.open();
  const publisher = await publishing(bench, 'gate');
  const hello = Buffer.alloc(1 + 1536 + 1536);
  hello[0] = 3;
  let closed = 0;
  for (const bytes of [
    Buffer.alloc(100_000, 0x47),
    Buffer.concat([hello, Buffer.alloc(100_000, 0xff)]),
    Buffer.concat([hello, Buffer.from('04000000ffffff1400000000', 'hex')]),
  ]) {
    const socket = net.connect(bench.port, '127.0.0.1', () => socket.write(bytes));
    socket.on('error', () => {});
    socket.on('close', () => closed++);
    socket.resume();
  }
  await until(() => closed === 3);
  publisher.play(1);
  assert.equal(publisher.closed, false);
});

test('over TLS the same is published and played', async () => {
  await using bench = await RtmpServerBench.open();
  const files = { certFile: `${testdata}first.crt`, keyFile: `${testdata}first.key` };
  using certificate = await Certificate.open(() => files, { clock: bench.clock, logger: silentLogger });
  const { port } = await bench.listener.listen({ host: '127.0.0.1', port: 0 }, certificate);
  const dial = () => tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  const publisher = bench.connect('publish', 'gate', dial());
  await until(() => publisher.active);
  publisher.begin();
  publisher.play(3);
  const player = bench.connect('play', 'gate', dial());
  await until(() => player.media.length >= 9);
});

for (const mode of ['play', 'publish'] as const)
  test(`whoever may not ${mode} any more hears so by onStatus, and nothing of it is left`, async () => {
    await using bench = await RtmpServerBench.open();
    const publisher = await publishing(bench, 'gate');
    const client = mode === 'publish' ? publisher : bench.connect('play', 'gate');
    if (mode === 'play') await until(() => client.media.length > 0);
    let told = '';
    client.socket.on('data', (chunk) => {
      told += chunk.toString('latin1');
    });
    bench.grant.withdraw();
    await until(() => client.closed);
    assert.match(told, mode === 'play' ? /NetStream\.Play\.UnpublishNotify/ : /NetStream\.Unpublish\.Success/);
    assert.match(told, /the token was revoked/);
    assert.deepEqual([bench.grant.watched, bench.counts.players, bench.hub.publishers.countOf('rtmp')], [0, 0, 0]);
  });
