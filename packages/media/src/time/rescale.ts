/**
 * Ticks at rate `from` as ticks at rate `to`, rounded to the nearest. Whole seconds and the rest are scaled apart, so
 * that no product leaves the safe integers: exact for every safe integer `value` whose result is one, and rates ≤ 2^26.
 */
export function rescale(value: number, from: number, to: number): number {
  if (from === to) return value;
  const whole = Math.floor(value / from);
  const rest = value - whole * from;
  return whole * to + Math.floor((rest * to + from / 2) / from);
}
