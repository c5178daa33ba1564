import { WatchpostError } from '@watchpost/base/errors.ts';
import { findBox, readBoxes, readBoxHeader } from '@watchpost/media/container/fmp4/boxes.ts';
import { splitUnits } from '@watchpost/media/container/fmp4/demuxer.ts';
import { readMoof } from '@watchpost/media/container/fmp4/read-moof.ts';
import { type FileTrack, readMoov } from '@watchpost/media/container/fmp4/read-moov.ts';
import type { Track } from '@watchpost/media/types.ts';
import type { FragmentEntry, Segment, StorageBackend } from '../../catalog/types.ts';

/** A fragment begins with its moof and its key picture; most end within so much. */
const usualBytes = 48 * 1024;
const leastBytes = 8 * 1024;
const mostBytes = 1024 * 1024;
/** Larger pictures are not kept. */
const maxPictureBytes = 16 * 1024 * 1024;
const maxHeadBytes = 256 * 1024;
/** Read at once from one file. */
const batchSize = 16;

/** A key picture as it was recorded. */
export interface StoredPicture {
  readonly timeMs: number;
  readonly track: Track;
  /** NAL units, or one JPEG. */
  readonly units: readonly Uint8Array[];
  readonly byteLength: number;
}

type Allocate = (bytes: number) => Uint8Array;

interface StoredFile {
  readonly backend: StorageBackend;
  readonly key: string;
  readonly allocate: Allocate;
}

interface Place {
  readonly fragment: FragmentEntry;
  readonly track: Track;
  /** Within the fragment. */
  readonly start: number;
  readonly end: number;
}

/** Reads key pictures of one camera, which are of similar size: what is read is little more than they are, mostly at once. */
export class KeyPictureReader {
  readonly #allocate: Allocate;
  /** How much is read of a fragment at first. */
  #usualBytes = usualBytes;

  /** `allocate`: memory for what is read; units of pictures are parts of it, tracks are not. After a failed read it may still be filled. */
  constructor(allocate: Allocate = (bytes) => new Uint8Array(bytes)) {
    this.#allocate = allocate;
  }

  /** The pictures that the fragments of one segment begin with. What cannot be read is left out. Throws storage errors. */
  async read(backend: StorageBackend, segment: Segment, fragments: readonly FragmentEntry[]): Promise<StoredPicture[]> {
    if (fragments.length === 0 || segment.initBytes > maxHeadBytes) return [];
    const found: StoredPicture[] = [];
    let tracks: readonly FileTrack[] = [];
    for (let at = 0; at < fragments.length; at += batchSize) {
      const batch = fragments.slice(at, at + batchSize);
      const ranges = batch.map(({ offset, bytes }) => [offset, offset + Math.min(bytes, this.#usualBytes)] as const);
      const head: [number, number][] = at === 0 ? [[0, segment.initBytes]] : [];
      const file = { backend, key: segment.key, allocate: this.#allocate };
      const parts = await readRanges(file, [...head, ...ranges]);
      if (at === 0) tracks = videoTracks(new Uint8Array(parts.shift()!));
      if (tracks.length === 0) return [];
      await completeHeads(batch, parts, file);
      const places = batch.map((fragment, i) => placeOf(fragment, tracks, parts[i]!));
      found.push(...(await this.#pictures(places, parts, file)));
    }
    return found;
  }

  async #pictures(
    places: readonly (Place | undefined)[],
    parts: readonly Uint8Array[],
    file: StoredFile,
  ): Promise<StoredPicture[]> {
    const isWhole = ({ end }: Place, i: number) => end <= parts[i]!.length;
    const larger = places.flatMap((place, i) => (place === undefined || isWhole(place, i) ? [] : [place]));
    const rest = larger.map(({ fragment: { offset }, start, end }) => [offset + start, offset + end] as const);
    const wholes = rest.length > 0 ? await readRanges(file, rest) : [];
    const found: StoredPicture[] = [];
    let longest = 0;
    for (const [i, place] of places.entries()) {
      if (place === undefined) continue;
      const { fragment, track, start, end } = place;
      const whole = isWhole(place, i) ? parts[i]!.subarray(start, end) : wholes.shift()!;
      longest = Math.max(longest, end);
      const units = unitsOf(track, whole);
      if (units !== undefined) found.push({ timeMs: fragment.startMs, track, units, byteLength: end - start });
    }
    if (longest > 0) this.#usualBytes = Math.min(Math.max(longest * 1.25, leastBytes), mostBytes) & ~4095;
    return found;
  }
}

/** Reads more of fragments whose moof is longer than what was read of them: many pictures in one. */
async function completeHeads(fragments: readonly FragmentEntry[], parts: Uint8Array[], file: StoredFile) {
  const short = fragments.flatMap(({ offset, bytes }, i) => {
    const end = unlessMalformed(() => readBoxHeader(parts[i]!, 0, offset)?.end) ?? 0;
    return end > parts[i]!.length && bytes > parts[i]!.length ? [{ i, offset, bytes: Math.min(bytes, end) }] : [];
  });
  if (short.length === 0) return;
  const ranges = short.map(({ offset, bytes }) => [offset, offset + Math.min(bytes, maxHeadBytes)] as const);
  const more = await readRanges(file, ranges);
  for (const [n, { i }] of short.entries()) parts[i] = more[n]!;
}

/** Where a fragment's key picture is. Undefined where there is none that can be kept. */
function placeOf(fragment: FragmentEntry, tracks: readonly FileTrack[], bytes: Uint8Array): Place | undefined {
  return unlessMalformed(() => {
    const moof = readBoxHeader(bytes, 0, fragment.offset);
    if (moof?.type !== 'moof' || moof.end > bytes.length) return undefined;
    const run = readMoof(bytes, moof, tracks, fragment.offset)[0];
    const start = run?.offsets[0];
    const size = run?.sizes[0] ?? 0;
    if (run === undefined || start === undefined || size === 0 || size > maxPictureBytes) return undefined;
    const end = start + size;
    return end > fragment.bytes ? undefined : { fragment, track: run.file.track, start, end };
  });
}

function unitsOf({ codec }: Track, whole: Uint8Array): Uint8Array[] | undefined {
  return unlessMalformed(() => splitUnits(codec, whole));
}

function videoTracks(head: Uint8Array): readonly FileTrack[] {
  const tracks = unlessMalformed(() => {
    const moov = findBox(readBoxes(head, 0, head.length), 'moov');
    return moov === undefined ? [] : readMoov(head, moov, 0).filter(({ track }) => track.kind === 'video');
  });
  return tracks ?? [];
}

function unlessMalformed<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof WatchpostError && error.kind === 'malformed') return undefined;
    throw error;
  }
}

async function readRanges(
  { backend, key, allocate }: StoredFile,
  ranges: readonly (readonly [number, number])[],
): Promise<Uint8Array[]> {
  if (backend.readRanges !== undefined) return backend.readRanges(key, ranges, allocate);
  const found: Uint8Array[] = [];
  for (const [start, end] of ranges) {
    const pieces: Uint8Array[] = [];
    for await (const piece of backend.read(key, start, end)) pieces.push(piece);
    found.push(new Uint8Array(Buffer.concat(pieces)));
  }
  return found;
}
