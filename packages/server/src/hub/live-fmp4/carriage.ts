import { codecString } from '@watchpost/media/container/fmp4/codec-string.ts';
import type { CodecName, Track } from '@watchpost/media/types.ts';

/** What an output cannot carry, and why; shown in the stream's details. */
export interface LeftOut {
  readonly output: string;
  readonly codec: CodecName;
  readonly reason: string;
}

const asIs: ReadonlySet<CodecName> = new Set<CodecName>(['h264', 'h265', 'av1', 'aac', 'opus', 'flac']);
const asFlac: ReadonlySet<CodecName> = new Set<CodecName>(['pcma', 'pcmu', 'l16']);

const reasons: Readonly<Partial<Record<CodecName, string>>> = {
  mjpeg: 'Browsers play no MJPEG in MP4: watch it with ?protocol=mjpeg, or set the camera to H.264',
  g726: 'G.726 is not decoded: set the camera to AAC or G.711',
  mp3: 'MP3 is not carried live: set the camera to AAC or G.711',
  vp8: 'Browsers play no VP8 in MP4: set the camera to H.264',
  vp9: 'VP9 is not carried in MP4 here: set the camera to H.264',
};

/** How live fMP4 carries a track: as it is, as FLAC (sound that browsers do not decode), or not at all. */
export function carriageOf(track: Track): 'as-is' | 'flac' | 'none' {
  if (track.kind === 'data') return 'none';
  if (asFlac.has(track.codec)) return 'flac';
  return asIs.has(track.codec) ? 'as-is' : 'none';
}

/** Tracks that the live fMP4 outputs (WebSocket and HLS) leave out; the others play without them. */
export function leftOut(tracks: readonly Track[]): LeftOut[] {
  return tracks
    .filter((track) => carriageOf(track) === 'none')
    .map((track) => ({
      output: 'fmp4',
      codec: track.codec,
      reason: reasons[track.codec] ?? `Live fMP4 does not carry ${track.codec}`,
    }));
}

/** RFC 6381 string of a track as live fMP4 carries it; null where it cannot, or while its parameter sets are not known. */
export function liveMimeCodec(track: Track): string | null {
  const carriage = carriageOf(track);
  if (carriage === 'none' || !isComplete(track)) return null;
  return carriage === 'flac' ? 'fLaC' : codecString([track]);
}

/** True once the track's codec data are known: H.26x, AV1 and AAC cannot be announced to a player without. */
export function isComplete(track: Track): boolean {
  if (track.codec === 'h264') return track.parameterSets.length >= 2;
  if (track.codec === 'h265') return track.parameterSets.length >= 3;
  return (track.codec !== 'aac' && track.codec !== 'av1') || track.parameterSets.length >= 1;
}
