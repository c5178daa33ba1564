import { type Container, suffixOf } from './container.ts';
import type { LiveSegment } from './segmenter.ts';

/** What a playlist says besides its segments. */
export interface PlaylistOptions {
  readonly container: Container;
  readonly targetSeconds: number;
  /** Put behind each address: `?token=…` or empty. */
  readonly tokenQuery: string;
  /** What people who read the playlist should know: comments (RFC 8216 §4.1). */
  readonly notes: readonly string[];
}

/** Text of a live media playlist (RFC 8216 §4.3). */
export function writeLivePlaylist(segments: readonly LiveSegment[], options: PlaylistOptions): string {
  const suffix = suffixOf[options.container];
  const first = segments[0];
  const lines = [
    '#EXTM3U',
    `#EXT-X-VERSION:${options.container === 'ts' ? 6 : 7}`,
    `#EXT-X-TARGETDURATION:${options.targetSeconds}`,
  ];
  lines.push(`#EXT-X-MEDIA-SEQUENCE:${first?.number ?? 0}`);
  lines.push(`#EXT-X-DISCONTINUITY-SEQUENCE:${first?.discontinuities ?? 0}`);
  if (segments.every((segment) => segment.key)) lines.push('#EXT-X-INDEPENDENT-SEGMENTS');
  for (const note of options.notes) lines.push(`# ${note.replace(/[\r\n]+/g, ' ')}`);
  let before: LiveSegment | undefined;
  for (const segment of segments) {
    if (before !== undefined && segment.discontinuities !== before.discontinuities) lines.push('#EXT-X-DISCONTINUITY');
    if (segment.init !== undefined && segment.initVersion !== before?.initVersion) {
      lines.push(`#EXT-X-MAP:URI="init_${segment.initVersion}.mp4${options.tokenQuery}"`);
    }
    lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(segment.wallMs).toISOString()}`);
    lines.push(
      `#EXTINF:${(segment.durationMs / 1000).toFixed(3)},`,
      `segment_${segment.number}.${suffix}${options.tokenQuery}`,
    );
    before = segment;
  }
  return `${lines.join('\n')}\n`;
}
