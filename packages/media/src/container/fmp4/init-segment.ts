import { concatBytes } from '@watchpost/base/bytes.ts';
import type { Track } from '../../types.ts';
import { box, fullBox, u16, u32 } from './boxes.ts';
import { pictureSize, writeStsd } from './sample-entry.ts';

/** What `writeInitSegment` can be told. */
export interface InitSegmentOptions {
  /** A whole box between `ftyp` and `moov`: `writeIdentityBox`. */
  readonly identity?: Uint8Array;
}

const matrix = u32(0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000);
const movieTimescale = 1000;
const encoder = new TextEncoder();

/** MP4 track id of a track: ids of ours begin with 0, ids there with 1 (ISO/IEC 14496-12 §8.3.2). */
export function mp4TrackId(track: Track): number {
  return track.id + 1;
}

/**
 * `ftyp` and `moov` of a fragmented file (ISO/IEC 14496-12 §8.8): no samples, their durations come with the fragments.
 * Timescale of a track is its `clockRate`. Throws `unsupported` for a codec without a sample entry (see `isFmp4Codec`),
 * `unavailable` where parameter sets are missing, `malformed` where they are damaged.
 */
export function writeInitSegment(tracks: readonly Track[], options: InitSegmentOptions = {}): Uint8Array {
  const ftyp = box('ftyp', encoder.encode('iso5'), u32(512), encoder.encode('iso5iso6mp41'));
  const nextId = tracks.reduce((most, track) => Math.max(most, mp4TrackId(track)), 0) + 1;
  const mvhd = fullBox(
    'mvhd',
    0,
    0,
    u32(0, 0, movieTimescale, 0, 0x0001_0000, 0x0100_0000, 0, 0),
    matrix,
    u32(0, 0, 0, 0, 0, 0, nextId),
  );
  const mvex = box('mvex', ...tracks.map((track) => fullBox('trex', 0, 0, u32(mp4TrackId(track), 1, 0, 0, 0))));
  const moov = box('moov', mvhd, ...tracks.map(writeTrak), mvex);
  return concatBytes(options.identity === undefined ? [ftyp, moov] : [ftyp, options.identity, moov]);
}

function writeTrak(track: Track): Uint8Array {
  const isVideo = track.kind === 'video';
  const { width, height } = isVideo ? pictureSize(track) : { width: 0, height: 0 };
  const place = u16(0, 0, isVideo ? 0 : 0x0100, 0);
  const tkhd = fullBox('tkhd', 0, 7, u32(0, 0, mp4TrackId(track), 0, 0, 0, 0), place, matrix, u16(width, 0, height, 0));
  const mdhd = fullBox('mdhd', 0, 0, u32(0, 0, track.clockRate, 0), u16(0x55c4, 0));
  const name = encoder.encode(isVideo ? 'video\0' : 'audio\0');
  const hdlr = fullBox('hdlr', 0, 0, u32(0), encoder.encode(isVideo ? 'vide' : 'soun'), u32(0, 0, 0), name);
  const header = isVideo ? fullBox('vmhd', 0, 1, u16(0, 0, 0, 0)) : fullBox('smhd', 0, 0, u32(0));
  const dinf = box('dinf', fullBox('dref', 0, 0, u32(1), fullBox('url ', 0, 1)));
  const stbl = box(
    'stbl',
    writeStsd(track),
    fullBox('stts', 0, 0, u32(0)),
    fullBox('stsc', 0, 0, u32(0)),
    fullBox('stsz', 0, 0, u32(0, 0)),
    fullBox('stco', 0, 0, u32(0)),
  );
  return box('trak', tkhd, box('mdia', mdhd, hdlr, box('minf', header, dinf, stbl)));
}
