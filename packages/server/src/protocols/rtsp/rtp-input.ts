import { toWatchpostError, type WatchpostError } from '@watchpost/base/errors.ts';
import { parseRtpPacket } from '@watchpost/media/rtp/packet.ts';
import { ReceiverStats } from '@watchpost/media/rtp/receiver-stats.ts';
import { ReorderBuffer } from '@watchpost/media/rtp/reorder.ts';
import { replayTimeOf } from '@watchpost/media/rtp/replay-extension.ts';
import { parseRtcp, type RtcpPacket, writeRtcp } from '@watchpost/media/rtp/rtcp.ts';
import { SequenceTracker } from '@watchpost/media/rtp/sequence.ts';
import { ntpToMs } from '@watchpost/media/time/ntp.ts';
import type { RtpPacket } from '@watchpost/media/types.ts';
import type { Publisher } from '../../hub/types.ts';
import type { ReplayPace } from './replay.ts';

/** Which track of a session this is. */
export interface RtpInputTrack {
  /** Index in the publisher. */
  readonly index: number;
  readonly clockRate: number;
  /** What the description announced; packets of another type (comfort noise, events) are counted and dropped. */
  readonly payloadType: number;
  /** Packets come over UDP: they may come late, twice, or in another order. */
  readonly isUnordered?: boolean;
  /** A recording: told of each picture's time. */
  readonly pace?: ReplayPace | undefined;
  /** Of our reports; any by default. */
  readonly ssrc?: number;
}

/** The RTP and RTCP of one track: puts packets in order where they come over UDP, counts loss, reads sender reports, writes receiver reports (RFC 3550 §6). */
export class RtpInput {
  readonly #publisher: Publisher;
  readonly #index: number;
  readonly #payloadType: number;
  readonly #sequence = new SequenceTracker();
  readonly #reorder: ReorderBuffer | undefined;
  readonly #pace: ReplayPace | undefined;
  #lateBefore = 0;
  readonly #stats: ReceiverStats;
  readonly #ssrc: number;

  constructor(publisher: Publisher, track: RtpInputTrack) {
    this.#publisher = publisher;
    this.#index = track.index;
    this.#payloadType = track.payloadType;
    this.#stats = new ReceiverStats(track.clockRate);
    this.#ssrc = track.ssrc ?? (Math.random() * 0xffff_ffff) >>> 0;
    this.#pace = track.pace;
    if (track.isUnordered)
      this.#reorder = new ReorderBuffer((packet, lost) => publisher.writeRtp(track.index, packet, lost));
  }

  /** True while packets wait for one before them: `expire` is due soon. */
  get waits(): boolean {
    return this.#reorder !== undefined && this.#reorder.waiting > 0;
  }

  /** Packets were missing. */
  get hasLost(): boolean {
    return this.#stats.lost > 0;
  }

  /** Why nothing can come of the track, if that is so. */
  get failure(): WatchpostError | undefined {
    return undefined;
  }

  /** One RTP packet, `chunk[start…end)`, that arrived at `nowMs`. */
  receiveRtp(chunk: Uint8Array, start: number, end: number, nowMs: number): void {
    let packet: RtpPacket;
    try {
      packet = parseRtpPacket(chunk, start, end);
    } catch (thrown) {
      this.#publisher.count(toWatchpostError(thrown).code.toLowerCase(), 1);
      return;
    }
    if (packet.payloadType !== this.#payloadType) {
      this.#publisher.count('other_payload_types', 1);
      return;
    }
    this.#stats.onPacket(packet, nowMs);
    if (this.#pace !== undefined) this.#readTime(packet, nowMs);
    if (this.#reorder !== undefined) {
      this.#reorder.push(packet, nowMs);
      return;
    }
    const lost = this.#sequence.next(packet.sequence);
    if (lost >= 0) this.#publisher.writeRtp(this.#index, packet, lost);
    else this.#publisher.count('late_or_double_packets', 1);
  }

  #readTime(packet: RtpPacket, nowMs: number): void {
    const time = replayTimeOf(packet);
    if (time === undefined) return;
    this.#publisher.senderReport(this.#index, time.recordedMs, packet.timestamp);
    this.#pace?.note(time, nowMs);
  }

  /** Gives up packets that others have waited for too long, and counts those that came late or twice. */
  expire(nowMs: number): void {
    const reorder = this.#reorder;
    if (reorder === undefined) return;
    reorder.expire(nowMs);
    if (reorder.late > this.#lateBefore)
      this.#publisher.count('late_or_double_packets', reorder.late - this.#lateBefore);
    this.#lateBefore = reorder.late;
  }

  /** One RTCP packet, `chunk[start…end)`, that arrived at `nowMs`. */
  receiveRtcp(chunk: Uint8Array, start: number, end: number, nowMs: number): void {
    let packets: readonly RtcpPacket[];
    try {
      packets = parseRtcp(chunk, start, end);
    } catch (thrown) {
      this.#publisher.count(toWatchpostError(thrown).code.toLowerCase(), 1);
      return;
    }
    for (const packet of packets) {
      if (packet.type !== 'sr') continue;
      this.#stats.onSenderReport(packet.ntpSeconds, packet.ntpFraction, nowMs);
      const ntpMs = ntpToMs(packet.ntpSeconds, packet.ntpFraction);
      // Devices differ in what the reports of a recording tell; the extension is what counts.
      if (ntpMs !== undefined && this.#pace === undefined)
        this.#publisher.senderReport(this.#index, ntpMs, packet.rtpTimestamp);
    }
  }

  /** The receiver report for now; undefined before the first packet. */
  writeReceiverReport(nowMs: number): Uint8Array | undefined {
    if (this.#stats.received === 0) return undefined;
    return writeRtcp([
      { type: 'rr', ssrc: this.#ssrc, reports: [this.#stats.report(nowMs)] },
      { type: 'sdes', ssrc: this.#ssrc, cname: 'watchpost' },
    ]);
  }
}
