import type { Stream, Track } from '../api/types.ts';

/** Says whether media of a MIME type can be decoded. */
export type SupportCheck = (mime: string) => boolean;

/** Whether this browser decodes a MIME type by media source extensions. */
export const browserSupports: SupportCheck = (mime) => {
  const source = mediaSourceClass();
  return source?.isTypeSupported(mime) ?? false;
};

/** `ManagedMediaSource` on iPhones, which have no other; else `MediaSource`. Undefined where there is neither. */
export function mediaSourceClass(): typeof MediaSource | undefined {
  const scope = globalThis as { ManagedMediaSource?: typeof MediaSource; MediaSource?: typeof MediaSource };
  return scope.MediaSource ?? scope.ManagedMediaSource;
}

/** MIME type of the tracks as the live output carries them; null where no video track can be carried. */
export function liveMime(tracks: readonly Track[]): string | null {
  const video = tracks.find((track) => track.kind === 'video');
  if (video && video.mime_codec === null) return null;
  const codecs = tracks.flatMap((track) => (track.mime_codec === null ? [] : [track.mime_codec]));
  return codecs.length === 0 ? null : `video/mp4; codecs="${codecs.join(',')}"`;
}

/** Whether the tracks can be shown here. `unknown` while nothing is known of them. */
export function playability(tracks: readonly Track[], supports: SupportCheck): 'yes' | 'no' | 'unknown' {
  if (tracks.length === 0) return 'unknown';
  const video = tracks.find((track) => track.kind === 'video');
  if (!video) return tracks.some((track) => track.mime_codec !== null) ? 'yes' : 'no';
  if (video.mime_codec === null) return 'no';
  return supports(`video/mp4; codecs="${video.mime_codec}"`) ? 'yes' : 'no';
}

/** Which quality to show, and why it is not the one that was wanted. */
export interface QualityChoice {
  readonly streamId: string;
  readonly quality: 'main' | 'sub';
  /** The wanted quality cannot be decoded here; its codec. */
  readonly undecodable: string | null;
  readonly pictures: PicturesChoice;
}

/**
 * JPEG pictures that are shown in place of video: all that the camera sends, key pictures alone, or one now and then. Null:
 * video is shown, or nothing.
 */
export type PicturesChoice = 'all' | 'key' | 'stills' | null;

/** Chooses between a stream and its second quality: the wanted one, unless only the other can be decoded here. */
export function chooseQuality(
  main: Stream,
  sub: Stream | undefined,
  options: { wanted: 'main' | 'sub'; supports: SupportCheck },
): QualityChoice {
  const usableSub = sub && sub.state !== 'stopped' ? sub : undefined;
  const wanted = options.wanted === 'sub' && usableSub && usableSub.state !== 'offline' ? usableSub : main;
  const other = wanted === main ? usableSub : main;
  const name = (stream: Stream) => (stream === main ? 'main' : 'sub');
  if (playability(wanted.tracks, options.supports) !== 'no') {
    return { streamId: wanted.stream_id, quality: name(wanted), undecodable: null, pictures: null };
  }
  const codec = videoCodec(wanted);
  if (other && playability(other.tracks, options.supports) !== 'no')
    return { streamId: other.stream_id, quality: name(other), undecodable: codec, pictures: null };
  const pictures = picturesOf(wanted, options.wanted);
  return { streamId: wanted.stream_id, quality: name(wanted), undecodable: codec, pictures };
}

/** Pictures of MJPEG cameras are there as they are; those of others cost the server a decoder, so that only large views get them. */
function picturesOf(stream: Stream, wanted: 'main' | 'sub'): PicturesChoice {
  const isMjpeg = videoCodec(stream) === 'mjpeg';
  const isServed = stream.outputs.includes('mjpeg');
  if (wanted === 'sub' || !isServed) return isMjpeg ? 'stills' : null;
  const isLeftOut = stream.left_out.some(({ output, codec }) => output === 'mjpeg' && codec === videoCodec(stream));
  return isMjpeg ? 'all' : isLeftOut ? null : 'key';
}

function videoCodec({ tracks }: Stream): string {
  return tracks.find((track) => track.kind === 'video')?.codec ?? '';
}

/** Whether a stream goes through a video element: one that can be decoded, and the sound behind pictures. */
export function goesThroughVideo(stream: Stream, pictures: PicturesChoice, supports: SupportCheck): boolean {
  if (playability(stream.tracks, supports) !== 'no') return true;
  // Pictures without a MIME type are left out of the live output; others would come with the sound, and be refused.
  const isLeftOut = stream.tracks.some((track) => track.kind === 'video' && track.mime_codec === null);
  const hasSound = stream.tracks.some((track) => track.kind === 'audio' && track.mime_codec !== null);
  return pictures !== null && isLeftOut && hasSound;
}

/** A codec as people write it. */
export function codecLabel(codec: string): string {
  const labels: Readonly<Record<string, string>> = {
    h264: 'H.264',
    h265: 'H.265',
    av1: 'AV1',
    vp8: 'VP8',
    vp9: 'VP9',
    mjpeg: 'MJPEG',
    aac: 'AAC',
    opus: 'Opus',
    pcma: 'G.711 A',
    pcmu: 'G.711 µ',
    g726: 'G.726',
    l16: 'L16',
    mp3: 'MP3',
    flac: 'FLAC',
  };
  return labels[codec] ?? codec.toUpperCase();
}
