import { createHash } from 'node:crypto';
import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { readBoxHeader } from '@watchpost/media/container/fmp4/boxes.ts';
import { readMoof } from '@watchpost/media/container/fmp4/read-moof.ts';
import type { FragmentEntry, RecordingQuery, Segment } from '../catalog/types.ts';
import type { ByteRange } from './byte-range.ts';
import { nothingRecorded } from './check-range.ts';
import { firstWantedFragment, maxReorderMs } from './fragment-groups.ts';
import { type Asked, KeptMp4s } from './kept-mp4s.ts';
import { type ComposedFragment, Mp4Composer } from './mp4-composer.ts';
import { type Mp4File, type Mp4Slice, segmentOf, sliceAt } from './mp4-slices.ts';
import type { KeepSound } from './mp4-track.ts';
import { type RecordedFiles, readLeaseMs } from './recorded-files.ts';
import type { SegmentHead } from './segment-head.ts';
import { isLost, type SegmentHeads } from './segment-heads.ts';
import { follows } from './segment-order.ts';

/** A `moof` is rarely longer. */
const usualMoofBytes = 4096;
const maxFragmentBytes = 256 * 1024 * 1024;
const readAhead = 16;
/** Bytes between two slices of a file that are rather read than skipped by opening it anew. */
const readThroughBytes = 64 * 1024;

const anew: Asked = { viewer: '', keepMs: 0 };

/** A stretch of a stream, ms since 1970 UTC. */
export interface RecordedRange {
  readonly streamId: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** What a file is put together of. */
type StoredQuery = Pick<RecordingQuery, 'segments' | 'fragments' | 'lease'>;

/** How a file is put together. */
export interface ComposeOptions {
  readonly keepSound?: KeepSound;
  /** Share of the work that is done, 0…1. */
  readonly onProgress?: (done: number) => void;
  /** Awaited now and then: what `keepSound` took can be written away. */
  readonly drain?: () => Promise<void>;
  readonly signal?: AbortSignal;
  /** Holds what the file is made of for as long as its owner likes; for the time of putting it together where it is missing. */
  readonly leases?: DisposableStack;
}

/** An MP4 that is served without ever being written. */
export interface ServedMp4 extends Mp4File {
  readonly etag: string;
}

/** Recordings as progressive MP4 files, made of the bytes that were recorded. */
export class Mp4Files {
  readonly #recordings: StoredQuery;
  readonly #files: RecordedFiles;
  readonly #heads: SegmentHeads;
  readonly #clock: Clock;
  readonly #kept = new KeptMp4s();

  constructor(parts: { recordings: StoredQuery; files: RecordedFiles; heads: SegmentHeads; clock: Clock }) {
    this.#recordings = parts.recordings;
    this.#files = parts.files;
    this.#heads = parts.heads;
    this.#clock = parts.clock;
  }

  /**
   * The file of a range, of what is recorded by now, or the one that whoever `asked` has the beginning of, though the
   * recording grows. Throws `not_found` where nothing was recorded.
   */
  async open(range: RecordedRange, asked: Asked = anew): Promise<ServedMp4> {
    const { viewer, keepMs } = asked;
    const key = `${range.streamId} ${range.startMs} ${range.endMs}`;
    const madeMs = this.#clock.monotonicMs();
    const begun = this.#kept.given(key, viewer, madeMs - keepMs);
    if (begun !== undefined) return begun;
    const recorded = await this.#recorded(range);
    const same = this.#kept.madeOf(key, viewer, recorded);
    return same ?? this.#kept.add({ key, viewer, recorded, madeMs, opened: this.#open(range) });
  }

  /** Bytes of a file that `open` gave. */
  async *serve(file: ServedMp4, range: ByteRange): AsyncIterable<Uint8Array> {
    try {
      yield* this.read(file, range);
    } catch (error) {
      // Its length is promised: this answer is cut off, and the next one has a hole there.
      if (isLost(error)) this.#kept.forget(file);
      throw error;
    }
  }

  /** Puts a file together; what is damaged or gone is a hole. Throws `not_found`, `resource_exhausted`, `data_loss`, or what `signal` says. */
  async compose(range: RecordedRange, options: ComposeOptions = {}): Promise<Mp4File> {
    const { streamId, startMs, endMs } = range;
    const { keepSound } = options;
    const composer = new Mp4Composer({ startMs, endMs, ...(keepSound && { keepSound }) });
    const lost: unknown[] = [];
    let before: Segment | undefined;
    using ownLeases = new DisposableStack();
    for (const segment of await this.#hold(range, options.leases ?? ownLeases)) {
      const all = await this.#recordings.fragments(segment.id);
      const untilMs = endMs + maxReorderMs;
      const fragments = all.slice(firstWantedFragment(all, startMs)).filter((entry) => entry.startMs < untilMs);
      if (fragments.length === 0) continue;
      const isCut = before === undefined || !follows(before, segment);
      if (isCut && segment.startMs >= endMs) break;
      await this.#addFragments(composer, fragments, { segment, isCut, options, lost });
      before = segment;
      options.onProgress?.(Math.min(1, (segment.endMs - startMs) / (endMs - startMs)));
      if (composer.isOver) break;
    }
    const file = composer.finish();
    if (file !== undefined) return file;
    throw lost[0] ?? nothingRecorded(streamId, startMs, endMs);
  }

  /** Bytes of the file; `sound` reads what `keepSound` took. The recorded files are not deleted meanwhile. */
  async *read(file: Mp4File, range: ByteRange, sound?: (range: ByteRange) => AsyncIterable<Uint8Array>) {
    const headBytes = file.head.length;
    if (range.start < headBytes) yield file.head.subarray(range.start, Math.min(range.end, headBytes));
    const from = Math.max(0, range.start - headBytes);
    const to = range.end - headBytes;
    if (to <= from) return;
    using leases = new DisposableStack();
    const wanted = slicesIn(file.slices, from, to);
    for (const id of new Set(wanted.map((slice) => segmentOf(slice)?.id))) {
      if (id !== undefined) leases.use(this.#recordings.lease(id, readLeaseMs));
    }
    for (let next = 0; next < wanted.length; ) {
      const first = next;
      const { source } = wanted[first]!;
      while (++next < wanted.length && isNear(wanted[next - 1]!, wanted[next]!));
      const end = wanted[next - 1]!.end;
      const span = { start: wanted[first]!.start, end };
      if (source instanceof Uint8Array) {
        yield source.subarray(span.start, span.end);
        continue;
      }
      const pieces = source === 'sound' ? sound!(span) : this.#files.stream(source, span);
      yield* cutOut(pieces, wanted.slice(first, next));
    }
  }

  /** The segments of a range, none of which is deleted from now on: what was on its way out already is a gap. */
  async #hold({ streamId, startMs, endMs }: RecordedRange, leases: DisposableStack): Promise<readonly Segment[]> {
    const untilMs = endMs + maxReorderMs;
    const segments = await this.#recordings.segments(streamId, startMs, untilMs);
    for (const { id } of segments) leases.use(this.#recordings.lease(id, readLeaseMs));
    const left = new Set((await this.#recordings.segments(streamId, startMs, untilMs)).map(({ id }) => id));
    return segments.filter(({ id }) => left.has(id));
  }

  /** Says which files there are of a range, and how much of each. */
  async #recorded({ streamId, startMs, endMs }: RecordedRange): Promise<string> {
    const segments = await this.#recordings.segments(streamId, startMs, endMs + maxReorderMs);
    return segments.map(({ id, bytes }) => `${id} ${bytes}`).join();
  }

  async #open(range: RecordedRange): Promise<ServedMp4> {
    const file = await this.compose(range);
    const hash = createHash('sha256').update(file.head.subarray(0, 1024 * 1024));
    hash.update(JSON.stringify([range, file.bytes, file.slices.length, file.gaps]));
    return { ...file, etag: `"${hash.digest('base64url').slice(0, 22)}"` };
  }

  async #addFragments(
    composer: Mp4Composer,
    fragments: readonly FragmentEntry[],
    place: { segment: Segment; isCut: boolean; options: ComposeOptions; lost: unknown[] },
  ): Promise<void> {
    const { segment, options, lost } = place;
    const head = await this.#heads.find(segment, lost);
    if (head === undefined) return;
    const isWhole = options.keepSound !== undefined && head.g711.length > 0;
    let { isCut } = place;
    let isTorn = false;
    for (let at = 0; at < fragments.length; at += readAhead) {
      options.signal?.throwIfAborted();
      const some = fragments.slice(at, at + readAhead);
      const read = await Promise.all(
        some.map((entry) =>
          this.#moof(segment, entry, { head, isWhole }).catch((error: unknown) => {
            if (!isLost(error)) throw error;
            lost.push(error);
            return undefined;
          }),
        ),
      );
      for (const [index, fragment] of read.entries()) {
        // Behind what is lost nothing can be decoded before the next key picture.
        isTorn = fragment === undefined || (isTorn && !some[index]!.key);
        if (fragment !== undefined && !isTorn) composer.add({ ...fragment, segment, isCut });
        isCut = isTorn;
      }
      await options.drain?.();
      if (composer.isOver) return;
    }
  }

  async #moof(
    segment: Segment,
    entry: FragmentEntry,
    { head, isWhole }: { head: SegmentHead; isWhole: boolean },
  ): Promise<Omit<ComposedFragment, 'segment' | 'isCut'>> {
    const { offset, startMs } = entry;
    const first = isWhole ? entry.bytes : Math.min(entry.bytes, usualMoofBytes);
    let bytes = await this.#files.read(segment, { start: offset, end: offset + first }, maxFragmentBytes);
    const moof = readBoxHeader(bytes, 0, offset);
    if (moof?.type !== 'moof' || moof.end > entry.bytes) throw damaged(segment, offset);
    if (moof.end > bytes.length) {
      bytes = await this.#files.read(segment, { start: offset, end: offset + moof.end }, maxFragmentBytes);
    }
    const runs = readMoof(bytes, moof, head.tracks, offset);
    for (const run of runs) {
      const last = run.sizes.length - 1;
      if (last >= 0 && (run.offsets[0]! < moof.end || run.offsets[last]! + run.sizes[last]! > entry.bytes)) {
        throw damaged(segment, offset);
      }
    }
    return { offset, startMs, runs, ...(isWhole && { bytes }) };
  }
}

function damaged(segment: Segment, offset: number): WatchpostError {
  return new WatchpostError(
    `The recorded file ${segment.id} has no fragment at byte ${offset}; run "watchpost index rebuild"`,
    { kind: 'data_loss', code: 'PLAYBACK_INDEX' },
  );
}

/** The slices, cut to bytes [from, to) of the media data. */
function slicesIn(slices: readonly Mp4Slice[], from: number, to: number): Mp4Slice[] {
  const wanted: Mp4Slice[] = [];
  for (let index = sliceAt(slices, from); index < slices.length && slices[index]!.at < to; index++) {
    const slice = slices[index]!;
    const start = slice.start + Math.max(0, from - slice.at);
    const end = Math.min(slice.end, slice.start + to - slice.at);
    if (end > start) wanted.push({ ...slice, start, end });
  }
  return wanted;
}

function isNear(before: Mp4Slice, next: Mp4Slice): boolean {
  if (next.source instanceof Uint8Array) return false;
  return before.source === next.source && next.start >= before.end && next.start - before.end <= readThroughBytes;
}

/** Of bytes that begin with the first slice, what is in slices. */
async function* cutOut(pieces: AsyncIterable<Uint8Array>, slices: readonly Mp4Slice[]): AsyncIterable<Uint8Array> {
  let at = slices[0]!.start;
  let index = 0;
  for await (const piece of pieces) {
    const end = at + piece.length;
    while (index < slices.length && slices[index]!.start < end) {
      const slice = slices[index]!;
      yield piece.subarray(Math.max(slice.start, at) - at, Math.min(slice.end, end) - at);
      if (slice.end > end) break;
      index++;
    }
    at = end;
  }
  if (index === slices.length) return;
  throw new WatchpostError('A recorded file is shorter than its index says; run "watchpost index"', {
    kind: 'data_loss',
    code: 'PLAYBACK_SHORT_FILE',
  });
}
