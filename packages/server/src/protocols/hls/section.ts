import { z } from 'zod';
import { costsReaders } from '../../config/change-cost.ts';
import type { ConfigSection } from '../../config/types.ts';
import { duration } from '../../config/values.ts';

/** `[protocols.hls]`. After a change playlists begin anew: players go on with a cut. */
export const hlsSection: ConfigSection = {
  name: 'hls',
  schema: z
    .strictObject({
      segment_duration: duration({ min: 1, max: 10 })
        .default(2)
        .describe('Segments end at the first key picture after so many seconds'),
      playlist_length: z
        .int()
        .min(3)
        .max(60)
        .default(5)
        .describe('Segments in the playlist; more where they are shorter than three target durations'),
      low_latency: z
        .boolean()
        .default(false)
        .describe('Low-Latency HLS: segments are told of in parts of about 0.35 s, players stay about a second behind'),
      enable_adaptive: z
        .boolean()
        .default(false)
        .describe('index.m3u8 of a camera with a second quality (sub_url) offers both, and players choose'),
    })
    .meta(costsReaders),
};

/** What `hlsSection` makes of the file. */
export interface HlsSettings {
  readonly segmentDurationMs: number;
  readonly playlistLength: number;
  readonly lowLatency: boolean;
  /** Cameras with two qualities have a multivariant playlist. */
  readonly adaptive: boolean;
}

/** The validated section in the units of the code; defaults where there is no section. */
export function hlsSettings(section: Readonly<Record<string, unknown>>): HlsSettings {
  const { segment_duration: seconds, playlist_length: playlistLength } = section;
  return {
    segmentDurationMs: typeof seconds === 'number' ? seconds * 1000 : 2000,
    playlistLength: typeof playlistLength === 'number' ? playlistLength : 5,
    lowLatency: section['low_latency'] === true,
    adaptive: section['enable_adaptive'] === true,
  };
}
