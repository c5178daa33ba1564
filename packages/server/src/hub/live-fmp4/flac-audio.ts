import { writeFlacFrame } from '@watchpost/media/codec/flac/flac-frame.ts';
import { writeFlacStreamInfo } from '@watchpost/media/codec/flac/stream-info.ts';
import { decodeG711 } from '@watchpost/media/codec/g711/decode.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';

/** Frames in a second: 20 ms each, as RTP packets of G.711 usually are. */
const framesPerSecond = 50;
/** RFC 9639 §9.1.5: frame numbers have 31 bits. */
const maxFrameNumber = 2 ** 31;
/** More than this in one sample is not sound. */
const maxPcmBytes = 1024 * 1024;

/**
 * Makes FLAC of G.711 and L16 sound, which browsers decode, without loss: frames of 20 ms whose times are exact. A step in
 * the time stamps ends a frame early.
 */
export class FlacAudio {
  readonly track: Track;
  readonly #source: Track;
  readonly #blockSamples: number;
  readonly #channels: number;
  readonly #sampleRate: number;
  #block: Int16Array;
  #filled = 0;
  /** Time of the next sample of PCM, ticks; -1 before the first. */
  #nextTicks = -1;
  #frameNumber = 0;
  #wallMs = 0;

  /** `source`: a track of `pcma`, `pcmu` or `l16` with one or two channels. */
  constructor(source: Track) {
    this.#source = source;
    this.#channels = source.channels ?? 1;
    this.#sampleRate = source.sampleRate ?? source.clockRate;
    this.#blockSamples = Math.max(16, Math.round(this.#sampleRate / framesPerSecond));
    this.#block = new Int16Array(this.#blockSamples * this.#channels);
    this.track = {
      id: source.id,
      kind: 'audio',
      codec: 'flac',
      clockRate: this.#sampleRate,
      sampleRate: this.#sampleRate,
      channels: this.#channels,
      parameterSets: [writeFlacStreamInfo(this.#format)],
    };
  }

  get #format() {
    return { sampleRate: this.#sampleRate, channels: this.#channels, blockSamples: this.#blockSamples };
  }

  /** Time at which the frames that came out end, ticks of `track`. */
  get endTicks(): number {
    return this.#nextTicks - this.#filled;
  }

  /** Frames that this sample completes. */
  push(sample: Sample): Sample[] {
    const frames: Sample[] = [];
    const startTicks = Math.round((sample.pts * this.#sampleRate) / this.#source.clockRate);
    if (startTicks !== this.#nextTicks) {
      if (this.#filled >= 16) frames.push(this.#frame());
      this.#filled = 0;
      this.#nextTicks = startTicks;
    }
    for (const unit of sample.units) {
      if (unit.length > maxPcmBytes) continue;
      const pcm = this.#decode(unit);
      const samples = Math.floor(pcm.length / this.#channels);
      for (let at = 0; at < samples; ) {
        if (this.#filled === 0) this.#wallMs = sample.wallMs + (at * 1000) / this.#sampleRate;
        const take = Math.min(samples - at, this.#blockSamples - this.#filled);
        this.#block.set(pcm.subarray(at * this.#channels, (at + take) * this.#channels), this.#filled * this.#channels);
        at += take;
        this.#filled += take;
        this.#nextTicks += take;
        if (this.#filled === this.#blockSamples) frames.push(this.#frame());
      }
    }
    return frames;
  }

  /** The last frame of a stretch, though it is not full; undefined where nothing is left. */
  end(): Sample | undefined {
    return this.#filled >= 16 ? this.#frame() : undefined;
  }

  #frame(): Sample {
    const dts = this.#nextTicks - this.#filled;
    const pcm = this.#block.subarray(0, this.#filled * this.#channels);
    const unit = writeFlacFrame(this.#format, this.#frameNumber, pcm);
    this.#frameNumber = (this.#frameNumber + 1) % maxFrameNumber;
    this.#filled = 0;
    const { track } = this;
    return { track, dts, pts: dts, key: true, units: [unit], byteLength: unit.length, wallMs: this.#wallMs, lost: 0 };
  }

  #decode(unit: Uint8Array): Int16Array {
    const { codec } = this.#source;
    if (codec === 'pcma' || codec === 'pcmu') return decodeG711(codec, unit);
    // RFC 3551 §4.5.11: L16 is big endian.
    const pcm = new Int16Array(unit.length >> 1);
    for (let i = 0; i < pcm.length; i++) pcm[i] = (unit[i * 2]! << 8) | unit[i * 2 + 1]!;
    return pcm;
  }
}
