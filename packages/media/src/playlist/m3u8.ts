import { WatchpostError } from '@watchpost/base/errors.ts';

/** Part of a file (RFC 8216 §4.3.2.2). */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** The init segment from here on (§4.3.2.5). */
export interface PlaylistMap {
  readonly uri: string;
  readonly range?: ByteRange;
  /** How it is encrypted; read only. */
  readonly key?: PlaylistKey;
}

/** One media segment. */
export interface PlaylistSegment {
  readonly uri: string;
  readonly durationMs: number;
  readonly range?: ByteRange;
  /** Wall time of its first sample, ms since 1970 UTC. */
  readonly wallMs?: number;
  /** It does not continue the one before: timestamps, codec or tracks differ (§4.3.2.3). */
  readonly discontinuity?: boolean;
  /** Its media are missing (draft-pantos-hls-rfc8216bis §4.4.4.7). */
  readonly gap?: boolean;
  /** Its init segment; written where it differs from the one before. */
  readonly map?: PlaylistMap;
  /** How it is encrypted; read only. */
  readonly key?: PlaylistKey;
}

/** Encryption of segments (§4.3.2.4). */
export interface PlaylistKey {
  /** `AES-128`, `SAMPLE-AES`, … */
  readonly method: string;
  readonly uri: string;
  /** 32 hexadecimal digits; the segment's number where it is missing. */
  readonly iv?: string;
}

/** A media playlist (§4.3.3). */
export interface MediaPlaylist {
  /** Number of the first segment; never restarts. */
  readonly mediaSequence: number;
  /** Discontinuities that have left the list. */
  readonly discontinuitySequence?: number;
  /** `event` grows, `vod` is complete, absent: live. */
  readonly type?: 'event' | 'vod';
  /** Nothing will be added. */
  readonly ended?: boolean;
  /** Where to begin, exactly, ms from the beginning of the first segment. */
  readonly startMs?: number;
  /** At least the longest segment; computed where absent. */
  readonly targetDurationMs?: number;
  readonly segments: readonly PlaylistSegment[];
}

/** One rendition of a multivariant playlist (§4.3.4.2). */
export interface PlaylistVariant {
  readonly uri: string;
  /** Peak bits per second. */
  readonly bandwidth: number;
  readonly codecs?: string;
  readonly width?: number;
  readonly height?: number;
  readonly fps?: number;
  /** Its sound is in a playlist of its own, of this group; read only. */
  readonly audioGroup?: string;
}

/** Sound in a playlist of its own (§4.3.4.1); read only. */
export interface PlaylistRendition {
  /** The group that variants name in `audioGroup`. */
  readonly group: string;
  readonly uri: string;
  /** To be played unless somebody chose another one of the group. */
  readonly isDefault?: boolean;
}

/** A multivariant playlist. */
export interface MultivariantPlaylist {
  readonly variants: readonly PlaylistVariant[];
  readonly renditions?: readonly PlaylistRendition[];
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

/** Text that goes between quotes or on a line of its own: what could end it would be a second tag. */
function safe(text: string): string {
  if (/["\r\n]/.test(text)) {
    throw new WatchpostError('A playlist cannot hold quotes or line ends in an address; encode them.', {
      kind: 'invalid_argument',
      code: 'M3U8_TEXT',
    });
  }
  return text;
}

function rangeText(range: ByteRange): string {
  return `${range.length}@${range.offset}`;
}

function mapKey(map: PlaylistMap | undefined): string {
  if (map === undefined) return '';
  return `URI="${safe(map.uri)}"${map.range === undefined ? '' : `,BYTERANGE="${rangeText(map.range)}"`}`;
}

/** Writes a media playlist, version 7 (fMP4 and byte ranges). Target duration is rounded up, at least 1 s. */
export function writeMediaPlaylist(playlist: MediaPlaylist): string {
  const { segments, type } = playlist;
  let targetMs = playlist.targetDurationMs ?? 1;
  for (const segment of segments) if (segment.durationMs > targetMs) targetMs = segment.durationMs;
  let text = `#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:${Math.ceil(targetMs / 1000)}\n`;
  text += `#EXT-X-MEDIA-SEQUENCE:${playlist.mediaSequence}\n`;
  if (playlist.discontinuitySequence) text += `#EXT-X-DISCONTINUITY-SEQUENCE:${playlist.discontinuitySequence}\n`;
  if (type !== undefined) text += `#EXT-X-PLAYLIST-TYPE:${type.toUpperCase()}\n`;
  text += '#EXT-X-INDEPENDENT-SEGMENTS\n';
  if (playlist.startMs !== undefined) text += `#EXT-X-START:TIME-OFFSET=${seconds(playlist.startMs)},PRECISE=YES\n`;
  let map = '';
  for (const segment of segments) {
    if (segment.discontinuity) text += '#EXT-X-DISCONTINUITY\n';
    const nextMap = mapKey(segment.map);
    if (nextMap !== '' && nextMap !== map) {
      text += `#EXT-X-MAP:${nextMap}\n`;
      map = nextMap;
    }
    if (segment.wallMs !== undefined) {
      text += `#EXT-X-PROGRAM-DATE-TIME:${new Date(segment.wallMs).toISOString()}\n`;
    }
    if (segment.gap) text += '#EXT-X-GAP\n';
    text += `#EXTINF:${seconds(segment.durationMs)},\n`;
    if (segment.range !== undefined) text += `#EXT-X-BYTERANGE:${rangeText(segment.range)}\n`;
    text += `${safe(segment.uri)}\n`;
  }
  if (playlist.ended) text += '#EXT-X-ENDLIST\n';
  return text;
}

/** Writes a multivariant playlist; the first variant is what players begin with. */
export function writeMultivariantPlaylist(playlist: MultivariantPlaylist): string {
  let text = '#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n';
  for (const { uri, bandwidth, codecs, width, height, fps } of playlist.variants) {
    text += `#EXT-X-STREAM-INF:BANDWIDTH=${Math.ceil(bandwidth)}`;
    if (codecs !== undefined && codecs !== '') text += `,CODECS="${safe(codecs)}"`;
    if (width !== undefined && height !== undefined) text += `,RESOLUTION=${width}x${height}`;
    if (fps !== undefined) text += `,FRAME-RATE=${fps.toFixed(3)}`;
    text += `\n${safe(uri)}\n`;
  }
  return text;
}
