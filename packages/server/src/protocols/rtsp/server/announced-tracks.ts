import { latmConfigOf } from '@watchpost/media/rtp/depacketize/aac-latm.ts';
import { createDepacketizer } from '@watchpost/media/rtp/depacketize/index-by-codec.ts';
import type { SdpSession } from '@watchpost/media/sdp/sdp.ts';
import { type SdpTrack, tracksFromSdp } from '@watchpost/media/sdp/tracks.ts';

/**
 * What a client announces: the track of each medium that we take, by the medium's place in the description. These are
 * the first picture and the first sound that we can read; what else a client sends is dropped.
 */
export function announcedTracks(sdp: SdpSession): ReadonlyMap<number, SdpTrack> {
  const named = tracksFromSdp(sdp, latmConfigOf);
  const found = new Map<number, SdpTrack>();
  const kinds = new Set<string>();
  let next = 0;
  for (const [index, media] of sdp.media.entries()) {
    const track = named[next];
    // Media in a format without a name are missing among the tracks.
    if (track === undefined || track.control !== (media.control ?? '') || track.profile !== media.profile) continue;
    if (track.track.kind !== media.kind) continue;
    next++;
    if (kinds.has(track.track.kind) || !isUsable(track)) continue;
    kinds.add(track.track.kind);
    found.set(index, track);
  }
  return found;
}

function isUsable({ track, format, profile }: SdpTrack): boolean {
  return !profile.includes('SAVP') && createDepacketizer(track, format, () => {}) !== undefined;
}
