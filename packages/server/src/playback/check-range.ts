import { WatchpostError } from '@watchpost/base/errors.ts';

/** Throws `invalid_argument` unless the end is after the start. */
export function checkOrder(startMs: number, endMs: number): void {
  if (!Number.isFinite(startMs) || !Number.isFinite(endMs) || endMs <= startMs) {
    throw new WatchpostError(
      'The end must be a time after the start — start=2026-02-11T10:00:00Z&end=2026-02-11T11:00:00Z',
      {
        kind: 'invalid_argument',
        code: 'PLAYBACK_RANGE',
      },
    );
  }
}

/** Longest time that one playlist covers. */
export const maxPlaylistMs = 2 * 3600_000;

/** The error for a range without anything; an end that is not after the start is none, and so is a start of 0. */
export function nothingRecorded(streamId: string, startMs: number, endMs: number): WatchpostError {
  const from = startMs > 0 || endMs > startMs ? ` from ${new Date(startMs).toISOString()}` : '';
  const to = endMs > startMs ? ` to ${new Date(endMs).toISOString()}` : from && ' on';
  const message = `Nothing of "${streamId}" is recorded${from}${to} — GET /api/v1/recordings/${streamId} lists what is`;
  return new WatchpostError(message, { kind: 'not_found', code: 'PLAYBACK_EMPTY' });
}

/** The error for a file that is not there. */
export function noSuchSegment(segmentId: string): WatchpostError {
  return new WatchpostError(
    `There is no recorded file "${segmentId}" of this stream (any more) — ask for the playlist again`,
    {
      kind: 'not_found',
      code: 'SEGMENT_NOT_FOUND',
    },
  );
}

/** Throws `invalid_argument` for a range that one playlist cannot cover. */
export function checkRange(startMs: number, endMs: number): void {
  checkOrder(startMs, endMs);
  if (endMs - startMs <= maxPlaylistMs) return;
  const until = new Date(startMs + maxPlaylistMs).toISOString();
  throw new WatchpostError(`A playlist covers at most two hours — ask until ${until}, then from there on`, {
    kind: 'invalid_argument',
    code: 'PLAYBACK_RANGE_TOO_LONG',
    context: { maxMs: maxPlaylistMs },
  });
}
