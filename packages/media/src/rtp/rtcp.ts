import { readU16, readU32, writeU16, writeU24, writeU32 } from '@watchpost/base/bytes.ts';
import { malformed } from '../codec/malformed.ts';

/** One report block (RFC 3550 §6.4.1). */
export interface ReportBlock {
  readonly ssrc: number;
  /** 0…255: 256ths lost since the report before. */
  readonly fractionLost: number;
  /** Packets lost in all, -2^23…2^23-1. */
  readonly lost: number;
  /** Highest sequence number, with the count of wraps in its upper 16 bits. */
  readonly highestSequence: number;
  readonly jitterTicks: number;
  /** Middle 32 bits of the NTP time of the last sender report; 0 if there was none. */
  readonly lastSr: number;
  /** Since then, in 1/65 536 s. */
  readonly delaySinceLastSr: number;
}

/** What ties RTP timestamps to wall clock time (RFC 3550 §6.4.1). */
export interface SenderTime {
  /** NTP time, to be read with `ntpToMs` of `time/ntp.ts`. */
  readonly ntpSeconds: number;
  readonly ntpFraction: number;
  /** The same instant in ticks of the media clock. */
  readonly rtpTimestamp: number;
}

/** SR (RFC 3550 §6.4.1). */
export interface SenderReport extends SenderTime {
  readonly type: 'sr';
  readonly ssrc: number;
  readonly packetCount: number;
  readonly octetCount: number;
  readonly reports: readonly ReportBlock[];
}

/** RR (RFC 3550 §6.4.2). */
export interface ReceiverReport {
  readonly type: 'rr';
  readonly ssrc: number;
  readonly reports: readonly ReportBlock[];
}

/** SDES (RFC 3550 §6.5), of which only CNAME is kept. */
export interface SourceDescription {
  readonly type: 'sdes';
  readonly ssrc: number;
  readonly cname: string;
}

/** BYE (RFC 3550 §6.6): these sources send no more. */
export interface Bye {
  readonly type: 'bye';
  readonly ssrcs: readonly number[];
}

/** One part of a compound packet. */
export type RtcpPacket = SenderReport | ReceiverReport | SourceDescription | Bye;

const senderReportType = 200;
const senderReportBytes = 28;
const reportBytes = 24;
const maxPackets = 64;

/**
 * The time that a compound packet in `bytes[start…end)` tells: a sender's begins with its report (RFC 3550 §6.1). Undefined
 * where it begins with anything else. Never throws.
 */
export function senderTimeOf(bytes: Uint8Array, start: number, end: number): SenderTime | undefined {
  if (end - start < senderReportBytes || bytes[start]! >> 6 !== 2 || bytes[start + 1] !== senderReportType) {
    return undefined;
  }
  return readSenderTime(bytes, start);
}

function readSenderTime(bytes: Uint8Array, at: number): SenderTime {
  return {
    ntpSeconds: readU32(bytes, at + 8),
    ntpFraction: readU32(bytes, at + 12),
    rtpTimestamp: readU32(bytes, at + 16),
  };
}

/**
 * Parses a compound RTCP packet (RFC 3550 §6.1); types that nobody here uses are passed over, and so is a tail that
 * does not fill its length, which some cameras send. Throws `malformed` if the first header cannot be.
 */
export function parseRtcp(bytes: Uint8Array, start = 0, end = bytes.length): RtcpPacket[] {
  const packets: RtcpPacket[] = [];
  if (end - start < 4) throw malformed('RTCP_TRUNCATED', `An RTCP header does not fit into ${end - start} bytes.`);
  for (let at = start, count = 0; at + 4 <= end && count < maxPackets; count++) {
    const next = at + 4 + readU16(bytes, at + 2) * 4;
    if (bytes[at]! >> 6 !== 2 || next > end) {
      if (at > start) break;
      throw malformed('RTCP_HEADER', 'These bytes are not RTCP: wrong version, or a length beyond the end.', { at });
    }
    const packet = parseOne(bytes, at, next);
    if (packet !== undefined) packets.push(packet);
    at = next;
  }
  return packets;
}

function parseOne(bytes: Uint8Array, at: number, end: number): RtcpPacket | undefined {
  const count = bytes[at]! & 31;
  const type = bytes[at + 1]!;
  if (type === 203) return parseBye(bytes, at + 4, { end, count });
  if (end - at < 8) return undefined;
  const ssrc = readU32(bytes, at + 4);
  if (type === 201) return { type: 'rr', ssrc, reports: parseReports(bytes, at + 8, { end, count }) };
  if (type === 202) return parseSdes(bytes, at + 4, end);
  if (type !== senderReportType) return undefined;
  if (end - at < senderReportBytes)
    throw malformed('RTCP_SR', 'A sender report is shorter than its sender info.', { at });
  return {
    type: 'sr',
    ssrc,
    ...readSenderTime(bytes, at),
    packetCount: readU32(bytes, at + 20),
    octetCount: readU32(bytes, at + 24),
    reports: parseReports(bytes, at + senderReportBytes, { end, count }),
  };
}

function parseReports(bytes: Uint8Array, at: number, part: { end: number; count: number }): ReportBlock[] {
  const reports: ReportBlock[] = [];
  for (let i = 0; i < part.count && at + reportBytes <= part.end; i++, at += reportBytes) {
    reports.push({
      ssrc: readU32(bytes, at),
      fractionLost: bytes[at + 4]!,
      lost: (readU32(bytes, at + 4) << 8) >> 8,
      highestSequence: readU32(bytes, at + 8),
      jitterTicks: readU32(bytes, at + 12),
      lastSr: readU32(bytes, at + 16),
      delaySinceLastSr: readU32(bytes, at + 20),
    });
  }
  return reports;
}

function parseSdes(bytes: Uint8Array, at: number, end: number): SourceDescription {
  const ssrc = readU32(bytes, at);
  let cname = '';
  for (let item = at + 4; item + 2 <= end && bytes[item] !== 0; item += 2 + bytes[item + 1]!) {
    const itemEnd = Math.min(end, item + 2 + bytes[item + 1]!);
    if (bytes[item] === 1) cname = new TextDecoder().decode(bytes.subarray(item + 2, itemEnd));
  }
  return { type: 'sdes', ssrc, cname };
}

function parseBye(bytes: Uint8Array, at: number, part: { end: number; count: number }): Bye {
  const ssrcs: number[] = [];
  for (let i = 0; i < part.count && at + 4 <= part.end; i++, at += 4) ssrcs.push(readU32(bytes, at));
  return { type: 'bye', ssrcs };
}

/** Writes SR, RR, SDES and BYE as one compound packet (RFC 3550 §6.1). At most 31 reports or sources each; a CNAME of at most 255 bytes. */
export function writeRtcp(packets: readonly RtcpPacket[]): Uint8Array {
  const parts: Uint8Array[] = packets.map(writeOne);
  let length = 0;
  for (const part of parts) length += part.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function writeOne(packet: RtcpPacket): Uint8Array {
  switch (packet.type) {
    case 'sr': {
      const bytes = openPart({
        type: 200,
        count: packet.reports.length,
        length: 28 + packet.reports.length * reportBytes,
      });
      writeU32(bytes, 4, packet.ssrc);
      writeU32(bytes, 8, packet.ntpSeconds);
      writeU32(bytes, 12, packet.ntpFraction);
      writeU32(bytes, 16, packet.rtpTimestamp);
      writeU32(bytes, 20, packet.packetCount);
      writeU32(bytes, 24, packet.octetCount);
      writeReports(bytes, 28, packet.reports);
      return bytes;
    }
    case 'rr': {
      const bytes = openPart({
        type: 201,
        count: packet.reports.length,
        length: 8 + packet.reports.length * reportBytes,
      });
      writeU32(bytes, 4, packet.ssrc);
      writeReports(bytes, 8, packet.reports);
      return bytes;
    }
    case 'sdes': {
      const cname = new TextEncoder().encode(packet.cname).subarray(0, 255);
      // The list of items ends with at least one zero, then fills the word.
      const bytes = openPart({ type: 202, count: 1, length: Math.ceil((11 + cname.length) / 4) * 4 });
      writeU32(bytes, 4, packet.ssrc);
      bytes[8] = 1;
      bytes[9] = cname.length;
      bytes.set(cname, 10);
      return bytes;
    }
    case 'bye': {
      const bytes = openPart({ type: 203, count: packet.ssrcs.length, length: 4 + packet.ssrcs.length * 4 });
      for (let i = 0; i < packet.ssrcs.length; i++) writeU32(bytes, 4 + i * 4, packet.ssrcs[i]!);
      return bytes;
    }
  }
}

function openPart(part: { type: number; count: number; length: number }): Uint8Array {
  const bytes = new Uint8Array(part.length);
  bytes[0] = 0x80 | part.count;
  bytes[1] = part.type;
  writeU16(bytes, 2, part.length / 4 - 1);
  return bytes;
}

function writeReports(bytes: Uint8Array, at: number, reports: readonly ReportBlock[]): void {
  for (const report of reports) {
    writeU32(bytes, at, report.ssrc);
    bytes[at + 4] = report.fractionLost;
    writeU24(bytes, at + 5, report.lost & 0xff_ffff);
    writeU32(bytes, at + 8, report.highestSequence);
    writeU32(bytes, at + 12, report.jitterTicks);
    writeU32(bytes, at + 16, report.lastSr);
    writeU32(bytes, at + 20, report.delaySinceLastSr);
    at += reportBytes;
  }
}
