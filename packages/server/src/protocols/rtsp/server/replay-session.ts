import type { Socket } from 'node:net';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { type RtspRange, writeRange } from '@watchpost/media/rtsp/range.ts';
import type { PlayAnswer, ServedDescription } from '@watchpost/media/rtsp/server.ts';
import type { PlayRequest } from '@watchpost/media/rtsp/server-play.ts';
import type { RtspServerSession } from '@watchpost/media/rtsp/server-session.ts';
import type { RecordedSource } from '../../../catalog/recorded-source.ts';
import type { Grant } from '../../../hub/types.ts';
import type { Play } from './play.ts';
import { maxTcpPacketBytes, maxUdpPacketBytes, silentAfterMs } from './play-session.ts';
import type { RecordedTarget } from './recorded-target.ts';
import { ReplayPlayer } from './replay-player.ts';
import { TcpReplaySink, UdpReplaySink } from './replay-sinks.ts';
import { describeStream, type PlayedTrack, playedTracks } from './served-tracks.ts';
import type { ServerParts } from './server-parts.ts';
import type { UdpTrack } from './udp-track.ts';

/** From 1900 to 1970. No recording is as long as that. */
const ntpEpochMs = 2_208_988_800_000;

/**
 * Wall clock at `npt=0`. GStreamer's rtspsrc (1.22) reads a range of wall clock times from the description and asks for
 * it as `npt`, in seconds since 1900.
 */
function nptOrigin(range: RtspRange | undefined, baseMs: number): number {
  const isSince1900 = (range?.startMs ?? range?.endMs ?? 0) >= ntpEpochMs;
  return isSince1900 ? -ntpEpochMs : baseMs;
}

/** What is played: recordings of a stream, as they were described. */
export interface ReplayScope {
  readonly target: RecordedTarget;
  readonly tracks: readonly PlayedTrack[];
  /** Second 0 of `npt`. */
  readonly baseMs: number;
}

/** Looks what is recorded. Throws `not_found`, `unsupported` (`REPLAY_CODEC`). */
export async function describeRecordings(
  source: RecordedSource,
  target: RecordedTarget,
): Promise<{ readonly scope: ReplayScope; readonly description: ServedDescription }> {
  const { tracks: found, startMs, endMs } = await source.describe(target.streamId, target.startMs ?? 0);
  const tracks = playedTracks(found);
  if (tracks.length === 0)
    throw new WatchpostError('RTSP carries none of what is recorded', { kind: 'unsupported', code: 'REPLAY_CODEC' });
  const baseMs = target.startMs ?? startMs;
  // A part of a day is a film to players; all that there is, a line of wall clock time.
  const range: RtspRange =
    target.startMs === undefined
      ? { unit: 'clock', startMs, endMs: target.endMs ?? endMs }
      : { unit: 'npt', startMs: 0, endMs: (target.endMs ?? endMs) - baseMs };
  const sdp = describeStream(tracks, target.streamId, [['range', writeRange(range)]]);
  return {
    scope: { target, tracks, baseMs },
    description: { sdp, trackCount: tracks.length, seekable: true },
  };
}

/** What a `ReplaySession` is made of. */
export interface ReplaySessionOptions {
  readonly rtsp: RtspServerSession;
  readonly scope: ReplayScope;
  readonly grant: Grant;
  readonly source: RecordedSource;
  readonly socket: Socket;
  readonly parts: Pick<ServerParts, 'clock' | 'counts'>;
  readonly onEnd: (reason: WatchpostError) => void;
}

/** One client that plays recordings: PLAY, PAUSE and seeks until its end. */
export class ReplaySession implements Play {
  readonly rtsp: RtspServerSession;
  readonly udp = new Map<number, UdpTrack>();
  readonly #options: ReplaySessionOptions;
  readonly #forgetGrant: () => void;
  #player: ReplayPlayer | undefined;
  #heardMs: number;
  #plays = false;

  constructor(options: ReplaySessionOptions) {
    this.rtsp = options.rtsp;
    this.#options = options;
    this.#heardMs = options.parts.clock.monotonicMs();
    this.#forgetGrant = options.grant.onEnd((reason) => this.end(reason));
  }

  heard(): void {
    this.#heardMs = this.#options.parts.clock.monotonicMs();
  }

  whyStale(): undefined {
    return undefined;
  }

  open(): readonly never[] {
    return [];
  }

  async prepare(play: PlayRequest): Promise<PlayAnswer> {
    const { scope, source, parts } = this.#options;
    const scale = play.scale ?? 1;
    if (play.range?.fromNow && scale > 0) throw notLive(scope.target.streamId);
    this.#count(false);
    this.#player ??= new ReplayPlayer({
      clock: parts.clock,
      source,
      tracks: scope.tracks,
      maxPacketBytes: this.udp.size > 0 ? maxUdpPacketBytes : maxTcpPacketBytes,
      onBytes: (bytes) => {
        parts.counts.bytesSent += bytes;
      },
      onFailure: (reason) => this.end(reason),
    });
    const { startMs, endMs } = this.#bounds(play, scale);
    const indexes = this.rtsp.tracks.map(({ trackIndex }) => trackIndex);
    const { clientPaced, keysOnly, keyIntervalMs, replayCseq } = play;
    const order = { ...{ streamId: scope.target.streamId, startMs, endMs, scale, clientPaced, keysOnly } };
    const start = await this.#player.prepare(
      {
        ...order,
        ...(keyIntervalMs !== undefined && { keyIntervalMs }),
        ...(replayCseq !== undefined && { cseq: replayCseq }),
      },
      indexes,
    );
    return { range: this.#rangeOf(play, start.wallMs, endMs), scale, positions: start.positions };
  }

  start(): void {
    this.#count(true);
    const { socket, parts } = this.#options;
    this.#player?.start(
      this.udp.size > 0 ? new UdpReplaySink(this.udp, parts.clock) : new TcpReplaySink(socket, parts.clock),
    );
  }

  pause(): void {
    this.#count(false);
    this.#player?.stop();
  }

  drop(trackIndex: number): void {
    this.udp.get(trackIndex)?.close();
    this.udp.delete(trackIndex);
    this.#player?.drop(trackIndex);
  }

  tick(nowMs: number): WatchpostError | undefined {
    if (this.udp.size === 0 || nowMs - this.#heardMs < silentAfterMs) return undefined;
    return new WatchpostError('the player sent neither requests nor reports for 60 s', {
      kind: 'timeout',
      code: 'RTSP_SESSION_TIMEOUT',
    });
  }

  end(reason: WatchpostError): void {
    if (this.udp.size > 0) this.#player?.bye();
    this.#options.onEnd(reason);
  }

  close(): void {
    this.#forgetGrant();
    this.pause();
    for (const track of this.udp.values()) track.close();
    this.udp.clear();
  }

  #bounds({ range }: PlayRequest, scale: number): { startMs: number; endMs: number } {
    const { target, baseMs } = this.#options.scope;
    const originMs = range?.unit === 'npt' ? nptOrigin(range, baseMs) : 0;
    const toWall = (ms: number | undefined) => (ms === undefined ? undefined : originMs + ms);
    const position = this.#player?.positionMs;
    const far = scale < 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    const first = scale < 0 ? (target.endMs ?? Number.POSITIVE_INFINITY) : baseMs;
    const last = scale < 0 ? (target.startMs ?? far) : (target.endMs ?? far);
    const open = range?.fromNow ? first : (position ?? first);
    return { startMs: toWall(range?.startMs) ?? open, endMs: toWall(range?.endMs) ?? last };
  }

  /** In the words of the request, or of the description where it had none. */
  #rangeOf({ range, scale = 1 }: PlayRequest, wallMs: number, endMs: number): RtspRange {
    const { target, baseMs } = this.#options.scope;
    const unit = range?.unit ?? (target.startMs === undefined ? 'clock' : 'npt');
    const origin = unit === 'npt' ? nptOrigin(range, baseMs) : 0;
    // Second 0 is the first picture where it comes before what was asked for: GStreamer plays no longer than the range.
    const shift = unit === 'npt' ? Math.max(0, origin - wallMs) : 0;
    const [start, last] = [wallMs - origin + shift, endMs - origin + shift];
    const end = scale < 0 ? Math.min(start, Math.max(0, last)) : Math.max(start, last);
    return { unit, startMs: start, ...(Number.isFinite(endMs) && { endMs: end }) };
  }

  #count(plays: boolean): void {
    if (plays === this.#plays) return;
    this.#plays = plays;
    const { counts } = this.#options.parts;
    counts.players += plays ? 1 : -1;
    if (plays) counts.playersTotal++;
  }
}

/** RFC 2326 §3.6: `now` is for live events only. Backwards it is where a recording ends. */
function notLive(streamId: string): WatchpostError {
  return new WatchpostError(
    `recordings have no "now" - play /live/${streamId}, or ask for a time: clock=20261120T114900Z-`,
    { kind: 'invalid_argument', code: 'REPLAY_NOT_LIVE' },
  );
}
