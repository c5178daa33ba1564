/**
 * Of HLS with fMP4. VLC 3 (3.0.24) gives its decoder the init segment once, and begins with a new one at each discontinuity: all that is behind
 * the first gap was missing, unless the segment there has its init segment in front.
 */
export function wantsInitInSegments(userAgent: string | undefined): boolean {
  return /\bVLC\/[23]\./.test(userAgent ?? '');
}
