import { malformed } from '@watchpost/media/codec/malformed.ts';
import { Fmp4SegmentReader } from '@watchpost/media/container/fmp4/segment-reader.ts';
import { TsDemuxer } from '@watchpost/media/container/mpeg-ts/demuxer.ts';
import { isPackedAudio, PackedAudioReader } from '@watchpost/media/container/packed-audio/reader.ts';
import type { Track } from '@watchpost/media/types.ts';
import { dtsMs, type TimedUnit } from '../../hub/timed-units.ts';
import type { SourceUnit } from '../../hub/types.ts';
import { UsualClock } from '../../hub/usual-clock.ts';

const tsSync = 0x47;
const tsPacketBytes = 188;
const maxUnits = 100_000;

/** Takes segments of HLS apart: MPEG-TS, fMP4 with its init segment, or packed audio. */
export class SegmentDemuxer {
  #units: TimedUnit[] = [];
  readonly #clock = new UsualClock();
  readonly #sink = {
    track: () => {},
    unit: (track: Track, unit: SourceUnit) => {
      if (this.#units.length >= maxUnits) throw malformed('HLS_SEGMENT', 'A segment has too many frames.');
      this.#units.push(this.#clock.convert({ track, unit }));
    },
  };
  #packed: PackedAudioReader | undefined;
  #fmp4: { readonly init: Uint8Array; readonly reader: Fmp4SegmentReader } | undefined;

  /** All units of a segment in order of decoding time, pictures in ticks of 90 kHz, sound of its sampling rate. Throws `malformed`. */
  read(segment: Uint8Array, init: Uint8Array | undefined): readonly TimedUnit[] {
    this.#units = [];
    if (init !== undefined) {
      // The same init segment keeps its tracks, and the parameter sets that came with pictures.
      if (this.#fmp4?.init !== init) this.#fmp4 = { init, reader: new Fmp4SegmentReader(init, this.#sink) };
      this.#fmp4.reader.read(segment);
    } else if (isPackedAudio(segment)) {
      this.#packed ??= new PackedAudioReader(this.#sink);
      this.#packed.read(segment);
    } else this.#readTs(segment);
    const units = this.#units;
    this.#units = [];
    return units.sort((a, b) => dtsMs(a) - dtsMs(b));
  }

  #readTs(segment: Uint8Array): void {
    const start = segment[0] === tsSync ? 0 : segment.indexOf(tsSync);
    if (start < 0 || segment.length < tsPacketBytes) {
      throw malformed('HLS_SEGMENT', 'A segment is neither MPEG-TS, fMP4 with an init segment, nor packed audio.');
    }
    const demuxer = new TsDemuxer(this.#sink);
    demuxer.push(segment);
    demuxer.flush();
  }
}
