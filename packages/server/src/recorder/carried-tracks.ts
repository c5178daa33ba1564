import { codecString } from '@watchpost/media/container/fmp4/codec-string.ts';
import { isFmp4Codec } from '@watchpost/media/container/fmp4/sample-entry.ts';
import type { CodecName, Track } from '@watchpost/media/types.ts';
import type { SegmentTrack } from '../catalog/types.ts';

/** A track that a recording leaves out, with the reason for the stream's details. */
export interface LeftOutTrack {
  readonly track: Track;
  readonly reason: string;
}

/** What of a stream goes into its recordings. */
export interface CarriedTracks {
  /** Video first. */
  readonly tracks: readonly Track[];
  readonly leftOut: readonly LeftOutTrack[];
  /** Gives fragments their time: the first video track, else the first. */
  readonly lead: Track | undefined;
}

const reasons: Readonly<Partial<Record<CodecName, string>>> = {
  vp8: 'MP4 recordings hold no VP8: set the camera to H.264 or H.265',
  vp9: 'MP4 recordings hold no VP9: set the camera to H.264 or H.265',
  g726: 'MP4 has no place for G.726: set the camera to AAC or G.711',
  l16: 'MP4 recordings hold no raw samples, and recording never encodes: set the camera to AAC or G.711',
};

/** Sorts tracks into what the container holds, and what it does not or cannot yet. */
export function carriedTracks(tracks: readonly Track[]): CarriedTracks {
  const carried: Track[] = [];
  const leftOut: LeftOutTrack[] = [];
  for (const track of tracks) {
    const reason = whyNot(track, carried);
    if (reason === undefined) carried.push(track);
    else leftOut.push({ track, reason });
  }
  carried.sort((a, b) => Number(b.kind === 'video') - Number(a.kind === 'video'));
  return { tracks: carried, leftOut, lead: carried[0] };
}

/** The same for rows and API. */
export function describeTracks(tracks: readonly Track[]): SegmentTrack[] {
  return tracks.map(({ kind, codec, width, height, sampleRate, channels }) => ({
    kind,
    codec,
    ...(width === undefined ? {} : { width }),
    ...(height === undefined ? {} : { height }),
    ...(sampleRate === undefined ? {} : { sampleRate }),
    ...(channels === undefined ? {} : { channels }),
  }));
}

function whyNot(track: Track, carried: readonly Track[]): string | undefined {
  if (track.kind === 'data') return 'MP4 recordings hold video and audio only';
  if (!isFmp4Codec(track.codec)) return reasons[track.codec] ?? `MP4 recordings cannot hold ${track.codec}`;
  if (track.kind === 'video' && carried.some((other) => other.kind === 'video'))
    return 'a second video track is not recorded';
  try {
    codecString([track]);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
