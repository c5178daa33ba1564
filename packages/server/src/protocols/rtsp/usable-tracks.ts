import { WatchpostError } from '@watchpost/base/errors.ts';
import type { SourceUrl } from '@watchpost/base/source-url.ts';
import { createDepacketizer } from '@watchpost/media/rtp/depacketize/index-by-codec.ts';
import type { SdpTrack } from '@watchpost/media/sdp/tracks.ts';

/** The first usable video and the first usable sound are pulled: what a viewer would see and hear. */
export function isWanted(tracks: readonly SdpTrack[], index: number): boolean {
  const track = tracks[index];
  if (track === undefined || !isUsable(track)) return false;
  return tracks.findIndex((other) => isUsable(other) && other.track.kind === track.track.kind) === index;
}

/** The error for a camera without any usable track; `others` are media that have no name here. */
export function noUsableTrack(
  tracks: readonly SdpTrack[],
  others: readonly string[],
  source: SourceUrl,
): WatchpostError {
  const names = [...tracks.map((entry) => entry.rtpmapName || entry.track.codec), ...others].join(', ');
  return new WatchpostError(
    names === ''
      ? 'The camera describes no video and no sound — check the path of the address'
      : `The camera sends ${names}, which this build does not take — set its codec to H.264 or H.265, and its sound to AAC or G.711`,
    { kind: 'unsupported', code: 'CODEC_UNSUPPORTED', context: { codecs: names, host: source.host } },
  );
}

function isUsable({ track, format, backChannel }: SdpTrack): boolean {
  return !backChannel && createDepacketizer(track, format, () => {}) !== undefined;
}
