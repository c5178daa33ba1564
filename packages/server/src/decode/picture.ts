import { joinAnnexB } from '@watchpost/media/codec/h264/annex-b.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';

/** Codecs of pictures that can be decoded. */
export type PictureCodec = 'h264' | 'h265' | 'mjpeg';

/** Coded pictures as a decoder wants them: a byte stream that begins with a key picture. */
export interface CodedPictures {
  readonly codec: PictureCodec;
  /** H.26x with start codes and parameter sets; one JPEG. */
  readonly bytes: Uint8Array;
  /** How many; the newest is the one that is wanted. */
  readonly count: number;
  /** Where in `bytes` each of them ends. */
  readonly ends: readonly number[];
}

/** True for codecs of `CodedPictures`. */
export function isPictureCodec(codec: string): codec is PictureCodec {
  return codec === 'h264' || codec === 'h265' || codec === 'mjpeg';
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
