import { withoutRtp } from '@watchpost/media/rtp/depacketize/access-unit.ts';
import type { AccessUnit, RtpPacket, Track } from '@watchpost/media/types.ts';
import type { SourceUnit } from './types.ts';

/** What came without RTP, as an access unit. */
export class PlainUnit implements AccessUnit {
  readonly rtpTimestamp: number;
  readonly key: boolean;
  readonly byteLength: number;
  readonly track: Track;
  readonly lost = 0;
  readonly packets: readonly RtpPacket[] = withoutRtp;
  readonly #units: readonly Uint8Array[];

  constructor(unit: SourceUnit, track: Track, byteLength: number) {
    this.rtpTimestamp = unit.pts >>> 0;
    this.key = unit.key;
    this.byteLength = byteLength;
    this.track = track;
    this.#units = unit.units;
  }

  units(): readonly Uint8Array[] {
    return this.#units;
  }
}
