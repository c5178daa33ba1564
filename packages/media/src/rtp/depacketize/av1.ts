import { equalBytes } from '@watchpost/base/bytes.ts';
import { sequenceHeaderOf, writeAv1C } from '../../codec/av1/decoder-config.ts';
import { hasFrameHeader, isAv1Key, isAv1Stripped } from '../../codec/av1/key-frame.ts';
import { leb128Bytes, obuType, readObu, writeLeb128 } from '../../codec/av1/obu.ts';
import { parseAv1Sequence } from '../../codec/av1/sequence-header.ts';
import { malformed } from '../../codec/malformed.ts';
import type { AccessUnit, Depacketizer, RtpPacket, Track } from '../../types.ts';
import { Av1Parts, readAv1Payload } from './av1-payload.ts';

const maxPictureBytes = 8 * 1024 * 1024;
const maxPackets = 16_384;
const maxParts = 16_384;
const maxSequenceBytes = 1024;

/**
 * AV1 (RTP Payload Format For AV1): a temporal unit up to the marker. Units get sizes, as MP4 and FLV have them; temporal
 * delimiters are left out. After a loss all is dropped up to the next key picture.
 */
export class Av1Depacketizer implements Depacketizer {
  dropped = 0;
  readonly #emit: (unit: AccessUnit) => void;
  #track: Track;
  /** Body of the newest sequence header. */
  #sequence: Uint8Array | undefined;
  #isReducedStill = false;
  #packets: RtpPacket[] = [];
  #parts = new Av1Parts();
  #isOpen = false;
  #bytes = 0;
  #lost = 0;
  #hasKey = false;
  /** A packet of the picture under way could not be used. */
  #isDamaged = false;

  constructor(track: Track, emit: (unit: AccessUnit) => void) {
    this.#track = track;
    this.#emit = emit;
    const [record] = track.parameterSets;
    if (record === undefined) return;
    const body = sequenceHeaderOf(record);
    if (body !== undefined) this.#isReducedStill = parseAv1Sequence(body).isReducedStill;
    this.#sequence = body;
  }

  get oldestPending(): RtpPacket | undefined {
    return this.#packets[0];
  }

  push(packet: RtpPacket, lost: number): void {
    if (lost > 0) {
      this.#lost += lost;
      this.#hasKey = false;
      // Where a picture begins after the loss, only a key picture is taken: it tells whether it is whole.
      if (this.#packets.length > 0) this.#damage();
    }
    const pending = this.#packets[0];
    if (pending !== undefined && pending.timestamp !== packet.timestamp) this.#finish();
    if (packet.payloadEnd === packet.payloadStart) return;
    this.#packets.push(packet);
    this.#bytes += packet.payloadEnd - packet.payloadStart;
    try {
      this.#read(packet);
    } catch (thrown) {
      this.#damage();
      if (packet.marker) this.#finish();
      throw thrown;
    }
    if (packet.marker) this.#finish();
  }

  flush(): void {
    if (this.#packets.length > 0) this.dropped++;
    this.#clear();
    this.#lost = 0;
  }

  #read(packet: RtpPacket): void {
    const parts = this.#parts;
    if (this.#isDamaged) return;
    const isTooLarge = this.#bytes > maxPictureBytes || this.#packets.length > maxPackets;
    if (isTooLarge || parts.starts.length > maxParts) {
      throw malformed('RTP_AV1_TOO_LARGE', `A picture of more than ${maxPictureBytes} bytes.`);
    }
    const wasOpen = this.#isOpen;
    const { continues, isOpen } = readAv1Payload(packet, parts);
    this.#isOpen = isOpen;
    // Where one of both is missing, so is a part of a unit.
    if (continues !== wasOpen) this.#damage();
  }

  #damage(): void {
    this.#hasKey = false;
    this.#isDamaged = true;
    this.#parts = new Av1Parts();
  }

  #clear(): void {
    this.#packets = [];
    this.#parts = new Av1Parts();
    this.#isOpen = false;
    this.#isDamaged = false;
    this.#bytes = 0;
  }

  #finish(): void {
    const [packets, parts] = [this.#packets, this.#parts];
    const isWhole = !this.#isDamaged && !this.#isOpen && !parts.isEmpty;
    this.#clear();
    if (!isWhole) {
      this.#hasKey = false;
      this.dropped++;
      return;
    }
    const key = this.#readUnits(parts);
    if (key) this.#hasKey = true;
    else if (!this.#hasKey) {
      // Before the first key picture nothing is damaged.
      if (this.#sequence !== undefined) this.dropped++;
      return;
    }
    const unit = new Av1AccessUnit({ key, packets, lost: this.#lost, track: this.#track }, parts);
    this.#lost = 0;
    this.#emit(unit);
  }

  /** Takes note of the sequence header; true where the first frame is a key frame. */
  #readUnits(parts: Av1Parts): boolean {
    for (let part = 0; part < parts.starts.length; ) {
      const end = parts.unitEnd(part);
      const head = parts.chunks[part]![parts.starts[part]!]!;
      const type = (head >> 3) & 15;
      if (type === obuType.sequenceHeader) this.#useSequence(parts, part, end);
      if (hasFrameHeader(type)) return this.#sequence !== undefined && this.#isKey(parts, part, end);
      part = end;
    }
    return false;
  }

  #isKey(parts: Av1Parts, part: number, end: number): boolean {
    // Header, extension and size are short, and so is what is looked at.
    const headBytes = Math.min(16, parts.bytesOf(part, end));
    const bytes = new Uint8Array(headBytes);
    let at = 0;
    for (let i = part; i < end && at < headBytes; i++) {
      const piece = parts.chunks[i]!.subarray(
        parts.starts[i]!,
        Math.min(parts.ends[i]!, parts.starts[i]! + headBytes - at),
      );
      bytes.set(piece, at);
      at += piece.length;
    }
    const first = bytes[0]!;
    let body = (first & 4) === 0 ? 1 : 2;
    if ((first & 2) !== 0) while (body < headBytes && bytes[body++]! > 127);
    return body < headBytes && isAv1Key(bytes[body]!, this.#isReducedStill);
  }

  #useSequence(parts: Av1Parts, part: number, end: number): void {
    const length = parts.bytesOf(part, end);
    if (length > maxSequenceBytes) throw malformed('AV1_SEQUENCE', 'An AV1 sequence header that is too large.');
    const bytes = new Uint8Array(length);
    parts.copy(part, end, { bytes, at: 0 });
    const obu = readObu(bytes, 0, length);
    const body = bytes.subarray(obu.body, obu.end);
    if (this.#sequence !== undefined && equalBytes(this.#sequence, body)) return;
    const { width, height, isReducedStill } = parseAv1Sequence(body);
    this.#track = { ...this.#track, parameterSets: [writeAv1C(body)], width, height };
    this.#sequence = body;
    this.#isReducedStill = isReducedStill;
  }
}

type Av1Fields = Pick<AccessUnit, 'key' | 'packets' | 'lost' | 'track'>;

/** A temporal unit that is put together at the first use and kept. */
class Av1AccessUnit implements AccessUnit {
  readonly rtpTimestamp: number;
  readonly key: boolean;
  readonly byteLength: number;
  readonly packets: readonly RtpPacket[];
  readonly lost: number;
  readonly track: Track;
  readonly #parts: Av1Parts;
  #units: readonly Uint8Array[] | undefined;

  constructor(fields: Av1Fields, parts: Av1Parts) {
    this.rtpTimestamp = fields.packets[0]!.timestamp;
    this.key = fields.key;
    this.byteLength = parts.bytesOf(0, parts.starts.length);
    this.packets = fields.packets;
    this.lost = fields.lost;
    this.track = fields.track;
    this.#parts = parts;
  }

  units(): readonly Uint8Array[] {
    this.#units ??= [joinUnits(this.#parts)];
    return this.#units;
  }
}

/** The units one after the other, each with its size (AV1 in ISOBMFF §2.4); one that cannot be read is left out. */
function joinUnits(parts: Av1Parts): Uint8Array {
  const count = parts.starts.length;
  const bytes = new Uint8Array(parts.bytesOf(0, count) + count * leb128Bytes(maxPictureBytes));
  let at = 0;
  for (let part = 0; part < count; ) {
    const end = parts.unitEnd(part);
    at = joinUnit(parts, { part, end }, { bytes, at });
    part = end;
  }
  return bytes.subarray(0, at);
}

function joinUnit(
  parts: Av1Parts,
  { part, end }: { readonly part: number; readonly end: number },
  { bytes, at }: { readonly bytes: Uint8Array; readonly at: number },
): number {
  const head = parts.chunks[part]![parts.starts[part]!]!;
  if (isAv1Stripped((head >> 3) & 15)) return at;
  const unitEnd = parts.copy(part, end, { bytes, at });
  const headBytes = (head & 4) === 0 ? 1 : 2;
  if (unitEnd - at < headBytes) return at;
  if ((head & 2) !== 0) {
    try {
      return readObu(bytes, at, unitEnd).end;
    } catch {
      return at;
    }
  }
  const bodyBytes = unitEnd - at - headBytes;
  const sizeBytes = leb128Bytes(bodyBytes);
  bytes.copyWithin(at + headBytes + sizeBytes, at + headBytes, unitEnd);
  bytes[at] = head | 2;
  writeLeb128(bytes, at + headBytes, bodyBytes);
  return unitEnd + sizeBytes;
}
