import { KeptUnits } from '@watchpost/media/rtp/depacketize/kept-units.ts';
import type { Sample } from '@watchpost/media/types.ts';
import type { ItemKeeper } from './shared-log.ts';
import { StreamSample } from './stream-sample.ts';

const firstCapacity = 64;

/** Pictures that came over RTP, of a stream that nobody reads, as numbers. */
export class UnreadSamples implements ItemKeeper<Sample> {
  /** `dts`, `pts` and `wallMs` of each. */
  #times = new Float64Array(3 * firstCapacity);
  #used = 0;
  readonly #units = new KeptUnits();

  add(sample: Sample): boolean {
    if (!(sample instanceof StreamSample && this.#units.add(sample.unit))) return false;
    const at = this.#used;
    if (at === this.#times.length) this.#grow();
    this.#times[at] = sample.dts;
    this.#times[at + 1] = sample.pts;
    this.#times[at + 2] = sample.wallMs;
    this.#used = at + 3;
    return true;
  }

  take(): Sample[] {
    const samples: Sample[] = [];
    const times = this.#times;
    let at = 0;
    for (const unit of this.#units.units()) {
      samples.push(new StreamSample(unit, { dts: times[at]!, pts: times[at + 1]!, wallMs: times[at + 2]! }));
      at += 3;
    }
    this.clear();
    return samples;
  }

  clear(): void {
    this.#used = 0;
    this.#units.clear();
  }

  #grow(): void {
    const times = new Float64Array(this.#times.length * 2);
    times.set(this.#times);
    this.#times = times;
  }
}
