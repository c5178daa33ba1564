import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { ServedPosition, ServedTrack } from '@watchpost/media/rtsp/server.ts';
import type { RtpOutput } from './rtp-output.ts';
import type { RtpChunk } from './track-writer.ts';

/** Players take what comes before the time of `RTP-Info` for the past: pictures in another order than they are shown in must not. */
const reorderMs = 100;

/** Sends one stream to one client. */
export interface Player {
  /** Takes a place in the stream; what `RTP-Info` says of it. Nothing is sent yet. */
  open(output: RtpOutput, tracks: readonly ServedTrack[]): readonly ServedPosition[];
  /** Sends what is there and what comes. */
  start(): void;
  /** Sends a track no more. */
  drop(trackIndex: number): void;
  /** Where the end of the connection does not tell: nothing more comes (RFC 3550 §6.6). Before `stop`. */
  bye?(): void;
  /** Gives the place up; `open` takes another. */
  stop(): void;
}

/** Counts over all players, for statistics. */
export interface PlayerCounts {
  players: number;
  playersTotal: number;
  bytesSent: number;
  stuckPlayers: number;
}

/** What a player is told. */
export interface PlayerOptions {
  readonly counts: PlayerCounts;
  /** The stream is gone, or the client takes nothing. */
  readonly onEnd: (reason: WatchpostError) => void;
}

/** `RTP-Info` for a player that begins with `first`: one moment of the stream for all tracks, or nothing where nothing is cached. */
export function positionsOf(
  output: RtpOutput,
  tracks: readonly ServedTrack[],
  first: readonly RtpChunk[],
): readonly ServedPosition[] {
  if (first.length === 0) return [];
  const startMs = first.reduce((min, chunk) => Math.min(min, chunk.ptsMs), Number.POSITIVE_INFINITY) - reorderMs;
  return tracks.flatMap(({ trackIndex }) => {
    const position = output.position(trackIndex, startMs);
    if (position === undefined) return [];
    const sequence = first.find((chunk) => chunk.trackIndex === trackIndex)?.sequence ?? position.sequence;
    return [{ trackIndex, sequence, rtpTime: position.rtpTime }];
  });
}

/** One bit for each track that the client set up. */
export function maskOf(tracks: readonly ServedTrack[]): number {
  return tracks.reduce((mask, { trackIndex }) => mask | (1 << trackIndex), 0);
}
