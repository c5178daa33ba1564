import { rtpHeaderBytes, writeRtpHeader } from '@watchpost/media/rtp/packet.ts';
import { writeRtcp } from '@watchpost/media/rtp/rtcp.ts';
import { msToNtp } from '@watchpost/media/time/ntp.ts';
import type { Sample } from '@watchpost/media/types.ts';
import { packetizeSample } from './packetize-sample.ts';
import type { PlayedTrack } from './served-tracks.ts';

const frameHeadBytes = 4;
const dollar = 0x24;
/** The replay extension of ONVIF (Streaming Specification §6.3): id, length of three words, NTP time, flags, CSeq. */
const extensionId = 0xabac;
const extensionBytes = 16;

/** What the first packet of an access unit says in the replay extension. */
export interface ReplayMark {
  /** Low byte of the PLAY that it belongs to. */
  readonly cseq: number;
  /** Nothing is recorded right before it, or it follows a seek. */
  readonly discontinuity: boolean;
  /** Nothing is recorded right after it. */
  readonly endsSection: boolean;
  /** Nothing follows at all. */
  readonly terminal: boolean;
}

/** A sample's place in what a client is played. */
export interface ReplayPlace {
  /** Its RTP time since the session began, ms. */
  readonly mediaMs: number;
  /** Missing where the client did not ask for the extension. */
  readonly mark?: ReplayMark;
}

/** Writes the packets of one recorded track for one client, as interleaved frames. */
export class ReplayWriter {
  readonly #channel: number;
  readonly #played: PlayedTrack;
  readonly #maxPacketBytes: number;
  readonly #ssrc = randomWord();
  readonly #offset = randomWord();
  #sequence = randomWord() & 0xffff;
  #packets = 0;
  #octets = 0;

  constructor(trackIndex: number, played: PlayedTrack, maxPacketBytes: number) {
    this.#channel = trackIndex * 2;
    this.#played = played;
    this.#maxPacketBytes = maxPacketBytes;
  }

  /** Sequence number of the packet that is next. */
  get nextSequence(): number {
    return this.#sequence;
  }

  /** RTP time stamp of a moment of the session. */
  rtpTime(mediaMs: number): number {
    const ticks = Math.round((mediaMs * this.#played.clockRate) / 1000) + this.#offset;
    return ((ticks % 0x1_0000_0000) + 0x1_0000_0000) % 0x1_0000_0000;
  }

  /** The frames of one sample, one after the other. */
  write(sample: Sample, { mediaMs, mark }: ReplayPlace): Buffer {
    const more = mark === undefined ? 0 : extensionBytes;
    const payloads = packetizeSample(sample, this.#maxPacketBytes - rtpHeaderBytes - more);
    let length = payloads.length > 0 ? more : 0;
    for (const { bytes } of payloads) length += frameHeadBytes + rtpHeaderBytes + bytes.length;
    const out = Buffer.alloc(length);
    let at = 0;
    for (const [i, { bytes, marker, offsetTicks }] of payloads.entries()) {
      const extension = i === 0 ? more : 0;
      at = this.#writeHead(out, at, this.#channel, rtpHeaderBytes + extension + bytes.length);
      const headerAt = at;
      const timestamp = this.rtpTime(mediaMs) + offsetTicks;
      const { payloadType } = this.#played;
      at = writeRtpHeader(out, at, { payloadType, marker, sequence: this.#sequence, timestamp, ssrc: this.#ssrc });
      if (mark !== undefined && i === 0) {
        out[headerAt]! |= 0x10;
        at = writeMark(out, at, { sample, mark });
      }
      out.set(bytes, at);
      at += bytes.length;
      this.#sequence = (this.#sequence + 1) & 0xffff;
      this.#packets++;
      this.#octets += bytes.length;
    }
    return out;
  }

  /** A sender report (RFC 3550 §6.4.1): when what has this time stamp was captured. `isLast`: with BYE (§6.6). */
  report(wallMs: number, mediaMs: number, isLast = false): Buffer {
    const { seconds: ntpSeconds, fraction: ntpFraction } = msToNtp(wallMs);
    const packet = writeRtcp([
      {
        ...{ type: 'sr', ssrc: this.#ssrc, ntpSeconds, ntpFraction, rtpTimestamp: this.rtpTime(mediaMs), reports: [] },
        packetCount: this.#packets % 0x1_0000_0000,
        octetCount: this.#octets % 0x1_0000_0000,
      },
      { type: 'sdes', ssrc: this.#ssrc, cname: 'watchpost' },
      // FFmpeg overlooks a BYE that stands alone.
      ...(isLast ? [{ type: 'bye', ssrcs: [this.#ssrc] } as const] : []),
    ]);
    const out = Buffer.alloc(frameHeadBytes + packet.length);
    this.#writeHead(out, 0, this.#channel + 1, packet.length);
    out.set(packet, frameHeadBytes);
    return out;
  }

  #writeHead(out: Buffer, at: number, channel: number, length: number): number {
    out[at] = dollar;
    out[at + 1] = channel;
    return out.writeUInt16BE(length, at + 2);
  }
}

function writeMark(out: Buffer, at: number, { sample, mark }: { sample: Sample; mark: ReplayMark }): number {
  const { seconds, fraction } = msToNtp(sample.wallMs);
  out.writeUInt16BE(extensionId, at);
  out.writeUInt16BE(3, at + 2);
  out.writeUInt32BE(seconds, at + 4);
  out.writeUInt32BE(fraction, at + 8);
  out[at + 12] =
    (sample.key && sample.track.kind === 'video' ? 0x80 : 0) |
    (mark.endsSection ? 0x40 : 0) |
    (mark.discontinuity ? 0x20 : 0) |
    (mark.terminal ? 0x10 : 0);
  out[at + 13] = mark.cseq & 255;
  return at + extensionBytes;
}

function randomWord(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}
