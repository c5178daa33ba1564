import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { decodeG711 } from '@watchpost/media/codec/g711/decode.ts';
import { encodeG711 } from '@watchpost/media/codec/g711/encode.ts';
import type { CodecName } from '@watchpost/media/types.ts';
import type { TalkChannel } from '../types.ts';

/** What a talker sends: 16-bit samples, low byte first, one channel; or the bytes of a codec. */
export type TalkFormat = 'pcm' | 'pcma' | 'pcmu' | 'aac';

const frameMs = 20;
/** Sound is held back so long after silence, so that a late message makes no gap. */
const leadMs = 60;
const aacSamples = 1024;

/** The codecs that a format can become, best first. */
export function codecsFor(format: TalkFormat): readonly CodecName[] {
  if (format === 'aac') return ['aac'];
  return format === 'pcmu' ? ['pcmu', 'pcma'] : ['pcma', 'pcmu'];
}

/** Turns what a talker sends into frames of the device's codec, and sends each when it is due. */
export class TalkPacer {
  /** Frames that were dropped because more came than time went by. */
  dropped = 0;
  readonly #channel: TalkChannel;
  readonly #clock: Clock;
  readonly #format: TalkFormat;
  readonly #maxFrames: number;
  readonly #frameTicks: number;
  readonly #ticksPerMs: number;
  #queue: Uint8Array[] = [];
  #rest = new Uint8Array(0);
  #oddByte: number | undefined;
  #timestamp = 0;
  /** When the next frame is due; undefined in silence. */
  #dueMs: number | undefined;
  #silentSinceMs: number | undefined;
  #begins = true;
  #cancel: (() => void) | undefined;
  #closed = false;

  /** `maxQueueMs`: so much may wait; what is older is dropped. */
  constructor(channel: TalkChannel, clock: Clock, options: { format: TalkFormat; maxQueueMs: number }) {
    const { clockRate } = channel.track;
    this.#channel = channel;
    this.#clock = clock;
    this.#format = options.format;
    this.#ticksPerMs = clockRate / 1000;
    this.#frameTicks = options.format === 'aac' ? aacSamples : Math.round((clockRate * frameMs) / 1000);
    this.#maxFrames = Math.max(1, Math.floor((options.maxQueueMs * this.#ticksPerMs) / this.#frameTicks));
  }

  /** Sound that waits, ms. */
  get queuedMs(): number {
    return (this.#queue.length * this.#frameTicks) / this.#ticksPerMs;
  }

  /** Takes a message: any number of bytes of samples, or one AAC frame. */
  push(bytes: Uint8Array): void {
    if (this.#closed || bytes.length === 0) return;
    if (this.#format === 'aac') this.#queue.push(bytes.slice());
    else this.#cut(this.#encode(bytes));
    while (this.#queue.length > this.#maxFrames) {
      this.#queue.shift();
      this.dropped++;
    }
    if (this.#queue.length > 0 && this.#dueMs === undefined) this.#begin();
  }

  /** What is left over is sent as a shorter frame. */
  flush(): void {
    if (this.#rest.length === 0) return;
    this.#queue.push(this.#rest);
    this.#rest = new Uint8Array(0);
    if (this.#dueMs === undefined) this.#begin();
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
    this.#queue = [];
  }

  #begin(): void {
    const nowMs = this.#clock.monotonicMs();
    // Time goes on in silence: the device's player waits for what is due.
    if (this.#silentSinceMs !== undefined)
      this.#timestamp += Math.round((nowMs - this.#silentSinceMs) * this.#ticksPerMs);
    this.#dueMs = nowMs + leadMs;
    this.#begins = true;
    this.#arm(leadMs);
  }

  #arm(delayMs: number): void {
    this.#cancel = this.#clock.after(Math.max(1, delayMs), () => this.#send());
  }

  #send(): void {
    const nowMs = this.#clock.monotonicMs();
    while (this.#dueMs !== undefined && this.#dueMs <= nowMs) {
      const frame = this.#queue.shift();
      if (frame === undefined) {
        this.#silentSinceMs = nowMs;
        this.#dueMs = undefined;
        return;
      }
      this.#channel.write(frame, this.#timestamp >>> 0, this.#begins);
      this.#begins = false;
      const ticks = this.#format === 'aac' ? aacSamples : frame.length;
      this.#timestamp += ticks;
      this.#dueMs += ticks / this.#ticksPerMs;
    }
    if (this.#dueMs !== undefined) this.#arm(this.#dueMs - nowMs);
  }

  /** To G.711 of the device's kind. */
  #encode(bytes: Uint8Array): Uint8Array {
    const codec = this.#channel.track.codec;
    if (codec !== 'pcma' && codec !== 'pcmu') throw unfit(codec);
    if (this.#format === codec) return bytes;
    if (this.#format !== 'pcm') return encodeG711(codec, decodeG711(this.#format === 'pcma' ? 'pcma' : 'pcmu', bytes));
    return encodeG711(codec, this.#samples(bytes));
  }

  /** A message may end in the middle of a sample. */
  #samples(bytes: Uint8Array): Int16Array {
    const odd = this.#oddByte;
    const lead = odd === undefined ? 0 : 1;
    const count = (bytes.length + lead) >> 1;
    const pcm = new Int16Array(count);
    const at = (i: number) => (i < lead ? odd! : bytes[i - lead]!);
    for (let i = 0; i < count; i++) pcm[i] = at(2 * i) | (at(2 * i + 1) << 8);
    this.#oddByte = ((bytes.length + lead) & 1) === 1 ? bytes.at(-1) : undefined;
    return pcm;
  }

  #cut(bytes: Uint8Array): void {
    const whole = new Uint8Array(this.#rest.length + bytes.length);
    whole.set(this.#rest);
    whole.set(bytes, this.#rest.length);
    let at = 0;
    for (; at + this.#frameTicks <= whole.length; at += this.#frameTicks)
      this.#queue.push(whole.subarray(at, at + this.#frameTicks));
    this.#rest = whole.slice(at);
  }
}

function unfit(codec: string): WatchpostError {
  return new WatchpostError(`the device takes ${codec}, which samples are not turned into`, {
    kind: 'unsupported',
    code: 'TALK_UNSUPPORTED',
  });
}
