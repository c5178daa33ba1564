/** A whole number from 0 to below `limit`. */
export type Random = (limit: number) => number;

/** Numbers that look random and are the same for the same seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

/** Bytes on which parsers trip: limits of length fields, signs, ends of lines. */
const NASTY = [0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe, 0x0d, 0x0a, 0x20, 0x2d, 0x22, 0x24, 0x47];

/** A copy of `seed` with some faults; `other` lends a piece now and then. */
export function mutate(seed: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let bytes: Uint8Array = seed.slice();
  for (let faults = 1 + random(6); faults > 0; faults--) bytes = FAULTS[random(FAULTS.length)]!(bytes, random, other);
  return bytes;
}

type Fault = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

const FAULTS: readonly Fault[] = [
  function flipBit(bytes, random) {
    if (bytes.length > 0) bytes[random(bytes.length)]! ^= 1 << random(8);
    return bytes;
  },
  function setByte(bytes, random) {
    if (bytes.length > 0) bytes[random(bytes.length)] = NASTY[random(NASTY.length)]!;
    return bytes;
  },
  function setRun(bytes, random) {
    const at = random(bytes.length + 1);
    return bytes.fill(NASTY[random(NASTY.length)]!, at, at + 1 + random(8));
  },
  function cut(bytes, random) {
    return bytes.slice(0, random(bytes.length + 1));
  },
  function remove(bytes, random) {
    const at = random(bytes.length + 1);
    return joined(bytes.subarray(0, at), bytes.subarray(at + 1 + random(16)));
  },
  function insert(bytes, random) {
    const at = random(bytes.length + 1);
    const added = Uint8Array.from({ length: 1 + random(16) }, () => random(256));
    return joined(bytes.subarray(0, at), added, bytes.subarray(at));
  },
  function repeat(bytes, random) {
    const from = random(bytes.length + 1);
    const to = Math.min(bytes.length, from + 1 + random(256));
    return joined(bytes.subarray(0, to), bytes.subarray(from, to), bytes.subarray(to));
  },
  function splice(bytes, random, other) {
    return joined(bytes.subarray(0, random(bytes.length + 1)), other.subarray(random(other.length + 1)));
  },
];

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** True for the project's own error with a kind that foreign bytes may cause. */
export function isWatchpostError(error: unknown): boolean {
  const kind = error instanceof Error && error.name === 'WatchpostError' && 'kind' in error ? error.kind : undefined;
  return kind === 'malformed' || kind === 'unsupported' || kind === 'resource_exhausted';
}
