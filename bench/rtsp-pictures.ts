/** Pictures a second. */
export const fps = 25;
const payloadBytes = 1400;
// 1280x720, High 4.0, as x264 writes it.
const sps = 'Z2QAKKzZQFAFuwEQAAADABAAAAMDIPGDGWA=';
const pps = 'aOvjyyLA';
const filler = Buffer.alloc(1 << 20, 0x5a);

/**
 * Where a picture says when it left, ms on the monotonic clock that all processes share: behind the head of the
 * interleaved frame, that of its RTP packet, those of the fragment and one byte of the slice.
 */
export const stampAt = 4 + 12 + 2 + 1;

/** How a stream is described to whoever plays it or takes it. */
export function describePictures(url: string): string {
  return [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=bench',
    't=0 0',
    `a=control:${url}`,
    'm=video 0 RTP/AVP 96',
    'c=IN IP4 0.0.0.0',
    'a=rtpmap:96 H264/90000',
    `a=fmtp:96 packetization-mode=1;profile-level-id=640028;sprop-parameter-sets=${sps},${pps}`,
    'a=control:trackID=0',
    '',
  ].join('\r\n');
}

/**
 * Pictures of a camera of 25 fps as interleaved RTP on channel 0, FU-A where they are larger than a packet: filler behind
 * valid parameter sets, good for counting bytes, not for looking at.
 */
export class RtspPictures {
  readonly #gop: number;
  readonly #keyBytes: number;
  readonly #deltaBytes: number;
  #frame: number;
  #sequence = 0;

  /** `gop`: pictures from one key picture to the next; `phase`, 0 to 1: how far into its first group it begins. */
  constructor({ gop = 50, kbps = 1000, phase = 0 } = {}) {
    const gopBytes = (kbps * 125 * gop) / fps;
    this.#gop = gop;
    this.#keyBytes = Math.round(gopBytes * 0.18);
    this.#deltaBytes = Math.round((gopBytes - this.#keyBytes) / (gop - 1));
    this.#frame = Math.floor(phase * gop);
  }

  /** The next picture, with the time of now in it. */
  next(): Buffer {
    const key = this.#frame % this.#gop === 0;
    const bytes = key ? this.#keyBytes : this.#deltaBytes;
    const timestamp = (this.#frame++ * (90_000 / fps)) >>> 0;
    const type = key ? 5 : 1;
    const count = Math.ceil(bytes / payloadBytes);
    const out = Buffer.allocUnsafeSlow(bytes + count * 18);
    let at = 0;
    for (let index = 0; index < count; index++) {
      const size = Math.min(payloadBytes, bytes - index * payloadBytes);
      out[at] = 0x24;
      out[at + 1] = 0;
      out.writeUInt16BE(12 + 2 + size, at + 2);
      out[at + 4] = 0x80;
      out[at + 5] = 96 | (index === count - 1 ? 0x80 : 0);
      out.writeUInt16BE(this.#sequence, at + 6);
      this.#sequence = (this.#sequence + 1) & 0xffff;
      out.writeUInt32BE(timestamp, at + 8);
      out.writeUInt32BE(0x1234, at + 12);
      out[at + 16] = 0x7c;
      out[at + 17] = type | (index === 0 ? 0x80 : 0) | (index === count - 1 ? 0x40 : 0);
      filler.copy(out, at + 18, 0, size);
      at += 18 + size;
    }
    out.writeDoubleBE(nowMs(), stampAt);
    return out.subarray(0, at);
  }
}

/** On the clock that `stampAt` speaks of. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
