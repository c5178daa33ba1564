import { readU16, readU32 } from '@watchpost/base/bytes.ts';
import { ntpToMs } from '../time/ntp.ts';
import type { RtpPacket } from '../types.ts';
import { rtpHeaderBytes } from './packet.ts';

/** Id of the header extension (ONVIF Streaming Specification §6.3). */
const extensionId = 0xabac;
const extensionWords = 3;

/** What the first packet of a recorded picture says of it. */
export interface ReplayTime {
  /** When it was recorded, ms since 1970 UTC. */
  readonly recordedMs: number;
  /** A picture that can be begun with. */
  readonly isSyncPoint: boolean;
  /** The last one before a gap. */
  readonly isEndOfSection: boolean;
  /** The first one after a gap. */
  readonly isDiscontinuity: boolean;
  /** The last one of the range. */
  readonly isLast: boolean;
  /** Lower eight bits of the CSeq of the PLAY that it belongs to. */
  readonly cseq: number;
}

/** Reads the extension; undefined where there is none, as in all but the first packet of a picture. */
export function replayTimeOf({ chunk, start, payloadStart }: RtpPacket): ReplayTime | undefined {
  if ((chunk[start]! & 0x10) === 0) return undefined;
  const at = start + rtpHeaderBytes + (chunk[start]! & 15) * 4;
  // Another extension, that of JPEG, may follow in the same one.
  if (readU16(chunk, at) !== extensionId || readU16(chunk, at + 2) < extensionWords) return undefined;
  if (at + 4 + extensionWords * 4 > payloadStart) return undefined;
  const recordedMs = ntpToMs(readU32(chunk, at + 4), readU32(chunk, at + 8));
  if (recordedMs === undefined) return undefined;
  const flags = chunk[at + 12]!;
  return {
    recordedMs,
    isSyncPoint: (flags & 0x80) !== 0,
    isEndOfSection: (flags & 0x40) !== 0,
    isDiscontinuity: (flags & 0x20) !== 0,
    isLast: (flags & 0x10) !== 0,
    cseq: chunk[at + 13]!,
  };
}
