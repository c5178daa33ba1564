import { withoutRtp } from '@watchpost/media/rtp/depacketize/access-unit.ts';
import type { AccessUnit, AvccSource, RtpPacket, Sample, Track } from '@watchpost/media/types.ts';

/** Times of a sample, repaired. */
export interface SampleTimes {
  readonly dts: number;
  readonly pts: number;
  readonly wallMs: number;
}

/** A sample made of an access unit, which puts its NAL units together when somebody asks first. */
export class StreamSample implements Sample {
  readonly track: Track;
  readonly dts: number;
  readonly pts: number;
  readonly wallMs: number;
  /** What it is made of. */
  readonly unit: AccessUnit;

  constructor(unit: AccessUnit, times: SampleTimes) {
    this.track = unit.track;
    this.dts = times.dts;
    this.pts = times.pts;
    this.wallMs = times.wallMs;
    this.unit = unit;
  }

  get key(): boolean {
    return this.unit.key;
  }

  get byteLength(): number {
    return this.unit.byteLength;
  }

  get rtp(): readonly RtpPacket[] | undefined {
    const { packets } = this.unit;
    return packets === withoutRtp ? undefined : packets;
  }

  get lost(): number {
    return this.unit.lost;
  }

  get avcc(): AvccSource | undefined {
    return this.unit.avcc;
  }

  get units(): readonly Uint8Array[] {
    return this.unit.units();
  }
}
