import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { lastingGrant } from '@watchpost/server/hub/grant.ts';
import { StreamHub } from '@watchpost/server/hub/stream-hub.ts';
import type { ListenContext } from '@watchpost/server/hub/types.ts';
import { MemoryRecordings } from '@watchpost/server/playback/memory-recordings.ts';
import { createPlayback } from '@watchpost/server/playback/playback.ts';
import { createRtsp } from '@watchpost/server/protocols/rtsp/index.ts';
import { freePort, runProgram } from './harness.ts';
import { makeClip } from './live-harness.ts';

const startMs = Date.UTC(2026, 1, 11, 10);
const stack = new AsyncDisposableStack();
let port = 0;

/** Six seconds of pictures and sound, a hole of twenty, three seconds more; 25 pictures a second, a key picture each. */
before(async () => {
  const recordings = new MemoryRecordings();
  const { tracks, samples } = await makeClip({ video: 'h264', audio: 'aac', seconds: 6, gop: 25 });
  const base = { streamId: 'gate', tracks, fileMs: 4000 };
  recordings.record({ ...base, runId: 'a', startMs, samples });
  const later = samples.filter((sample) => sample.dts < 3 * sample.track.clockRate);
  recordings.record({ ...base, runId: 'b', startMs: startMs + 26_000, samples: later });
  recordings.recordedStreams = async () =>
    [{ streamId: 'gate', bytes: 1, oldestMs: startMs, newestMs: startMs + 29_000 }] as never;
  const backends = new Map([['memory', recordings.backend]]);
  const playback = createPlayback({ recordings, backends, clock: systemClock });
  const parts = { clock: systemClock, logger: silentLogger };
  const hub = stack.use(
    new StreamHub({ ...parts, reconnectDelayMs: 500, protocolFor: () => undefined, pull: async () => {} }),
  );
  port = await freePort();
  const section = { bind: { host: '127.0.0.1', port }, rtp_port_range: { first: 25_000, last: 25_999 } };
  const access = { authorize: async () => lastingGrant };
  const context = { ...parts, section, access, signal: new AbortController().signal };
  const rtsp = createRtsp({ userAgent: 'Watchpost/test', recordings: () => playback.samples });
  stack.use(await rtsp.listen!(hub, context as unknown as ListenContext));
});

after(() => stack.disposeAsync());

/** Presentation times of the pictures, or of the sound, that FFmpeg decodes. */
async function framesOf(path: string, kind: 'v' | 'a', transport = 'tcp'): Promise<number[]> {
  const url = `rtsp://127.0.0.1:${port}${path}`;
  const select = ['-select_streams', kind, '-show_entries', 'frame=pts_time', '-of', 'csv=p=0'];
  const { stdout, stderr } = await runProgram(
    'ffprobe',
    ['-v', 'error', '-rtsp_transport', transport, ...select, url],
    30_000,
  );
  const times = stdout.toString().split('\n').filter(Boolean).map(Number.parseFloat).filter(Number.isFinite);
  assert.ok(times.length > 0, stderr);
  return times;
}

const steps = (times: readonly number[]) => times.slice(1).map((time, i) => Math.round((time - times[i]!) * 1000));

/** Presentation times of the pictures that GStreamer decodes, ms. */
async function gstreamerTimes(path: string, protocols: string): Promise<number[]> {
  const source = ['-q', 'rtspsrc', `location=rtsp://127.0.0.1:${port}${path}`, `protocols=${protocols}`, 'latency=200'];
  const decode = ['!', 'rtph264depay', '!', 'h264parse', '!', 'avdec_h264', '!', 'checksumsink', 'sync=false'];
  const { status, stdout, stderr } = await runProgram('gst-launch-1.0', [...source, ...decode], 30_000);
  assert.equal(status, 0, stderr);
  const times = [...stdout.toString().matchAll(/^(\d+):(\d+):([\d.]+) [0-9a-f]{40}/gm)];
  return times.map(
    ([, hours, minutes, seconds]) => (Number(hours) * 60 + Number(minutes)) * 60_000 + Number(seconds) * 1000,
  );
}

describe('replay', { concurrency: 4 }, () => {
  for (const transport of ['tcp', 'udp'])
    test(`FFmpeg plays all of a range over ${transport}, the hole closed, and ends`, { timeout: 40_000 }, async () => {
      const times = await framesOf('/live/gate?start=2026-02-11T10:00:03Z', 'v', transport);
      assert.ok(times.length >= 149, `${times.length} of 150 pictures`);
      assert.ok(
        steps(times).every((step) => step >= 20 && step <= 140),
        String(steps(times)),
      );
    });

  test('FFmpeg plays the sound of a range in step with its pictures', { timeout: 30_000 }, async () => {
    const path = '/live/gate?start=2026-02-11T10:00:01Z&end=2026-02-11T10:00:05Z';
    const [pictures, sound] = await Promise.all([framesOf(path, 'v'), framesOf(path, 'a')]);
    assert.ok(pictures.length >= 99, `${pictures.length} of 100 pictures`);
    assert.ok(Math.abs(sound.at(-1)! - pictures.at(-1)!) < 0.15, `${sound.at(-1)} ${pictures.at(-1)}`);
    assert.ok(Math.abs(sound[0]! - pictures[0]!) < 0.15, `${sound[0]} ${pictures[0]}`);
  });

  test('GStreamer plays a range, and all there is, picture after picture, and ends', { timeout: 40_000 }, async () => {
    const range = '/live/gate?start=2026-02-11T10:00:01Z&end=2026-02-11T10:00:05Z';
    const [tcp, udp, all] = await Promise.all([
      gstreamerTimes(range, 'tcp'),
      gstreamerTimes(range, 'udp'),
      gstreamerTimes('/recordings/gate', 'tcp'),
    ]);
    assert.deepEqual([tcp.length, all.length], [100, 225]);
    assert.ok(udp.length >= 99, `${udp.length} of 100 pictures`);
    // What comes ahead of its time is shown ahead of it.
    for (const times of [tcp, all]) {
      const differences = times.slice(1).map((time, i) => Math.round(time - times[i]!));
      assert.ok(differences.filter((ms) => ms < 25 || ms > 60).length <= 5, String(differences));
    }
  });
});
