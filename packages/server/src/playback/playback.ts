import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { type PlaylistMap, type PlaylistSegment, writeMediaPlaylist } from '@watchpost/media/playlist/m3u8.ts';
import type { RecordingQuery, Segment, StorageBackend } from '../catalog/types.ts';
import { ByteCache } from './byte-cache.ts';
import type { ByteRange } from './byte-range.ts';
import { toFlacPart } from './flac-part.ts';
import { type FragmentGroup, groupFragments, maxGroupMs } from './fragment-groups.ts';
import { maxHeadBytes, parseSegmentHead, type SegmentHead, toFlacInit } from './segment-head.ts';
import { SegmentLeases } from './segment-leases.ts';

/** Longest time that one playlist covers. */
export const maxPlaylistMs = 2 * 3600_000;
/** A file that is being written may lack the last seconds before now. */
const writeDelayMs = 10_000;
/** A playlist that was growing a moment ago stays an EVENT, as a playlist must not change its type. */
const eventTailMs = 2 * 60_000;
/** One group of fragments of a stream with a high bit rate. */
const maxPartBytes = 64 * 1024 * 1024;
const maxRewrittenBytes = 48 * 1024 * 1024;
const maxHeads = 8192;
/** A reader that takes longer than this for one answer loses its hold on the file. */
const readLeaseMs = 3600_000;

/** A recorded file as an HTTP server needs it. */
export interface PlaybackFile {
  readonly bytes: number;
  /** Another one once the file grew. */
  readonly etag: string;
  /** The file never changes any more. */
  readonly closed: boolean;
  /** Bytes of it; the file is not deleted while they flow. */
  read(range: ByteRange): AsyncIterable<Uint8Array>;
}

/** How playlists are written. */
export interface PlaylistOptions {
  /** Put behind each address: `?token=…` or empty. */
  readonly tokenQuery?: string;
}

/** Plays recordings as HLS. All methods throw `not_found` where there is nothing. */
export interface Playback {
  /**
   * Playlist of [startMs, endMs), ms since 1970 UTC, at most two hours; its addresses are relative to
   * `/recordings-hls/{stream_id}/`. `invalid_argument` for a range that cannot be.
   */
  playlist(streamId: string, startMs: number, endMs: number, options?: PlaylistOptions): Promise<string>;
  /** A file of that stream. */
  file(streamId: string, segmentId: string): Promise<PlaybackFile>;
  /** Init segment for the parts of a file whose G.711 becomes FLAC. */
  flacInit(streamId: string, segmentId: string): Promise<Uint8Array>;
  /** Fragments in these bytes of a file, with its G.711 as FLAC. */
  flacPart(streamId: string, segmentId: string, range: ByteRange): Promise<Uint8Array>;
}

/** What playback is made of. `backends` by name. */
export interface PlaybackOptions {
  readonly recordings: RecordingQuery;
  readonly backends: ReadonlyMap<string, StorageBackend>;
  readonly clock: Clock;
}

/** Makes playback over recordings. */
export function createPlayback(options: PlaybackOptions): Playback {
  return new RecordedPlayback(options);
}

class RecordedPlayback implements Playback {
  readonly #recordings: RecordingQuery;
  readonly #backends: ReadonlyMap<string, StorageBackend>;
  readonly #clock: Clock;
  readonly #leases: SegmentLeases;
  readonly #heads = new Map<string, SegmentHead>();
  readonly #rewritten = new ByteCache(maxRewrittenBytes);

  constructor(options: PlaybackOptions) {
    this.#recordings = options.recordings;
    this.#backends = options.backends;
    this.#clock = options.clock;
    this.#leases = new SegmentLeases(options.recordings, options.clock);
  }

  async playlist(streamId: string, startMs: number, endMs: number, options: PlaylistOptions = {}): Promise<string> {
    checkRange(startMs, endMs);
    const segments = await this.#recordings.segments(streamId, startMs, endMs);
    const nowMs = this.#clock.wallMs();
    const last = segments.at(-1);
    const awaited = last !== undefined && !last.closed && last.endMs < endMs && endMs > nowMs - writeDelayMs;
    const growing = endMs > nowMs || awaited;
    const parts: PlaylistSegment[] = [];
    let firstMs: number | undefined;
    const tokenQuery = options.tokenQuery ?? '';
    let before: { segment: Segment; key: string; map: PlaylistMap } | undefined;
    for (const segment of segments) {
      const fragments = await this.#recordings.fragments(segment.id);
      const groups = groupFragments(fragments, { fromMs: startMs, toMs: endMs, growing: growing && !segment.closed });
      if (groups.length === 0) continue;
      this.#leases.hold(segment.id);
      const head = await this.#head(segment);
      const isNew = before !== undefined && (!follows(before.segment, segment) || before.key !== head.parameterKey);
      const map = before?.key === head.parameterKey ? before.map : mapOf(segment, head, tokenQuery);
      const place = { segment, head, map, tokenQuery, isNew };
      for (const group of groups) {
        parts.push(partOf(group, group === groups[0], place));
      }
      firstMs ??= groups[0]!.startMs;
      before = { segment, key: head.parameterKey, map };
    }
    if (firstMs === undefined) throw nothingRecorded(streamId, startMs, endMs);
    const isEvent = growing || endMs > nowMs - eventTailMs;
    return writeMediaPlaylist({
      mediaSequence: 0,
      type: isEvent ? 'event' : 'vod',
      ended: !growing,
      // What is added later must not change the target duration.
      ...(isEvent ? { targetDurationMs: maxGroupMs } : {}),
      ...(startMs > firstMs ? { startMs: startMs - firstMs } : {}),
      segments: parts,
    });
  }

  async file(streamId: string, segmentId: string): Promise<PlaybackFile> {
    const segment = await this.#segment(streamId, segmentId);
    const backend = this.#backendOf(segment);
    const bytes = await this.#bytesOf(segment);
    const recordings = this.#recordings;
    return {
      bytes,
      etag: `"${segment.id}-${bytes.toString(36)}"`,
      closed: segment.closed,
      async *read(range) {
        using _lease = recordings.lease(segmentId, readLeaseMs);
        yield* backend.read(segment.key, range.start, range.end);
      },
    };
  }

  async flacInit(streamId: string, segmentId: string): Promise<Uint8Array> {
    const segment = await this.#segment(streamId, segmentId);
    return toFlacInit(await this.#head(segment));
  }

  async flacPart(streamId: string, segmentId: string, range: ByteRange): Promise<Uint8Array> {
    const segment = await this.#segment(streamId, segmentId);
    const key = `${segmentId} ${range.start}-${range.end}`;
    const known = this.#rewritten.get(key);
    if (known !== undefined) return known;
    const isInFile = range.start >= segment.initBytes && range.end <= (await this.#bytesOf(segment));
    if (!isInFile || range.end <= range.start || range.end - range.start > maxPartBytes) throw noSuchSegment(segmentId);
    const head = await this.#head(segment);
    const part = toFlacPart(await this.#read(segment, range), head.g711);
    this.#rewritten.set(key, part);
    return part;
  }

  async #segment(streamId: string, segmentId: string): Promise<Segment> {
    const segment = await this.#recordings.segment(segmentId);
    if (segment === undefined || segment.streamId !== streamId) throw noSuchSegment(segmentId);
    return segment;
  }

  /** What a playlist may have named: fragments can be written, and listed, before the row says so. */
  async #bytesOf(segment: Segment): Promise<number> {
    if (segment.closed) return segment.bytes;
    const last = (await this.#recordings.fragments(segment.id)).at(-1);
    return Math.max(segment.bytes, last === undefined ? 0 : last.offset + last.bytes);
  }

  async #head(segment: Segment): Promise<SegmentHead> {
    const known = this.#heads.get(segment.id);
    if (known !== undefined) return known;
    const head = parseSegmentHead(await this.#read(segment, { start: 0, end: segment.initBytes }));
    if (this.#heads.size >= maxHeads) this.#heads.delete(this.#heads.keys().next().value!);
    this.#heads.set(segment.id, head);
    return head;
  }

  async #read(segment: Segment, range: ByteRange): Promise<Uint8Array> {
    const limit = range.start === 0 ? maxHeadBytes : maxPartBytes;
    const length = range.end - range.start;
    if (length > limit) {
      const message = `The recorded file ${segment.id} claims ${length} bytes where at most ${limit} can be`;
      throw new WatchpostError(message, { kind: 'data_loss', code: 'PLAYBACK_SIZE' });
    }
    using _lease = this.#recordings.lease(segment.id, readLeaseMs);
    const bytes = new Uint8Array(length);
    let at = 0;
    for await (const piece of this.#backendOf(segment).read(segment.key, range.start, range.end)) {
      bytes.set(piece.subarray(0, length - at), at);
      at += Math.min(piece.length, length - at);
    }
    if (at === length) return bytes;
    const message = `The recorded file ${segment.id} ends at byte ${range.start + at} of ${range.end}; run "watchpost index"`;
    throw new WatchpostError(message, { kind: 'data_loss', code: 'PLAYBACK_SHORT_FILE' });
  }

  #backendOf(segment: Segment): StorageBackend {
    const backend = this.#backends.get(segment.backend);
    if (backend !== undefined) return backend;
    const message = `The recording is on the storage "${segment.backend}", which is not configured any more`;
    throw new WatchpostError(message, { kind: 'unavailable', code: 'PLAYBACK_NO_BACKEND' });
  }
}

interface PartPlace {
  readonly segment: Segment;
  readonly head: SegmentHead;
  /** Init segment of all files with these parameters. */
  readonly map: PlaylistMap;
  readonly tokenQuery: string;
  readonly isNew: boolean;
}

function partOf(group: FragmentGroup, isFirst: boolean, place: PartPlace): PlaylistSegment {
  const { segment, tokenQuery, map } = place;
  const id = encodeURIComponent(segment.id);
  const { start, end } = group;
  return {
    ...(place.head.g711.length > 0
      ? { uri: `${id}/flac/${start}-${end}.m4s${tokenQuery}` }
      : { uri: `${id}.mp4${tokenQuery}`, range: { offset: start, length: end - start } }),
    durationMs: group.durationMs,
    map,
    ...(isFirst ? { wallMs: group.startMs, discontinuity: place.isNew } : {}),
  };
}

function mapOf(segment: Segment, head: SegmentHead, tokenQuery: string): PlaylistMap {
  const id = encodeURIComponent(segment.id);
  if (head.g711.length > 0) return { uri: `${id}/flac/init.mp4${tokenQuery}` };
  return { uri: `${id}.mp4${tokenQuery}`, range: { offset: 0, length: segment.initBytes } };
}

function follows(before: Segment, segment: Segment): boolean {
  return before.runId === segment.runId && before.sequence + 1 === segment.sequence;
}

function checkRange(startMs: number, endMs: number): void {
  if (!Number.isFinite(startMs) || !Number.isFinite(endMs) || endMs <= startMs) {
    throw new WatchpostError(
      'The end must be a time after the start — start=2026-02-11T10:00:00Z&end=2026-02-11T11:00:00Z',
      {
        kind: 'invalid_argument',
        code: 'PLAYBACK_RANGE',
      },
    );
  }
  if (endMs - startMs <= maxPlaylistMs) return;
  const until = new Date(startMs + maxPlaylistMs).toISOString();
  throw new WatchpostError(`A playlist covers at most two hours — ask until ${until}, then from there on`, {
    kind: 'invalid_argument',
    code: 'PLAYBACK_RANGE_TOO_LONG',
    context: { maxMs: maxPlaylistMs },
  });
}

function nothingRecorded(streamId: string, startMs: number, endMs: number): WatchpostError {
  const from = new Date(startMs).toISOString();
  const to = new Date(endMs).toISOString();
  const message = `Nothing of "${streamId}" is recorded from ${from} to ${to} — GET /api/v1/recordings/${streamId} lists what is`;
  return new WatchpostError(message, { kind: 'not_found', code: 'PLAYBACK_EMPTY' });
}

function noSuchSegment(segmentId: string): WatchpostError {
  return new WatchpostError(
    `There is no recorded file "${segmentId}" of this stream (any more) — ask for the playlist again`,
    {
      kind: 'not_found',
      code: 'SEGMENT_NOT_FOUND',
    },
  );
}
