import type { Track } from '../../types.ts';
import { PictureReader } from '../picture-reader.ts';
import type { FileTrack } from './read-moov.ts';

/** A picture or a frame of sound, as the file times it. */
export interface Fmp4Unit {
  readonly dts: number;
  readonly pts: number;
  readonly key: boolean;
  readonly units: readonly Uint8Array[];
}

/** Where a reader of a file puts what it finds. */
export interface Fmp4Sink {
  /** A track is there, or has new codec data: the same id, another object. */
  track(track: Track): void;
  /** Called only after `track` with this object. */
  unit(track: Track, unit: Fmp4Unit): void;
}

/** Hands the samples of an MP4 file on: parameter sets go into their track, edits into their times. */
export class SampleEmitter {
  readonly #sink: Fmp4Sink;
  readonly #pictures = new Map<Track, PictureReader>();
  readonly #told = new Map<Track, Track>();
  /** Ticks that presentation begins before the times of the samples. */
  readonly #edits = new Map<Track, number>();

  /** `edits`: see `readEdits`. */
  constructor(tracks: readonly FileTrack[], edits: ReadonlyMap<number, number>, sink: Fmp4Sink) {
    this.#sink = sink;
    for (const { track, fileId } of tracks) {
      this.#edits.set(track, edits.get(fileId) ?? 0);
      if (track.codec === 'h264' || track.codec === 'h265') this.#pictures.set(track, new PictureReader(track));
    }
  }

  /** A sample of a track of the file, as it is there. */
  emit(of: Track, { dts, pts, key, units }: Fmp4Unit): void {
    const editTicks = this.#edits.get(of) ?? 0;
    const pictures = this.#pictures.get(of);
    const picture = pictures?.read(units, key);
    const track = pictures?.track ?? of;
    if (pictures?.complete === false || picture?.units.length === 0) return;
    if (this.#told.get(of) !== track) {
      this.#told.set(of, track);
      this.#sink.track(track);
    }
    const times = { dts: dts - editTicks, pts: pts - editTicks };
    this.#sink.unit(track, { ...times, key: picture?.key || key, units: picture?.units ?? units });
  }
}
