import { concatBytes, writeU16, writeU24 } from '@watchpost/base/bytes.ts';
import { readJpegHead } from '../../codec/jpeg/read-header.ts';

/** Largest side that a packet can tell, in blocks of eight pixels. */
const maxBlocks = 255;
/** Tables come with each picture (RFC 2435 §3.1.8). */
const quality = 255;

/**
 * RTP payloads of one JPEG picture (RFC 2435 §3.1), the last one with the marker. None for a picture that this format has
 * no way to carry: progressive, grey, 4:4:4, with Huffman tables of its own, or of more than 16 MiB. Throws `malformed`.
 * `maxPayloadBytes` is at least 300.
 */
export function packetizeJpeg(picture: Uint8Array, maxPayloadBytes: number): Uint8Array[] {
  const head = readJpegHead(picture);
  const scan = picture.subarray(head.scanStart, head.scanEnd);
  const isCarried = head.sampling !== undefined && head.hasTypicalTables && head.quantizers.length === 2;
  if (!isCarried || scan.length > 0xff_ffff || head.quantizers.some((table) => table.length !== 64)) return [];
  const isRestarting = head.restartInterval > 0;
  const headBytes = isRestarting ? 12 : 8;
  const tables = concatBytes(head.quantizers);
  const payloads: Uint8Array[] = [];
  for (let at = 0; at < scan.length; ) {
    const tableBytes = at === 0 ? 4 + tables.length : 0;
    const end = Math.min(scan.length, at + Math.max(1, maxPayloadBytes - headBytes - tableBytes));
    const payload = new Uint8Array(headBytes + tableBytes + end - at);
    writeU24(payload, 1, at);
    payload[4] = head.sampling! + (isRestarting ? 64 : 0);
    payload[5] = quality;
    payload[6] = blocks(head.width);
    payload[7] = blocks(head.height);
    if (isRestarting) {
      writeU16(payload, 8, head.restartInterval);
      // A packet holds whatever fits: it begins and ends in the middle of restart intervals (§3.1.7).
      writeU16(payload, 10, 0xffff);
    }
    if (tableBytes > 0) {
      writeU16(payload, headBytes + 2, tables.length);
      payload.set(tables, headBytes + 4);
    }
    payload.set(scan.subarray(at, end), headBytes + tableBytes);
    payloads.push(payload);
    at = end;
  }
  return payloads;
}

/** 0 where it does not fit: `a=x-dimensions` of the description tells the size then. */
function blocks(pixels: number): number {
  const count = Math.ceil(pixels / 8);
  return count > maxBlocks ? 0 : count;
}
