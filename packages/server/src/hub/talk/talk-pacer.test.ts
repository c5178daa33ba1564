import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { encodeG711 } from '@watchpost/media/codec/g711/encode.ts';
import type { CodecName } from '@watchpost/media/types.ts';
import type { TalkChannel } from '../types.ts';
import { type TalkFormat, TalkPacer } from './talk-pacer.ts';

interface Sent {
  readonly frame: Uint8Array;
  readonly timestamp: number;
  readonly begins: boolean;
  readonly atMs: number;
}

function bench(codec: CodecName, format: TalkFormat, maxQueueMs = 1000) {
  const clock = new ManualClock();
  const sent: Sent[] = [];
  const clockRate = codec === 'aac' ? 16_000 : 8000;
  const channel: TalkChannel = {
    track: { id: 0, kind: 'audio', codec, clockRate, parameterSets: [] },
    write: (frame, timestamp, begins) => sent.push({ frame, timestamp, begins, atMs: clock.monotonicMs() }),
    ended: new Promise(() => {}),
    close: () => {},
  };
  return { clock, sent, pacer: new TalkPacer(channel, clock, { format, maxQueueMs }) };
}

/** 16-bit samples, low byte first. */
function bytesOf(pcm: Int16Array): Uint8Array {
  return Uint8Array.from({ length: pcm.length * 2 }, (_, i) =>
    i % 2 === 0 ? pcm[i >> 1]! & 255 : (pcm[i >> 1]! >> 8) & 255,
  );
}

const pcm = Int16Array.from({ length: 800 }, (_, i) => Math.round(8000 * Math.sin(i / 5)));

test('messages of any size leave as frames of 20 ms, one every 20 ms', () => {
  const { clock, sent, pacer } = bench('pcma', 'pcm');
  const bytes = bytesOf(pcm);
  // Sizes that split samples.
  for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7) % 331)
    pacer.push(bytes.subarray(at, at + size));
  clock.advance(500);
  assert.deepEqual(
    sent.map(({ atMs }) => atMs),
    [60, 80, 100, 120, 140],
  );
  assert.deepEqual(
    sent.map(({ timestamp }) => timestamp),
    [0, 160, 320, 480, 640],
  );
  assert.deepEqual(
    sent.map(({ begins }) => begins),
    [true, false, false, false, false],
  );
  assert.deepEqual(new Uint8Array(sent.flatMap(({ frame }) => [...frame])), encodeG711('pcma', pcm));
});

test('the codecs of talker and device may differ', () => {
  const expected = encodeG711('pcmu', pcm);
  for (const [format, bytes] of [
    ['pcmu', expected],
    ['pcm', bytesOf(pcm)],
  ] as const) {
    const { clock, sent, pacer } = bench('pcmu', format);
    pacer.push(bytes);
    clock.advance(500);
    assert.deepEqual(new Uint8Array(sent.flatMap(({ frame }) => [...frame])), expected, format);
  }
  const { clock, sent, pacer } = bench('pcmu', 'pcma');
  pacer.push(encodeG711('pcma', pcm));
  clock.advance(500);
  const same = sent.flatMap(({ frame }) => [...frame]).filter((code, i) => Math.abs(code - expected[i]!) <= 1);
  assert.ok(same.length > 780, `${same.length} of 800 codes are the same or the next one`);
});

test('time goes on in silence, and what comes after it begins anew', () => {
  const { clock, sent, pacer } = bench('pcma', 'pcma');
  pacer.push(new Uint8Array(160));
  clock.advance(1060);
  pacer.push(new Uint8Array(160));
  clock.advance(100);
  assert.deepEqual(
    sent.map(({ begins, atMs }) => [begins, atMs]),
    [
      [true, 60],
      [true, 1120],
    ],
  );
  // 160 of its own, and 980 ms from the end of the first frame to the message.
  assert.equal(sent[1]!.timestamp, 160 + 980 * 8);
});

test('more than time goes by for is dropped, the oldest first', () => {
  const { clock, sent, pacer } = bench('pcma', 'pcma', 100);
  for (let i = 0; i < 50; i++) pacer.push(new Uint8Array(160).fill(i));
  assert.equal(pacer.dropped, 45);
  assert.equal(pacer.queuedMs, 100);
  clock.advance(1000);
  assert.deepEqual(
    sent.map(({ frame }) => frame[0]),
    [45, 46, 47, 48, 49],
  );
});

test('AAC frames go out one by one at their own length; a last short frame on flush', () => {
  const aac = bench('aac', 'aac');
  for (let i = 0; i < 3; i++) aac.pacer.push(new Uint8Array(50 + i));
  aac.clock.advance(1000);
  assert.deepEqual(
    aac.sent.map(({ timestamp, atMs }) => [timestamp, atMs]),
    [
      [0, 60],
      [1024, 124],
      [2048, 188],
    ],
  );
  const short = bench('pcma', 'pcma');
  short.pacer.push(new Uint8Array(200));
  short.pacer.flush();
  short.clock.advance(1000);
  assert.deepEqual(
    short.sent.map(({ frame }) => frame.length),
    [160, 40],
  );
});

test('nothing is sent after it was closed', () => {
  const { clock, sent, pacer } = bench('pcma', 'pcma');
  pacer.push(new Uint8Array(1600));
  clock.advance(70);
  pacer.close();
  pacer.push(new Uint8Array(1600));
  clock.advance(1000);
  assert.equal(sent.length, 1);
});
