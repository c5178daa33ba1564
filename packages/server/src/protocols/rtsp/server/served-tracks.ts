import { rtpClockRate } from '@watchpost/media/rtp/clock-rate.ts';
import type { SdpSession } from '@watchpost/media/sdp/sdp.ts';
import { describeTracks } from '@watchpost/media/sdp/write.ts';
import type { CodecName, Track } from '@watchpost/media/types.ts';

/** Payload types that the profile fixes (RFC 3551 §6): codec, clock and channels. */
const staticPayloadTypes: Readonly<Record<string, number>> = {
  'pcmu 8000 1': 0,
  'pcma 8000 1': 8,
  'l16 44100 2': 10,
  'l16 44100 1': 11,
};
/** The same whatever the picture or sound is. */
const fixedPayloadTypes: Readonly<Partial<Record<CodecName, number>>> = { mp3: 14, mjpeg: 26 };
const firstDynamicType = 96;
const codecs: ReadonlySet<CodecName> = new Set([
  'h264',
  'h265',
  'av1',
  'vp8',
  'vp9',
  'mjpeg',
  'aac',
  'opus',
  'pcma',
  'pcmu',
  'g726',
  'l16',
  'mp3',
]);

/** A track of a stream as players get it. */
export interface PlayedTrack {
  readonly track: Track;
  readonly payloadType: number;
  /** Of its RTP time stamps, Hz. */
  readonly clockRate: number;
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
      const { codec, channels = 1 } = track;
      const clockRate = rtpClockRate(track);
      const fixed = fixedPayloadTypes[codec] ?? staticPayloadTypes[`${codec} ${clockRate} ${channels}`];
      return { track, payloadType: fixed ?? firstDynamicType + index, clockRate };
    });
}

/**
 * Equal for streams that one description fits, whichever source they come from: pictures may change their size, codecs may
 * not change.
 */
export function signatureOf(tracks: readonly PlayedTrack[]): string {
  return tracks
    .map(({ track, payloadType, clockRate }) => {
      const config = track.codec === 'aac' ? track.parameterSets.map(aacCore).join() : '';
      return [track.encoding ?? track.codec, payloadType, clockRate, track.channels, config].join(' ');
    })
    .join(';');
}

/** An AudioSpecificConfig without what some encoders write behind that of AAC-LC (ISO/IEC 14496-3 §1.6.2.1). */
function aacCore(config: Uint8Array): Uint8Array {
  const isLowComplexity = config[0]! >> 3 === 2;
  const hasRateInFull = (((config[0]! & 7) << 1) | (config[1]! >> 7)) === 15;
  return isLowComplexity && !hasRateInFull ? config.subarray(0, 2) : config;
}

/** The description (RFC 2326 appendix C); track N has `a=control:trackID=N`. */
export function describeStream(
  tracks: readonly PlayedTrack[],
  title: string,
  attributes: SdpSession['attributes'] = [],
): SdpSession {
  const name = title.replaceAll(/[\r\n]+/g, ' ').trim();
  return describeTracks(
    tracks.map((played, index) => ({ ...played, control: `trackID=${index}` })),
    { attributes, ...(name !== '' && { name }) },
  );
}
