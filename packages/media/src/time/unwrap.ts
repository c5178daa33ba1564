/**
 * The 32-bit RTP timestamp (RFC 3550 §5.1) as a number without wraps: the one nearest to `reference`, which is an
 * earlier result or the first timestamp itself. Works in both directions, so B-frames and late packets across a wrap
 * come out below `reference`; may be negative there.
 */
export function unwrapNear(timestamp: number, reference: number): number {
  return reference + ((timestamp - reference) | 0);
}

/** The low 32 bits of an unwrapped timestamp, 0…2^32-1, as RTP sends it. */
export function wrap32(value: number): number {
  return value >>> 0;
}
