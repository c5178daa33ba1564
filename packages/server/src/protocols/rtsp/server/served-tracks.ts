import type { SdpSession } from '@watchpost/media/sdp/sdp.ts';
import { describeTracks } from '@watchpost/media/sdp/write.ts';
import type { CodecName, Track } from '@watchpost/media/types.ts';

/** Payload types that the profile fixes (RFC 3551 §6), for 8 kHz and one channel. */
const staticPayloadTypes: Readonly<Partial<Record<CodecName, number>>> = { pcmu: 0, pcma: 8 };
const firstDynamicType = 96;
const codecs: ReadonlySet<CodecName> = new Set(['h264', 'h265', 'aac', 'opus', 'pcma', 'pcmu', 'g726', 'l16']);

/** A track of a stream as players get it. */
export interface PlayedTrack {
  readonly track: Track;
  readonly payloadType: number;
}

/** Why RTSP players cannot get the track; undefined where they can. */
export function leftOut(track: Track): string | undefined {
  return codecs.has(track.codec) ? undefined : `RTSP players get no ${track.codec.toUpperCase()} from this build`;
}

/** The tracks that players get, in their order, which is that of `trackID=`. */
export function playedTracks(tracks: readonly Track[]): readonly PlayedTrack[] {
  return tracks
    .filter((track) => leftOut(track) === undefined)
    .map((track, index) => {
      const isNarrow = track.clockRate === 8000 && (track.channels ?? 1) === 1;
      const fixed = isNarrow ? staticPayloadTypes[track.codec] : undefined;
      return { track, payloadType: fixed ?? firstDynamicType + index };
    });
}

/** Equal for streams that one description fits: pictures may change their size, codecs may not change. */
export function signatureOf(tracks: readonly PlayedTrack[]): string {
  return tracks
    .map(({ track, payloadType }) => {
      const config = track.codec === 'aac' ? track.parameterSets.join() : '';
      return [track.id, track.codec, payloadType, track.clockRate, track.channels, config].join(' ');
    })
    .join(';');
}

/** The description (RFC 2326 appendix C); track N has `a=control:trackID=N`. */
export function describeStream(tracks: readonly PlayedTrack[], title: string): SdpSession {
  const name = title.replaceAll(/[\r\n]+/g, ' ').trim();
  return describeTracks(
    tracks.map((played, index) => ({ ...played, control: `trackID=${index}` })),
    name === '' ? {} : { name },
  );
}
