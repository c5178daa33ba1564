import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decodeG711 } from '@watchpost/media/codec/g711/decode.ts';
import { type RtspCamera, startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { startTestServer, type TestServer, wait } from './harness.ts';

const script = fileURLToPath(new URL('gstreamer-back-channel.py', import.meta.url));
const sampleRate = 8000;
const toneHz = 440;

let server: TestServer;
let simulator: RtspCamera;
let mute: RtspCamera;
let gstreamer: ChildProcess;
let folder: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'watchpost-talk-'));
  simulator = await startRtspCamera({ port: 0 });
  mute = await startRtspCamera({ port: 0, faults: { backChannel: 'none' } });
  gstreamer = spawn('/usr/bin/python3', [script, join(folder, 'heard.raw')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(gstreamer.stdout!, 'data')) as [Buffer];
  server = await startTestServer({
    recording: 'enabled = false',
    cameras: [
      { id: 'sim', url: simulator.urls['main']! },
      { id: 'mute', url: mute.urls['main']! },
      { id: 'gst', url: `rtsp://127.0.0.1:${line.toString().trim()}/test` },
    ],
  });
  for (const id of ['sim', 'mute', 'gst']) await server.waitFor(id, 'online', 15_000);
});
after(async () => {
  await server?.[Symbol.asyncDispose]();
  await simulator?.close();
  await mute?.close();
  gstreamer?.kill();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** 16-bit samples of a tone, low byte first. */
function tone(seconds: number): Uint8Array<ArrayBuffer> {
  const pcm = Int16Array.from({ length: seconds * sampleRate }, (_, i) =>
    Math.round(10_000 * Math.sin((2 * Math.PI * toneHz * i) / sampleRate)),
  );
  return new Uint8Array(pcm.buffer);
}

/** Frequency by how often the samples cross zero upwards. */
function frequencyOf(pcm: Int16Array): number {
  let crossings = 0;
  for (let i = 1; i < pcm.length; i++) if (pcm[i - 1]! < 0 && pcm[i]! >= 0) crossings++;
  return (crossings * sampleRate) / pcm.length;
}

function post(id: string, body: Uint8Array<ArrayBuffer>, query = ''): Promise<Response> {
  const headers = { 'content-type': 'application/octet-stream' };
  return fetch(`${server.base}/api/v1/streams/${id}/talk${query}`, { method: 'POST', headers, body });
}

/** Speaks by WebSocket: resolves once the server is ready, to what it said. */
async function open(id: string): Promise<{ socket: WebSocket; ready: Record<string, unknown> }> {
  const socket = new WebSocket(`${server.base.replace('http', 'ws')}/api/v1/streams/${id}/talk`);
  const [message] = (await Promise.race([
    once(socket, 'message'),
    once(socket, 'error').then(() => Promise.reject(new Error('refused'))),
  ])) as [MessageEvent];
  return { socket, ready: JSON.parse(String(message.data)) };
}

describe('speaking through a camera', () => {
  test('live by WebSocket: paced, in its codec, one talker at a time', { timeout: 30_000 }, () =>
    server.guard(async () => {
      const { socket, ready } = await open('sim');
      assert.deepEqual(ready, { type: 'ready', codec: 'pcma', clock_rate: 8000, sample_rate: 8000, channels: 1 });
      const sound = tone(1);
      for (let at = 0; at < sound.length; at += 3200) {
        socket.send(sound.subarray(at, at + 3200));
        await wait(190);
      }
      const second = await post('sim', tone(0.1));
      assert.equal(second.status, 409);
      assert.equal(((await second.json()) as { code: string }).code, 'TALK_BUSY');
      await assert.rejects(open('sim'));
      await wait(300);
      socket.close();
      const { heard } = simulator;
      const pcm = decodeG711('pcma', new Uint8Array(heard.flatMap(({ payload }) => [...payload])));
      assert.equal(pcm.length, sampleRate);
      assert.ok(Math.abs(frequencyOf(pcm) - toneHz) < 5, `${frequencyOf(pcm)} Hz`);
      assert.ok(heard.every(({ payload, payloadType }) => payload.length === 160 && payloadType === 8));
      const tookMs = heard.at(-1)!.atMs - heard[0]!.atMs;
      assert.ok(tookMs > 900 && tookMs < 2500, `50 frames of 20 ms took ${tookMs} ms`);
      const stats = await server.stats('sim');
      assert.deepEqual([stats['reconnects'], stats['lost']], [0, 0], 'the pictures went on');
      for (let tries = 0; tries < 20 && (await post('sim', tone(0.1))).status === 409; tries++) await wait(50);
      const audit = await server.api<{ entries: { action: string; stream_id: string | null }[] }>('/audit?action=talk');
      assert.ok(
        audit.entries.some((entry) => entry.stream_id === 'sim'),
        JSON.stringify(audit),
      );
    }),
  );

  test("an announcement by POST, heard by GStreamer's ONVIF server", { timeout: 30_000 }, () =>
    server.guard(async () => {
      const wantedBytes = 2 * (1.5 * sampleRate - 320);
      const heard = () => readFileSync(join(folder, 'heard.raw'));
      const answer = await post('gst', tone(1.5));
      assert.equal(answer.status, 200, await answer.clone().text());
      assert.deepEqual(await answer.json(), { stream_id: 'gst', codec: 'pcmu', seconds: 1.5 });
      for (let tries = 0; tries < 20 && heard().length < wantedBytes; tries++) await wait(100);
      await wait(300);
      const raw = heard();
      const pcm = new Int16Array(raw.buffer, raw.byteOffset, raw.length >> 1);
      assert.ok(Math.abs(pcm.length - 1.5 * sampleRate) <= 320, `${pcm.length} samples`);
      assert.ok(Math.abs(frequencyOf(pcm) - toneHz) < 5, `${frequencyOf(pcm)} Hz`);
    }),
  );

  test('is refused with a reason where it cannot be', async () => {
    const cases: [Promise<Response>, number, string][] = [
      [post('mute', tone(0.1)), 422, 'TALK_UNSUPPORTED'],
      [post('nobody', tone(0.1)), 404, 'STREAM_NOT_FOUND'],
      [post('sim', tone(0.1), '?codec=aac'), 400, ''],
      [post('sim', tone(0.1), '?codec=mp3'), 400, ''],
    ];
    for (const [asked, status, code] of cases) {
      const answer = await asked;
      const problem = (await answer.json()) as { code: string; status: number };
      assert.equal(answer.status, status, JSON.stringify(problem));
      if (code !== '') assert.equal(problem.code, code);
    }
    await assert.rejects(open('mute'));
  });
});
