import { h265NalTypeOf } from './nal-type.ts';

/** True if the units of one picture hold a slice of BLA, IDR or CRA (types 16…21): decoding can start here (ITU-T H.265 §7.4.2.2). */
export function isH265Key(units: readonly Uint8Array[]): boolean {
  for (const unit of units) {
    const type = h265NalTypeOf(unit);
    if (type >= 16 && type <= 21) return true;
  }
  return false;
}
