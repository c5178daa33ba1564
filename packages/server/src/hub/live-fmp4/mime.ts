import { codecString } from '@watchpost/media/container/fmp4/codec-string.ts';
import type { Track } from '@watchpost/media/types.ts';

/** RFC 6381 codecs of tracks as they are carried, and the whole type for `MediaSource.isTypeSupported`. */
export function mimeType(tracks: readonly Track[]): { readonly codecs: string; readonly mime: string } {
  const codecs = codecString(tracks);
  const container = tracks.some((track) => track.kind === 'video') ? 'video/mp4' : 'audio/mp4';
  return { codecs, mime: `${container}; codecs="${codecs}"` };
}
