import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import type { RecordedSource } from '../../../catalog/recorded-source.ts';
import { picture, ServerBench, sdp, type TestClient, until } from './test-bench.ts';

const recordings: RecordedSource = {
  describe: async () => ({ tracks: [picture], startMs: 1_760_000_000_000, endMs: 1_760_000_060_000 }),
  async *read() {},
};

async function publish(client: TestClient): Promise<void> {
  await client.expect(200, 'ANNOUNCE', { body: sdp });
  const headers = { Transport: 'RTP/AVP/TCP;unicast;interleaved=0-1;mode=record' };
  await client.expect(200, 'SETUP', { url: `${client.url}/streamid=0`, headers });
  await client.expect(200, 'RECORD');
}

async function replay(client: TestClient): Promise<void> {
  const url = client.url.replace('/live/', '/recordings/');
  await client.expect(200, 'DESCRIBE', { url });
  const headers = { Transport: 'RTP/AVP/TCP;interleaved=0-1' };
  await client.expect(200, 'SETUP', { url: `${url}/trackID=0`, headers });
}

const cases: readonly [what: string, begin: (client: TestClient) => Promise<unknown>, online: boolean][] = [
  ['describes', (client) => client.expect(200, 'DESCRIBE'), true],
  ['plays', (client) => client.play(), true],
  ['plays a recording', replay, false],
  ['publishes', publish, false],
];

for (const [what, begin, online] of cases)
  test(`a client that ${what} is sent away when its right is withdrawn, and nothing of it is left`, async () => {
    await using bench = await ServerBench.open({ recordings });
    if (online) await bench.online('gate');
    const client = await bench.connect();
    await begin(client);
    assert.ok(bench.grant.watched > 0);
    bench.grant.withdraw();
    await until(() => client.closed);
    await until(() => bench.listener.connections === 0);
    assert.deepEqual([bench.grant.watched, bench.counts.players, bench.listener.publishers], [0, 0, 0]);
  });

test('a session over UDP ends with its right, even if its connection is long gone', async () => {
  await using bench = await ServerBench.open();
  const camera = await bench.online('gate');
  const socket = createSocket('udp4');
  const got: Buffer[] = [];
  socket.on('message', (packet) => void got.push(packet));
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  const client = await bench.connect();
  await client.play(`RTP/AVP;unicast;client_port=${port}-${port + 1}`);
  client.socket.destroy();
  await until(() => bench.listener.connections === 0);
  camera.play(1);
  await until(() => got.length > 0);
  assert.equal(bench.grant.watched, 1);
  bench.grant.withdraw();
  assert.deepEqual([bench.grant.watched, bench.counts.players], [0, 0]);
  // What was sent before is on its way.
  await new Promise((resolve) => setTimeout(resolve, 30));
  const before = got.length;
  camera.play(5);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(got.length, before);
  socket.close();
  await once(socket, 'close');
});

test('whoever leaves by itself is not watched any more', async () => {
  await using bench = await ServerBench.open();
  await bench.online('gate');
  const client = await bench.connect();
  await client.play();
  await client.expect(200, 'TEARDOWN');
  await until(() => bench.listener.connections === 0);
  assert.equal(bench.grant.watched, 0);
});
