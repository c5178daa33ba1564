import type { AccessUnit, RtpPacket, Track } from '../../types.ts';
import type { FrameFields } from './access-unit.ts';
import { jpegScanStart } from './jpeg-payload.ts';

/** A JPEG picture that is put together, header first, at the first use and kept. */
export class JpegAccessUnit implements AccessUnit {
  readonly rtpTimestamp: number;
  readonly key = true;
  readonly byteLength: number;
  readonly packets: readonly RtpPacket[];
  readonly lost: number;
  readonly track: Track;
  readonly #header: Uint8Array;
  readonly #scanBytes: number;
  #units: readonly Uint8Array[] | undefined;

  constructor(fields: FrameFields, header: Uint8Array, scanBytes: number) {
    this.rtpTimestamp = fields.rtpTimestamp;
    this.packets = fields.packets;
    this.lost = fields.lost;
    this.track = fields.track;
    this.byteLength = header.length + scanBytes + 2;
    this.#header = header;
    this.#scanBytes = scanBytes;
  }

  units(): readonly Uint8Array[] {
    this.#units ??= [this.#join()];
    return this.#units;
  }

  #join(): Uint8Array {
    const picture = new Uint8Array(this.byteLength);
    picture.set(this.#header);
    let at = this.#header.length;
    for (let i = 0; i < this.packets.length; i++) {
      const packet = this.packets[i]!;
      const scanStart = jpegScanStart(packet);
      picture.set(packet.chunk.subarray(scanStart, packet.payloadEnd), at);
      at += packet.payloadEnd - scanStart;
    }
    // Most senders leave the end of image in.
    if (this.#scanBytes >= 2 && picture[at - 2] === 0xff && picture[at - 1] === 0xd9) return picture.subarray(0, at);
    picture[at] = 0xff;
    picture[at + 1] = 0xd9;
    return picture;
  }
}
