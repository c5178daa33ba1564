import { startCodeLength } from '../../codec/h264/annex-b.ts';
import { h265NalType, h265NalTypeOf, isH265Stripped, isH265Vcl } from '../../codec/h265/nal-type.ts';
import type { AccessUnit, RtpPacket, Track } from '../../types.ts';
import { NalDepacketizer } from './nal-depacketizer.ts';
import { NalPayload } from './nal-payload.ts';

const { aggregation, fragmentation, vps, pps, accessUnitDelimiter, prefixSei } = h265NalType;

/** H.265 over RTP without DONL fields (RFC 7798 §4.4). Key pictures are BLA, IDR and CRA; RASL pictures after the CRA that decoding starts with are dropped. */
export class H265Depacketizer extends NalDepacketizer {
  constructor(track: Track, emit: (unit: AccessUnit) => void) {
    super(track, emit, h265Payload);
  }

  protected override scan(packet: RtpPacket): void {
    const bytes = packet.chunk;
    const start = packet.payloadStart;
    const end = packet.payloadEnd;
    const type = (bytes[start]! >> 1) & 63;
    if (type === fragmentation) this.#scanFragment(bytes, start, end);
    else if (type === aggregation) this.#scanAggregate(bytes, start, end);
    else {
      this.fragmentType = -1;
      this.#noteNal(bytes, start, end);
    }
  }

  /** End bits are not looked at, as in H.264: what has no S goes on with the fragment before. */
  #scanFragment(bytes: Uint8Array, start: number, end: number): void {
    if (end - start < 3) this.fail('RTP_H265_FU', 'A fragmentation unit without its FU header.');
    const header = bytes[start + 2]!;
    const type = header & 63;
    if ((header & 0x80) === 0) {
      if (this.fragmentType === type) return;
      if (this.suspect) {
        this.damage();
        return;
      }
    }
    this.fragmentType = type;
    if (isH265Vcl(type) && !(type === 0 && startsWithCodeRest(bytes, start, end))) {
      this.#noteSlice(type, end - start > 3 && (bytes[start + 3]! & 0x80) !== 0);
    } else {
      this.noteOther();
      // A delimiter or parameter set is never large: this is a whole access unit with start codes.
      if (type <= accessUnitDelimiter) this.examineWhole();
    }
  }

  #scanAggregate(bytes: Uint8Array, start: number, end: number): void {
    this.fragmentType = -1;
    for (let at = start + 2; at + 2 <= end; ) {
      const size = (bytes[at]! << 8) | bytes[at + 1]!;
      if (size === 0) return;
      at += 2;
      if (at + size > end) this.fail('RTP_H265_AP', 'A unit in an aggregation packet goes beyond it.');
      this.#noteNal(bytes, at, at + size);
      at += size;
    }
  }

  #noteNal(bytes: Uint8Array, start: number, end: number): void {
    if (end - start < 2) this.fail('RTP_H265_SHORT', 'An H.265 NAL unit shorter than its header.');
    const type = (bytes[start]! >> 1) & 63;
    if (type === 0 && startCodeLength(bytes, start, end) > 0) {
      this.detectAnnexB(bytes, start, end);
    } else if (isH265Vcl(type)) {
      this.#noteSlice(type, end - start > 2 && (bytes[start + 2]! & 0x80) !== 0);
    } else if (type >= vps && type <= pps) {
      this.noteParameterSet(bytes, start, end);
    } else if (type >= aggregation) {
      this.fail('RTP_H265_TYPE', `NAL unit type ${type} cannot stand here.`);
    } else {
      this.noteOther();
      if (type === accessUnitDelimiter || type === prefixSei) this.detectAnnexB(bytes, start, end);
    }
  }

  /** RASL pictures are types 8 and 9 (ITU-T H.265 table 7-1). */
  #noteSlice(type: number, beginsPicture: boolean): void {
    if (this.isKey(type)) this.hasKey = true;
    else if (type === 8 || type === 9) this.hasSkippedLeading = true;
    this.noteVcl(beginsPicture);
  }

  protected override continues(packet: RtpPacket): boolean {
    const { chunk, payloadStart: start, payloadEnd: end } = packet;
    return end - start > 2 && ((chunk[start]! >> 1) & 63) === fragmentation && chunk[start + 2]! < 128;
  }

  protected override typeOf(nal: Uint8Array): number {
    return h265NalTypeOf(nal);
  }

  protected override isVcl(type: number): boolean {
    return isH265Vcl(type);
  }

  protected override isKey(type: number): boolean {
    return type >= 16 && type <= 21;
  }

  protected override isParameterSet(type: number): boolean {
    return type >= vps && type <= pps;
  }

  protected override isStripped(type: number): boolean {
    return isH265Stripped(type);
  }
}

/** True if a first fragment of type 0 is the begin of a start code 00 00 (00) 01 whose first two bytes went into the payload header. */
function startsWithCodeRest(bytes: Uint8Array, start: number, end: number): boolean {
  if (bytes[start + 1] !== 0 || end - start < 5) return false;
  return bytes[start + 3] === 1 || (bytes[start + 3] === 0 && bytes[start + 4] === 1);
}

/** RFC 7798 §4.4. */
const h265Payload = new NalPayload({
  headerBytes: 2,
  fragmentType: fragmentation,
  aggregateType: aggregation,
  fragmentTypeMask: 63,
  typeOf: (firstByte) => (firstByte >> 1) & 63,
  isStripped: isH265Stripped,
  restoreHeader: (chunk, start, target, at) => {
    target[at] = (chunk[start]! & 0x81) | ((chunk[start + 2]! & 63) << 1);
    target[at + 1] = chunk[start + 1]!;
  },
});
