import type { AccessUnit, RtpPacket, Sample, Track } from '@watchpost/media/types.ts';

/** Times of a sample, repaired. */
export interface SampleTimes {
  readonly dts: number;
  readonly pts: number;
  readonly wallMs: number;
}

/** A sample made of an access unit: its NAL units are put together when somebody asks first. */
export class StreamSample implements Sample {
  readonly track: Track;
  readonly dts: number;
  readonly pts: number;
  readonly key: boolean;
  readonly byteLength: number;
  readonly rtp: readonly RtpPacket[];
  readonly wallMs: number;
  readonly lost: number;
  #unit: AccessUnit | undefined;
  #units: readonly Uint8Array[] | undefined;

  constructor(track: Track, unit: AccessUnit, times: SampleTimes) {
    this.track = track;
    this.dts = times.dts;
    this.pts = times.pts;
    this.key = unit.key;
    this.byteLength = unit.byteLength;
    this.rtp = unit.packets;
    this.wallMs = times.wallMs;
    this.lost = unit.lost;
    this.#unit = unit;
  }

  get units(): readonly Uint8Array[] {
    if (this.#units === undefined) {
      this.#units = this.#unit!.units();
      this.#unit = undefined;
    }
    return this.#units;
  }
}
