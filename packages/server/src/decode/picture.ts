import { concatBytes } from '@watchpost/base/bytes.ts';
import { av1CHeadBytes } from '@watchpost/media/codec/av1/decoder-config.ts';
import { obuType, splitObus } from '@watchpost/media/codec/av1/obu.ts';
import { joinAnnexB } from '@watchpost/media/codec/h264/annex-b.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';

const pictureCodecs = ['h264', 'h265', 'av1', 'vp8', 'vp9', 'mjpeg'] as const;

/** Codecs of pictures that can be decoded. */
export type PictureCodec = (typeof pictureCodecs)[number];

/** Coded pictures as a decoder wants them: a byte stream that begins with a key picture. */
export interface CodedPictures {
  readonly codec: PictureCodec;
  /** H.26x with start codes and parameter sets; the others one picture after the other, one of AV1 with its sequence header. */
  readonly bytes: Uint8Array;
  /** How many are shown; the newest is the one that is wanted. */
  readonly count: number;
  /** Where in `bytes` each of them ends, also those that are not shown. */
  readonly ends: readonly number[];
}

/** True for codecs of `CodedPictures`. */
export function isPictureCodec(codec: string): codec is PictureCodec {
  return pictureCodecs.some((one) => one === codec);
}

const startCodeBytes = 4;

/** A key picture and those that follow it, in decode order. Copies: nothing of the samples is kept. Undefined for other codecs. */
export function codedPictures(track: Track, samples: readonly Sample[]): CodedPictures | undefined {
  const { codec } = track;
  if (!isPictureCodec(codec)) return undefined;
  if (codec === 'mjpeg') {
    const bytes = Uint8Array.from(samples.at(-1)?.units[0] ?? []);
    return { codec, bytes, count: 1, ends: [bytes.length] };
  }
  return codec === 'h264' || codec === 'h265'
    ? annexBPictures(codec, track, samples)
    : framedPictures(codec, track, samples);
}

function annexBPictures(codec: PictureCodec, track: Track, samples: readonly Sample[]): CodedPictures {
  const units = [...track.parameterSets];
  const ends: number[] = [];
  let end = 0;
  for (const unit of units) end += startCodeBytes + unit.length;
  for (const sample of samples) {
    for (const unit of sample.units) {
      units.push(unit);
      end += startCodeBytes + unit.length;
    }
    ends.push(end);
  }
  return { codec, bytes: joinAnnexB(units), count: samples.length, ends };
}

function framedPictures(codec: PictureCodec, track: Track, samples: readonly Sample[]): CodedPictures {
  const parts: Uint8Array[] = [];
  const ends: number[] = [];
  let end = 0;
  let count = 0;
  for (const { units } of samples) {
    for (const unit of units) {
      const header = codec === 'av1' && ends.length === 0 ? missingSequence(track, unit) : undefined;
      if (header !== undefined) parts.push(header);
      parts.push(unit);
      end += (header?.length ?? 0) + unit.length;
      // A frame of VP8 may be there for others only (RFC 6386 §9.1).
      if (codec !== 'vp8' || ((unit[0] ?? 0) & 0x10) !== 0) count++;
    }
    ends.push(end);
  }
  return { codec, bytes: concatBytes(parts), count, ends };
}

/** The sequence header of AV1 that a key picture from a file may not have. */
function missingSequence({ parameterSets: [record] }: Track, picture: Uint8Array): Uint8Array | undefined {
  return record === undefined || hasSequence(picture) ? undefined : record.subarray(av1CHeadBytes);
}

/** True also for what cannot be read: the decoder will tell. */
function hasSequence(picture: Uint8Array): boolean {
  try {
    return splitObus(picture).some(({ type }) => type === obuType.sequenceHeader);
  } catch {
    return true;
  }
}
