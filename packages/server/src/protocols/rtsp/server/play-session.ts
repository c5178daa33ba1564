import type { Socket } from 'node:net';
import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { ServedPosition, ServedTrack } from '@watchpost/media/rtsp/server.ts';
import type { RtspServerSession } from '@watchpost/media/rtsp/server-session.ts';
import type { Stream } from '../../../hub/stream.ts';
import type { Grant } from '../../../hub/types.ts';
import { noSuchStream } from './gatekeeper.ts';
import type { MulticastSeat } from './multicast-groups.ts';
import type { Play } from './play.ts';
import type { Player, PlayerCounts } from './player.ts';
import type { RtpOutputs } from './rtp-output.ts';
import { playedTracks, signatureOf } from './served-tracks.ts';
import { TcpPlayer } from './tcp-player.ts';
import { UdpPlayer } from './udp-player.ts';
import type { UdpTrack } from './udp-track.ts';

/** A session over UDP ends after so long without requests and reports. */
export const silentAfterMs = 60_000;
/** The length field of an interleaved frame has 16 bits (RFC 2326 §10.12). */
export const maxTcpPacketBytes = 65_535;
/** What fits into an Ethernet frame with IPv4 and UDP headers. */
export const maxUdpPacketBytes = 1472;

/** What a `PlaySession` is made of. */
export interface PlaySessionOptions {
  readonly rtsp: RtspServerSession;
  readonly stream: Stream;
  readonly grant: Grant;
  /** False once the stream was removed. */
  readonly isDefined: () => boolean;
  readonly socket: Socket;
  readonly clock: Clock;
  readonly outputs: RtpOutputs;
  readonly counts: PlayerCounts;
  readonly onEnd: (reason: WatchpostError) => void;
}

/** One client that plays one stream: from its first SETUP to its end, over UDP longer than its connection if need be. */
export class PlaySession implements Play {
  readonly rtsp: RtspServerSession;
  readonly stream: Stream;
  /** By track; empty over TCP. */
  readonly udp = new Map<number, UdpTrack>();
  /** Where its packets go to a group. */
  seat: MulticastSeat | undefined;
  readonly #options: PlaySessionOptions;
  readonly #forgetGrant: () => void;
  readonly #signature: string;
  #player: Player | undefined;
  #heardMs: number;
  #inGroup = false;

  constructor(options: PlaySessionOptions) {
    this.rtsp = options.rtsp;
    this.stream = options.stream;
    this.#options = options;
    this.#signature = signatureOf(playedTracks(options.stream.tracks));
    this.#heardMs = options.clock.monotonicMs();
    this.#forgetGrant = options.grant.onEnd((reason) => this.end(reason));
  }

  whyStale(): WatchpostError | undefined {
    if (!this.#options.isDefined()) return noSuchStream(this.stream.id);
    if (signatureOf(playedTracks(this.stream.tracks)) === this.#signature) return undefined;
    return new WatchpostError('the source changed its codecs - describe the stream again', {
      kind: 'unavailable',
      code: 'STREAM_CHANGED',
    });
  }

  /** The client gave a sign of life. */
  heard(): void {
    this.#heardMs = this.#options.clock.monotonicMs();
  }

  /** Takes a place in the stream. */
  open(tracks: readonly ServedTrack[]): readonly ServedPosition[] {
    const { clock, counts, outputs, socket } = this.#options;
    const onEnd = (reason: WatchpostError) => this.over(reason);
    // The group's packets are under way already, or begin with the next key picture.
    if (this.seat !== undefined) return [];
    const overUdp = this.udp.size > 0;
    this.#player ??= overUdp
      ? new UdpPlayer(clock, this.udp, { counts, onEnd })
      : new TcpPlayer(socket, { counts, onEnd });
    return this.#player.open(outputs.get(this.stream, overUdp ? maxUdpPacketBytes : maxTcpPacketBytes), tracks);
  }

  start(): void {
    if (this.seat !== undefined) this.#countGroup(true);
    this.seat?.play();
    this.#player?.start();
  }

  pause(): void {
    this.#countGroup(false);
    this.seat?.pause();
    this.#player?.stop();
  }

  drop(trackIndex: number): void {
    this.udp.get(trackIndex)?.close();
    this.udp.delete(trackIndex);
    this.#player?.drop(trackIndex);
  }

  /** Once a second, over UDP: why the client is given up, if it is silent. */
  tick(nowMs: number): WatchpostError | undefined {
    if ((this.udp.size === 0 && this.seat === undefined) || nowMs - this.#heardMs < silentAfterMs) return undefined;
    return new WatchpostError('the player sent neither requests nor reports for 60 s', {
      kind: 'timeout',
      code: 'RTSP_SESSION_TIMEOUT',
    });
  }

  /**
   * The stream is gone or has other codecs. Players over UDP take the end of the connection for nothing: GStreamer 1.22
   * connects again without its session and waits 24 s. They are told by BYE, and may still ask for what belongs to the
   * end of a session; for PLAY they are told why it cannot be.
   */
  over(reason: WatchpostError): void {
    if (this.udp.size === 0 && this.seat === undefined) {
      this.#options.onEnd(reason);
      return;
    }
    this.#player?.bye?.();
    this.pause();
    this.rtsp.state = 'ready';
  }

  end(reason: WatchpostError): void {
    this.#player?.bye?.();
    this.#options.onEnd(reason);
  }

  close(): void {
    this.#forgetGrant();
    this.pause();
    this.seat?.close();
    this.seat = undefined;
    for (const track of this.udp.values()) track.close();
    this.udp.clear();
  }

  #countGroup(plays: boolean): void {
    if (plays === this.#inGroup) return;
    this.#inGroup = plays;
    this.#options.counts.players += plays ? 1 : -1;
    if (plays) this.#options.counts.playersTotal++;
  }
}
