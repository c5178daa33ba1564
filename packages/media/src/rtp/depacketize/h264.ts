import { startCodeLength } from '../../codec/h264/annex-b.ts';
import { hasRecoveryPoint } from '../../codec/h264/is-key.ts';
import { h264NalType, h264NalTypeOf, isH264Stripped, isH264Vcl } from '../../codec/h264/nal-type.ts';
import type { AccessUnit, RtpPacket, Track } from '../../types.ts';
import { NalDepacketizer } from './nal-depacketizer.ts';
import { NalPayload } from './nal-payload.ts';

const { fuA, stapA, idr, sei, sps, pps, accessUnitDelimiter } = h264NalType;

/**
 * H.264 over RTP in the modes single NAL unit and non-interleaved (RFC 6184 §5.6–5.8). Key pictures are IDR pictures;
 * for cameras with open GOPs or gradual refresh, which send none for 3 s, pictures with a recovery point SEI.
 */
export class H264Depacketizer extends NalDepacketizer {
  constructor(track: Track, emit: (unit: AccessUnit) => void) {
    super(track, emit, h264Payload);
  }

  protected override scan(packet: RtpPacket): void {
    const bytes = packet.chunk;
    const start = packet.payloadStart;
    const end = packet.payloadEnd;
    const type = bytes[start]! & 31;
    if (type === fuA) this.#scanFragment(bytes, start, end);
    else if (type === stapA) this.#scanAggregate(bytes, start, end);
    else {
      this.fragmentType = -1;
      this.#noteNal(bytes, start, end);
    }
  }

  /** End bits are not looked at: CostarHD sets S and E together, Uniview sets them wrongly. What has no S goes on with the fragment before. */
  #scanFragment(bytes: Uint8Array, start: number, end: number): void {
    if (end - start < 2) this.fail('RTP_H264_FU', 'An FU-A without its second header byte.');
    const header = bytes[start + 1]!;
    const type = header & 31;
    if ((header & 0x80) === 0) {
      if (this.fragmentType === type) return;
      if (this.suspect) {
        this.damage();
        return;
      }
    }
    this.fragmentType = type;
    if (isH264Vcl(type)) {
      if (type === idr) this.hasKey = true;
      this.noteVcl(end - start > 2 && (bytes[start + 2]! & 0x80) !== 0);
    } else {
      this.noteOther();
      // A delimiter or parameter set is never large: this is a whole access unit with start codes.
      if (type === 0 || this.isParameterSet(type) || type === accessUnitDelimiter) this.examineWhole();
    }
  }

  /** Zeros after the last unit are padding of some cameras. */
  #scanAggregate(bytes: Uint8Array, start: number, end: number): void {
    this.fragmentType = -1;
    for (let at = start + 1; at + 2 <= end; ) {
      const size = (bytes[at]! << 8) | bytes[at + 1]!;
      if (size === 0) return;
      at += 2;
      if (at + size > end) this.fail('RTP_H264_STAP', 'A unit in an STAP-A goes beyond its packet.');
      this.#noteNal(bytes, at, at + size);
      at += size;
    }
  }

  #noteNal(bytes: Uint8Array, start: number, end: number): void {
    const type = bytes[start]! & 31;
    if (isH264Vcl(type)) {
      if (type === idr) this.hasKey = true;
      this.noteVcl(end - start > 1 && (bytes[start + 1]! & 0x80) !== 0);
    } else if (type === sps || type === pps) {
      this.noteParameterSet(bytes, start, end);
    } else if (type === sei) {
      this.noteOther();
      if (!this.detectAnnexB(bytes, start, end) && hasRecoveryPoint(bytes, start, end)) this.hasRecoveryPoint = true;
    } else if (type === accessUnitDelimiter) {
      this.noteOther();
      this.detectAnnexB(bytes, start, end);
    } else if (type === 0 && startCodeLength(bytes, start, end) > 0) {
      this.detectAnnexB(bytes, start, end);
    } else if (type === 0 || type > 23) {
      this.fail('RTP_H264_TYPE', `NAL unit type ${type} cannot stand here; interleaved mode is not supported.`);
    } else {
      this.noteOther();
    }
  }

  protected override continues(packet: RtpPacket): boolean {
    const { chunk, payloadStart, payloadEnd } = packet;
    return payloadEnd - payloadStart > 1 && (chunk[payloadStart]! & 31) === fuA && chunk[payloadStart + 1]! < 128;
  }

  protected override typeOf(nal: Uint8Array): number {
    return h264NalTypeOf(nal);
  }

  protected override isVcl(type: number): boolean {
    return isH264Vcl(type);
  }

  protected override isKey(type: number): boolean {
    return type === idr;
  }

  protected override isParameterSet(type: number): boolean {
    return type === sps || type === pps;
  }

  protected override isStripped(type: number): boolean {
    return isH264Stripped(type);
  }
}

/** RFC 6184 §5.4. */
const h264Payload = new NalPayload({
  headerBytes: 1,
  fragmentType: fuA,
  aggregateType: stapA,
  fragmentTypeMask: 31,
  typeOf: (firstByte) => firstByte & 31,
  isStripped: isH264Stripped,
  restoreHeader: (chunk, start, target, at) => {
    target[at] = (chunk[start]! & 0xe0) | (chunk[start + 1]! & 31);
  },
});
