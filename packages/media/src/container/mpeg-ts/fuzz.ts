import type { Sample, Track } from '../../types.ts';
import { TsDemuxer } from './demuxer.ts';
import { TsMuxer } from './muxer.ts';

const pieceBytes = 331;
const tracks: readonly Track[] = [
  {
    ...{ id: 0, kind: 'video', codec: 'h264', clockRate: 90_000 },
    parameterSets: [Uint8Array.of(0x67, 66, 0xc0, 30, 0xd9, 0, 0xa0), Uint8Array.of(0x68, 0xcb, 0x83, 0xcb)],
  },
  {
    ...{ id: 1, kind: 'audio', codec: 'aac', clockRate: 16_000, sampleRate: 16_000, channels: 1 },
    parameterSets: [Uint8Array.of(0x14, 0x08)],
  },
  { id: 1, kind: 'audio', codec: 'opus', clockRate: 48_000, sampleRate: 48_000, channels: 2, parameterSets: [] },
];

/** Streams with picture and AAC, and with Opus. */
export const seeds: readonly Uint8Array[] = [smallStream(tracks.slice(0, 2)), smallStream(tracks.slice(2))];

function smallStream(carried: readonly Track[]): Uint8Array {
  const samples: Sample[] = [];
  for (let frame = 0; frame < 3; frame++) {
    for (const track of carried) {
      const dts = (frame * track.clockRate) / 25;
      const units = [
        Uint8Array.of(track.kind === 'video' && frame === 0 ? 0x65 : 0x41, ...new Array(200 * frame).fill(7)),
      ];
      samples.push({ track, dts, pts: dts, key: frame === 0, units, byteLength: 0, wallMs: 0, lost: 0 });
    }
  }
  return new TsMuxer(carried).write(samples);
}

/** Reads any bytes as a transport stream, whole and in pieces; throws only what is a defect of ours. */
export function fuzz(bytes: Uint8Array): void {
  for (const size of [pieceBytes, bytes.length]) {
    const demuxer = new TsDemuxer({ track: () => {}, unit: () => {} });
    for (let at = 0; at < bytes.length; at += size) demuxer.push(bytes.subarray(at, at + size));
    demuxer.flush();
  }
}
