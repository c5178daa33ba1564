import { h265NalType } from '../../codec/h265/nal-type.ts';

/**
 * RTP payloads of one access unit (RFC 7798 §4.4.1, §4.4.3): each NAL unit alone where it fits, else as fragmentation
 * units. The last payload is the one whose packet carries the marker. `maxPayloadBytes` is at least 4.
 */
export function packetizeH265(units: readonly Uint8Array[], maxPayloadBytes: number): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  for (const unit of units) {
    if (unit.length < 2) continue;
    if (unit.length <= maxPayloadBytes) payloads.push(unit);
    else fragment(unit, maxPayloadBytes, payloads);
  }
  return payloads;
}

function fragment(unit: Uint8Array, maxPayloadBytes: number, payloads: Uint8Array[]): void {
  const type = (unit[0]! >> 1) & 63;
  const step = Math.max(1, maxPayloadBytes - 3);
  for (let at = 2; at < unit.length; at += step) {
    const end = Math.min(unit.length, at + step);
    const payload = new Uint8Array(3 + end - at);
    payload[0] = (unit[0]! & 0x81) | (h265NalType.fragmentation << 1);
    payload[1] = unit[1]!;
    payload[2] = (at === 2 ? 0x80 : 0) | (end === unit.length ? 0x40 : 0) | type;
    payload.set(unit.subarray(at, end), 3);
    payloads.push(payload);
  }
}
