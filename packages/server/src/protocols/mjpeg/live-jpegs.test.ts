import assert from 'node:assert/strict';
import test from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import type { Track } from '@watchpost/media/types.ts';
import type { CodedPictures } from '../../decode/picture.ts';
import { StreamHub } from '../../hub/stream-hub.ts';
import { firstDelimiter, type JpegPart } from './jpeg-part.ts';
import { LiveJpegs } from './live-jpegs.ts';

const mjpeg: Track = { id: 0, kind: 'video', codec: 'mjpeg', clockRate: 90_000, parameterSets: [] };
const h264: Track = { ...mjpeg, codec: 'h264', parameterSets: [Uint8Array.of(0x67, 1), Uint8Array.of(0x68, 1)] };

async function setUp(track: Track, decode?: (pictures: CodedPictures) => Promise<Uint8Array>) {
  const clock = new ManualClock();
  const hub = new StreamHub({
    ...{ clock, logger: silentLogger, reconnectDelayMs: 1000 },
    protocolFor: () => undefined,
    pull: async () => {},
  });
  const stream = await hub.define({
    ...{ id: 'gate', title: '', protocol: 'test', sources: [], record: false, onDemand: false, stopped: false },
    ...{ origin: 'api', push: [] },
  });
  const publisher = stream.publish([{ track, format: {} }]);
  let pictures = 0;
  /** 25 a second, a key picture each 5. */
  const show = async (count: number) => {
    for (let i = 0; i < count; i++, pictures++) {
      const key = track.codec === 'mjpeg' || pictures % 5 === 0;
      const units = [Uint8Array.of(key ? 0x65 : 0x41, pictures)];
      publisher.writeUnit(0, { pts: pictures * 3600, dts: pictures * 3600, key, units });
      publisher.flush();
      clock.advance(40);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const decoded: number[] = [];
  const toJpeg = async (coded: CodedPictures) => {
    decoded.push(clock.monotonicMs());
    return decode === undefined ? coded.bytes : decode(coded);
  };
  const failures: string[] = [];
  const live = new LiveJpegs({
    ...{ clock, decoder: { toJpeg }, budget: hub.budget, intervalMs: () => 1000 },
    onFailure: (_stream, { code }) => void failures.push(code),
  });
  const open = (onClose?: (reason: WatchpostError) => void) =>
    live.open(stream, { protocol: 'mjpeg', start: 'gop', ...(onClose && { onClose }) });
  return { hub, live, show, open, decoded, failures };
}

const pictureIn = ({ bytes }: JpegPart) => bytes.at(bytes.indexOf('\r\n\r\n') + 5);

test('pictures of an MJPEG camera pass untouched, each of them, once for all viewers', async () => {
  const { hub, live, show, open, decoded } = await setUp(mjpeg);
  await show(1);
  const [one, other] = [open(), open()];
  await show(9);
  const parts = one.pull();
  assert.deepEqual(parts.map(pictureIn), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(other.pull(), parts);
  const text = parts[0]!.bytes.toString('latin1');
  assert.match(text, /^Content-Type: image\/jpeg\r\nContent-Length: 2\r\nX-Timestamp: [\d.]+\r\n\r\n/);
  assert.ok(text.endsWith(`\r\n${firstDelimiter}`));
  assert.equal(decoded.length, 0);
  one.close();
  assert.equal(live.active, 1);
  other.close();
  assert.equal(live.active, 0);
  await hub[Symbol.asyncDispose]();
});

test('of H.264 the newest key picture is rendered, at most one a second, and only while somebody looks', async () => {
  const { hub, show, open, decoded } = await setUp(h264);
  await show(7);
  assert.equal(decoded.length, 0);
  const reader = open();
  await show(100);
  assert.ok(decoded.length >= 4 && decoded.length <= 5, `${decoded.length} in four seconds`);
  for (let i = 1; i < decoded.length; i++) assert.ok(decoded[i]! - decoded[i - 1]! >= 1000, `${decoded}`);
  assert.equal(reader.pull().length, decoded.length);
  reader.close();
  const before = decoded.length;
  await show(100);
  assert.equal(decoded.length, before);
  await hub[Symbol.asyncDispose]();
});

test('a picture that cannot be rendered is passed over; without a decoder viewers hear why', async () => {
  let count = 0;
  const broken = await setUp(h264, async ({ bytes }) => {
    if (count++ % 2 === 1) throw new WatchpostError('broken', { kind: 'malformed', code: 'DECODE_FAILED' });
    return bytes;
  });
  await broken.show(1);
  const reader = broken.open();
  await broken.show(100);
  assert.ok(broken.failures.length >= 1 && reader.pull().length >= 2, broken.failures.join());
  await broken.hub[Symbol.asyncDispose]();

  const missing = await setUp(h264, async () => {
    throw new WatchpostError('install FFmpeg', { kind: 'unavailable', code: 'DECODER_MISSING' });
  });
  await missing.show(1);
  const closed: string[] = [];
  missing.open((reason) => void closed.push(reason.code));
  await missing.show(10);
  assert.deepEqual([closed, missing.live.active], [['DECODER_MISSING'], 0]);
  await missing.hub[Symbol.asyncDispose]();
});
