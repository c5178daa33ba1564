import { rtpHeaderBytes, writeRtpHeader } from '@watchpost/media/rtp/packet.ts';
import { writeRtcp } from '@watchpost/media/rtp/rtcp.ts';
import { msToNtp } from '@watchpost/media/time/ntp.ts';
import type { RtpPacket, Sample } from '@watchpost/media/types.ts';
import { InBandSets, noSets } from './in-band-sets.ts';
import { packetizeSample } from './packetize-sample.ts';
import type { PlayedTrack } from './served-tracks.ts';

/** Interleaved frames begin with `$`, the channel and the length (RFC 2326 §10.12). */
const frameHeadBytes = 4;
const dollar = 0x24;

/** All packets of one sample, and now and then a sender report before them, as interleaved frames; made once, shared by all readers. */
export interface RtpChunk {
  readonly trackIndex: number;
  readonly bytes: Buffer;
  /** Sequence number of the first packet. */
  readonly sequence: number;
  /** Presentation time on the stream's timeline. */
  readonly ptsMs: number;
}

/** What RTP calls a source (RFC 3550 §3): it outlives the writer, so that a player that paused knows it again. */
export interface RtpSource {
  readonly ssrc: number;
  /** Added to every time stamp (RFC 3550 §5.1 asks for a random start). */
  readonly offset: number;
  /** Of the packet that is next. */
  sequence: number;
  packets: number;
  octets: number;
}

/** A source that has sent nothing yet. */
export function newRtpSource(): RtpSource {
  return { ssrc: randomWord(), offset: randomWord(), sequence: randomWord() & 0xffff, packets: 0, octets: 0 };
}

/** What a `TrackWriter` is made of. */
export interface TrackWriterOptions {
  readonly trackIndex: number;
  readonly played: PlayedTrack;
  readonly source: RtpSource;
  /** Longest packet, header included; samples with longer ones are put into packets anew. */
  readonly maxPacketBytes: number;
}

/** Rewrites the RTP headers of one track, once for all readers: payload type, SSRC, sequence number, repaired time stamp. */
export class TrackWriter {
  readonly #trackIndex: number;
  readonly #payloadType: number;
  readonly #clockRate: number;
  readonly #maxPacketBytes: number;
  readonly #sets: InBandSets;
  readonly #source: RtpSource;
  #hasSent = false;
  /** The packets that came last are too long for these readers. */
  #isCut = false;
  #lastPts = 0;

  constructor(options: TrackWriterOptions) {
    this.#trackIndex = options.trackIndex;
    this.#payloadType = options.played.payloadType;
    this.#clockRate = options.played.clockRate;
    this.#maxPacketBytes = options.maxPacketBytes;
    this.#source = options.source;
    this.#sets = new InBandSets(options.played.track);
  }

  /** True once it wrote a packet. */
  get hasSent(): boolean {
    return this.#hasSent;
  }

  /** Sequence number of the packet that is next. */
  get nextSequence(): number {
    return this.#source.sequence;
  }

  /** RTP time stamp of a moment of the stream's timeline. */
  rtpTime(ptsMs: number): number {
    return ((Math.round((ptsMs * this.#clockRate) / 1000) + this.#source.offset) % 0x1_0000_0000) >>> 0;
  }

  /** The packets of a sample went out with the sample before. */
  isSent({ rtp }: Sample): boolean {
    // Of several samples in one packet the first one has it; where that was cut, the others are sent alone.
    return rtp !== undefined && rtp.length === 0 && !this.#isCut;
  }

  /**
   * The packets of a sample, for which `isSent` is false. With `wallOffsetMs`, a sender report goes before them: what the
   * wall clock shows when the stream's timeline shows 0, the same for all tracks, so that players keep them in step.
   */
  write(sample: Sample, wallOffsetMs?: number): RtpChunk {
    const packets = sample.rtp;
    if (packets !== undefined && packets.length > 0) this.#isCut = this.#hasLongOne(packets);
    const { clockRate } = sample.track;
    const pts = clockRate === this.#clockRate ? sample.pts : Math.round((sample.pts * this.#clockRate) / clockRate);
    this.#lastPts = pts;
    this.#hasSent = true;
    const report = wallOffsetMs === undefined ? undefined : this.report(wallOffsetMs);
    const sequence = this.#source.sequence;
    const bytes =
      packets === undefined || this.#isCut
        ? this.#cut(sample, { pts, report })
        : this.#passOn(packets, { pts, report, sets: sample.key ? this.#sets.missing(sample.track, packets) : noSets });
    return { trackIndex: this.#trackIndex, bytes, sequence, ptsMs: (pts * 1000) / this.#clockRate };
  }

  /** A sender report for the newest sample (RFC 3550 §6.4.1) as an interleaved frame. `isLast`: with BYE (§6.6). */
  report(wallOffsetMs: number, isLast = false): Buffer {
    const source = this.#source;
    const ntp = msToNtp(wallOffsetMs + (this.#lastPts * 1000) / this.#clockRate);
    const packet = writeRtcp([
      {
        type: 'sr',
        ssrc: source.ssrc,
        ntpSeconds: ntp.seconds,
        ntpFraction: ntp.fraction,
        rtpTimestamp: (this.#lastPts + source.offset) % 0x1_0000_0000,
        packetCount: source.packets % 0x1_0000_0000,
        octetCount: source.octets % 0x1_0000_0000,
        reports: [],
      },
      { type: 'sdes', ssrc: source.ssrc, cname: 'watchpost' },
      // FFmpeg overlooks a BYE that stands alone.
      ...(isLast ? [{ type: 'bye', ssrcs: [source.ssrc] } as const] : []),
    ]);
    const frame = Buffer.allocUnsafe(frameHeadBytes + packet.length);
    this.#writeHead(frame, 0, { channel: this.#trackIndex * 2 + 1, length: packet.length });
    frame.set(packet, frameHeadBytes);
    return frame;
  }

  #hasLongOne(packets: readonly RtpPacket[]): boolean {
    for (let i = 0; i < packets.length; i++) {
      const packet = packets[i]!;
      if (rtpHeaderBytes + packet.payloadEnd - packet.payloadStart > this.#maxPacketBytes) return true;
    }
    return false;
  }

  #passOn(
    packets: readonly RtpPacket[],
    part: { pts: number; report: Uint8Array | undefined; sets: readonly Uint8Array[] },
  ): Buffer {
    const { sets } = part;
    let length = part.report?.length ?? 0;
    for (let i = 0; i < sets.length; i++) length += frameHeadBytes + rtpHeaderBytes + sets[i]!.length;
    for (let i = 0; i < packets.length; i++) {
      length += frameHeadBytes + rtpHeaderBytes + packets[i]!.payloadEnd - packets[i]!.payloadStart;
    }
    const out = Buffer.allocUnsafe(length);
    let at = 0;
    if (part.report !== undefined) {
      out.set(part.report);
      at = part.report.length;
    }
    const timestamp = (part.pts + this.#source.offset) % 0x1_0000_0000;
    for (let i = 0; i < sets.length; i++) {
      at = this.#writeHeaders(out, at, { length: sets[i]!.length, marker: false, timestamp });
      out.set(sets[i]!, at);
      at += sets[i]!.length;
    }
    for (let i = 0; i < packets.length; i++) {
      const { chunk, payloadStart, payloadEnd, marker } = packets[i]!;
      at = this.#writeHeaders(out, at, { length: payloadEnd - payloadStart, marker, timestamp });
      out.set(chunk.subarray(payloadStart, payloadEnd), at);
      at += payloadEnd - payloadStart;
    }
    return out;
  }

  #cut(sample: Sample, { pts, report }: { pts: number; report: Uint8Array | undefined }): Buffer {
    const payloads = packetizeSample(sample, this.#maxPacketBytes - rtpHeaderBytes);
    let length = report?.length ?? 0;
    for (const { bytes } of payloads) length += frameHeadBytes + rtpHeaderBytes + bytes.length;
    const out = Buffer.allocUnsafe(length);
    let at = 0;
    if (report !== undefined) {
      out.set(report);
      at = report.length;
    }
    for (const { bytes, marker, offsetTicks } of payloads) {
      const timestamp = (pts + offsetTicks + this.#source.offset) % 0x1_0000_0000;
      at = this.#writeHeaders(out, at, { length: bytes.length, marker, timestamp });
      out.set(bytes, at);
      at += bytes.length;
    }
    return out;
  }

  /** Frame head and RTP header of the next packet; returns where its payload goes. */
  #writeHeaders(out: Buffer, at: number, packet: { length: number; marker: boolean; timestamp: number }): number {
    this.#writeHead(out, at, { channel: this.#trackIndex * 2, length: rtpHeaderBytes + packet.length });
    const source = this.#source;
    const payloadAt = writeRtpHeader(out, at + frameHeadBytes, {
      payloadType: this.#payloadType,
      marker: packet.marker,
      sequence: source.sequence,
      timestamp: packet.timestamp,
      ssrc: source.ssrc,
    });
    source.sequence = (source.sequence + 1) & 0xffff;
    source.packets++;
    source.octets += packet.length;
    return payloadAt;
  }

  #writeHead(out: Uint8Array, at: number, frame: { channel: number; length: number }): void {
    out[at] = dollar;
    out[at + 1] = frame.channel;
    out[at + 2] = frame.length >> 8;
    out[at + 3] = frame.length;
  }
}

function randomWord(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}
