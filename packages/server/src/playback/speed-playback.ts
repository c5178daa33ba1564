import { concatBytes } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { readBoxes, readBoxHeader } from '@watchpost/media/container/fmp4/boxes.ts';
import { splitUnits } from '@watchpost/media/container/fmp4/demuxer.ts';
import { writeFragment } from '@watchpost/media/container/fmp4/fragment.ts';
import { writeInitSegment } from '@watchpost/media/container/fmp4/init-segment.ts';
import { readMoof } from '@watchpost/media/container/fmp4/read-moof.ts';
import type { FileTrack } from '@watchpost/media/container/fmp4/read-moov.ts';
import { type PlaylistSegment, writeMediaPlaylist } from '@watchpost/media/playlist/m3u8.ts';
import type { Sample } from '@watchpost/media/types.ts';
import type { FragmentEntry, RecordingQuery, Segment } from '../catalog/types.ts';
import type { ByteRange } from './byte-range.ts';
import { checkRange, noSuchSegment, nothingRecorded } from './check-range.ts';
import { groupFragments } from './fragment-groups.ts';
import { firstByte, type PlaylistOptions } from './playlist-options.ts';
import type { RecordedFiles } from './recorded-files.ts';
import type { SegmentFragments } from './segment-fragments.ts';
import type { SegmentHead } from './segment-head.ts';
import { lostAsUndefined, type SegmentHeads } from './segment-heads.ts';
import type { SegmentLeases } from './segment-leases.ts';
import { follows } from './segment-order.ts';
import { freeBox, readWhole } from './whole-fragments.ts';
import { withoutTracks } from './without-tracks.ts';

/** Slowest and fastest. */
export const speedLimits = { least: 0.25, most: 16 } as const;

/** Above it only key pictures are shown: players could not decode so many, nor networks carry them. */
const maxFullSpeed = 4;
const maxPartBytes = 96 * 1024 * 1024;
const leastPartMs = 4000;

/** What it is made of. */
export interface SpeedPlaybackOptions {
  readonly recordings: RecordingQuery;
  readonly files: RecordedFiles;
  readonly heads: SegmentHeads;
  readonly fragments: SegmentFragments;
  readonly leases: SegmentLeases;
}

/** A stretch of a stream and how fast it is played. */
export interface SpeedRange {
  readonly streamId: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly speed: number;
}

/**
 * Recordings as HLS that a plain player shows faster or slower: the init segment says that a second has more or fewer
 * ticks, so pictures stay as they were recorded. There is no sound.
 */
export class SpeedPlayback {
  readonly #options: SpeedPlaybackOptions;

  constructor(options: SpeedPlaybackOptions) {
    this.#options = options;
  }

  /**
   * Playlist of what is recorded of the range by now; its addresses are relative to `/recordings-speed/{stream_id}/{speed}/`.
   * Throws `invalid_argument`, `not_found`, `unsupported` where there is sound only.
   */
  async playlist(
    range: SpeedRange,
    { tokenQuery = '', initInSegments = false }: PlaylistOptions = {},
  ): Promise<string> {
    const { streamId, startMs, endMs, speed } = range;
    checkRange(startMs, endMs);
    checkSpeed(speed);
    const parts: PlaylistSegment[] = [];
    const lost: unknown[] = [];
    let firstMs: number | undefined;
    let before: { segment: Segment; key: string } | undefined;
    const leastMs = leastPartMs * Math.max(1, speed);
    const mostMs = speed > maxFullSpeed ? Number.POSITIVE_INFINITY : leastMs * 2;
    for (const segment of await this.#options.recordings.segments(streamId, startMs, endMs)) {
      const fragments = await this.#options.recordings.fragments(segment.id);
      const wanted = { fromMs: startMs, toMs: endMs, growing: false, leastMs, mostMs };
      const groups = groupFragments(fragments, wanted);
      const head = await this.#options.heads.find(segment, lost);
      if (groups.length === 0 || head === undefined) continue;
      if (videoOf(head) === undefined) {
        lost.push(soundOnly(streamId));
        continue;
      }
      this.#options.leases.hold(segment.id);
      const id = encodeURIComponent(segment.id);
      const isNew = before !== undefined && (!follows(before.segment, segment) || before.key !== head.parameterKey);
      for (const [index, group] of groups.entries()) {
        const { end, durationMs } = group;
        const start = index === 0 && isNew ? firstByte(group, segment, initInSegments) : group.start;
        parts.push({
          uri: `${id}/${start}-${end}.m4s${tokenQuery}`,
          durationMs: durationMs / speed,
          map: { uri: `${id}/init.mp4${tokenQuery}` },
          discontinuity: index === 0 && isNew,
        });
      }
      firstMs ??= groups[0]!.startMs;
      before = { segment, key: head.parameterKey };
    }
    if (firstMs === undefined) throw lost[0] ?? nothingRecorded(streamId, startMs, endMs);
    const offset = startMs > firstMs && speed <= maxFullSpeed ? { startMs: (startMs - firstMs) / speed } : {};
    return writeMediaPlaylist({ mediaSequence: 0, type: 'vod', ended: true, ...offset, segments: parts });
  }

  /** Init segment of a file at a speed. Throws `not_found`. */
  async init(streamId: string, segmentId: string, speed: number): Promise<Uint8Array> {
    checkSpeed(speed);
    const { video } = await this.#open(streamId, segmentId);
    return writeInitSegment([{ ...video.track, clockRate: Math.round(video.track.clockRate * speed) }]);
  }

  /** The pictures in these bytes of a file, from byte 0 on with their init segment; above four times the pace only key pictures. Throws `not_found`, `data_loss`. */
  async part(segment: { readonly streamId: string; readonly id: string }, range: ByteRange, speed: number) {
    checkSpeed(speed);
    if (range.start > 0) return this.#part(segment, range, speed);
    const { segment: file } = await this.#open(segment.streamId, segment.id);
    const rest = await this.#part(segment, { start: file.initBytes, end: range.end }, speed);
    return concatBytes([await this.init(segment.streamId, segment.id, speed), rest]);
  }

  async #part(
    segment: { readonly streamId: string; readonly id: string },
    range: ByteRange,
    speed: number,
  ): Promise<Uint8Array> {
    const opened = await this.#open(segment.streamId, segment.id);
    const fragments = await this.#options.fragments.get(opened.segment);
    const wanted = fragments.filter(({ offset, bytes }) => offset >= range.start && offset + bytes <= range.end);
    if (wanted.length === 0) throw noSuchSegment(segment.id);
    if (speed > maxFullSpeed) return this.#keyPictures(opened, wanted);
    if (range.end - range.start > maxPartBytes) throw noSuchSegment(segment.id);
    const bytes = concatBytes(await Array.fromAsync(readWhole(this.#options, opened.segment, range)));
    const others = new Set(opened.head.tracks.map(({ fileId }) => fileId));
    others.delete(opened.video.fileId);
    return withoutSound(bytes, others);
  }

  async #open(streamId: string, segmentId: string): Promise<OpenedFile> {
    const segment = await this.#options.recordings.segment(segmentId);
    if (segment === undefined || segment.streamId !== streamId) throw noSuchSegment(segmentId);
    const head = await this.#options.heads.get(segment);
    const video = videoOf(head);
    if (video === undefined) throw noSuchSegment(segmentId);
    return { segment, head, video };
  }

  async #keyPictures(opened: OpenedFile, fragments: readonly FragmentEntry[]): Promise<Uint8Array> {
    const { track } = opened.video;
    const samples: Sample[] = [];
    let nextDts = 0;
    for (const fragment of fragments) {
      const ticks = Math.round((fragment.durationMs * track.clockRate) / 1000);
      nextDts += ticks;
      const sample = fragment.key ? await this.#keyPicture(opened, fragment).catch(lostAsUndefined) : undefined;
      if (sample === undefined) continue;
      samples.push(sample);
      nextDts = sample.dts + ticks;
    }
    if (samples.length === 0) throw noSuchSegment(opened.segment.id);
    return writeFragment(1, [{ track, samples, nextDts }]);
  }

  /** The picture that a fragment begins with. Throws `data_loss`, `malformed` where it is damaged (F6). */
  async #keyPicture({ segment, head, video }: OpenedFile, entry: FragmentEntry): Promise<Sample | undefined> {
    const { offset, bytes: length } = entry;
    const { track } = video;
    const read = (from: number, to: number) =>
      this.#options.files.read(segment, { start: offset + from, end: offset + to }, maxPartBytes);
    let bytes = await read(0, Math.min(length, 4096));
    const moof = readBoxHeader(bytes, 0, offset);
    if (moof !== undefined && moof.end > bytes.length) bytes = await read(0, Math.min(length, moof.end));
    const run = moof && readMoof(bytes, moof, head.tracks, offset).find(({ file }) => file === video);
    const start = run?.offsets[0];
    if (run === undefined || start === undefined || start + run.sizes[0]! > length) return undefined;
    const units = splitUnits(track.codec, await read(start, start + run.sizes[0]!));
    if (units.some((unit) => unit.length === 0)) return undefined;
    const dts = run.startTicks;
    return { track, dts, pts: dts, key: true, units, byteLength: run.sizes[0]!, wallMs: 0, lost: 0 };
  }
}

interface OpenedFile {
  readonly segment: Segment;
  readonly head: SegmentHead;
  readonly video: FileTrack;
}

function soundOnly(streamId: string): WatchpostError {
  return new WatchpostError(`Of "${streamId}" only sound is recorded then, which is played at speed 1 only`, {
    kind: 'unsupported',
    code: 'PLAYBACK_SPEED_SOUND',
  });
}

function videoOf({ tracks }: SegmentHead): FileTrack | undefined {
  return tracks.find(({ track }) => track.kind === 'video');
}

/** Fragments with one track less; its bytes stay in the `mdat`, and nothing refers to them. */
function withoutSound(bytes: Uint8Array, others: ReadonlySet<number>): Uint8Array {
  if (others.size === 0) return bytes;
  const boxes = readBoxes(bytes, 0, bytes.length);
  const parts: Uint8Array[] = [];
  for (const [index, moof] of boxes.entries()) {
    const mdat = boxes[index + 1];
    if (moof.type !== 'moof' || mdat?.type !== 'mdat') continue;
    const pictures = withoutTracks(bytes, moof, others);
    if (pictures !== undefined) parts.push(pictures, bytes.subarray(mdat.start, mdat.end));
  }
  // Sound behind the last picture may fill a part of its own.
  return parts.length > 0 ? concatBytes(parts) : freeBox(8);
}

function checkSpeed(speed: number): void {
  if (speed >= speedLimits.least && speed <= speedLimits.most) return;
  throw new WatchpostError(`speed: ${speed} is not a pace — use 0.25 to 16`, {
    kind: 'invalid_argument',
    code: 'PLAYBACK_SPEED',
  });
}
