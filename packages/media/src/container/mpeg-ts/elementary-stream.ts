import { concatBytes } from '@watchpost/base/bytes.ts';
import { writeAdts } from '../../codec/aac/adts.ts';
import { parseAudioSpecificConfig } from '../../codec/aac/config.ts';
import type { Sample, Track } from '../../types.ts';
import type { PacketWriter } from './packet-writer.ts';
import { pidOf } from './tables.ts';

/** One track as it goes into PES packets. */
export interface Lane {
  readonly track: Track;
  readonly pid: number;
  /** stream_id (ISO/IEC 13818-1 table 2-22). */
  readonly streamId: number;
  /** Before each picture, and before one where decoding can start: delimiter, parameter sets. */
  readonly lead: Uint8Array;
  readonly keyLead: Uint8Array;
  /** Header before each AAC frame, its length still to be filled in. */
  readonly adts: Uint8Array | undefined;
}

const startCode = Uint8Array.of(0, 0, 1);
/** An access unit delimiter for any slice type, with the zero byte before it (ITU-T H.264 §7.3.2.4, annex B). */
const h264Delimiter = Uint8Array.of(0, 0, 0, 1, 0x09, 0xf0);
/** ITU-T H.265 §7.3.2.5. */
const h265Delimiter = Uint8Array.of(0, 0, 0, 1, 0x46, 0x01, 0x50);
const none = new Uint8Array(0);
const adtsBytes = 7;

/** How a track is carried. Throws `malformed` for an AudioSpecificConfig that cannot be read. */
export function openLane(track: Track): Lane {
  const { codec, kind } = track;
  const lead = codec === 'h264' ? h264Delimiter : codec === 'h265' ? h265Delimiter : none;
  const sets = track.parameterSets.flatMap((set) => [Uint8Array.of(0), startCode, set]);
  const streamId = kind === 'video' ? 0xe0 : codec === 'opus' ? 0xbd : 0xc0;
  const adts = codec === 'aac' ? writeAdts(parseAudioSpecificConfig(track.parameterSets[0]!), none) : undefined;
  const keyLead = kind === 'video' ? concatBytes([lead, ...sets]) : none;
  return { track, pid: pidOf(track), streamId, lead, keyLead, adts };
}

/** Bytes of a sample in its PES packet, without the header of that. */
export function payloadOf(lane: Lane, sample: Sample): number {
  const { units } = sample;
  let length = sample.key ? lane.keyLead.length : lane.lead.length;
  for (let i = 0; i < units.length; i++) {
    const bytes = units[i]!.length;
    if (lane.track.kind === 'video') length += startCode.length + bytes;
    else if (lane.adts !== undefined) length += adtsBytes + bytes;
    else length += bytes + (lane.track.codec === 'opus' ? opusHeadBytes(bytes) : 0);
  }
  return length;
}

/** Puts what `payloadOf` measured. */
export function putPayload(lane: Lane, sample: Sample, writer: PacketWriter): void {
  const { units } = sample;
  writer.put(sample.key ? lane.keyLead : lane.lead);
  for (let i = 0; i < units.length; i++) {
    const unit = units[i]!;
    if (lane.track.kind === 'video') writer.put(startCode);
    else if (lane.adts !== undefined) writer.put(adtsFor(lane.adts, unit.length));
    else if (lane.track.codec === 'opus') writer.put(opusHead(unit.length));
    writer.put(unit);
  }
}

/** The header with aac_frame_length filled in (ISO/IEC 14496-3 §1.A.2.2): the shared array, good until the next call. */
function adtsFor(adts: Uint8Array, unitBytes: number): Uint8Array {
  const length = Math.min(unitBytes + adtsBytes, 8191);
  adts[3] = (adts[3]! & 0xfc) | (length >> 11);
  adts[4] = length >> 3;
  adts[5] = ((length & 7) << 5) | 0x1f;
  return adts;
}

/** Control header ("Opus in MPEG-TS" §4): prefix of 11 bits, no trim, the size in bytes of 255. */
function opusHeadBytes(unitBytes: number): number {
  return 3 + Math.floor(unitBytes / 255);
}

function opusHead(unitBytes: number): Uint8Array {
  const head = new Uint8Array(opusHeadBytes(unitBytes)).fill(255);
  head[0] = 0x7f;
  head[1] = 0xe0;
  head[head.length - 1] = unitBytes % 255;
  return head;
}
