import { readU16, readU24 } from '@watchpost/base/bytes.ts';
import { malformed } from '../../codec/malformed.ts';
import type { RtpPacket } from '../../types.ts';

/** The headers of one JPEG packet (RFC 2435 §3.1). */
export interface JpegPayload {
  /** Place of these bytes among the entropy-coded data of the picture. */
  readonly offset: number;
  /** 0 or 1 (§4.1), without the bit for restart markers. */
  readonly type: number;
  /** 1…99, or 128…255 with tables in the packet or in one before. */
  readonly quality: number;
  /** Width and height in blocks of eight pixels; 0 for more than 2040 pixels. */
  readonly widthBlocks: number;
  readonly heightBlocks: number;
  /** MCUs between restart markers; 0 for none. */
  readonly restartInterval: number;
  /** Where the quantization tables are in the packet's chunk; an empty range for none. */
  readonly tablesStart: number;
  readonly tablesEnd: number;
  /** Bit i is set where table i has 16-bit values. */
  readonly precision: number;
  /** First byte of entropy-coded data in the packet's chunk. */
  readonly scanStart: number;
}

/** Reads the headers of a packet. Throws `malformed`. */
export function parseJpegPayload(packet: RtpPacket): JpegPayload {
  const { chunk, payloadStart, payloadEnd } = packet;
  if (payloadEnd - payloadStart < 8) throw short();
  const offset = readU24(chunk, payloadStart + 1);
  const type = chunk[payloadStart + 4]!;
  const quality = chunk[payloadStart + 5]!;
  // 2…63 and 66…127 are not assigned, 128 and more are agreed on elsewhere (§3.1.3).
  if ((type & 0xbe) !== 0) throw malformed('RTP_JPEG_TYPE', `JPEG type ${type} is not known.`);
  if (quality === 0 || (quality > 99 && quality < 128)) {
    throw malformed('RTP_JPEG_QUALITY', `JPEG quality ${quality} is reserved.`);
  }
  const isRestarting = (type & 64) !== 0;
  let scanStart = payloadStart + (isRestarting ? 12 : 8);
  if (scanStart > payloadEnd) throw short();
  let tablesStart = scanStart;
  let precision = 0;
  if (quality >= 128 && offset === 0) {
    tablesStart += 4;
    if (tablesStart > payloadEnd) throw short();
    precision = chunk[scanStart + 1]!;
    scanStart = tablesStart + readU16(chunk, scanStart + 2);
  }
  if (scanStart >= payloadEnd) throw short();
  return {
    offset,
    type: type & 1,
    quality,
    widthBlocks: chunk[payloadStart + 6]!,
    heightBlocks: chunk[payloadStart + 7]!,
    restartInterval: isRestarting ? readU16(chunk, payloadStart + 8) : 0,
    tablesStart,
    tablesEnd: scanStart,
    precision,
    scanStart,
  };
}

/** First byte of entropy-coded data of a packet that `parseJpegPayload` has accepted. */
export function jpegScanStart(packet: RtpPacket): number {
  const { chunk, payloadStart } = packet;
  const start = payloadStart + ((chunk[payloadStart + 4]! & 64) === 0 ? 8 : 12);
  if (chunk[payloadStart + 5]! < 128 || readU24(chunk, payloadStart + 1) > 0) return start;
  return start + 4 + readU16(chunk, start + 2);
}

/**
 * The size that an ONVIF camera tells in a header extension of JPEG segments, whose id is their SOI (ONVIF Streaming
 * Specification §5.1.3.3); undefined where there is none.
 */
export function onvifJpegSize(packet: RtpPacket): { readonly width: number; readonly height: number } | undefined {
  const { chunk, start, payloadStart } = packet;
  if ((chunk[start]! & 0x10) === 0) return undefined;
  const extension = start + 12 + (chunk[start]! & 15) * 4;
  if (readU16(chunk, extension) !== 0xffd8) return undefined;
  for (let at = extension + 4; at + 4 <= payloadStart && chunk[at] === 0xff; ) {
    const marker = chunk[at + 1]!;
    if (marker === 0xff) {
      at++;
      continue;
    }
    if ((marker === 0xc0 || marker === 0xc1) && at + 9 <= payloadStart) {
      const size = { height: readU16(chunk, at + 5), width: readU16(chunk, at + 7) };
      return size.width > 0 && size.height > 0 ? size : undefined;
    }
    at += 2 + readU16(chunk, at + 2);
  }
  return undefined;
}

function short() {
  return malformed('RTP_JPEG_SHORT', 'A JPEG packet ends in its headers.');
}
