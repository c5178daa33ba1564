import type { LiveSegment } from './segmenter.ts';

/** Text of a live media playlist (RFC 8216 §4.3). `tokenQuery` is put behind each address. */
export function writeLivePlaylist(
  segments: readonly LiveSegment[],
  options: { readonly targetSeconds: number; readonly tokenQuery: string },
): string {
  const first = segments[0];
  const lines = ['#EXTM3U', '#EXT-X-VERSION:7', `#EXT-X-TARGETDURATION:${options.targetSeconds}`];
  lines.push(`#EXT-X-MEDIA-SEQUENCE:${first?.number ?? 0}`);
  lines.push(`#EXT-X-DISCONTINUITY-SEQUENCE:${first?.discontinuities ?? 0}`);
  if (segments.every((segment) => segment.key)) lines.push('#EXT-X-INDEPENDENT-SEGMENTS');
  let before: LiveSegment | undefined;
  for (const segment of segments) {
    if (before !== undefined && segment.discontinuities !== before.discontinuities) lines.push('#EXT-X-DISCONTINUITY');
    if (segment.initVersion !== before?.initVersion) {
      lines.push(`#EXT-X-MAP:URI="init_${segment.initVersion}.mp4${options.tokenQuery}"`);
    }
    lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(segment.wallMs).toISOString()}`);
    lines.push(
      `#EXTINF:${(segment.durationMs / 1000).toFixed(3)},`,
      `segment_${segment.number}.m4s${options.tokenQuery}`,
    );
    before = segment;
  }
  return `${lines.join('\n')}\n`;
}
