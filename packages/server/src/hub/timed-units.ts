import type { Track } from '@watchpost/media/types.ts';
import type { SourceUnit } from './types.ts';

/** A unit of a track, on the source's own timeline. */
export interface TimedUnit {
  readonly track: Track;
  readonly unit: SourceUnit;
}

/** When it is decoded, ms. */
export function dtsMs({ track, unit }: TimedUnit): number {
  return (unit.dts * 1000) / track.clockRate;
}
