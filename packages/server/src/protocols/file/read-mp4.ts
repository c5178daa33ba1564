import type { FileHandle } from 'node:fs/promises';
import type { Logger } from '@watchpost/base/logger.ts';
import { type Box, malformedBox, readBoxHeader } from '@watchpost/media/container/fmp4/boxes.ts';
import { readSamples, splitUnits } from '@watchpost/media/container/fmp4/demuxer.ts';
import { readEdits } from '@watchpost/media/container/fmp4/edit-list.ts';
import { maxFragmentBytes } from '@watchpost/media/container/fmp4/fragment.ts';
import { type FileTrack, readMoov } from '@watchpost/media/container/fmp4/read-moov.ts';
import { SampleEmitter } from '@watchpost/media/container/fmp4/sample-emitter.ts';
import { readIndex, type TrackIndex } from '@watchpost/media/container/mp4/read-index.ts';
import type { TimedUnit } from '../../hub/timed-units.ts';
import type { UnitInput } from '../../hub/unit-input.ts';
import { readAt } from './read-at.ts';

const headBytes = 32;
const maxMoovBytes = 64 * 1024 * 1024;
const maxSampleBytes = 16 * 1024 * 1024;

/** What a file is read for. */
export interface Mp4ReadOptions {
  readonly input: Pick<UnitInput, 'expect'>;
  readonly logger: Logger;
}

interface Movie {
  readonly tracks: readonly FileTrack[];
  readonly emitter: SampleEmitter;
  readonly index: readonly TrackIndex[];
}

/** The units of an MP4 file, with fragments or without, in order of decoding time over its tracks. Throws `malformed`. */
export async function* readMp4(file: FileHandle, options: Mp4ReadOptions): AsyncIterable<TimedUnit> {
  const { size } = await file.stat();
  const found: TimedUnit[] = [];
  const sink = {
    track: () => {},
    unit: (...[track, unit]: [TimedUnit['track'], TimedUnit['unit']]) => void found.push({ track, unit }),
  };
  let movie: Movie | undefined;
  for (let at = 0; at + 8 <= size; ) {
    const box = readBoxHeader(await readAt(file, at, headBytes), 0, at, size - at);
    // A file that is cut off plays as far as it goes.
    if (box === undefined || at + box.end > size) break;
    if (box.type === 'moov') {
      movie = openMovie(await readBox(file, { at, box, max: maxMoovBytes }), box, { ...options, sink });
      for await (const _ of playIndex(file, movie)) yield* found.splice(0);
    } else if (box.type === 'moof' && movie !== undefined) {
      const data = readBoxHeader(await readAt(file, at + box.end, headBytes), 0, at + box.end, size - at - box.end);
      if (data === undefined || at + box.end + data.end > size) break;
      playFragment(await readBox(file, { at, box: { ...box, end: box.end + data.end }, max: maxFragmentBytes }), movie);
      yield* found.splice(0);
    }
    at += box.end;
  }
}

async function readBox(
  file: FileHandle,
  { at, box, max }: { readonly at: number; readonly box: Box; readonly max: number },
): Promise<Uint8Array> {
  if (box.end > max) throw malformedBox(`a '${box.type}' of ${box.end} bytes`, at);
  return readAt(file, at, box.end);
}

function openMovie(
  bytes: Uint8Array,
  moov: Box,
  { input, logger, sink }: Mp4ReadOptions & { readonly sink: ConstructorParameters<typeof SampleEmitter>[2] },
): Movie {
  const tracks = readMoov(bytes, moov, 0);
  const has = (kind: string) => tracks.some(({ track }) => track.kind === kind);
  input.expect({ video: has('video'), audio: has('audio') });
  const index = readIndex(bytes, moov, tracks).filter(({ track, length }) => {
    // Files with G.711 time each byte of it by itself.
    const isBytes = length > 0 && (track.codec === 'pcma' || track.codec === 'pcmu');
    if (isBytes) logger.warn('the sound of the file is left out: G.711 is played from MP4 with fragments only', {});
    return !isBytes;
  });
  return { tracks, emitter: new SampleEmitter(tracks, readEdits(bytes, moov), sink), index };
}

/** Reads one sample after the other, whichever track is the earliest. */
async function* playIndex(file: FileHandle, { index, emitter }: Movie): AsyncIterable<void> {
  const next = index.map(() => 0);
  for (;;) {
    let earliest = -1;
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const [i, { length, track }] of index.entries()) {
      const ms = next[i]! < length ? (index[i]!.dtsAt(next[i]!) * 1000) / track.clockRate : Number.POSITIVE_INFINITY;
      if (ms < earliestMs) [earliest, earliestMs] = [i, ms];
    }
    if (earliest < 0) return;
    const { track } = index[earliest]!;
    const { offset, bytes, dts, pts, key } = index[earliest]!.at(next[earliest]!++);
    if (bytes > maxSampleBytes) throw malformedBox(`a sample of ${bytes} bytes`, offset);
    const sample = await readAt(file, offset, bytes);
    if (sample.length < bytes) return;
    emitter.emit(track, { dts, pts, key, units: splitUnits(track.codec, sample) });
    yield;
  }
}

function playFragment(fragment: Uint8Array, { tracks, emitter }: Movie): void {
  const samples = readSamples(fragment, tracks);
  samples.sort((a, b) => a.dts / a.track.clockRate - b.dts / b.track.clockRate);
  for (const sample of samples) emitter.emit(sample.track, sample);
}
