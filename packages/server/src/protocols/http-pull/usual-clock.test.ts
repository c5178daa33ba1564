import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '@watchpost/base/bytes.ts';
import { writeFragment } from '@watchpost/media/container/fmp4/fragment.ts';
import { writeInitSegment } from '@watchpost/media/container/fmp4/init-segment.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { SegmentDemuxer } from './demux-segment.ts';

const parameterSets = [fromHex('6742c01ed900a03db011000003000100000300320f162e48'), fromHex('68cb83cb20')];
const config = [fromHex('1210')];

function sample(track: Track, dts: number, pts: number): Sample {
  const units = [track.kind === 'video' ? Uint8Array.of(0x65, 0x88, 1, 2) : Uint8Array.of(1, 2, 3)];
  return { track, dts, pts, key: true, units, byteLength: 4, wallMs: 0, lost: 0 };
}

const videoCases: readonly [title: string, timescale: number, fps: number, firstFrame: number][] = [
  ['12800, as FFmpeg has it for 25 pictures a second', 12_800, 25, 0],
  ['an odd timescale', 1_234_567, 25, 0],
  ['a timescale under 90 000 that divides nothing', 30_011, 30, 0],
  ['an odd timescale after a year', 1_234_567, 25, 25 * 86_400 * 365],
  ['microseconds since 1970', 1_000_000, 25, 25 * 1_700_000_000],
  ['90 000', 90_000, 25, 1000],
];
for (const [title, clockRate, fps, first] of videoCases)
  test(`pictures of an fMP4 segment come in ticks of 90 kHz: ${title}`, () => {
    const track: Track = { id: 0, kind: 'video', codec: 'h264', clockRate, parameterSets, width: 640, height: 360 };
    const ticksOf = (frame: number) => Math.round((frame * clockRate) / fps);
    const demuxer = new SegmentDemuxer();
    const init = writeInitSegment([track]);
    // Segments far apart: what rounding adds up would be seen.
    for (const from of [first, first + 1_000_000]) {
      const samples = Array.from({ length: 50 }, (_, i) => sample(track, ticksOf(from + i), ticksOf(from + i + 2)));
      const units = demuxer.read(writeFragment(1, [{ track, samples, nextDts: ticksOf(from + 50) }]), init);
      assert.equal(units.length, 50);
      for (const [i, { track: found, unit }] of units.entries()) {
        assert.equal(found.clockRate, 90_000);
        const expected = ((from + i) * 90_000) / fps;
        // Half a tick of the container, half a tick of ours.
        const within = 0.5 + 45_000 / clockRate;
        assert.ok(Math.abs(unit.dts - expected) <= within, `${unit.dts} for ${expected}`);
        assert.ok(Math.abs(unit.pts - expected - 180_000 / fps) <= within, `${unit.pts}`);
        assert.ok(Number.isSafeInteger(unit.dts) && unit.units.length > 0);
      }
      assert.equal(new Set(units.map(({ track: found }) => found)).size, 1, 'one track object');
    }
  });

test('sound comes in ticks of its sampling rate, whatever the timescale', () => {
  const track: Track = {
    ...{ id: 1, kind: 'audio', codec: 'aac', clockRate: 90_000, parameterSets: config },
    ...{ sampleRate: 44_100, channels: 2 },
  };
  const samples = Array.from({ length: 100 }, (_, i) => {
    const ticks = Math.round((i * 1024 * 90_000) / 44_100);
    return sample(track, ticks, ticks);
  });
  const fragment = writeFragment(1, [{ track, samples, nextDts: 209_000 }]);
  const units = new SegmentDemuxer().read(fragment, writeInitSegment([track]));
  assert.deepEqual(
    units.map(({ track: { clockRate }, unit }) => [clockRate, unit.dts]),
    samples.map((_, i) => [44_100, i * 1024]),
  );
});
