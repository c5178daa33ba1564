import { withoutRtp } from '@watchpost/media/rtp/depacketize/access-unit.ts';
import type { AccessUnit, AvccSource, RtpPacket, Sample, Track } from '@watchpost/media/types.ts';

/** Times of a sample, repaired. */
export interface SampleTimes {
  readonly dts: number;
  readonly pts: number;
  readonly wallMs: number;
}

const noUnit: AccessUnit = {
  rtpTimestamp: 0,
  key: false,
  byteLength: 0,
  packets: withoutRtp,
  lost: 0,
  track: { id: 0, kind: 'data', codec: 'l16', clockRate: 1, parameterSets: [] },
  units: () => [],
};

/** A sample made of an access unit, which puts its NAL units together when somebody asks first. */
export class StreamSample implements Sample {
  track: Track;
  dts = 0;
  pts = 0;
  wallMs = 0;
  #unit: AccessUnit;

  constructor(unit: AccessUnit, times: SampleTimes) {
    this.#unit = unit;
    this.track = unit.track;
    this.fill(unit, times);
  }

  /** Becomes another sample; only while nobody else has it. */
  fill(unit: AccessUnit, times: SampleTimes): void {
    this.#unit = unit;
    this.track = unit.track;
    this.dts = times.dts;
    this.pts = times.pts;
    this.wallMs = times.wallMs;
  }

  /** Gives its access unit back; only while nobody else has it. */
  empty(): void {
    this.#unit.recycle?.();
    this.#unit = noUnit;
  }

  get key(): boolean {
    return this.#unit.key;
  }

  get byteLength(): number {
    return this.#unit.byteLength;
  }

  get rtp(): readonly RtpPacket[] | undefined {
    const { packets } = this.#unit;
    return packets === withoutRtp ? undefined : packets;
  }

  get lost(): number {
    return this.#unit.lost;
  }

  get avcc(): AvccSource | undefined {
    return this.#unit.avcc;
  }

  get units(): readonly Uint8Array[] {
    return this.#unit.units();
  }
}
