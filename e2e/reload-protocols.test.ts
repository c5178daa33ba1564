// Keys of `[protocols]` that count while the server runs, and players who must not notice.
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { headerOf } from '@watchpost/media/rtsp/message.ts';
import { RtmpTestClient } from '@watchpost/server/protocols/rtmp/server/test-bench.ts';
import { TestClient, until } from '@watchpost/server/protocols/rtsp/server/test-bench.ts';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { freePort, startTestServer, wait } from './harness.ts';
import { assertConsecutive, numbersOf } from './live-numbers.ts';
import { ffmpegPlays } from './rtmp-bench.ts';

/** Ten seconds of pictures. */
const playedFrames = 250;

/** The size of chunks that the server tells a player of `gate`; undefined where it hangs up. */
async function toldChunkSize(port: number): Promise<number | undefined> {
  const socket = net.connect(port, '127.0.0.1');
  const client = new RtmpTestClient(socket, 'play', 'gate');
  let bytes = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
  });
  // Set Chunk Size (RTMP §5.4.1), 4 bytes on chunk stream 2.
  const head = Buffer.from('020000000000040100000000', 'hex');
  const isWhole = () => bytes.indexOf(head, 3073) >= 0 && client.media.length > 0;
  await until(() => isWhole() || client.closed, 10_000);
  socket.destroy();
  return isWhole() ? bytes.readUInt32BE(bytes.indexOf(head, 3073) + head.length) : undefined;
}

/** The answer to a SETUP of the first track of `gate`, and what of it says so. */
async function toldTransport(port: number, asked: string): Promise<string> {
  const client = await TestClient.connect(port);
  await client.expect(200, 'DESCRIBE');
  const headers = { Transport: asked };
  const answer = await client.ask('SETUP', { url: `${client.url}/trackID=0`, headers });
  client.socket.destroy();
  return answer.status === 200 ? headerOf(answer, 'Transport')! : String(answer.status);
}

test('keys of RTMP and RTSP count for whoever connects next, and for nobody else', { timeout: 90_000 }, async () => {
  await using camera = await startRtspCamera({ host: '127.0.0.1', port: 0 });
  const [rtsp, rtmp] = [await freePort(), await freePort()];
  await using server = await startTestServer({
    cameras: [{ id: 'gate', url: camera.urls.main! }],
    more: `[protocols.rtsp]
bind = "127.0.0.1:${rtsp}"
rtp_port_range = "28250-28299"
multicast = "239.255.45.0/24"
multicast_ttl = 1
[protocols.rtmp]
bind = "127.0.0.1:${rtmp}"
chunk_size = 4096
max_connections = 10
`,
  });
  await server.guard(async () => {
    await server.waitFor('gate', 'online', 15_000);
    const playing = Promise.all([
      ffmpegPlays(`rtsp://127.0.0.1:${rtsp}/live/gate`, playedFrames, ['-rtsp_transport', 'udp']),
      ffmpegPlays(`rtmp://127.0.0.1:${rtmp}/live/gate`, playedFrames),
    ]);
    await wait(2500);
    assert.equal(await toldChunkSize(rtmp), 4096);
    assert.match(await toldTransport(rtsp, 'RTP/AVP;multicast'), /destination=239\.255\.45\.\d+;.*ttl=1\b/);

    const { applied } = await server.change((before) =>
      before
        .replace('28250-28299', '28300-28349')
        .replace('239.255.45.0', '239.255.46.0')
        .replace('multicast_ttl = 1', 'multicast_ttl = 2')
        .replace('chunk_size = 4096', 'chunk_size = 512'),
    );
    assert.deepEqual(applied.toSorted(), [
      'protocols.rtmp.chunk_size',
      'protocols.rtsp.multicast',
      'protocols.rtsp.multicast_ttl',
      'protocols.rtsp.rtp_port_range',
    ]);
    assert.equal(await toldChunkSize(rtmp), 512);
    assert.match(await toldTransport(rtsp, 'RTP/AVP;multicast'), /destination=239\.255\.46\.\d+;.*ttl=2\b/);
    assert.match(await toldTransport(rtsp, 'RTP/AVP;unicast;client_port=28400-28401'), /server_port=283[0-4]\d-/);

    const fewer = (before: string) => before.replace('max_connections = 10', 'max_connections = 1');
    assert.deepEqual((await server.change(fewer)).applied, ['protocols.rtmp.max_connections']);
    assert.equal(await toldChunkSize(rtmp), undefined, 'FFmpeg has the only place');
    for (const { stdout, stderr } of await playing) {
      assert.equal(stderr, '');
      assertConsecutive(numbersOf(stdout), playedFrames, 'FFmpeg');
    }
  });
});
