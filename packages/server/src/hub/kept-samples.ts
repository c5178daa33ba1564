import { KeptUnits } from '@watchpost/media/rtp/depacketize/kept-units.ts';
import type { AccessUnit, Sample } from '@watchpost/media/types.ts';
import type { ItemKeeper } from './shared-log.ts';
import { StreamSample } from './stream-sample.ts';

const firstCapacity = 64;

/** Samples of a stream that nobody reads: pictures that came over RTP as numbers, all else as it is. */
export class KeptSamples implements ItemKeeper<Sample> {
  /** `dts`, `pts` and `wallMs` of each. */
  #times = new Float64Array(3 * firstCapacity);
  #count = 0;
  readonly #units = new KeptUnits();
  /** Those that are no numbers, each at its place. */
  readonly #whole: (Sample | undefined)[] = [];

  add(sample: Sample): void {
    const index = this.#count++;
    const isKept = sample instanceof StreamSample && this.#units.add(sample.unit);
    this.#whole.push(isKept ? undefined : sample);
    if (!isKept) return;
    const at = 3 * index;
    if (at >= this.#times.length) this.#grow(2 * at);
    this.#times[at] = sample.dts;
    this.#times[at + 1] = sample.pts;
    this.#times[at + 2] = sample.wallMs;
  }

  take(): Sample[] {
    const samples: Sample[] = [];
    const units = this.#units.units();
    const times = this.#times;
    for (let i = 0, at = 0; i < this.#count; i++, at += 3) {
      const whole = this.#whole[i];
      if (whole !== undefined) samples.push(whole);
      else {
        const unit: AccessUnit = units.next().value;
        samples.push(new StreamSample(unit, { dts: times[at]!, pts: times[at + 1]!, wallMs: times[at + 2]! }));
      }
    }
    this.clear();
    return samples;
  }

  clear(): void {
    this.#count = 0;
    this.#units.clear();
    this.#whole.length = 0;
  }

  #grow(length: number): void {
    const times = new Float64Array(length);
    times.set(this.#times);
    this.#times = times;
  }
}
