import { tsLeftOut } from '@watchpost/media/container/mpeg-ts/carriage.ts';
import type { Track } from '@watchpost/media/types.ts';
import { leftOut } from '../../hub/live-fmp4/carriage.ts';

/** What segments are made of. */
export type Container = 'ts' | 'fmp4';

/** Ending of the names of segments. */
export const suffixOf: Readonly<Record<Container, string>> = { ts: 'ts', fmp4: 'm4s' };

/** Why segments of this kind cannot carry a track; undefined where they can. */
export function segmentLeftOut(container: Container, track: Track): string | undefined {
  if (container === 'fmp4') return leftOut([track])[0]?.reason;
  // ISO/IEC 13818-1 would carry it, but no player of HLS looks for it there.
  if (track.codec === 'opus') return 'Players of HLS know no Opus in MPEG-TS: ask for ?container=fmp4';
  return tsLeftOut(track);
}

/** MPEG-TS where it carries all that is to be seen and heard, fMP4 for all others. */
export function fittingContainer(tracks: readonly Track[]): Container {
  const media = tracks.filter((track) => track.kind !== 'data');
  const isSingle = (kind: Track['kind']) => media.filter((track) => track.kind === kind).length <= 1;
  const fitsTs = media.every((track) => segmentLeftOut('ts', track) === undefined);
  return fitsTs && isSingle('video') && isSingle('audio') ? 'ts' : 'fmp4';
}

/** Why HLS, in the container that fits best, cannot carry a track. */
export function hlsLeftOut(track: Track): string | undefined {
  return segmentLeftOut('ts', track) === undefined ? undefined : segmentLeftOut('fmp4', track);
}
