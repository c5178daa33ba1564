import { parseH264Sps } from '../../codec/h264/sps.ts';
import { parseH265Sps } from '../../codec/h265/sps.ts';
import type { Track } from '../../types.ts';

/** Most parameter sets that are kept for one track: one VPS, one SPS, and PPS with different ids. */
const maxSets = 16;
const maxSetBytes = 16_384;

/**
 * The parameter sets of one H.26x track as they change in the stream. Looking at a set that is known costs one
 * comparison; a set that differs is kept aside until the unit it came with ends.
 */
export class ParameterSets {
  #track: Track;
  #changed: Uint8Array[] = [];
  readonly #h265: boolean;
  #complete: boolean;

  constructor(track: Track) {
    this.#h265 = track.codec === 'h265';
    const sizeUnknown = track.width === undefined && track.parameterSets.length > 0;
    this.#track = sizeUnknown ? withSets(track, track.parameterSets) : track;
    this.#complete = this.#isComplete();
  }

  /** The track as of now. */
  get track(): Track {
    return this.#track;
  }

  /** True once there is one of each kind that a decoder needs. */
  get complete(): boolean {
    return this.#complete;
  }

  /** True if `bytes` from `start` to `end` are a set of the track as it is: one comparison. */
  knows(bytes: Uint8Array, start: number, end: number): boolean {
    const sets = this.#track.parameterSets;
    for (let i = 0; i < sets.length; i++) if (equalsRange(sets[i]!, bytes, start, end)) return true;
    return false;
  }

  /** Keeps the set in `bytes` from `start` to `end` for `commit`; what is too short, too long or too much is passed over. */
  add(bytes: Uint8Array, start: number, end: number): void {
    if (end - start < 3 || end - start > maxSetBytes || this.#changed.length >= maxSets) return;
    // Not `slice`: a Buffer's shares its memory, which is used again.
    this.#changed.push(new Uint8Array(bytes.subarray(start, end)));
  }

  /** Takes over what was added since the last call: from then on `track` is another object. */
  commit(): void {
    if (this.#changed.length === 0) return;
    const sets = [...this.#track.parameterSets];
    for (const set of this.#changed) {
      const at = sets.findIndex((known) => this.#identity(known) === this.#identity(set));
      if (at >= 0) sets[at] = set;
      else if (sets.length < maxSets) sets.push(set);
    }
    this.#changed = [];
    sets.sort((a, b) => this.#type(a) - this.#type(b));
    this.#track = withSets(this.#track, sets);
    this.#complete = this.#isComplete();
  }

  #type(set: Uint8Array): number {
    return this.#h265 ? (set[0]! >> 1) & 63 : set[0]! & 31;
  }

  /** One VPS and one SPS: a stream that changes their ids means to replace them. PPS differ by pic_parameter_set_id. */
  #identity(set: Uint8Array): number {
    const type = this.#type(set);
    const isPps = type === (this.#h265 ? 34 : 8);
    return isPps ? type * 1000 + readId(set, this.#h265 ? 2 : 1) : type * 1000;
  }

  #isComplete(): boolean {
    let kinds = 0;
    for (const set of this.#track.parameterSets) {
      const type = this.#type(set);
      if (this.#h265 && type >= 32 && type <= 34) kinds |= 1 << (type - 32);
      if (!this.#h265 && (type === 7 || type === 8)) kinds |= 1 << (type - 7);
    }
    return kinds === (this.#h265 ? 7 : 3);
  }
}

/** ue(v) of at most 8 bits after its zeros, at a byte boundary: ids are 0…255. */
function readId(bytes: Uint8Array, at: number): number {
  const word = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
  const zeros = Math.clz32(word) - 8;
  return zeros > 8 ? -1 : (word >> (23 - 2 * zeros)) - 1;
}

function equalsRange(set: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  const length = set.length;
  if (length !== end - start) return false;
  for (let i = 0; i < length; i++) if (set[i] !== bytes[start + i]) return false;
  return true;
}

/** A new track with these sets, and the picture size and rate that its SPS says; an SPS that cannot be read leaves them as they were. */
function withSets(track: Track, parameterSets: readonly Uint8Array[]): Track {
  for (const set of parameterSets) {
    try {
      const isSps = track.codec === 'h265' ? ((set[0]! >> 1) & 63) === 33 : (set[0]! & 31) === 7;
      if (!isSps) continue;
      const sps = track.codec === 'h265' ? parseH265Sps(set) : parseH264Sps(set);
      const sized = { ...track, parameterSets, width: sps.width, height: sps.height };
      return sps.fps === undefined ? sized : { ...sized, fps: sps.fps };
    } catch {
      return { ...track, parameterSets };
    }
  }
  return { ...track, parameterSets };
}
