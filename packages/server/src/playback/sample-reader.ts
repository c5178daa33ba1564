import type { Sample, Track } from '@watchpost/media/types.ts';
import type { RecordedPiece, RecordedRange, RecordedSource } from '../catalog/recorded-source.ts';
import type { FragmentEntry, RecordingQuery, Segment } from '../catalog/types.ts';
import { nothingRecorded } from './check-range.ts';
import { firstWantedFragment, maxReorderMs } from './fragment-groups.ts';
import type { RecordedFiles } from './recorded-files.ts';
import { lostAsUndefined, type SegmentHeads } from './segment-heads.ts';
import type { SegmentLeases } from './segment-leases.ts';
import { follows } from './segment-order.ts';
import { readWholeSamples } from './whole-fragments.ts';

/** Rows are asked for so much at a time. */
const windowMs = 3600_000;
const maxFragmentBytes = 64 * 1024 * 1024;

/** What it is made of. */
export interface SampleReaderOptions {
  readonly recordings: RecordingQuery;
  readonly files: RecordedFiles;
  readonly heads: SegmentHeads;
  readonly leases: SegmentLeases;
}

/** Samples of recordings, fragment by fragment. */
export class RecordedSamples implements RecordedSource {
  readonly #options: SampleReaderOptions;

  constructor(options: SampleReaderOptions) {
    this.#options = options;
  }

  async describe(streamId: string, atMs: number) {
    const { recordings, heads } = this.#options;
    const known = (await recordings.recordedStreams()).find((stream) => stream.streamId === streamId);
    if (known === undefined) throw nothingRecorded(streamId, atMs, atMs);
    const { oldestMs: startMs, newestMs: endMs } = known;
    const lost: unknown[] = [];
    for (let fromMs = Math.max(atMs, startMs); fromMs < endMs; fromMs += windowMs) {
      for (const segment of await recordings.segments(streamId, fromMs, fromMs + windowMs)) {
        const head = await heads.find(segment, lost);
        if (head === undefined) continue;
        const tracks: readonly Track[] = head.tracks.map(({ track }) => track);
        return { tracks, startMs, endMs };
      }
    }
    throw lost[0] ?? nothingRecorded(streamId, atMs, endMs);
  }

  async *read(range: RecordedRange): AsyncIterable<RecordedPiece> {
    // Times are rounded.
    const apartMs = (range.keyIntervalMs ?? 0) - 1;
    let before: Segment | undefined;
    let readMs: number | undefined;
    let isTorn = false;
    // Read, and not handed out: sound behind the last picture of a file goes with that picture.
    let held: RecordedPiece | undefined;
    /** Wall time of tick 0. */
    let originMs = 0;
    // How much later than it is decoded a key picture is shown: the clock of a run is that of its key pictures.
    let reorderMs = 0;
    for await (const segment of range.reverse ? this.#segmentsBack(range) : this.#segments(range)) {
      const neighbours = before === undefined || (range.reverse ? follows(segment, before) : follows(before, segment));
      this.#options.leases.hold(segment.id);
      const head = await this.#options.heads.find(segment, []);
      if (head === undefined) continue;
      const hasPictures = head.tracks.some(({ track }) => track.kind === 'video');
      let afterGap = !neighbours || isTorn;
      const fragments = await this.#options.recordings.fragments(segment.id);
      for (const fragment of range.reverse ? wantedBack(fragments, range) : wanted(fragments, range)) {
        if (readMs !== undefined && Math.abs(fragment.startMs - readMs) < apartMs) continue;
        // Behind what is lost nothing can be decoded before the next key picture (F6).
        if (isTorn && !fragment.key) continue;
        const read = await this.#samples(segment, fragment).catch(lostAsUndefined);
        isTorn = read === undefined;
        afterGap ||= isTorn;
        const lead = read?.find(({ track }) => track.kind === 'video') ?? read?.[0];
        if (read === undefined || lead === undefined) continue;
        const isRest = hasPictures && lead.track.kind !== 'video';
        if (lead.key && !isRest) reorderMs = presentMs(lead) - decodeMs(lead);
        if (!isRest) originMs = fragment.startMs - decodeMs(lead) - reorderMs;
        const samples = timed(read, range, originMs);
        if (samples.length === 0) continue;
        if (isRest) {
          if (held !== undefined) held = { ...held, samples: [...held.samples, ...samples] };
          continue;
        }
        readMs = fragment.startMs;
        if (held !== undefined) yield held;
        held = { samples, afterGap };
        afterGap = false;
        before = segment;
      }
    }
    if (held !== undefined) yield held;
  }

  async *#segments({ streamId, startMs, endMs }: RecordedRange): AsyncIterable<Segment> {
    let seenMs = Number.NEGATIVE_INFINITY;
    const { recordings } = this.#options;
    const known = (await recordings.recordedStreams()).find((stream) => stream.streamId === streamId);
    if (known === undefined) return;
    const lastMs = Math.min(endMs, known.newestMs + windowMs);
    for (let fromMs = Math.max(startMs, known.oldestMs); fromMs < lastMs; fromMs += windowMs) {
      for (const segment of await recordings.segments(streamId, fromMs, Math.min(fromMs + windowMs, lastMs))) {
        if (segment.startMs <= seenMs) continue;
        seenMs = segment.startMs;
        yield segment;
      }
    }
  }

  async *#segmentsBack({ streamId, startMs, endMs }: RecordedRange): AsyncIterable<Segment> {
    const { recordings } = this.#options;
    const known = (await recordings.recordedStreams()).find((stream) => stream.streamId === streamId);
    if (known === undefined) return;
    const lastMs = Math.max(endMs, known.oldestMs);
    let seenMs = Number.POSITIVE_INFINITY;
    for (let toMs = Math.min(startMs, known.newestMs) + 1; toMs > lastMs; toMs -= windowMs) {
      const rows = await recordings.segments(streamId, Math.max(toMs - windowMs, lastMs), toMs);
      for (const segment of rows.toReversed()) {
        if (segment.startMs >= seenMs) continue;
        seenMs = segment.startMs;
        yield segment;
      }
    }
  }

  async #samples(segment: Segment, fragment: FragmentEntry): Promise<readonly Sample[]> {
    const { files, heads } = this.#options;
    const { tracks } = await heads.get(segment);
    const end = fragment.offset + fragment.bytes;
    const bytes = await files.read(segment, { start: fragment.offset, end }, maxFragmentBytes);
    return readWholeSamples(bytes, tracks);
  }
}

/** What of a fragment is wanted, in the order of decoding. Pictures after the end are, where such before it need them. */
function timed(samples: readonly Sample[], range: RecordedRange, originMs: number): readonly Sample[] {
  const all = samples.map((sample) => ({ ...sample, wallMs: originMs + presentMs(sample) }));
  if (range.keysOnly || range.reverse) return all.filter(({ track, key }) => key && track.kind === 'video').slice(0, 1);
  all.sort((a, b) => decodeMs(a) - decodeMs(b));
  const last = all.findLastIndex(({ track, wallMs }) => track.kind === 'video' && wallMs < range.endMs);
  return all.filter(({ track, wallMs }, i) => wallMs < range.endMs || (track.kind === 'video' && i < last));
}

function wanted(fragments: readonly FragmentEntry[], { startMs, endMs, keysOnly }: RecordedRange) {
  return fragments
    .slice(firstWantedFragment(fragments, startMs))
    .filter((fragment) => fragment.startMs < endMs + (keysOnly ? 0 : maxReorderMs) && (!keysOnly || fragment.key));
}

function wantedBack(fragments: readonly FragmentEntry[], { startMs, endMs }: RecordedRange) {
  return fragments
    .filter((fragment) => fragment.key && fragment.startMs <= startMs && fragment.startMs >= endMs)
    .toReversed();
}

function presentMs({ pts, track }: Sample): number {
  return (pts * 1000) / track.clockRate;
}

function decodeMs({ dts, track }: Sample): number {
  return (dts * 1000) / track.clockRate;
}
