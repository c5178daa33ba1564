import { WatchpostError } from '@watchpost/base/errors.ts';
import type {
  ByteRange,
  MediaPlaylist,
  MultivariantPlaylist,
  PlaylistKey,
  PlaylistMap,
  PlaylistRendition,
  PlaylistSegment,
  PlaylistVariant,
} from './m3u8.ts';

/** What a playlist is. */
export type ParsedPlaylist =
  | { readonly kind: 'media'; readonly playlist: MediaPlaylist }
  | { readonly kind: 'multivariant'; readonly playlist: MultivariantPlaylist };

const maxCharacters = 8 * 1024 * 1024;
const maxEntries = 100_000;
const attributeTags: ReadonlySet<string> = new Set([
  '#EXT-X-MAP',
  '#EXT-X-START',
  '#EXT-X-STREAM-INF',
  '#EXT-X-KEY',
  '#EXT-X-MEDIA',
]);

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface ParseState {
  readonly list: Mutable<MediaPlaylist> & { segments: PlaylistSegment[] };
  readonly variants: PlaylistVariant[];
  next: Partial<Mutable<PlaylistSegment>>;
  variant: Omit<PlaylistVariant, 'uri'> | undefined;
  map: PlaylistMap | undefined;
  key: PlaylistKey | undefined;
  /** Sound in playlists of its own. */
  readonly renditions: PlaylistRendition[];
  /** Byte after the last range: where a range without an offset begins. */
  rangeEnd: number;
}

function malformed(problem: string): WatchpostError {
  return new WatchpostError(`Playlist: ${problem}.`, { kind: 'malformed', code: 'M3U8_MALFORMED' });
}

/**
 * Parses a playlist (RFC 8216 and its successor draft): what it does not know, it passes over; a number that is none
 * counts as absent. Throws `malformed` without `#EXTM3U` and beyond 8 Mi characters or 100 000 entries.
 */
export function parsePlaylist(text: string): ParsedPlaylist {
  if (text.length > maxCharacters) throw malformed(`${text.length} characters are too many`);
  const start = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  if (!text.startsWith('#EXTM3U', start)) throw malformed('it does not begin with #EXTM3U');
  const state: ParseState = {
    list: { mediaSequence: 0, segments: [] },
    variants: [],
    next: {},
    variant: undefined,
    map: undefined,
    key: undefined,
    renditions: [],
    rangeEnd: 0,
  };
  for (let at = start; at < text.length; ) {
    let end = text.indexOf('\n', at);
    if (end < 0) end = text.length;
    const line = text.slice(at, end).trim();
    at = end + 1;
    if (line.startsWith('#EXT')) readTag(state, line);
    else if (line !== '' && !line.startsWith('#')) readUri(state, line);
    const entries = state.list.segments.length + state.variants.length + state.renditions.length;
    if (entries > maxEntries) throw malformed('too many entries');
  }
  const { renditions } = state;
  if (state.variants.length + renditions.length > 0) {
    const groups = new Set(renditions.map(({ group }) => group));
    const variants = state.variants.map(({ audioGroup, ...variant }) =>
      audioGroup !== undefined && groups.has(audioGroup) ? { ...variant, audioGroup } : variant,
    );
    return { kind: 'multivariant', playlist: renditions.length === 0 ? { variants } : { variants, renditions } };
  }
  return { kind: 'media', playlist: state.list };
}

function readUri(state: ParseState, uri: string): void {
  if (state.variant !== undefined) {
    state.variants.push({ uri, ...state.variant });
    state.variant = undefined;
    return;
  }
  if (state.next.durationMs === undefined) return;
  if (state.next.range !== undefined) state.rangeEnd = state.next.range.offset + state.next.range.length;
  const map = state.map === undefined ? {} : { map: state.map };
  const key = state.key === undefined ? {} : { key: state.key };
  state.list.segments.push({ ...map, ...key, ...state.next, uri, durationMs: state.next.durationMs });
  state.next = {};
}

function number(text: string | undefined): number | undefined {
  const value = text === undefined || text === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER ? value : undefined;
}

function count(text: string | undefined): number | undefined {
  const value = number(text);
  return value !== undefined && Number.isInteger(value) && value >= 0 ? value : undefined;
}

function range(text: string | undefined, offsetWithout: number): ByteRange | undefined {
  if (text === undefined) return undefined;
  const [lengthText, offsetText] = text.split('@', 2);
  const length = count(lengthText);
  const offset = offsetText === undefined ? offsetWithout : count(offsetText);
  return length === undefined || offset === undefined ? undefined : { offset, length };
}

function readTag(state: ParseState, line: string): void {
  const colon = line.indexOf(':');
  const name = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? '' : line.slice(colon + 1).trim();
  const { list, next } = state;
  switch (name) {
    case '#EXTINF': {
      const duration = number(value.split(',', 1)[0]);
      next.durationMs = duration !== undefined && duration >= 0 ? Math.round(duration * 1000) : 0;
      break;
    }
    case '#EXT-X-BYTERANGE': {
      const found = range(value, state.rangeEnd);
      if (found !== undefined) next.range = found;
      break;
    }
    case '#EXT-X-PROGRAM-DATE-TIME': {
      const wallMs = Date.parse(value);
      if (!Number.isNaN(wallMs)) next.wallMs = wallMs;
      break;
    }
    case '#EXT-X-DISCONTINUITY':
      next.discontinuity = true;
      break;
    case '#EXT-X-GAP':
      next.gap = true;
      break;
    case '#EXT-X-ENDLIST':
      list.ended = true;
      break;
    case '#EXT-X-TARGETDURATION':
      list.targetDurationMs = (number(value) ?? 0) * 1000;
      break;
    case '#EXT-X-MEDIA-SEQUENCE':
      list.mediaSequence = count(value) ?? 0;
      break;
    case '#EXT-X-DISCONTINUITY-SEQUENCE':
      list.discontinuitySequence = count(value) ?? 0;
      break;
    case '#EXT-X-PLAYLIST-TYPE':
      if (value === 'EVENT' || value === 'VOD') list.type = value === 'EVENT' ? 'event' : 'vod';
      break;
    default:
      readAttributeTag(state, name, value);
  }
}

function readAttributeTag(state: ParseState, name: string, value: string): void {
  if (!attributeTags.has(name)) return;
  const attributes = parseAttributes(value);
  if (name === '#EXT-X-MAP') {
    const uri = attributes.get('URI');
    const found = range(attributes.get('BYTERANGE'), 0);
    const { key } = state;
    if (uri !== undefined) state.map = { uri, ...(found && { range: found }), ...(key && { key }) };
  } else if (name === '#EXT-X-START') {
    const offset = number(attributes.get('TIME-OFFSET'));
    if (offset !== undefined) state.list.startMs = Math.round(offset * 1000);
  } else if (name === '#EXT-X-KEY') state.key = readKey(attributes);
  else if (name === '#EXT-X-MEDIA') {
    // Without an address the rendition is in the variant itself (§4.3.4.2.1).
    const group = attributes.get('GROUP-ID');
    const uri = attributes.get('URI');
    if (attributes.get('TYPE') === 'AUDIO' && uri && group) {
      state.renditions.push({ group, uri, ...(attributes.get('DEFAULT') === 'YES' && { isDefault: true }) });
    }
  } else state.variant = readVariant(attributes);
}

function readKey(attributes: ReadonlyMap<string, string>): PlaylistKey | undefined {
  const method = attributes.get('METHOD') ?? 'NONE';
  if (method === 'NONE') return undefined;
  const iv = /^0x([0-9a-f]{1,32})$/i.exec(attributes.get('IV') ?? '')?.[1];
  const uri = attributes.get('URI') ?? '';
  return iv === undefined ? { method, uri } : { method, uri, iv: iv.toLowerCase().padStart(32, '0') };
}

function readVariant(attributes: ReadonlyMap<string, string>): Omit<PlaylistVariant, 'uri'> {
  const [width, height] = (attributes.get('RESOLUTION') ?? '').split('x', 2).map(count);
  const fps = number(attributes.get('FRAME-RATE'));
  const codecs = attributes.get('CODECS');
  const audioGroup = attributes.get('AUDIO');
  return {
    bandwidth: count(attributes.get('BANDWIDTH')) ?? 0,
    ...(codecs === undefined ? {} : { codecs }),
    ...(width === undefined || height === undefined ? {} : { width, height }),
    ...(fps === undefined ? {} : { fps }),
    ...(audioGroup === undefined ? {} : { audioGroup }),
  };
}

/** Attribute list (§4.2): names, values with or without quotes. */
function parseAttributes(text: string): Map<string, string> {
  const attributes = new Map<string, string>();
  for (let at = 0; at < text.length; ) {
    const equals = text.indexOf('=', at);
    if (equals < 0) break;
    const name = text.slice(at, equals).trim();
    const isQuoted = text[equals + 1] === '"';
    const from = isQuoted ? equals + 2 : equals + 1;
    let end = text.indexOf(isQuoted ? '"' : ',', from);
    if (end < 0) end = text.length;
    attributes.set(name, text.slice(from, end).trim());
    const comma = text.indexOf(',', end);
    at = comma < 0 ? text.length : comma + 1;
  }
  return attributes;
}
