/** A piece of a playlist: where it lies on the element's clock (seconds) and on the wall's (ms since 1970 UTC). */
export interface PlaylistPiece {
  readonly startSeconds: number;
  readonly durationSeconds: number;
  /** `EXT-X-PROGRAM-DATE-TIME`; null where the playlist tells none. */
  readonly wallMs: number | null;
}

/** The wall clock at a place of the element; null where the playlist does not tell. */
export function wallAt(pieces: readonly PlaylistPiece[], seconds: number): number | null {
  let found: PlaylistPiece | undefined;
  for (const piece of pieces) {
    if (piece.startSeconds > seconds + 0.001) break;
    found = piece;
  }
  found ??= pieces[0];
  if (!found || found.wallMs === null) return null;
  return found.wallMs + (seconds - found.startSeconds) * 1000;
}

/** The place of the element for an instant: in a hole, where the next piece begins. Null outside of the playlist. */
export function secondsAt(pieces: readonly PlaylistPiece[], wallMs: number): number | null {
  const first = pieces[0];
  if (!first || first.wallMs === null || wallMs < first.wallMs) return null;
  for (const piece of pieces) {
    if (piece.wallMs === null) return null;
    if (wallMs < piece.wallMs) return piece.startSeconds;
    if (wallMs < piece.wallMs + piece.durationSeconds * 1000) {
      return piece.startSeconds + (wallMs - piece.wallMs) / 1000;
    }
  }
  return null;
}

/** Less than this between two pieces is rounding, not a hole. */
const smallestHoleMs = 1500;

/** The hole that playback passed between two places of the element, if it did. */
export function holeBetween(
  pieces: readonly PlaylistPiece[],
  beforeSeconds: number,
  afterSeconds: number,
): { startMs: number; endMs: number } | null {
  for (const [index, piece] of pieces.entries()) {
    const next = pieces[index + 1];
    if (!next || piece.wallMs === null || next.wallMs === null) continue;
    if (next.startSeconds <= beforeSeconds || next.startSeconds > afterSeconds) continue;
    const endMs = piece.wallMs + piece.durationSeconds * 1000;
    if (next.wallMs - endMs > smallestHoleMs) return { startMs: endMs, endMs: next.wallMs };
  }
  return null;
}
