import { hasRecoveryPoint } from '../codec/h264/is-key.ts';
import { h264NalType, h264NalTypeOf, isH264Stripped, isH264Vcl } from '../codec/h264/nal-type.ts';
import { h265NalTypeOf, isH265Stripped, isH265Vcl } from '../codec/h265/nal-type.ts';
import { ParameterSets } from '../rtp/depacketize/parameter-sets.ts';
import type { Track } from '../types.ts';

/** One picture of H.26x as a container carried it. */
export interface Picture {
  /** Without access unit delimiter, parameter sets and filler; empty where nothing else was there. */
  readonly units: readonly Uint8Array[];
  readonly key: boolean;
}

/**
 * Sorts the NAL units of one H.26x track, picture after picture: parameter sets go into `track`, which is another object
 * once they changed, the rest into the picture.
 */
export class PictureReader {
  readonly #sets: ParameterSets;
  readonly #isH265: boolean;

  constructor(track: Track) {
    this.#sets = new ParameterSets(track);
    this.#isH265 = track.codec === 'h265';
  }

  /** The track as of the last picture. */
  get track(): Track {
    return this.#sets.track;
  }

  /** True once there is one of each parameter set that a decoder needs. */
  get complete(): boolean {
    return this.#sets.complete;
  }

  /** `marked`: the container says that decoding can start here, which counts for pictures with a recovery point SEI. */
  read(all: readonly Uint8Array[], marked: boolean): Picture {
    const units: Uint8Array[] = [];
    let hasPicture = false;
    let key = false;
    for (let i = 0; i < all.length; i++) {
      const unit = all[i]!;
      if (unit.length < 2) continue;
      const type = this.#isH265 ? h265NalTypeOf(unit) : h264NalTypeOf(unit);
      if (this.#isH265 ? isH265Stripped(type) : isH264Stripped(type)) {
        if (this.#isParameterSet(type)) this.#note(unit);
        continue;
      }
      units.push(unit);
      if (this.#isH265 ? isH265Vcl(type) : isH264Vcl(type)) hasPicture = true;
      if (this.#isH265 ? type >= 16 && type <= 21 : type === h264NalType.idr) key = true;
      else if (marked && !this.#isH265 && type === h264NalType.sei && hasRecoveryPoint(unit, 0, unit.length))
        key = true;
    }
    this.#sets.commit();
    return { units: hasPicture ? units : [], key };
  }

  #isParameterSet(type: number): boolean {
    return this.#isH265 ? type >= 32 && type <= 34 : type === 7 || type === 8;
  }

  #note(set: Uint8Array): void {
    if (!this.#sets.knows(set, 0, set.length)) this.#sets.add(set, 0, set.length);
  }
}
