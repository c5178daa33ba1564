import { WatchpostError } from '@watchpost/base/errors.ts';
import { findBox, readBoxes, readBoxHeader } from '@watchpost/media/container/fmp4/boxes.ts';
import { splitUnits } from '@watchpost/media/container/fmp4/demuxer.ts';
import { readMoof } from '@watchpost/media/container/fmp4/read-moof.ts';
import { type FileTrack, readMoov } from '@watchpost/media/container/fmp4/read-moov.ts';
import type { Track } from '@watchpost/media/types.ts';
import type { FragmentEntry, Segment, StorageBackend } from '../../catalog/types.ts';

/** A fragment begins with its moof and its key picture; most end within so much. */
const usualBytes = 48 * 1024;
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

/**
 * Reads the pictures that the fragments of one segment begin with; the file is opened once for many of them. What cannot be
 * read is left out. Throws storage errors.
 */
export async function readKeyPictures(
  backend: StorageBackend,
  segment: Segment,
  fragments: readonly FragmentEntry[],
): Promise<StoredPicture[]> {
  if (fragments.length === 0 || segment.initBytes > maxHeadBytes) return [];
  const found: StoredPicture[] = [];
  let tracks: readonly FileTrack[] = [];
  for (let at = 0; at < fragments.length; at += batchSize) {
    const batch = fragments.slice(at, at + batchSize);
    const ranges = batch.map(({ offset, bytes }) => [offset, offset + Math.min(bytes, usualBytes)] as const);
    const head: [number, number][] = at === 0 ? [[0, segment.initBytes]] : [];
    const parts = await readRanges(backend, segment.key, [...head, ...ranges]);
    if (at === 0) tracks = videoTracks(parts.shift()!);
    if (tracks.length === 0) return [];
    for (let i = 0; i < batch.length; i++) {
      const picture = await pictureOf({ backend, key: segment.key, tracks, fragment: batch[i]!, bytes: parts[i]! });
      if (picture !== undefined) found.push(picture);
    }
  }
  return found;
}

async function pictureOf(part: {
  readonly backend: StorageBackend;
  readonly key: string;
  readonly tracks: readonly FileTrack[];
  readonly fragment: FragmentEntry;
  readonly bytes: Uint8Array;
}): Promise<StoredPicture | undefined> {
  const { fragment, tracks, bytes } = part;
  try {
    const moof = readBoxHeader(bytes, 0, fragment.offset);
    if (moof?.type !== 'moof' || moof.end > bytes.length) return undefined;
    const run = readMoof(bytes, moof, tracks, fragment.offset)[0];
    const start = run?.offsets[0];
    const size = run?.sizes[0] ?? 0;
    if (run === undefined || start === undefined || size === 0 || size > maxPictureBytes) return undefined;
    const end = start + size;
    if (end > fragment.bytes) return undefined;
    const whole =
      end <= bytes.length
        ? bytes.subarray(start, end)
        : (await readRanges(part.backend, part.key, [[fragment.offset + start, fragment.offset + end]]))[0]!;
    const { track } = run.file;
    return { timeMs: fragment.startMs, track, units: splitUnits(track.codec, whole), byteLength: size };
  } catch (error) {
    if (error instanceof WatchpostError && error.kind === 'malformed') return undefined;
    throw error;
  }
}

function videoTracks(head: Uint8Array): readonly FileTrack[] {
  try {
    const moov = findBox(readBoxes(head, 0, head.length), 'moov');
    return moov === undefined ? [] : readMoov(head, moov, 0).filter(({ track }) => track.kind === 'video');
  } catch (error) {
    if (error instanceof WatchpostError && error.kind === 'malformed') return [];
    throw error;
  }
}

async function readRanges(
  backend: StorageBackend,
  key: string,
  ranges: readonly (readonly [number, number])[],
): Promise<Uint8Array[]> {
  if (backend.readRanges !== undefined) return backend.readRanges(key, ranges);
  const found: Uint8Array[] = [];
  for (const [start, end] of ranges) {
    const pieces: Uint8Array[] = [];
    for await (const piece of backend.read(key, start, end)) pieces.push(piece);
    found.push(new Uint8Array(Buffer.concat(pieces)));
  }
  return found;
}
