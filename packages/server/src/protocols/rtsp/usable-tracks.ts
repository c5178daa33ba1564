import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import { redactUrl, type SourceUrl } from '@watchpost/base/source-url.ts';
import { createDepacketizer } from '@watchpost/media/rtp/depacketize/index-by-codec.ts';
import type { SdpSession } from '@watchpost/media/sdp/sdp.ts';
import { mediaLeftOut, type SdpTrack } from '@watchpost/media/sdp/tracks.ts';

/** The first usable video and the first usable sound are pulled: what a viewer would see and hear. */
export function isWanted(tracks: readonly SdpTrack[], index: number): boolean {
  const track = tracks[index];
  if (track === undefined || !isUsable(track)) return false;
  return tracks.findIndex((other) => isUsable(other) && other.track.kind === track.track.kind) === index;
}

/** Tells of pictures or sound that a camera sends and that are not taken: nothing else would say why it is mute. */
export function warnOfUnusable(
  tracks: readonly SdpTrack[],
  sdp: SdpSession | undefined,
  { logger, source }: { readonly logger: Logger; readonly source: SourceUrl },
): void {
  const unusable = tracks.filter((entry) => !entry.backChannel && !isUsable(entry));
  const unknown = sdp === undefined ? [] : mediaLeftOut(sdp).filter((name) => /^(audio|video)\//.test(name));
  const media = [...unusable.map((entry) => `${entry.track.kind}/${nameOf(entry)}`), ...unknown].join(', ');
  if (media === '') return;
  const cure = 'set its codec to H.264 or H.265, and its sound to AAC or G.711';
  logger.warn('The camera sends what this build does not take', { source: redactUrl(source.url), media, cure });
}

/** The error for a camera without any usable track. */
export function noUsableTrack(tracks: readonly SdpTrack[], sdp: SdpSession, source: SourceUrl): WatchpostError {
  const names = [...tracks.map(nameOf), ...mediaLeftOut(sdp)].join(', ');
  return new WatchpostError(
    names === ''
      ? 'The camera describes no video and no sound — check the path of the address'
      : `The camera sends ${names}, which this build does not take — set its codec to H.264 or H.265, and its sound to AAC or G.711`,
    { kind: 'unsupported', code: 'CODEC_UNSUPPORTED', context: { codecs: names, host: source.host } },
  );
}

function nameOf({ rtpmapName, track }: SdpTrack): string {
  return rtpmapName || track.codec;
}

function isUsable({ track, format, backChannel }: SdpTrack): boolean {
  return !backChannel && createDepacketizer(track, format, () => {}) !== undefined;
}
