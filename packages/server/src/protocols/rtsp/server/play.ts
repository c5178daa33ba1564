import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { PlayAnswer, ServedPosition, ServedTrack } from '@watchpost/media/rtsp/server.ts';
import type { PlayRequest } from '@watchpost/media/rtsp/server-play.ts';
import type { RtspServerSession } from '@watchpost/media/rtsp/server-session.ts';
import type { UdpTrack } from './udp-track.ts';

/** A client that plays something: a stream or recordings. */
export interface Play {
  readonly rtsp: RtspServerSession;
  /** By track; empty over TCP and multicast. */
  readonly udp: Map<number, UdpTrack>;
  /** The client gave a sign of life. */
  heard(): void;
  /** Why it cannot be played as it was described; undefined where it can. */
  whyStale(): WatchpostError | undefined;
  /** Takes a place; what `RTP-Info` says of it. */
  open(tracks: readonly ServedTrack[]): readonly ServedPosition[];
  /** Where it can be sought in, instead of `open`. */
  prepare?(play: PlayRequest): Promise<PlayAnswer>;
  start(): void;
  pause(): void;
  /** The client wants this track no more; the others go on. */
  drop(trackIndex: number): void;
  /** Once a second, over UDP: why the client is given up, if it is silent. */
  tick(nowMs: number): WatchpostError | undefined;
  /** Over, for a reason of what is played. */
  end(reason: WatchpostError): void;
  close(): void;
}
