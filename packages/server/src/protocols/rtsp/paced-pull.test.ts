import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { dialTcp } from '../../net/dial.ts';
import { createRtsp } from './index.ts';

/** Time runs four times as fast. */
const fastClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now() * 4,
  after: (delayMs, task) => {
    const timer = setTimeout(task, delayMs / 4);
    return () => clearTimeout(timer);
  },
};
const media = 'm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:a\r\n';
const sdp = `v=0\r\ns=x\r\n${media}`;

/** A camera over TCP that sends a small packet each 5 ms, from PLAY on. */
async function openCamera() {
  const camera = { skips: 0, port: 0, close: () => {} };
  const server = net.createServer((socket) => {
    let sequence = 0;
    let timer: NodeJS.Timeout | undefined;
    const send = () => {
      sequence += 1 + camera.skips;
      camera.skips = 0;
      const frame = Buffer.from('2400000e80e00000000000000000000765880000'.slice(0, 36), 'hex');
      frame.writeUInt16BE(sequence & 0xffff, 6);
      frame.writeUInt32BE((sequence * 3600) >>> 0, 8);
      socket.write(frame);
    };
    socket.on('error', () => {});
    socket.on('close', () => clearInterval(timer));
    socket.on('data', (bytes: Buffer) => {
      const text = bytes.toString('latin1');
      const method = /^[A-Z_]+(?= rtsp:)/.exec(text)?.[0];
      if (method === undefined) return;
      const head = `RTSP/1.0 200 OK\r\nCSeq: ${/CSeq: (\d+)/.exec(text)![1]}\r\nSession: 7\r\n`;
      const isAsked = method === 'DESCRIBE';
      const transport = 'Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n';
      socket.write(isAsked ? `${head}Content-Length: ${sdp.length}\r\n\r\n${sdp}` : `${head}${transport}\r\n`);
      if (method === 'PLAY') timer ??= setInterval(send, 5);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  camera.port = (server.address() as net.AddressInfo).port;
  camera.close = () => server.close();
  return camera;
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('a camera that nobody watches is read some times a second; each packet once somebody does, and once one was lost', async () => {
  const camera = await openCamera();
  const abort = new AbortController();
  const seen = { packets: 0, reads: 0, patienceMs: Number.POSITIVE_INFINITY };
  const publisher = {
    get patienceMs() {
      return seen.patienceMs;
    },
    writeRtp: () => void seen.packets++,
    flush: () => void seen.reads++,
    ...{ senderReport: () => {}, writeUnit: () => {}, count: () => {}, close: () => {} },
  };
  const pulled = createRtsp({ userAgent: 'Watchpost/test' }).pull!(
    parseSourceUrl(`rtsp://127.0.0.1:${camera.port}/a`),
    () => publisher,
    { clock: fastClock, logger: silentLogger, dial: dialTcp, signal: abort.signal, section: { transports: ['tcp'] } },
  );
  const packetsPerRead = async (ms: number) => {
    const { packets, reads } = seen;
    await wait(ms);
    return (seen.packets - packets) / (seen.reads - reads);
  };
  try {
    assert.ok((await packetsPerRead(300)) < 3, 'each packet at first');
    await wait(1200);
    const unwatched = await packetsPerRead(300);
    assert.ok(unwatched > 5, `${unwatched} packets in a read`);
    seen.patienceMs = 0;
    await wait(100);
    assert.ok((await packetsPerRead(300)) < 3, 'each packet for a viewer');
    seen.patienceMs = 210;
    await wait(100);
    assert.ok((await packetsPerRead(300)) > 5, 'and not after the last one');
    camera.skips = 2;
    await wait(400);
    assert.ok((await packetsPerRead(300)) < 3, 'each packet of a camera that loses some');
  } finally {
    abort.abort(new WatchpostError('enough', { kind: 'canceled', code: 'TEST_DONE' }));
    await pulled.catch(() => {});
    camera.close();
  }
});
