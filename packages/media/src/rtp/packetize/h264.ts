import { h264NalType } from '../../codec/h264/nal-type.ts';

/** How NAL units are put into RTP payloads. */
export interface PacketizeH264Options {
  /** Puts SPS and PPS that follow each other into one STAP-A (RFC 6184 §5.7.1). Off by default: some old decoders cannot read it. */
  readonly aggregateParameterSets?: boolean;
}

/**
 * RTP payloads of one access unit (RFC 6184 §5.6, §5.8): each NAL unit alone where it fits, else as FU-A. The last
 * payload is the one whose packet carries the marker. `maxPayloadBytes` is at least 3.
 */
export function packetizeH264(
  units: readonly Uint8Array[],
  maxPayloadBytes: number,
  options: PacketizeH264Options = {},
): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  let i = 0;
  while (i < units.length) {
    const taken = options.aggregateParameterSets === true ? aggregate(units, i, { payloads, maxPayloadBytes }) : 0;
    i += taken;
    if (taken > 0) continue;
    const unit = units[i++]!;
    if (unit.length === 0) continue;
    if (unit.length <= maxPayloadBytes) payloads.push(unit);
    else fragment(unit, maxPayloadBytes, payloads);
  }
  return payloads;
}

/** Writes one STAP-A of the parameter sets from `from` on, if there are two or more that fit; returns how many it took. */
function aggregate(
  units: readonly Uint8Array[],
  from: number,
  out: { payloads: Uint8Array[]; maxPayloadBytes: number },
) {
  let bytes = 1;
  let end = from;
  let importance = 0;
  for (; end < units.length; end++) {
    const unit = units[end]!;
    const header = unit[0] ?? 0;
    const type = header & 31;
    if (type !== h264NalType.sps && type !== h264NalType.pps) break;
    if (bytes + 2 + unit.length > out.maxPayloadBytes) break;
    bytes += 2 + unit.length;
    importance = Math.max(importance, header & 0x60);
  }
  if (end - from < 2) return 0;
  const payload = new Uint8Array(bytes);
  payload[0] = importance | h264NalType.stapA;
  let at = 1;
  for (let i = from; i < end; i++) {
    const unit = units[i]!;
    payload[at] = unit.length >> 8;
    payload[at + 1] = unit.length;
    payload.set(unit, at + 2);
    at += 2 + unit.length;
  }
  out.payloads.push(payload);
  return end - from;
}

function fragment(unit: Uint8Array, maxPayloadBytes: number, payloads: Uint8Array[]): void {
  const header = unit[0]!;
  const step = Math.max(1, maxPayloadBytes - 2);
  for (let at = 1; at < unit.length; at += step) {
    const end = Math.min(unit.length, at + step);
    const payload = new Uint8Array(2 + end - at);
    payload[0] = (header & 0xe0) | h264NalType.fuA;
    payload[1] = (at === 1 ? 0x80 : 0) | (end === unit.length ? 0x40 : 0) | (header & 31);
    payload.set(unit.subarray(at, end), 2);
    payloads.push(payload);
  }
}
