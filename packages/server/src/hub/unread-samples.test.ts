import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDepacketizer } from '@watchpost/media/rtp/depacketize/index-by-codec.ts';
import { parseRtpPacket, writeRtpHeader } from '@watchpost/media/rtp/packet.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { StreamSample } from './stream-sample.ts';
import { UnreadSamples } from './unread-samples.ts';

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
  const kept = new UnreadSamples();
  const taken = all.filter((sample) => kept.add(sample));
  assert.deepEqual(
    taken,
    all.filter(({ track }) => track.kind === 'video'),
  );
  assert.deepEqual(kept.take().map(facts), taken.map(facts));
  assert.deepEqual(kept.take(), []);
});

test('what is cleared is forgotten', () => {
  const pictures = samples(20).filter(({ track }) => track.kind === 'video');
  const kept = new UnreadSamples();
  for (const sample of pictures) kept.add(sample);
  kept.clear();
  for (const sample of pictures.slice(0, 3)) kept.add(sample);
  assert.deepEqual(kept.take().map(facts), pictures.slice(0, 3).map(facts));
});
