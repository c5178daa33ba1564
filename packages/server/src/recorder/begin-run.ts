import type { Track } from '@watchpost/media/types.ts';
import type { Cut } from './fragment-cutter.ts';
import type { Run } from './segment-writer.ts';
import { WallLine } from './wall-line.ts';

/**
 * A run that begins with `cut`. `notBeforeMs`: end of what is recorded already; a burst that reaches back behind it is dated
 * from there on, never later than it came.
 */
export function beginRun(cut: Cut, tracks: readonly Track[], notBeforeMs = 0): Run {
  const wallMs = Math.max(cut.wallMs, Math.min(notBeforeMs, cut.cameMs));
  const isPast = tracks.some((track) => track.isPast);
  const random = Math.floor(Math.random() * 36 ** 6);
  const id = `${Math.floor(wallMs).toString(36)}${random.toString(36).padStart(6, '0')}`;
  return { id, tracks, line: new WallLine(cut.startMs, wallMs, isPast), sequence: 0 };
}
