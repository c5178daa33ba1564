import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { systemClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { FlvDemuxer } from '@watchpost/media/container/flv/demuxer.ts';
import { lastingGrant } from '@watchpost/server/hub/grant.ts';
import { createFlvProtocol } from '@watchpost/server/protocols/http-flv/protocol.ts';
import { type Browser, chromium } from 'playwright-core';
import WebSocket from 'ws';
import { LiveServer, makeClip, run, wait } from './live-harness.ts';

const server = new LiveServer();
const flv = createFlvProtocol();
const folder = mkdtempSync(join(tmpdir(), 'live-flv-'));
let listener: AsyncDisposable;
let base = '';

before(async () => {
  server.http.app.get('/page', (_request, reply) => reply.type('text/html').send('<!doctype html><body></body>'));
  listener = await flv.listen!(server.hub, {
    ...{ clock: systemClock, logger: silentLogger, signal: new AbortController().signal, section: {} },
    dial: () => Promise.reject(new Error('no camera to dial')),
    http: server.http,
    access: { authorize: (asked) => server.access.authorize(asked) },
  });
  await server.listen();
  base = `127.0.0.1:${server.port}/flv`;
  await server.cameras({
    aac: { audio: 'aac', seconds: 50, gop: 25 },
    g711: { audio: 'pcma', seconds: 20, gop: 25 },
    hevc: { video: 'h265', seconds: 10, gop: 25 },
  });
  await wait(1500);
});
after(async () => {
  await listener?.[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

interface Probe {
  readonly streams: readonly Record<string, string | number>[];
  readonly packets: readonly { codec_type: string; pts_time: string; dts_time: string }[];
}

async function record(id: string, seconds: number): Promise<string> {
  const file = join(folder, `${id}.mkv`);
  const input = ['-v', 'error', '-y', '-i', `http://${base}/${id}.flv`];
  const said = await run('ffmpeg', [...input, '-t', String(seconds), '-c', 'copy', file]);
  assert.equal(said, '');
  return file;
}

describe('players beside each other', { concurrency: true }, () => {
  for (const [id, sound] of [
    ['aac', 'aac'],
    ['g711', 'pcm_alaw'],
  ] as const) {
    test(`FFmpeg plays H.264 with ${id} over HTTP without a word of complaint, each picture at its time`, async () => {
      const file = await record(id, 3);
      const shown = ['-show_streams', '-show_packets', '-of', 'json', file];
      const { streams, packets }: Probe = JSON.parse(await run('ffprobe', ['-v', 'error', ...shown]));
      assert.deepEqual(streams.map((stream) => stream['codec_name']).sort(), ['h264', sound].sort());
      const times = packets.filter((one) => one.codec_type === 'video').map((one) => Number(one.pts_time));
      assert.ok(times.length >= 60, `${times.length} pictures`);
      for (let i = 1; i < times.length; i++) {
        assert.ok(Math.abs(times[i]! - times[i - 1]! - 0.04) < 0.003, `picture ${i}: ${times[i]! - times[i - 1]!} s`);
      }
      assert.equal(await run('ffmpeg', ['-v', 'error', '-i', file, '-f', 'null', '-']), '');
    });

    test(`GStreamer plays H.264 with ${id} over HTTP`, async () => {
      const decoder = id === 'aac' ? 'aacparse ! avdec_aac' : 'alawdec';
      const pipeline =
        `souphttpsrc location=http://${base}/${id}.flv num-buffers=60 ! flvdemux name=d ` +
        `d.video ! queue ! h264parse ! avdec_h264 ! checksumsink sync=false ` +
        `d.audio ! queue ! ${decoder} ! fakesink sync=false`;
      const said = await run('gst-launch-1.0', ['-q', ...pipeline.split(' ')]);
      const pictures = said.split('\n').filter((line) => / [0-9a-f]{40}/.test(line));
      assert.ok(pictures.length >= 20, said.slice(-500));
    });
  }

  test('a camera that goes and comes back goes on in the same answer, time going on', async () => {
    const clip = await makeClip({ seconds: 10, gop: 25 });
    const first = await server.camera('comes', clip);
    await wait(300);
    const reading = read(`http://${base}/comes.flv`, 3000);
    await wait(700);
    first.stop();
    await wait(300);
    await server.camera('comes', clip);
    const { tracks, times } = await reading;
    assert.deepEqual(tracks, ['h264', 'h264']);
    for (let i = 1; i < times.length; i++) assert.ok(times[i]! > times[i - 1]!, `${times[i - 1]} → ${times[i]}`);
    assert.ok(times.at(-1)! > 2000 && times.at(-1)! < 6000, `${times.at(-1)}`);
  });
});

/** Reads an address for so long with our own demuxer. */
async function read(path: string, ms: number) {
  const tracks: string[] = [];
  const keys: boolean[] = [];
  const times: number[] = [];
  let bytes = new Uint8Array(0);
  const demuxer = new FlvDemuxer({
    track: (track) => void tracks.push(track.codec),
    unit: (track, unit) => {
      if (track.kind !== 'video') return;
      keys.push(unit.key);
      times.push(unit.dts / 90);
    },
  });
  const take = (chunk: Uint8Array) => {
    if (bytes.length < 4096) bytes = Uint8Array.from([...bytes, ...chunk]);
    demuxer.push(chunk);
  };
  if (path.startsWith('ws')) {
    const socket = new WebSocket(path);
    socket.on('message', (data: Buffer) => take(data));
    await wait(ms);
    socket.terminate();
  } else {
    const asked = request(path, (answer) => answer.on('data', take)).end();
    asked.on('error', () => {});
    await wait(ms);
    asked.destroy();
  }
  return { tracks, keys, times, bytes, malformed: demuxer.malformed };
}

test('HTTP and WebSocket carry the same, beginning with the cached key picture', async () => {
  const both = await Promise.all([read(`http://${base}/aac.flv`, 1500), read(`ws://${base}/aac.flv`, 1500)]);
  for (const { tracks, keys, times, malformed } of both) {
    assert.deepEqual(tracks, ['h264', 'aac']);
    assert.equal(keys[0], true);
    assert.ok(times.length > 30, `${times.length} pictures`);
    assert.equal(malformed, 0);
  }
  await wait(200);
  assert.equal(flv.stats()['viewers'], 0);
  assert.equal(flv.stats()['streams_muxed'], 0, 'nobody watches: nothing is muxed');
});

test('H.265 goes under its FourCC, or under id 12 where the viewer asks for it', async () => {
  const [fourCc, id12] = await Promise.all([
    read(`http://${base}/hevc.flv`, 600),
    read(`http://${base}/hevc.flv?hevc=12`, 600),
  ]);
  assert.deepEqual([fourCc.tracks, id12.tracks], [['h265'], ['h265']]);
  assert.ok(Buffer.from(fourCc.bytes).includes('hvc1'));
  assert.ok(!Buffer.from(id12.bytes).includes('hvc1'));
  const other = await fetch(`http://${base}/hevc.flv?hevc=13`);
  const { code, detail } = (await other.json()) as { code: string; detail: string };
  assert.deepEqual([other.status, code], [400, 'FLV_HEVC_UNKNOWN']);
  assert.match(detail, /no form "13" of H\.265 — hevc=12/);
});

test('one viewer that reads nothing costs others nothing, and goes on at a key picture', async () => {
  await server.camera('big', await makeClip({ seconds: 10, gop: 25, bitrate: '8M', size: '1280x720' }));
  await wait(500);
  const stuck = connect(server.port, '127.0.0.1');
  stuck.on('error', () => {});
  stuck.write('GET /flv/big.flv HTTP/1.1\r\nHost: x\r\n\r\n');
  stuck.pause();
  const before = process.memoryUsage().arrayBuffers;
  const others = await Promise.all(Array.from({ length: 20 }, () => read(`http://${base}/big.flv`, 4000)));
  for (const { times, malformed } of others) {
    assert.ok(times.length > 90, `${times.length} pictures`);
    assert.equal(malformed, 0);
  }
  const grownMb = (process.memoryUsage().arrayBuffers - before) / 1e6;
  assert.ok(grownMb < 128, `memory grew by ${grownMb} MB`);
  stuck.destroy();
});

test('who may not watch, and who asks for what is not there, gets a problem document', async () => {
  const status = async (path: string) => {
    const answer = await fetch(`http://${base}/${path}`);
    const { code } = (await answer.json()) as { code: string };
    return [answer.status, code];
  };
  assert.deepEqual(await status('nowhere.flv'), [404, 'STREAM_NOT_FOUND']);
  assert.deepEqual(await status('aac.mp4'), [404, 'FLV_NOT_FOUND']);
  server.access = {
    authorize: async () => {
      throw new WatchpostError('Log in first', { kind: 'unauthenticated', code: 'LOGIN_NEEDED' });
    },
  };
  try {
    assert.deepEqual(await status('aac.flv'), [401, 'LOGIN_NEEDED']);
    const socket = new WebSocket(`ws://${base}/aac.flv`);
    socket.on('error', () => {});
    const code = await new Promise((resolve) =>
      socket.on('unexpected-response', (_request, answer) => resolve(answer.statusCode)),
    );
    assert.equal(code, 401);
  } finally {
    server.access = { authorize: async () => lastingGrant };
  }
});

const mpegtsPath = join(import.meta.dirname, '../node_modules/mpegts.js/dist/mpegts.js');

test('mpegts.js in Chromium plays over', { concurrency: true }, async (t) => {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
  });
  try {
    await Promise.all(['http', 'ws'].map((scheme) => t.test(scheme, () => playInPage(browser, scheme))));
  } finally {
    await browser.close();
  }
});

async function playInPage(browser: Browser, scheme: string): Promise<void> {
  const page = await (await browser.newContext({ bypassCSP: true })).newPage();
  await page.goto(`http://127.0.0.1:${server.port}/page`);
  await page.addScriptTag({ content: readFileSync(mpegtsPath, 'utf8') });
  const url = `${scheme}://${base}/aac.flv`;
  const result = (await page.evaluate(`(async () => {
    const video = document.createElement('video');
    video.muted = true;
    document.body.append(video);
    const player = mpegts.createPlayer({ type: 'flv', isLive: true, url: '${url}' }, { enableStashBuffer: false });
    let error = '';
    player.on(mpegts.Events.ERROR, (...args) => { error = JSON.stringify(args); });
    player.attachMediaElement(video);
    player.load();
    video.play().catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const { totalVideoFrames } = video.getVideoPlaybackQuality();
    const soundBytes = video.webkitAudioDecodedByteCount;
    return { error, frames: totalVideoFrames, soundBytes, at: video.currentTime };
  })()`)) as { error: string; frames: number; soundBytes: number; at: number };
  assert.equal(result.error, '');
  assert.ok(result.frames > 40 && result.soundBytes > 1000 && result.at > 1, JSON.stringify(result));
}
