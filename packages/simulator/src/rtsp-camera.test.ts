import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import { RtspClient } from '@watchpost/media/rtsp/client.ts';
import type { CameraFaults } from './faults.ts';
import { type RtspCamera, startRtspCamera } from './rtsp-camera.ts';
import { simulateRtsp } from './simulate-rtsp.ts';

interface Packet {
  track: number;
  sequence: number;
  timestamp: number;
  marker: boolean;
  /** Type of the H.264 unit, for FU-A the one inside. */
  nalType: number;
}

/** A viewer of the main path, until it is disposed of. */
function watch(camera: RtspCamera, path = 'main') {
  const packets: Packet[] = [];
  const state: { error?: WatchpostError | undefined; ended: boolean; redirects: string[]; parameterSets: number } = {
    ended: false,
    redirects: [],
    parameterSets: -1,
  };
  const socket = net.connect(camera.port, '127.0.0.1');
  const client = new RtspClient(
    { url: camera.urls[path]!, userAgent: 'test' },
    {
      send: (bytes) => socket.write(bytes),
      onTracks: (tracks) => {
        state.parameterSets = tracks[0]!.track.parameterSets.length;
      },
      onPlaying: () => {},
      onInterleaved: (track, isRtcp, chunk, start) => {
        if (isRtcp) return;
        const view = new DataView(chunk.buffer, chunk.byteOffset + start);
        const type = view.getUint8(12) & 31;
        packets.push({
          track,
          sequence: view.getUint16(2),
          timestamp: view.getUint32(4),
          marker: view.getUint8(1) >= 128,
          nalType: type === 28 ? view.getUint8(13) & 31 : type,
        });
      },
      onEnd: (error) => {
        state.ended = true;
        state.error = error;
      },
      connect: (url) => state.redirects.push(url),
    },
  );
  socket.on('connect', () => client.start());
  socket.on('data', (chunk) => client.receive(chunk, 0, chunk.length));
  socket.on('error', () => {});
  socket.on('close', () => client.closed());
  const until = async (done: () => boolean, what: string) => {
    const endMs = performance.now() + 6000;
    while (!done()) {
      if (performance.now() > endMs) assert.fail(`${what}: not within 6 s`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const video = () => packets.filter((p) => p.track === 0);
  return { packets, state, client, until, video, [Symbol.dispose]: () => socket.destroy() };
}

const camera = (faults: CameraFaults = {}) => startRtspCamera({ port: 0, faults });

test('a viewer gets parameter sets and a key picture first, without a gap', { timeout: 20_000 }, async () => {
  await using c = await camera();
  using viewer = watch(c);
  await viewer.until(() => viewer.video().length > 60, 'packets');
  const video = viewer.video();
  assert.deepEqual(
    video.slice(0, 3).map((p) => p.nalType),
    [7, 8, 5],
  );
  for (let i = 1; i < video.length; i++) assert.equal(video[i]!.sequence, (video[i - 1]!.sequence + 1) & 0xffff);
  assert.equal(viewer.client.garbageBytes, 0);
});

test('garbage between frames is passed over by the client', { timeout: 20_000 }, async () => {
  await using c = await camera({ garbageBytes: 23 });
  using viewer = watch(c);
  await viewer.until(() => viewer.packets.length > 60, 'packets');
  const video = viewer.video();
  for (let i = 1; i < video.length; i++) assert.equal(video[i]!.sequence, (video[i - 1]!.sequence + 1) & 0xffff);
  assert.ok(viewer.client.garbageBytes > 23 * 30);
});

test('frames without their tail are lost, the others arrive', { timeout: 20_000 }, async () => {
  await using c = await camera({ dropTailEvery: 10 });
  using viewer = watch(c);
  await viewer.until(() => viewer.packets.length > 100, 'packets');
  assert.ok(viewer.client.garbageBytes > 0);
  assert.equal(viewer.state.ended, false);
});

test('freeze stops packets, freezeKeyFrames only key pictures, muted the sound, noMarker every marker', {
  timeout: 20_000,
}, async () => {
  await using c = await camera({ noMarker: true });
  using viewer = watch(c);
  await viewer.until(() => viewer.video().length > 20, 'packets');
  assert.ok(viewer.video().every((p) => !p.marker));
  await c.setFaults({ freeze: true });
  const count = viewer.packets.length;
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.ok(viewer.packets.length - count <= 4, 'what was on its way');
  await c.setFaults({ freeze: false, freezeKeyFrames: true, muted: true });
  const from = viewer.packets.length;
  await new Promise((resolve) => setTimeout(resolve, 2300));
  const later = viewer.packets.slice(from);
  assert.ok(later.length > 30 && later.every((p) => p.nalType === 1));
});

test('vanish closes and refuses; afterwards the camera is there again on its port', { timeout: 20_000 }, async () => {
  await using c = await camera();
  using viewer = watch(c);
  await viewer.until(() => viewer.packets.length > 0, 'packets');
  await c.setFaults({ vanish: true });
  await viewer.until(() => viewer.state.ended, 'end');
  assert.equal(viewer.state.error?.code, 'RTSP_CONNECTION_CLOSED');
  const [error] = await once(net.connect(c.port, '127.0.0.1'), 'error');
  assert.equal(error.code, 'ECONNREFUSED');
  await c.setFaults({ vanish: false });
  using again = watch(c);
  await again.until(() => again.packets.length > 0, 'packets again');
});

test('redirectOnce, inBandOnly and sessionTimeoutMs do what they say', { timeout: 20_000 }, async () => {
  await using c = await camera({ redirectOnce: 'rtsp://127.0.0.1:1/x', inBandOnly: true, sessionTimeoutMs: 1000 });
  using first = watch(c);
  await first.until(() => first.state.redirects.length > 0, 'redirect');
  using second = watch(c, 'sub');
  await second.until(() => second.state.ended, 'end of the silent session');
  assert.equal(second.state.parameterSets, 0);
  assert.equal(c.sessionCount, 0);
});

test('timestamps jump, go back and wrap when told to', { timeout: 20_000 }, async () => {
  await using c = await camera();
  using viewer = watch(c, 'sub');
  await viewer.until(() => viewer.video().length > 5, 'packets');
  for (const [fault, isSeen] of [
    ['jump', (step: number) => step > 3599 * 90_000 && step < 3601 * 90_000],
    ['backwards', (step: number) => step < -4 * 90_000 && step > -6 * 90_000],
    ['reset', (step: number) => step < -1000 * 90_000],
    ['wrap', (step: number) => step > 30_000 * 90_000],
  ] as const) {
    const from = viewer.packets.length - 1;
    c.shiftTimestamps(fault);
    const seen = () =>
      viewer.packets.some((p, i) => i > from && isSeen(p.timestamp - viewer.packets[i - 1]!.timestamp));
    await viewer.until(seen, fault);
  }
});

test('a port that another program has is told with the cure', async () => {
  await using c = await camera();
  await assert.rejects(simulateRtsp({ port: String(c.port) }), {
    code: 'SIMULATE_PORT',
    message: `127.0.0.1:${c.port} is taken by another program — choose another with --port, or 0 for any free one`,
  });
});
