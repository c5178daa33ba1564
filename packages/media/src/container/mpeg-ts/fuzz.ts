import { writeU32 } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Sample, Track } from '../../types.ts';
import { crc32Mpeg } from './crc32.ts';
import { TsDemuxer } from './demuxer.ts';
import { TsMuxer } from './muxer.ts';
import { parsePat, parsePmt } from './tables.ts';
import { TsTrackReader } from './track-reader.ts';

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

/** Reads any bytes as a transport stream, whole and in pieces, as tables and as elementary streams; throws only what is a defect of ours. */
export function fuzz(bytes: Uint8Array): void {
  for (const size of [pieceBytes, bytes.length]) {
    const demuxer = new TsDemuxer(nothing);
    for (let at = 0; at < bytes.length; at += size) demuxer.push(bytes.subarray(at, at + size));
    demuxer.flush();
  }
  // With the right checksum, which chance never finds.
  const table = new Uint8Array(bytes.length + 4);
  table.set(bytes);
  writeU32(table, bytes.length, crc32Mpeg(table, 0, bytes.length));
  for (const tableId of [0, 2]) {
    attempt(() => parsePat(withTableId(table, tableId)));
    attempt(() => parsePmt(withTableId(table, tableId)));
  }
  for (const codec of ['h264', 'h265', 'aac', 'opus', 'mp3'] as const) {
    const reader = new TsTrackReader({ pid: 1, streamType: 6, codec, channels: 2 }, nothing, { ticks: undefined });
    for (let part = 0; part < 2; part++) {
      attempt(() => reader.read({ pts: part, dts: part, randomAccess: true, payload: bytes }));
    }
  }
}

const nothing = { track: () => {}, unit: () => {} };

function withTableId(table: Uint8Array, tableId: number): Uint8Array {
  const bytes = table.slice();
  bytes[0] = tableId;
  if (bytes.length > 8) bytes[5] = 0xc1;
  writeU32(bytes, bytes.length - 4, crc32Mpeg(bytes, 0, bytes.length - 4));
  return bytes;
}

function attempt(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof WatchpostError) || error.kind !== 'malformed') throw error;
  }
}
