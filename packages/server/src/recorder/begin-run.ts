import type { Track } from '@watchpost/media/types.ts';
import type { Cut } from './fragment-cutter.ts';
import type { Run } from './segment-writer.ts';
import { WallLine } from './wall-line.ts';

/**
 * A run that begins with `cut`. `notBeforeMs`: end of what is recorded already. A burst that reaches back behind it lies there,
 * never later than its end, and what follows at its own time.
 */
export function beginRun(cut: Cut, tracks: readonly Track[], notBeforeMs = 0): Run {
  const isPast = tracks.some((track) => track.isPast);
  const line = new WallLine(cut.startMs, cut.wallMs, {
    isPast,
    ...(!isPast && { notBeforeMs: Math.min(notBeforeMs, cut.newestMs) }),
  });
  const random = Math.floor(Math.random() * 36 ** 6);
  const id = `${line.at(cut.startMs).toString(36)}${random.toString(36).padStart(6, '0')}`;
  return { id, tracks, line, sequence: 0 };
}
