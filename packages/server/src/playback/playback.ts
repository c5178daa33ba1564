import { concatBytes } from '@watchpost/base/bytes.ts';
import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { type PlaylistMap, type PlaylistSegment, writeMediaPlaylist } from '@watchpost/media/playlist/m3u8.ts';
import type { RecordedSource } from '../catalog/recorded-source.ts';
import type { RecordingQuery, Segment, StorageBackend } from '../catalog/types.ts';
import { ByteCache } from './byte-cache.ts';
import type { ByteRange } from './byte-range.ts';
import { checkOrder, checkRange, noSuchSegment, nothingRecorded } from './check-range.ts';
import { toFlacPart } from './flac-part.ts';
import { type FragmentGroup, groupFragments, maxGroupMs } from './fragment-groups.ts';
import type { Asked } from './kept-mp4s.ts';
import { Mp4Files, type RecordedRange } from './mp4-files.ts';
import { type Mp4Gap, segmentOf } from './mp4-slices.ts';
import { firstByte, type PlaylistOptions } from './playlist-options.ts';
import { RecordedFiles } from './recorded-files.ts';
import { RecordedSamples } from './sample-reader.ts';
import { SegmentFragments } from './segment-fragments.ts';
import { type SegmentHead, toFlacInit } from './segment-head.ts';
import { SegmentHeads } from './segment-heads.ts';
import { SegmentLeases } from './segment-leases.ts';
import { follows } from './segment-order.ts';
import { SpeedPlayback } from './speed-playback.ts';
import { readWhole } from './whole-fragments.ts';

/** A file that is being written may lack the last seconds before now. */
const writeDelayMs = 10_000;
/** A playlist that was growing a moment ago stays an EVENT, as a playlist must not change its type. */
const eventTailMs = 2 * 60_000;
/** One group of fragments of a stream with a high bit rate. */
const maxPartBytes = 64 * 1024 * 1024;
const maxRewrittenBytes = 48 * 1024 * 1024;

/** A recorded file as an HTTP server needs it. */
export interface PlaybackFile {
  readonly bytes: number;
  /** Another one once the file grew. */
  readonly etag: string;
  /** The file never changes any more. */
  readonly closed: boolean;
  /** More is written behind its end at this moment; what there is stays as it is. */
  readonly growing: boolean;
  /** Bytes of it; the file is not deleted while they flow. */
  read(range: ByteRange): AsyncIterable<Uint8Array>;
}

/** A range of recordings as one MP4 file. */
export interface PlaybackMp4 extends PlaybackFile {
  /** Wall time of the first picture, and of the end of the last one, ms since 1970 UTC. */
  readonly startMs: number;
  readonly endMs: number;
  /** Holes that were closed. */
  readonly gaps: readonly Mp4Gap[];
}

/** Plays recordings as HLS and MP4. All methods throw `not_found` where there is nothing. */
export interface Playback {
  /** Puts files together, for exports. */
  readonly mp4Files: Mp4Files;
  /** Plays faster or slower than it was recorded. */
  readonly speed: SpeedPlayback;
  /** Sample by sample, for protocols that play recordings. */
  readonly samples: RecordedSource;
  /** The files, for whoever needs single pictures of them. */
  readonly files: RecordedFiles;
  readonly heads: SegmentHeads;
  /**
   * Playlist of [startMs, endMs), ms since 1970 UTC, at most two hours; its addresses are relative to
   * `/recordings-hls/{stream_id}/`. `invalid_argument` for a range that cannot be.
   */
  playlist(streamId: string, startMs: number, endMs: number, options?: PlaylistOptions): Promise<string>;
  /**
   * A range as one progressive MP4 that begins at the very picture; at most four hours. Whoever `asked` before may mean the
   * same one as then, though the recording grows. `invalid_argument` for a range that cannot be.
   */
  mp4(range: RecordedRange, asked?: Asked): Promise<PlaybackMp4>;
  /** A file of that stream. */
  file(streamId: string, segmentId: string): Promise<PlaybackFile>;
  /** Init segment for the parts of a file whose G.711 becomes FLAC. */
  flacInit(streamId: string, segmentId: string): Promise<Uint8Array>;
  /** Fragments in these bytes of a file, with its G.711 as FLAC. */
  flacPart(streamId: string, segmentId: string, range: ByteRange): Promise<Uint8Array>;
}

/** Longest time of one MP4 that is served at once; an export may be longer. */
export const maxServedMs = 4 * 3600_000;

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
  readonly files: RecordedFiles;
  readonly heads: SegmentHeads;
  readonly #fragments: SegmentFragments;
  readonly speed: SpeedPlayback;
  readonly samples: RecordedSource;
  readonly #clock: Clock;
  readonly #leases: SegmentLeases;
  readonly mp4Files: Mp4Files;
  readonly #rewritten = new ByteCache(maxRewrittenBytes);

  constructor(options: PlaybackOptions) {
    this.#recordings = options.recordings;
    this.files = new RecordedFiles(options.recordings, options.backends);
    this.heads = new SegmentHeads(this.files);
    this.#fragments = new SegmentFragments(options.recordings);
    this.#clock = options.clock;
    this.mp4Files = new Mp4Files({ ...options, files: this.files, heads: this.heads });
    this.#leases = new SegmentLeases(options.recordings, options.clock);
    const { files, heads } = this;
    const { recordings } = options;
    this.speed = new SpeedPlayback({ recordings, files, heads, fragments: this.#fragments, leases: this.#leases });
    this.samples = new RecordedSamples({ recordings, files, heads, leases: this.#leases });
  }

  async playlist(streamId: string, startMs: number, endMs: number, options: PlaylistOptions = {}): Promise<string> {
    checkRange(startMs, endMs);
    const segments = await this.#recordings.segments(streamId, startMs, endMs);
    const nowMs = this.#clock.wallMs();
    const last = segments.at(-1);
    const awaited = last !== undefined && !last.closed && last.endMs < endMs && endMs > nowMs - writeDelayMs;
    const growing = endMs > nowMs || awaited;
    const parts: PlaylistSegment[] = [];
    const lost: unknown[] = [];
    let firstMs: number | undefined;
    const { tokenQuery = '', initInSegments = false } = options;
    let before: { segment: Segment; key: string; map: PlaylistMap } | undefined;
    for (const segment of segments) {
      const fragments = await this.#recordings.fragments(segment.id);
      const groups = groupFragments(fragments, { fromMs: startMs, toMs: endMs, growing: growing && !segment.closed });
      if (groups.length === 0) continue;
      this.#leases.hold(segment.id);
      const head = await this.heads.find(segment, lost);
      if (head === undefined) continue;
      const isNew = before !== undefined && (!follows(before.segment, segment) || before.key !== head.parameterKey);
      const map = before?.key === head.parameterKey ? before.map : mapOf(segment, head, tokenQuery);
      const place = { segment, head, map, tokenQuery, isNew, initInSegments };
      for (const group of groups) {
        parts.push(partOf(group, group === groups[0], place));
      }
      firstMs ??= groups[0]!.startMs;
      before = { segment, key: head.parameterKey, map };
    }
    if (firstMs === undefined) throw lost[0] ?? nothingRecorded(streamId, startMs, endMs);
    const isEvent = growing || endMs > nowMs - eventTailMs;
    return writeMediaPlaylist({
      mediaSequence: 0,
      type: isEvent ? 'event' : 'vod',
      ended: !growing,
      // What is added later must not change the target duration.
      ...(isEvent ? { targetDurationMs: maxGroupMs } : {}),
      // Players begin a list that grows at its end, unless they are told where.
      ...(isEvent || startMs > firstMs ? { startMs: Math.max(0, startMs - firstMs) } : {}),
      segments: parts,
    });
  }

  async mp4(range: RecordedRange, asked?: Asked): Promise<PlaybackMp4> {
    checkOrder(range.startMs, range.endMs);
    if (range.endMs - range.startMs > maxServedMs) {
      throw new WatchpostError('One MP4 covers at most four hours — ask for less, or export it: POST …/export', {
        kind: 'invalid_argument',
        code: 'PLAYBACK_RANGE_TOO_LONG',
        context: { maxMs: maxServedMs },
      });
    }
    const file = await this.mp4Files.open(range, asked);
    for (const id of new Set(file.slices.map((slice) => segmentOf(slice)?.id))) {
      if (id !== undefined) this.#leases.hold(id);
    }
    const { bytes, etag, startMs, endMs, gaps } = file;
    // What was recorded until now is all that the file will ever hold, under its tag.
    const read = (part: ByteRange) => this.mp4Files.serve(file, part);
    return { bytes, etag, startMs, endMs, gaps, closed: false, growing: false, read };
  }

  async file(streamId: string, segmentId: string): Promise<PlaybackFile> {
    const segment = await this.#segment(streamId, segmentId);
    this.files.backendOf(segment);
    const bytes = await this.#bytesOf(segment);
    return {
      bytes,
      etag: `"${segment.id}-${bytes.toString(36)}"`,
      closed: segment.closed,
      growing: !segment.closed,
      read: (range) => this.#whole(segment, range),
    };
  }

  async flacInit(streamId: string, segmentId: string): Promise<Uint8Array> {
    const segment = await this.#segment(streamId, segmentId);
    return toFlacInit(await this.heads.get(segment));
  }

  async flacPart(streamId: string, segmentId: string, range: ByteRange): Promise<Uint8Array> {
    const segment = await this.#segment(streamId, segmentId);
    const key = `${segmentId} ${range.start}-${range.end}`;
    const known = this.#rewritten.get(key);
    if (known !== undefined) return known;
    if (range.start === 0) {
      const rest = await this.flacPart(streamId, segmentId, { start: segment.initBytes, end: range.end });
      return concatBytes([await this.flacInit(streamId, segmentId), rest]);
    }
    const isInFile = range.start >= segment.initBytes && range.end <= (await this.#bytesOf(segment));
    if (!isInFile || range.end <= range.start || range.end - range.start > maxPartBytes) throw noSuchSegment(segmentId);
    const head = await this.heads.get(segment);
    const bytes = concatBytes(await Array.fromAsync(this.#whole(segment, range)));
    const rewritten = toFlacPart(bytes, head.g711);
    // Where nothing is left of it.
    const part = rewritten.length > 0 ? rewritten : bytes;
    this.#rewritten.set(key, part);
    return part;
  }

  #whole(segment: Segment, range: ByteRange): AsyncIterable<Uint8Array> {
    return readWhole({ fragments: this.#fragments, files: this.files, heads: this.heads }, segment, range);
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
}

interface PartPlace {
  readonly segment: Segment;
  readonly head: SegmentHead;
  /** Init segment of all files with these parameters. */
  readonly map: PlaylistMap;
  readonly tokenQuery: string;
  readonly isNew: boolean;
  readonly initInSegments: boolean;
}

function partOf(group: FragmentGroup, isFirst: boolean, place: PartPlace): PlaylistSegment {
  const { segment, tokenQuery, map } = place;
  const id = encodeURIComponent(segment.id);
  const { end } = group;
  const start = isFirst && place.isNew ? firstByte(group, segment, place.initInSegments) : group.start;
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
