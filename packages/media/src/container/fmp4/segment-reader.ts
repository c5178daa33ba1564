import { malformedBox, readBoxHeader } from './boxes.ts';
import { readSamples } from './demuxer.ts';
import { readEdits } from './edit-list.ts';
import { type FileTrack, readMoov } from './read-moov.ts';
import { type Fmp4Sink, SampleEmitter } from './sample-emitter.ts';

const maxFragments = 4096;

/** Reads the media segments that belong to one init segment, as HLS and DASH have them (ISO/IEC 14496-12 §8.16). */
export class Fmp4SegmentReader {
  readonly #tracks: readonly FileTrack[];
  readonly #emitter: SampleEmitter;

  /** Throws `malformed` for an init segment without a `moov`. */
  constructor(init: Uint8Array, sink: Fmp4Sink) {
    for (let at = 0; ; ) {
      const box = at + 8 <= init.length ? readBoxHeader(init, at) : undefined;
      if (box === undefined || box.end > init.length) throw malformedBox("no 'moov' in the init segment", at);
      if (box.type === 'moov') {
        this.#tracks = readMoov(init, box, 0);
        this.#emitter = new SampleEmitter(this.#tracks, readEdits(init, box), sink);
        return;
      }
      at = box.end;
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
    for (const sample of samples) this.#emitter.emit(sample.track, sample);
  }
}
