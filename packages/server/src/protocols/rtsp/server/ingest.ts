import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { parseRtpPacket } from '@watchpost/media/rtp/packet.ts';
import { ReorderBuffer } from '@watchpost/media/rtp/reorder.ts';
import type { ServedTrack } from '@watchpost/media/rtsp/server.ts';
import type { SdpTrack } from '@watchpost/media/sdp/tracks.ts';
import type { Stream } from '../../../hub/stream.ts';
import type { Publisher } from '../../../hub/types.ts';
import { RtpInput } from '../rtp-input.ts';
import type { UdpTrack } from './udp-track.ts';

const silentAfterMs = 10_000;
const reportEveryMs = 5000;
/** Opens the way back through a NAT: an RTP header and nothing else (RFC 3550 §5.1). */
const opener = Uint8Array.of(0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

interface Input {
  readonly rtp: RtpInput;
  readonly reorder: ReorderBuffer | undefined;
}

/** What an `Ingest` is made of. */
export interface IngestOptions {
  readonly stream: Stream;
  readonly clock: Clock;
  /** Those that the client may send, by place in its description. */
  readonly announced: ReadonlyMap<number, SdpTrack>;
  /** Those that it set up. */
  readonly tracks: readonly ServedTrack[];
  readonly udp: ReadonlyMap<number, UdpTrack>;
  /** Sends a receiver report on a channel of the connection. */
  readonly writeInterleaved: (channel: number, packet: Uint8Array) => void;
}

/** A client that sends us a stream, from RECORD on. */
export class Ingest {
  readonly stream: Stream;
  readonly #options: IngestOptions;
  readonly #publisher: Publisher;
  readonly #inputs = new Map<number, Input>();
  #lastInputMs: number;
  #nextReportMs = 0;
  #ended = false;

  constructor(options: IngestOptions) {
    this.stream = options.stream;
    this.#options = options;
    const wanted = options.tracks.filter(({ trackIndex }) => options.announced.has(trackIndex));
    const described = wanted.map(({ trackIndex }) => options.announced.get(trackIndex)!);
    this.#publisher = this.stream.publish(described.map(({ track, format }) => ({ track, format })));
    for (const [index, { trackIndex, lower }] of wanted.entries()) {
      const { payloadType, track } = options.announced.get(trackIndex)!;
      const rtp = new RtpInput(this.#publisher, { index, clockRate: track.clockRate, payloadType });
      // Padding is cut off already; what is left must not be looked for padding again, so the header says there is none.
      const deliver = (packet: { chunk: Uint8Array; start: number; payloadEnd: number }) =>
        rtp.receiveRtp(packet.chunk, packet.start, packet.payloadEnd, this.#lastInputMs);
      this.#inputs.set(trackIndex, { rtp, reorder: lower === 'udp' ? new ReorderBuffer(deliver) : undefined });
    }
    this.#lastInputMs = options.clock.monotonicMs();
    for (const track of options.udp.values()) track.send(false, opener, 0, opener.length);
    if (this.stream.state !== 'online') this.stream.setState('connecting');
  }

  /** A packet over the connection. */
  receive(trackIndex: number, isRtcp: boolean, part: { chunk: Uint8Array; start: number; end: number }): void {
    const input = this.#inputs.get(trackIndex);
    if (this.#ended || input === undefined) return;
    const nowMs = this.#options.clock.monotonicMs();
    if (isRtcp) {
      input.rtp.receiveRtcp(part.chunk, part.start, part.end, nowMs);
      return;
    }
    this.#lastInputMs = nowMs;
    input.rtp.receiveRtp(part.chunk, part.start, part.end, nowMs);
  }

  /** A datagram, which may come in another order than it was sent in. */
  receiveDatagram(trackIndex: number, isRtcp: boolean, packet: Uint8Array): void {
    const input = this.#inputs.get(trackIndex);
    if (this.#ended || input?.reorder === undefined) return;
    const nowMs = this.#options.clock.monotonicMs();
    if (isRtcp) input.rtp.receiveRtcp(packet, 0, packet.length, nowMs);
    else this.#reorder(input.reorder, packet, nowMs);
    this.flush();
  }

  /** End of what one read brought. */
  flush(): void {
    this.#publisher.flush();
  }

  /** Once a second: receiver reports. Returns why the client must be given up, if it is silent. */
  tick(nowMs: number): WatchpostError | undefined {
    for (const { reorder } of this.#inputs.values()) reorder?.expire(nowMs);
    if (nowMs >= this.#nextReportMs) {
      this.#nextReportMs = nowMs + reportEveryMs;
      for (const track of this.#options.tracks) this.#report(track, nowMs);
    }
    if (nowMs - this.#lastInputMs < silentAfterMs) return undefined;
    return new WatchpostError('the publisher sent nothing for 10 s', { kind: 'timeout', code: 'SOURCE_SILENT' });
  }

  /** The stream goes offline, unless somebody else sends it by now. */
  end(reason: WatchpostError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#publisher.close(reason);
    if (reason.code !== 'SOURCE_REPLACED' && this.stream.state !== 'stopped') this.stream.setState('offline', reason);
  }

  #reorder(reorder: ReorderBuffer, packet: Uint8Array, nowMs: number): void {
    this.#lastInputMs = nowMs;
    let parsed: ReturnType<typeof parseRtpPacket>;
    try {
      parsed = parseRtpPacket(packet, 0, packet.length);
    } catch {
      this.#publisher.count('rtp_malformed', 1);
      return;
    }
    packet[0]! &= ~0x20;
    reorder.push(parsed, nowMs);
  }

  #report(track: ServedTrack, nowMs: number): void {
    const report = this.#inputs.get(track.trackIndex)?.rtp.writeReceiverReport(nowMs);
    if (report === undefined) return;
    const udp = this.#options.udp.get(track.trackIndex);
    if (udp === undefined) this.#options.writeInterleaved(track.rtcpChannel, report);
    else udp.send(true, report, 0, report.length);
  }
}
