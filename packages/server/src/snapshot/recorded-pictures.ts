import { WatchpostError } from '@watchpost/base/errors.ts';
import { readBoxHeader } from '@watchpost/media/container/fmp4/boxes.ts';
import { splitUnits } from '@watchpost/media/container/fmp4/demuxer.ts';
import { readMoof } from '@watchpost/media/container/fmp4/read-moof.ts';
import type { KeyFileStore } from '../catalog/key-file-store.ts';
import type { FragmentEntry, RecordingQuery, Segment } from '../catalog/types.ts';
import { type JpegDecoder, maxPictureBytes, type PictureSize } from '../decode/jpeg-decoder.ts';
import { type CodedPictures, codedPictures } from '../decode/picture.ts';
import { ByteCache } from '../playback/byte-cache.ts';
import type { RecordedFiles } from '../playback/recorded-files.ts';
import type { SegmentHeads } from '../playback/segment-heads.ts';
import { damagedRecorded } from './damaged-picture.ts';
import type { KeptPictures } from './kept-pictures.ts';
import type { Snapshot } from './live-snapshots.ts';

/** Segments that may hold the key picture before an instant begin so long before it at the earliest. */
const lookBackMs = 24 * 3600_000;
const maxCacheBytes = 32 * 1024 * 1024;
const usualMoofBytes = 4096;
/** Key pictures of one question. */
const maxKeyFrames = 10_000;

/** A key picture as it was recorded: nothing was decoded for it. */
export interface RecordedKeyFrame {
  /** ms since 1970 UTC */
  readonly timeMs: number;
  readonly segment: Segment;
  /** The fragment that begins with it. */
  readonly fragment: FragmentEntry;
}

/** A file that key pictures are read from. */
interface Source {
  readonly segment: Segment;
  readonly fragments: () => Promise<readonly FragmentEntry[]>;
}

/** What recorded pictures are made of. */
export interface RecordedPicturesOptions {
  readonly recordings: RecordingQuery;
  readonly files: RecordedFiles;
  readonly heads: SegmentHeads;
  readonly decoder: JpegDecoder;
  readonly kept: KeptPictures;
  /** Key pictures that outlived their recordings. */
  readonly keyFiles?: Pick<KeyFileStore, 'inRange' | 'fragments'>;
}

/**
 * Key pictures of recordings. Each key fragment of a file is one, so they are noted by recording itself; a JPEG is made at
 * the first request, and in full size kept beside the recordings.
 */
export class RecordedPictures {
  readonly #options: RecordedPicturesOptions;
  readonly #cache = new ByteCache(maxCacheBytes);
  readonly #underWay = new Map<string, Promise<Uint8Array>>();

  constructor(options: RecordedPicturesOptions) {
    this.#options = options;
  }

  /** Key pictures within [startMs, endMs), oldest first, at least `intervalMs` apart. `truncated`: there are more. */
  async keyFrames(
    streamId: string,
    range: { readonly startMs: number; readonly endMs: number; readonly intervalMs: number; readonly limit?: number },
  ): Promise<{ readonly frames: readonly RecordedKeyFrame[]; readonly truncated: boolean }> {
    const { startMs, endMs, intervalMs, limit = maxKeyFrames } = range;
    const frames: RecordedKeyFrame[] = [];
    let dueMs = startMs;
    for (const { segment, fragments } of await this.#sources(streamId, startMs, endMs)) {
      if (segment.endMs <= dueMs) continue;
      for (const fragment of await fragments()) {
        if (!fragment.key || fragment.startMs < dueMs || fragment.startMs >= endMs) continue;
        if (frames.length >= limit) return { frames, truncated: true };
        frames.push({ timeMs: fragment.startMs, segment, fragment });
        dueMs = fragment.startMs + intervalMs;
      }
    }
    return { frames, truncated: false };
  }

  /** Recordings, and files of key pictures where those are gone, in order. */
  async #sources(streamId: string, startMs: number, endMs: number): Promise<Source[]> {
    const { recordings, keyFiles } = this.#options;
    const segments = (await recordings.segments(streamId, startMs, endMs)).filter(mayHaveVideo);
    const kept = (await keyFiles?.inRange(streamId, startMs, endMs)) ?? [];
    const isRecorded = (ms: number) => segments.some((one) => one.startMs <= ms && ms < one.endMs);
    const sources = [
      ...segments.map((segment): Source => ({ segment, fragments: () => recordings.fragments(segment.id) })),
      ...kept.map((segment): Source => {
        const fragments = async () =>
          (await keyFiles!.fragments(segment.id)).filter((fragment) => !isRecorded(fragment.startMs));
        return { segment, fragments };
      }),
    ];
    return sources.sort((a, b) => a.segment.startMs - b.segment.startMs);
  }

  /** The key picture at or before an instant, as JPEG. Throws `not_found`, `data_loss`, or as `JpegDecoder.toJpeg` does. */
  async jpegAt(streamId: string, timeMs: number, size: PictureSize = {}): Promise<Snapshot> {
    const frame = await this.#before(streamId, timeMs);
    const { segment, timeMs: capturedMs, fragment } = frame;
    const key = `${segment.id} ${fragment.offset} ${size.width ?? ''}x${size.height ?? ''}`;
    const known = this.#cache.get(key);
    if (known !== undefined) return { jpeg: known, capturedMs };
    let work = this.#underWay.get(key);
    if (work === undefined) {
      work = this.#render(frame, size);
      this.#underWay.set(key, work);
      const forget = () => this.#underWay.delete(key);
      void work.then(forget, forget);
    }
    const jpeg = await work;
    this.#cache.set(key, jpeg);
    return { jpeg, capturedMs };
  }

  async #render(frame: RecordedKeyFrame, size: PictureSize): Promise<Uint8Array> {
    const { decoder, kept } = this.#options;
    const isFull = size.width === undefined && size.height === undefined;
    const found = isFull ? await kept.read(frame.segment, frame.timeMs) : undefined;
    if (found !== undefined) return found;
    const pictures = await this.#pictures(frame);
    const jpeg = await decoder.toJpeg(pictures, size).catch(damagedRecorded(frame.segment.id));
    if (isFull) await kept.write(frame.segment, frame.timeMs, jpeg);
    return jpeg;
  }

  async #before(streamId: string, timeMs: number): Promise<RecordedKeyFrame> {
    let best: RecordedKeyFrame | undefined;
    for (const { segment, fragments } of (
      await this.#sources(streamId, timeMs - lookBackMs, timeMs + 1)
    ).toReversed()) {
      if (segment.startMs > timeMs) continue;
      // A file of key pictures begins long before what is left of the recordings that it outlived.
      if (best !== undefined && segment.endMs <= best.timeMs) continue;
      const fragment = (await fragments()).findLast((entry) => entry.key && entry.startMs <= timeMs);
      if (fragment === undefined || fragment.startMs <= (best?.timeMs ?? 0)) continue;
      best = { timeMs: fragment.startMs, segment, fragment };
    }
    if (best !== undefined) return best;
    throw new WatchpostError(
      `No picture of "${streamId}" is recorded in the day before ${new Date(timeMs).toISOString()} — GET /api/v1/recordings/${streamId} lists what is`,
      { kind: 'not_found', code: 'SNAPSHOT_NOT_RECORDED' },
    );
  }

  /** Reads the one picture, not the fragment around it. */
  async #pictures({ segment, fragment }: RecordedKeyFrame): Promise<CodedPictures> {
    const { files, heads } = this.#options;
    const head = await heads.get(segment);
    const { offset, bytes: length } = fragment;
    const read = (from: number, to: number) =>
      files.read(segment, { start: offset + from, end: offset + to }, maxPictureBytes);
    let bytes = await read(0, Math.min(length, usualMoofBytes));
    const moof = readBoxHeader(bytes, 0, offset);
    if (moof?.type !== 'moof' || moof.end > length) throw damaged(segment, offset);
    if (moof.end > bytes.length) bytes = await read(0, moof.end);
    const run = readMoof(bytes, moof, head.tracks, offset).find(({ file }) => file.track.kind === 'video');
    const start = run?.offsets[0];
    if (run === undefined || start === undefined) {
      throw new WatchpostError(`The recording ${segment.id} has no video`, {
        kind: 'unsupported',
        code: 'SNAPSHOT_CODEC',
      });
    }
    const size = run.sizes[0]!;
    if (start < moof.end || start + size > length) throw damaged(segment, offset);
    const { track } = run.file;
    const units = splitUnits(track.codec, await read(start, start + size));
    const sample = { track, dts: 0, pts: 0, key: true, units, byteLength: size, wallMs: 0, lost: 0 };
    const pictures = codedPictures(track, [sample]);
    if (pictures !== undefined) return pictures;
    throw new WatchpostError(`Pictures of ${track.codec} are not decoded here`, {
      kind: 'unsupported',
      code: 'SNAPSHOT_CODEC',
    });
  }
}

/** Each fragment of sound alone is a key fragment, too. */
function mayHaveVideo({ tracks }: Segment): boolean {
  return tracks.length === 0 || tracks.some(({ kind }) => kind === 'video');
}

function damaged(segment: Segment, offset: number): WatchpostError {
  return new WatchpostError(
    `The recorded file ${segment.id} has no picture at byte ${offset}; run "watchpost index rebuild"`,
    { kind: 'data_loss', code: 'PLAYBACK_INDEX' },
  );
}
