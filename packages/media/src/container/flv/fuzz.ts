import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Sample, Track } from '../../types.ts';
import { readAmf0 } from './amf0.ts';
import { readAmf3 } from './amf3.ts';
import { flvTagType } from './codes.ts';
import { FlvDemuxer } from './demuxer.ts';
import { FlvMuxer } from './muxer.ts';
import { FlvTagReader } from './tag-reader.ts';

const pieceBytes = 97;
const nothing = { track: () => {}, unit: () => {}, script: () => {} };

/** A sound track that needs no codec data, and one that does. */
const tracks: readonly Track[] = [
  { id: 0, kind: 'video', codec: 'vp9', clockRate: 90_000, parameterSets: [Uint8Array.of(1, 0, 10, 0x82)] },
  {
    ...{ id: 1, kind: 'audio', codec: 'aac', clockRate: 16_000, sampleRate: 16_000, channels: 1 },
    parameterSets: [Uint8Array.of(0x14, 0x08)],
  },
];

/** A small file with picture, sound and metadata, and a script body. */
export const seeds: readonly Uint8Array[] = [
  smallFile(),
  Uint8Array.of(2, 0, 1, 97, 8, 0, 0, 0, 1, 0, 1, 98, 5, 0, 0, 9),
];

function smallFile(): Uint8Array {
  const muxer = new FlvMuxer(tracks);
  const file = [...muxer.begin({ videoMs: 0, audioMs: 0 }, { fileHeader: true })];
  for (const track of tracks) {
    const units = [Uint8Array.of(0x65, 1, 2, 3)];
    const sample: Sample = { track, dts: 0, pts: 0, key: true, units, byteLength: 4, wallMs: 0, lost: 0 };
    file.push(...muxer.tag(sample)!);
  }
  return Uint8Array.from(file);
}

/** Reads any bytes as a file, as one tag of each kind, and as AMF0; throws only what is a defect of ours. */
export function fuzz(bytes: Uint8Array): void {
  attempt(() => {
    const demuxer = new FlvDemuxer(nothing);
    for (let at = 0; at < bytes.length; at += pieceBytes) demuxer.push(bytes.subarray(at, at + pieceBytes));
  });
  const reader = new FlvTagReader(nothing);
  for (const tagType of [flvTagType.video, flvTagType.audio, flvTagType.script]) {
    attempt(() => reader.read(tagType, 0, bytes));
  }
  attempt(() => readAmf0(bytes, 0, readAmf3));
}

function attempt(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof WatchpostError) || error.kind !== 'malformed') throw error;
  }
}
