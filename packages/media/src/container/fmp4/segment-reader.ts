import type { Track } from '../../types.ts';
import { PictureReader } from '../picture-reader.ts';
import { malformedBox, readBoxHeader } from './boxes.ts';
import { readSamples } from './demuxer.ts';
import { readEdits } from './edit-list.ts';
import { type FileTrack, readMoov } from './read-moov.ts';

/** A picture or a frame of sound, as the file times it. */
export interface Fmp4Unit {
  readonly dts: number;
  readonly pts: number;
  readonly key: boolean;
  readonly units: readonly Uint8Array[];
}

/** Where a reader of segments puts what it finds. */
export interface Fmp4Sink {
  /** A track is there, or has new codec data: the same id, another object. */
  track(track: Track): void;
  /** Called only after `track` with this object. */
  unit(track: Track, unit: Fmp4Unit): void;
}

const maxFragments = 4096;

/** Reads the media segments that belong to one init segment, as HLS and DASH have them (ISO/IEC 14496-12 §8.16). */
export class Fmp4SegmentReader {
  readonly #sink: Fmp4Sink;
  readonly #tracks: readonly FileTrack[];
  readonly #pictures = new Map<Track, PictureReader>();
  readonly #told = new Map<Track, Track>();
  /** Ticks that presentation begins before the times of the samples. */
  readonly #edits = new Map<Track, number>();

  /** Throws `malformed` for an init segment without a `moov`. */
  constructor(init: Uint8Array, sink: Fmp4Sink) {
    this.#sink = sink;
    let tracks: readonly FileTrack[] | undefined;
    for (let at = 0; tracks === undefined; ) {
      const box = at + 8 <= init.length ? readBoxHeader(init, at) : undefined;
      if (box === undefined || box.end > init.length) throw malformedBox("no 'moov' in the init segment", at);
      if (box.type === 'moov') {
        tracks = readMoov(init, box, 0);
        const edits = readEdits(init, box);
        for (const { track, fileId } of tracks) this.#edits.set(track, edits.get(fileId) ?? 0);
      }
      at = box.end;
    }
    this.#tracks = tracks;
    for (const { track } of tracks) {
      if (track.codec === 'h264' || track.codec === 'h265') this.#pictures.set(track, new PictureReader(track));
    }
  }

  /** All samples of a segment, in order of decoding time over its tracks. Throws `malformed`. */
  read(segment: Uint8Array): void {
    const samples: ReturnType<typeof readSamples> = [];
    let fragments = 0;
    for (let at = 0; at + 8 <= segment.length; ) {
      const box = readBoxHeader(segment, at);
      if (box === undefined || box.end > segment.length) throw malformedBox('a segment that is cut off', at);
      if (box.type === 'moof') {
        if (++fragments > maxFragments) throw malformedBox(`more than ${maxFragments} fragments`, at);
        const data = readBoxHeader(segment, box.end);
        if (data === undefined || data.end > segment.length) throw malformedBox('a fragment that is cut off', at);
        samples.push(...readSamples(segment.subarray(at, data.end), this.#tracks));
        at = data.end;
      } else at = box.end;
    }
    samples.sort((a, b) => a.dts / a.track.clockRate - b.dts / b.track.clockRate);
    for (const { track, dts, pts, key, units } of samples) {
      const editTicks = this.#edits.get(track) ?? 0;
      this.#emit(track, { dts: dts - editTicks, pts: pts - editTicks, key, units });
    }
  }

  #emit(of: Track, unit: Fmp4Unit): void {
    const pictures = this.#pictures.get(of);
    const picture = pictures?.read(unit.units, unit.key);
    const track = pictures?.track ?? of;
    if (pictures?.complete === false || picture?.units.length === 0) return;
    if (this.#told.get(of) !== track) {
      this.#told.set(of, track);
      this.#sink.track(track);
    }
    this.#sink.unit(track, picture ? { ...unit, key: picture.key || unit.key, units: picture.units } : unit);
  }
}
