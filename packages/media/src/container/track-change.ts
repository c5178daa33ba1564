import type { Sample, Track } from '../types.ts';

/**
 * True where a sample tells a muxer that goes by `known` tracks that they are others from here on: those of the stream,
 * `now`. Sound that comes or goes is taken in or left out at a key picture: up to there pictures go on as they did.
 */
export function bringsOtherTracks(sample: Sample, known: readonly Track[], now: readonly Track[]): boolean {
  const { track, key } = sample;
  const differ = now.length !== known.length && now.includes(track);
  if (known.includes(track)) return differ && key && track.kind === 'video';
  const isSoundOnly = differ && track.kind === 'audio' && known.length > 0;
  return !isSoundOnly || known.some((one) => !now.includes(one));
}
