import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDepacketizer } from '@watchpost/media/rtp/depacketize/index-by-codec.ts';
import { parseRtpPacket, writeRtpHeader } from '@watchpost/media/rtp/packet.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { PackedSamples } from './packed-samples.ts';
import { StreamSample } from './stream-sample.ts';

const video: Track = { id: 1, kind: 'video', codec: 'h264', clockRate: 90_000, parameterSets: [] };
const audio: Track = { id: 2, kind: 'audio', codec: 'pcma', clockRate: 8000, parameterSets: [] };
const sps = [0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x47, 0xfe, 0xc8];
const pps = [0x68, 0xce, 0x38, 0x80];

/** Pictures and sound in turn, as a session makes them. */
function samples(count: number): Sample[] {
  const made: Sample[] = [];
  const times = (pts: number) => ({ dts: pts, pts: pts + 0.5, wallMs: 1_700_000_000_000 + pts });
  const add = (track: Track) =>
    createDepacketizer(track, {}, (unit) => made.push(new StreamSample(unit, times(unit.rtpTimestamp))))!;
  const [pictures, sound] = [add(video), add(audio)];
  const packet = (payload: readonly number[], timestamp: number, marker: boolean) => {
    const bytes = new Uint8Array(12 + payload.length);
    writeRtpHeader(bytes, 0, { payloadType: 96, marker, sequence: 1, timestamp, ssrc: 7 });
    bytes.set(payload, 12);
    return parseRtpPacket(bytes, 0, bytes.length);
  };
  for (let i = 0; i < count; i++) {
    if (i === 0) for (const set of [sps, pps]) pictures.push(packet(set, 0, false), 0);
    pictures.push(packet([i === 0 ? 0x65 : 0x41, 0x88, i & 255], i * 3600, true), 0);
    sound.push(packet([i & 255, 2, 3], i * 320, true), 0);
  }
  return made;
}

const facts = ({ track, dts, pts, key, byteLength, rtp, units, wallMs, lost }: Sample) => {
  return { track, dts, pts, key, byteLength, rtp, units, wallMs, lost };
};

test('pictures come back as they were, in order; sound is not taken', () => {
  const all = samples(300);
  assert.equal(all.length, 600);
  const kept = new PackedSamples();
  const taken = all.filter((sample) => kept.add(sample));
  assert.deepEqual(
    taken,
    all.filter(({ track }) => track.kind === 'video'),
  );
  assert.deepEqual(kept.read(0, 1000).map(facts), taken.map(facts));
  assert.deepEqual(kept.read(7, 3).map(facts), taken.slice(7, 10).map(facts));
});

test('what is dropped is forgotten, however many come and go', () => {
  const pictures = samples(400).filter(({ track }) => track.kind === 'video');
  const kept = new PackedSamples();
  let first = 0;
  for (const [i, sample] of pictures.entries()) {
    kept.add(sample);
    const count = i % 50 === 49 ? 45 : 0;
    kept.drop(count);
    first += count;
    assert.deepEqual(kept.read(0, 1).map(facts), pictures.slice(first, first + 1).map(facts));
  }
  assert.deepEqual(kept.read(0, 1000).map(facts), pictures.slice(first).map(facts));
  kept.drop(1000);
  assert.deepEqual(kept.read(0, 1000), []);
  kept.add(pictures[5]!);
  assert.deepEqual(kept.read(0, 1000).map(facts), [facts(pictures[5]!)]);
});
