import { WatchpostError } from '@watchpost/base/errors.ts';
import type { AccessUnit, CodecName, Track } from '../types.ts';
import { createDepacketizer } from './depacketize/index-by-codec.ts';
import { parseRtpPacket } from './packet.ts';
import { replayTimeOf } from './replay-extension.ts';
import { parseRtcp } from './rtcp.ts';

const formats: readonly { readonly codec: CodecName; readonly format: Readonly<Record<string, string>> }[] = [
  { codec: 'h264', format: {} },
  { codec: 'h265', format: {} },
  { codec: 'mjpeg', format: {} },
  { codec: 'vp8', format: {} },
  { codec: 'vp9', format: {} },
  { codec: 'av1', format: {} },
  { codec: 'aac', format: {} },
  { codec: 'aac', format: { cpresent: '1' } },
  { codec: 'aac', format: { cpresent: '0', config: '400023203fc0' } },
  { codec: 'mp3', format: {} },
  { codec: 'pcma', format: {} },
  { codec: 'l16', format: { 'low-byte-first': '' } },
];

/**
 * Fuzz entry: the bytes as RTCP, as one RTP packet, and as a stream of packets (a length byte before each) through each
 * depacketizer. Nothing but `malformed` may be thrown, and every unit that is emitted can be put together.
 */
export function fuzz(bytes: Uint8Array): void {
  tolerate(() => parseRtcp(bytes));
  tolerate(() => replayTimeOf(parseRtpPacket(bytes, 0, bytes.length)));
  for (const { codec, format } of formats) {
    const track: Track = { id: 1, kind: 'video', codec, clockRate: 90_000, parameterSets: [] };
    const depacketizer = createDepacketizer(track, format, putTogether)!;
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + 1 + bytes[at]!);
      const start = at + 1;
      const lost = bytes[at]! % 7 === 6 ? 1 : 0;
      tolerate(() => depacketizer.push(parseRtpPacket(bytes, start, end), lost));
      at = end;
    }
    tolerate(() => depacketizer.flush());
  }
}

function putTogether(unit: AccessUnit): void {
  let length = 0;
  for (const nal of unit.units()) length += nal.length;
  if (length > unit.byteLength + 65_536) throw new Error('More bytes came out than went in.');
}

function tolerate(parse: () => void): void {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof WatchpostError) || error.kind !== 'malformed') throw error;
  }
}
