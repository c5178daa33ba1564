import type { GapReason } from '../catalog/types.ts';
import type { GapLedger } from './gap-ledger.ts';
import type { PreviousProcess } from './process-record.ts';

/** A recording that ended longer than this before the process did was not under way. */
const underWayMs = 60_000;

/**
 * G3: each stream that was being recorded when the process before crashed has the gap `crash` since its last recorded
 * moment; gaps that lasted then change their reason at that process' last sign of life.
 */
export async function takeOverGaps(
  gaps: GapLedger,
  lastEnds: ReadonlyMap<string, number>,
  then: { readonly previous: PreviousProcess | undefined; readonly nowMs: number },
): Promise<void> {
  await gaps.load();
  const { previous } = then;
  if (previous === undefined || previous.ended) return;
  const nowMs = Math.round(then.nowMs);
  const why = { reason: 'crash' as GapReason, detail: 'Watchpost ended without notice' };
  for (const streamId of gaps.streams()) {
    const open = gaps.current(streamId)!;
    if (open.reason === 'recording_stopped' || open.reason === 'crash') continue;
    const endMs = lastEnds.get(streamId);
    // Recorded after the gap began: its end was lost with the process.
    if (endMs !== undefined && endMs > open.startMs) gaps.end(streamId, endMs);
    else gaps.explain(streamId, why, { startMs: open.startMs, nowMs: Math.min(previous.aliveMs, nowMs) });
  }
  for (const [streamId, endMs] of lastEnds) {
    if (gaps.current(streamId) !== undefined || previous.aliveMs - endMs > underWayMs) continue;
    gaps.explain(streamId, why, { startMs: Math.min(endMs, nowMs), nowMs });
  }
}
