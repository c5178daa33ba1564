import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { writeU16, writeU32 } from '@watchpost/base/bytes.ts';
import { ManualClock } from '@watchpost/base/clock.ts';
import { describeTracks, writeSdp } from '@watchpost/media/sdp/write.ts';
import { msToNtp } from '@watchpost/media/time/ntp.ts';
import { PullBench } from './pull-bench.ts';
import { ReplayFeed, ReplayPace } from './replay.ts';
import { nalUnit, picture } from './server/test-bench.ts';

const startMs = Date.UTC(2026, 10, 20, 11, 49, 0, 440);
const pictures = 100;
const pictureBytes = 30_000;

/** An interleaved frame with a whole picture, its extension as the ONVIF Streaming Specification §6.3 has it. */
function recordedPicture(number: number): Uint8Array {
  const unit = nalUnit(number % 25 === 0, pictureBytes);
  const bytes = new Uint8Array(4 + 28 + unit.length);
  bytes.set([0x24, 0]);
  writeU16(bytes, 2, bytes.length - 4);
  bytes.set([0x90, 0x80 | 96], 4);
  writeU16(bytes, 6, number);
  writeU32(bytes, 8, (77_000 + number * 3600) >>> 0);
  writeU32(bytes, 12, 0xbeef);
  writeU16(bytes, 16, 0xabac);
  writeU16(bytes, 18, 3);
  const ntp = msToNtp(startMs + number * 40);
  writeU32(bytes, 20, ntp.seconds);
  writeU32(bytes, 24, ntp.fraction);
  bytes[28] = (number % 25 === 0 ? 0x80 : 0) | (number === pictures - 1 ? 0x10 : 0);
  bytes.set(unit, 32);
  return bytes;
}

test('a recorded range comes at its own pace, with the times at which it was recorded, and ends', async () => {
  const asked: Record<string, string> = {};
  const device = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      const request = chunk.toString();
      const method = request.split(' ', 1)[0]!;
      asked[method] = request;
      const cseq = /^CSeq: (\d+)/m.exec(request)?.[1];
      const answer = (headers: string, body = '') =>
        socket.write(`RTSP/1.0 200 OK\r\nCSeq: ${cseq}\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`);
      if (method === 'DESCRIBE')
        answer(
          'Content-Type: application/sdp\r\n',
          writeSdp(describeTracks([{ track: picture, payloadType: 96, control: 'trackID=0' }])),
        );
      else if (method === 'SETUP') answer('Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n');
      else answer('Session: 1\r\n');
      // All at once: as fast as it is taken.
      if (method === 'PLAY') for (let i = 0; i < pictures; i++) socket.write(recordedPicture(i));
    });
  });
  await new Promise<void>((resolve) => device.listen(0, '127.0.0.1', resolve));
  const { port } = device.address() as net.AddressInfo;
  const range = '2026-11-20T11:49:00.440Z/2026-11-20T11:49:04.440Z';
  await using pull = new PullBench(`rtsp://127.0.0.1:${port}/r#replay=${range}`, { transport: ['udp'] });
  const beganMs = performance.now();
  const end = await pull.ended;
  device.close();
  assert.equal(end?.code, 'SOURCE_ENDED');
  const [describe = '', setup = '', play = ''] = ['DESCRIBE', 'SETUP', 'PLAY'].map((method) => asked[method]);
  assert.doesNotMatch(describe, /Require/);
  assert.match(setup, /^Require: onvif-replay\r$/m);
  assert.match(play, /^Require: onvif-replay\r$/m);
  assert.match(play, /^Range: clock=20261120T114900\.440Z-20261120T114904\.440Z\r$/m);
  assert.match(play, /^Rate-Control: no\r$/m);
  assert.equal(pull.samples.length, pictures);
  for (const [i, { wallMs }] of pull.samples.entries())
    assert.ok(Math.abs(wallMs - (startMs + i * 40)) < 1, `picture ${i} is of ${new Date(wallMs).toISOString()}`);
  const tookMs = pull.arrivals.at(-1)!.wallMs - pull.arrivals[0]!.wallMs;
  assert.ok(tookMs > 1500 && tookMs < 6000, `4 s came in ${tookMs} ms`);
  assert.ok(performance.now() - beganMs < 9000);
  const { repaired } = await pull.stream;
  assert.deepEqual([repaired['jump'], repaired['outlier'], repaired['backward']], [0, 0, 0]);
});

test('a recording is held back while it is ahead of its pace; gaps in it are passed over', () => {
  const pace = new ReplayPace();
  const time = { isSyncPoint: true, isEndOfSection: false, isDiscontinuity: false, isLast: false, cseq: 1 };
  assert.equal(pace.holdMs(0), 0);
  pace.note({ ...time, recordedMs: 1000 }, 50);
  pace.note({ ...time, recordedMs: 2400 }, 60);
  assert.equal(pace.holdMs(60), 0, '1.4 s ahead');
  pace.note({ ...time, recordedMs: 3000 }, 70);
  assert.equal(pace.holdMs(70), 2000 - 20 - 500);
  // An hour without a recording is not waited for.
  pace.note({ ...time, recordedMs: 3_603_000, isDiscontinuity: true }, 2000);
  assert.equal(pace.holdMs(2000), 0);
  pace.note({ ...time, recordedMs: 3_605_000 }, 2000);
  assert.equal(pace.holdMs(2000), 4000 - 1950 - 500);
  assert.equal(pace.isOver, false);
  pace.note({ ...time, recordedMs: 3_605_040, isLast: true }, 2000);
  assert.equal(pace.isOver, true);
});

test('what one read holds is handed on at its pace, and reading waits meanwhile', () => {
  const clock = new ManualClock();
  const log: string[] = [];
  let pieces = 0;
  const feed = new ReplayFeed(clock, {
    onPiece: (_chunk, start, end) => {
      // A second of recording in each piece.
      const recordedMs = 1_000_000 + 1000 * pieces++;
      const flags = { isSyncPoint: true, isEndOfSection: false, isDiscontinuity: false, isLast: false, cseq: 1 };
      feed.pace.note({ recordedMs, ...flags }, clock.monotonicMs());
      log.push(`${clock.monotonicMs()}: ${end - start}`);
    },
    onBatchEnd: () => {},
    onHold: (holds) => log.push(`${clock.monotonicMs()}: ${holds ? 'hold' : 'go on'}`),
    onOver: () => {},
  });
  feed.push(20_000, new Uint8Array(32_768));
  assert.deepEqual(log, ['0: 4096', '0: 4096', '0: 4096', '0: hold']);
  clock.advance(10_000);
  assert.deepEqual(log.slice(4), ['1500: 4096', '2500: 3616', '2500: go on']);
});

test('a track that ends, like sound that was recorded for a while only, ends the recording when no other one goes on', () => {
  const clock = new ManualClock();
  const overs: number[] = [];
  let pieces = 0;
  const feed = new ReplayFeed(clock, {
    onPiece: () => {
      const flags = { isSyncPoint: true, isEndOfSection: false, isDiscontinuity: false, cseq: 1 };
      feed.pace.note({ recordedMs: 1_000_000 + 800 * pieces, isLast: pieces++ === 0, ...flags }, clock.monotonicMs());
    },
    ...{ onBatchEnd: () => {}, onHold: () => {} },
    onOver: () => overs.push(clock.monotonicMs()),
  });
  for (let i = 0; i < 5; i++) {
    feed.push(100, new Uint8Array(100));
    clock.advance(800);
  }
  // Much at once, which is held back for longer than a recording that is over is waited for.
  feed.push(20_000, new Uint8Array(32_768));
  clock.advance(10_000);
  assert.deepEqual(overs, [6100]);
  assert.equal(pieces, 10);
});
