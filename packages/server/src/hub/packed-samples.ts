import { KeptUnits } from '@watchpost/media/rtp/depacketize/kept-units.ts';
import type { Sample } from '@watchpost/media/types.ts';
import type { ItemKeeper } from './shared-log.ts';
import { StreamSample } from './stream-sample.ts';

const firstCapacity = 64;
/** Numbers for each sample: `dts`, `pts`, `wallMs`. */
const numbersOfSample = 3;

/** Pictures that came over RTP while nobody waited for each of them, as numbers. */
export class PackedSamples implements ItemKeeper<Sample> {
  #times = new Float64Array(numbersOfSample * firstCapacity);
  /** Where the oldest sample is, and where the next one will be. */
  #from = 0;
  #used = 0;
  readonly #units = new KeptUnits();

  add(sample: Sample): boolean {
    if (!(sample instanceof StreamSample && this.#units.add(sample.unit))) return false;
    if (this.#used === this.#times.length) this.#makeRoom();
    const at = this.#used;
    this.#times[at] = sample.dts;
    this.#times[at + 1] = sample.pts;
    this.#times[at + 2] = sample.wallMs;
    this.#used = at + numbersOfSample;
    return true;
  }

  read(skip: number, count: number): Sample[] {
    const times = this.#times;
    const samples: Sample[] = [];
    let at = this.#from + numbersOfSample * skip;
    for (const unit of this.#units.read(skip, count)) {
      samples.push(new StreamSample(unit, { dts: times[at]!, pts: times[at + 1]!, wallMs: times[at + 2]! }));
      at += numbersOfSample;
    }
    return samples;
  }

  drop(count: number): void {
    this.#units.drop(count);
    this.#from = Math.min(this.#from + numbersOfSample * count, this.#used);
    if (this.#from === this.#used) this.#from = this.#used = 0;
  }

  #makeRoom(): void {
    if (this.#from > this.#used >> 1) {
      this.#times.copyWithin(0, this.#from, this.#used);
    } else {
      const times = new Float64Array(this.#times.length * 2);
      times.set(this.#times.subarray(this.#from, this.#used));
      this.#times = times;
    }
    this.#used -= this.#from;
    this.#from = 0;
  }
}
