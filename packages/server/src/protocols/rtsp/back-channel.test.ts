import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import type { CodecName } from '@watchpost/media/types.ts';
import type { CameraFaults } from '@watchpost/simulator/faults.ts';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { dialTcp } from '../../net/dial.ts';
import { openBackChannel } from './back-channel.ts';

const auth = { username: 'admin', password: 'p#1' };

async function open(faults: CameraFaults, codecs: readonly CodecName[], password = auth.password) {
  const camera = await startRtspCamera({ port: 0, auth, faults });
  const abort = new AbortController();
  const source = parseSourceUrl(`${camera.urls['main']}#transport=udp`, { username: 'admin', password });
  const context = {
    ...{ clock: systemClock, logger: silentLogger, dial: dialTcp, section: {} },
    signal: abort.signal,
  };
  const channel = await openBackChannel({ source, context, userAgent: 'test' }, codecs).catch((error) => error);
  return { camera, channel, abort };
}

async function until(done: () => boolean): Promise<void> {
  for (const endMs = performance.now() + 5000; !done(); await new Promise((resolve) => setTimeout(resolve, 10)))
    if (performance.now() > endMs) throw new Error('not in time');
}

test('G.711 reaches the camera as RTP of the type that it described', async () => {
  const { camera, channel } = await open({}, ['pcmu', 'pcma']);
  assert.equal(channel.track.codec, 'pcma', 'the camera takes no other');
  const frames = [1, 2, 3].map((fill) => new Uint8Array(160).fill(fill));
  for (const [i, frame] of frames.entries()) channel.write(frame, i * 160, i === 0);
  await until(() => camera.heard.length === 3);
  assert.deepEqual(
    camera.heard.map(({ payload }) => payload),
    frames,
  );
  const { heard } = camera;
  assert.deepEqual(
    heard.map(({ payloadType, marker }) => [payloadType, marker]),
    [
      [8, true],
      [8, false],
      [8, false],
    ],
  );
  for (const [i, packet] of heard.entries()) {
    assert.equal((packet.sequence - heard[0]!.sequence) & 0xffff, i);
    assert.equal((packet.timestamp - heard[0]!.timestamp) >>> 0, i * 160);
  }
  assert.equal(camera.sessionCount, 0, 'it watches nothing meanwhile');
  channel.close();
  assert.equal(await channel.ended, undefined);
  await camera.close();
});

test('AAC goes through as it is where the camera takes it', async () => {
  const { camera, channel } = await open({ backChannel: 'aac' }, ['aac']);
  const frame = Uint8Array.from({ length: 200 }, (_, i) => i);
  channel.write(frame, 0, true);
  await until(() => camera.heard.length === 1);
  // RFC 3640 §3.3.6: 16 bits of AU headers, 13 of them the size.
  assert.deepEqual(camera.heard[0]!.payload, Uint8Array.of(0, 16, 200 >> 5, (200 << 3) & 255, ...frame));
  channel.close();
  await camera.close();
});

test('a camera that takes no sound, or another codec, says so', async () => {
  const cases: [CameraFaults, readonly CodecName[], RegExp][] = [
    [{ backChannel: 'none' }, ['pcma'], /no audio back channel/],
    [{ backChannel: 'pcmu' }, ['aac'], /takes PCMU, not aac/],
  ];
  for (const [faults, codecs, message] of cases) {
    const { camera, channel } = await open(faults, codecs);
    assert.ok(channel instanceof WatchpostError);
    assert.deepEqual([channel.kind, channel.code], ['unsupported', 'TALK_UNSUPPORTED']);
    assert.match(channel.message, message);
    await camera.close();
  }
});

test('wrong credentials, a camera that goes away and a talk that is called off end with their reasons', async () => {
  const refused = await open({}, ['pcma'], 'no');
  assert.equal(refused.channel.code, 'RTSP_CREDENTIALS_REFUSED');
  await refused.camera.close();
  const gone = await open({}, ['pcma']);
  await gone.camera.close();
  assert.equal((await gone.channel.ended)?.code, 'RTSP_CONNECTION_CLOSED');
  const stopped = await open({}, ['pcma']);
  stopped.abort.abort(new WatchpostError('stop', { kind: 'canceled', code: 'SHUTDOWN' }));
  assert.equal(await stopped.channel.ended, undefined);
  await stopped.camera.close();
});
