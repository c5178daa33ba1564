import { isAv1Stripped } from '../../codec/av1/key-frame.ts';
import { leb128Bytes, obuType, splitObus, writeLeb128 } from '../../codec/av1/obu.ts';

/** A unit, or a part of one, in one packet. */
interface Element {
  readonly obu: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** W has two bits. */
const maxCounted = 3;
/** A part of a unit shorter than this is not worth the room. */
const leastPartBytes = 16;

/**
 * RTP payloads of one temporal unit (RTP Payload Format For AV1 §4.4), the last one's packet with the marker: several units
 * in a packet, large ones over several. `sequenceHeader`: body of the one that a key picture needs, and gets where it is
 * missing. `maxPayloadBytes` is at least 40. Throws `malformed`.
 */
export function packetizeAv1(
  picture: Uint8Array,
  maxPayloadBytes: number,
  key?: { readonly sequenceHeader?: Uint8Array | undefined },
): Uint8Array[] {
  const obus = unitsWithoutSize(picture);
  const hasSequence = obus.some((obu) => typeOf(obu) === obuType.sequenceHeader);
  if (key?.sequenceHeader !== undefined && !hasSequence) obus.unshift(withHeader(key.sequenceHeader));
  const payloads: Uint8Array[] = [];
  let elements: Element[] = [];
  let room = maxPayloadBytes - 1;
  let isContinued = false;
  const close = (continues: boolean) => {
    const isFirst = payloads.length === 0 && key !== undefined;
    const flags = (isContinued ? 0x80 : 0) | (continues ? 0x40 : 0) | (isFirst ? 8 : 0);
    payloads.push(join(elements, flags));
    elements = [];
    room = maxPayloadBytes - 1;
    isContinued = continues;
  };
  for (const obu of obus) {
    for (let start = 0; start < obu.length; ) {
      const whole = obu.length - start;
      const sizeBytes = leb128Bytes(Math.min(whole, room));
      const end = whole + sizeBytes <= room ? obu.length : start + room - sizeBytes;
      if (end < obu.length && end - start < leastPartBytes && elements.length > 0) {
        close(false);
        continue;
      }
      elements.push({ obu, start, end });
      room -= sizeBytes + end - start;
      start = end;
      if (start < obu.length) close(true);
    }
  }
  if (elements.length > 0) close(false);
  return payloads;
}

/** Units as they go over RTP: without size, temporal delimiter and padding (§4.5, §5). */
function unitsWithoutSize(picture: Uint8Array): Uint8Array[] {
  const units: Uint8Array[] = [];
  for (const { type, start, headerBytes, body, end } of splitObus(picture)) {
    if (isAv1Stripped(type)) continue;
    const unit = new Uint8Array(headerBytes + end - body);
    unit.set(picture.subarray(start, start + headerBytes));
    unit[0] = unit[0]! & ~2;
    unit.set(picture.subarray(body, end), headerBytes);
    units.push(unit);
  }
  return units;
}

function withHeader(sequenceHeader: Uint8Array): Uint8Array {
  const unit = new Uint8Array(1 + sequenceHeader.length);
  unit[0] = obuType.sequenceHeader << 3;
  unit.set(sequenceHeader, 1);
  return unit;
}

function typeOf(unit: Uint8Array): number {
  return (unit[0]! >> 3) & 15;
}

/** Aggregation header and elements; up to three are counted, so that the last one needs no size. */
function join(elements: readonly Element[], flags: number): Uint8Array {
  const isCounted = elements.length <= maxCounted;
  let length = 1;
  for (const [i, { start, end }] of elements.entries()) {
    length += end - start + (isCounted && i === elements.length - 1 ? 0 : leb128Bytes(end - start));
  }
  const payload = new Uint8Array(length);
  payload[0] = flags | (isCounted ? elements.length << 4 : 0);
  let at = 1;
  for (const [i, { obu, start, end }] of elements.entries()) {
    if (!isCounted || i < elements.length - 1) at = writeLeb128(payload, at, end - start);
    payload.set(obu.subarray(start, end), at);
    at += end - start;
  }
  return payload;
}
