import { codecString } from '@watchpost/media/container/fmp4/codec-string.ts';
import { type PlaylistVariant, writeMultivariantPlaylist } from '@watchpost/media/playlist/m3u8.ts';
import type { Track } from '@watchpost/media/types.ts';
import { isComplete, liveMimeCodec } from '../../hub/live-fmp4/carriage.ts';
import type { Stream } from '../../hub/stream.ts';
import { type Container, fittingContainer, segmentLeftOut } from './container.ts';

/** What a stream of a camera is in its multivariant playlist; a folder in the address. */
export type Quality = 'main' | 'sub';

/** One of them. */
export interface Rendition {
  readonly quality: Quality;
  readonly stream: Stream;
  /** Highest bit rate of its segments, bits a second; 0 while there are none. */
  readonly peakBitrate: number;
}

/** A peak that is not known yet, as a multiple of the usual bit rate, and where nothing at all is known. */
const peakShare = 2;
const guessedBitrates: Readonly<Record<Quality, number>> = { main: 4_000_000, sub: 500_000 };

/** The container that fits all of them: players change between like and like. */
export function sharedContainer(renditions: readonly Pick<Rendition, 'stream'>[]): Container {
  return renditions.every(({ stream }) => fittingContainer(stream.tracks) === 'ts') ? 'ts' : 'fmp4';
}

/**
 * Text of the playlist of playlists (RFC 8216 §4.3.4): the better quality first. `query` is put behind each address. A
 * quality that is away is left out while another is there; one that this player has just woken is not: the list is read once.
 */
export function writeVariants(renditions: readonly Rendition[], container: Container, query: string): string {
  const isThere = ({ stream: { state, reason, tracks } }: Rendition) =>
    state === 'online' ||
    state === 'on_demand' ||
    (state === 'connecting' && reason === undefined && tracks.length > 0);
  const there = renditions.filter(isThere);
  const listed = there.length > 0 ? there : renditions;
  const variants = listed.map((rendition) => variantOf(rendition, bandwidthOf(rendition, listed), container, query));
  return writeMultivariantPlaylist({ variants });
}

/**
 * Players take the variant with the highest bit rate they can for the best one: a guess stays on its side of what is known of
 * the other quality.
 */
function bandwidthOf(rendition: Rendition, listed: readonly Rendition[]): number {
  const known = knownBitrate(rendition);
  if (known > 0) return known;
  const guess = guessedBitrates[rendition.quality];
  const other = Math.max(0, ...listed.map(knownBitrate));
  if (other === 0) return guess;
  return rendition.quality === 'sub' ? Math.min(guess, Math.ceil(other / 2)) : Math.max(guess, other * 2);
}

/** What is known of its highest bit rate; 0 where nothing is. */
function knownBitrate({ stream: { meter }, peakBitrate }: Rendition): number {
  return peakBitrate > 0 ? peakBitrate : meter.bitrate * peakShare;
}

function variantOf(rendition: Rendition, bandwidth: number, container: Container, query: string): PlaylistVariant {
  const { quality, stream } = rendition;
  const tracks = container === 'fmp4' ? stream.sendingTracks : stream.tracks;
  const carried = tracks.filter((track) => segmentLeftOut(container, track) === undefined);
  const video = carried.find(({ kind }) => kind === 'video');
  const codecs = carried.map((track) => codecOf(track, container));
  const { width, height, fps } = video ?? {};
  return {
    uri: `${quality}/index.m3u8${query}`,
    bandwidth,
    ...(codecs.length > 0 && codecs.every((codec) => codec !== '') && { codecs: codecs.join(',') }),
    ...(width !== undefined && height !== undefined && { width, height }),
    ...(fps !== undefined && fps > 0 && { fps }),
  };
}

/** RFC 6381 string; empty while the codec data are not known. */
function codecOf(track: Track, container: Container): string {
  if (!isComplete(track)) return '';
  return container === 'fmp4' ? (liveMimeCodec(track) ?? '') : codecString([track]);
}
