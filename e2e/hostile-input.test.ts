// What strangers send to each port: real conversations with flipped, cut, doubled and foreign bytes. The server lives, gives
// back what it took, and others notice nothing. FUZZ_SEED and HOSTILE_SECONDS choose another run.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { test } from 'node:test';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { freePort, runProgram, startTestServer, type TestServer, wait } from './harness.ts';
import { assertConsecutive, numbersOf } from './live-numbers.ts';

const seconds = Number(process.env['HOSTILE_SECONDS'] ?? 12);
const seed = Number(process.env['FUZZ_SEED'] ?? 20_260_101);
const lanes = 24;
const maxBytes = 48 * 1024;
const decode = ['-fps_mode', 'passthrough', '-vf', 'scale=320:180', '-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:1'];
const source = [
  '-f',
  'lavfi',
  '-i',
  'testsrc2=size=160x90:rate=10',
  '-t',
  '2',
  '-c:v',
  'libx264',
  '-preset',
  'ultrafast',
];

/** mulberry32: the same numbers for the same seed. */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What a program sends to a port of the server, as one run of bytes. */
async function record(port: number, talk: (port: number) => Promise<unknown>): Promise<Buffer> {
  const sent: Buffer[] = [];
  const proxy = net.createServer((near) => {
    const far = net.connect(port, '127.0.0.1');
    for (const socket of [near, far]) socket.on('error', () => {});
    near.on('data', (bytes: Buffer) => void sent.push(bytes));
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  await talk((proxy.address() as net.AddressInfo).port);
  proxy.close();
  const bytes = Buffer.concat(sent).subarray(0, maxBytes);
  assert.ok(bytes.length > 100, `${port}: only ${bytes.length} bytes were recorded`);
  return bytes;
}

/** Bytes that break lines, end texts, or are a largest or least number. */
const oddBytes = [0, 10, 13, 32, 34, 37, 47, 58, 61, 127, 128, 255];

function mutate(talk: Buffer, random: () => number): Buffer {
  const pick = (count: number) => Math.floor(random() * count);
  let bytes = Buffer.from(talk.subarray(0, 1 + pick(talk.length)));
  for (let i = 1 + pick(6); i > 0; i--) {
    const at = pick(Math.min(bytes.length, random() < 0.7 ? 4000 : bytes.length));
    const length = pick(40);
    const kind = pick(5);
    if (kind === 0) bytes[at] = oddBytes[pick(oddBytes.length)]!;
    else if (kind === 1) bytes[at] = pick(256);
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    else if (kind === 3) bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
    else bytes = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(length * 50, pick(256)), bytes.subarray(at)]);
    if (bytes.length === 0) return Buffer.from([pick(256)]);
  }
  return bytes;
}

/** One stranger: sends in a few pieces, listens a little, hangs up one way or the other. */
async function intrude(port: number, bytes: Buffer, random: () => number): Promise<void> {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  const pieces = 1 + Math.floor(random() * 3);
  const size = Math.ceil(bytes.length / pieces);
  for (let at = 0; at < bytes.length && !socket.destroyed; at += size) {
    socket.write(bytes.subarray(at, at + size));
    await wait(random() * 30);
  }
  if (random() < 0.5) socket.end();
  await wait(random() * 60);
  socket.destroy();
}

async function settledMb(server: TestServer): Promise<number> {
  await wait(12_000);
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))![1]) / 1024;
}

test(`mutated conversations on each port for ${seconds} s: no crash, no growth, no frame lost for others`, {
  timeout: (seconds * 3 + 120) * 1000,
}, async (t) => {
  await using camera = await startRtspCamera({ port: 0 });
  const [rtsp, rtmp] = [await freePort(), await freePort()];
  await using server = await startTestServer({
    cameras: [{ id: 'cam', url: camera.urls['main']!, more: 'record = false' }],
    more: `[protocols.rtsp]\nbind = "127.0.0.1:${rtsp}"\n[protocols.rtmp]\nbind = "127.0.0.1:${rtmp}"`,
  });
  await server.guard(async () => {
    await server.waitFor('cam', 'online', 15_000);
    const http = Number(new URL(server.base).port);
    const ffmpeg = (...args: string[]) => runProgram('ffmpeg', ['-v', 'quiet', ...args], 20_000);
    const copy = ['-t', '1', '-c', 'copy', '-f', 'null', '-'];
    const talks: [port: number, bytes: Buffer][] = [
      [
        rtsp,
        await record(rtsp, (port) =>
          ffmpeg('-rtsp_transport', 'tcp', '-i', `rtsp://127.0.0.1:${port}/live/cam`, ...copy),
        ),
      ],
      [
        rtsp,
        await record(rtsp, (port) =>
          ffmpeg('-rtsp_transport', 'udp', '-i', `rtsp://127.0.0.1:${port}/live/cam`, ...copy),
        ),
      ],
      [
        rtsp,
        await record(rtsp, (port) =>
          ffmpeg(...source, '-f', 'rtsp', '-rtsp_transport', 'tcp', `rtsp://127.0.0.1:${port}/live/door`),
        ),
      ],
      [rtmp, await record(rtmp, (port) => ffmpeg('-i', `rtmp://127.0.0.1:${port}/live/cam`, ...copy))],
      [rtmp, await record(rtmp, (port) => ffmpeg(...source, '-f', 'flv', `rtmp://127.0.0.1:${port}/live/yard`))],
      [http, Buffer.from(requests.join(''))],
    ];
    const before = await settledMb(server);
    const random = randomFrom(seed);
    const input = ['-v', 'error', '-rtsp_transport', 'tcp', '-i', `rtsp://127.0.0.1:${rtsp}/live/cam`];
    const watching = runProgram('ffmpeg', [...input, '-an', '-t', `${seconds - 2}`, ...decode], (seconds + 40) * 1000);
    const endMs = performance.now() + seconds * 1000;
    let count = 0;
    const lane = async () => {
      while (performance.now() < endMs) {
        const [port, bytes] = talks[count++ % talks.length]!;
        await intrude(port, mutate(bytes, random), random);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    const { stdout, stderr } = await watching;
    const numbers = numbersOf(stdout);
    assertConsecutive(numbers, (seconds - 4) * 25, stderr);
    const after = await settledMb(server);
    t.diagnostic(`seed ${seed}: ${count} connections, ${before.toFixed(0)} MB, then ${after.toFixed(0)} MB`);
    assert.ok(after < before + 80, `${before} MB, then ${after} MB`);
    assert.equal((await fetch(`${server.base}/health`)).status, 200);
  });
});

const requests = [
  'GET /flv/cam.flv?a=b HTTP/1.1\r\nHost: 127.0.0.1\r\nRange: bytes=0-99\r\n\r\n',
  'GET /hls/cam/index.m3u8?_HLS_msn=1&_HLS_part=2 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
  'POST /api/v1/streams HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 57\r\n\r\n',
  '{"stream_id":"x","source_url":"rtsp://127.0.0.1:1/a?b=c"}',
  'GET /fmp4/cam HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n',
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x85abcdefghi',
];
