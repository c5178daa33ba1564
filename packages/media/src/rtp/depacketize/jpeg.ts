import { splitQuantizers, writeJpegHeader } from '../../codec/jpeg/header.ts';
import { quantizersOf } from '../../codec/jpeg/tables.ts';
import { malformed } from '../../codec/malformed.ts';
import type { AccessUnit, Depacketizer, RtpPacket, Track } from '../../types.ts';
import { JpegAccessUnit } from './jpeg-access-unit.ts';
import { type JpegPayload, onvifJpegSize, parseJpegPayload } from './jpeg-payload.ts';

const maxPictureBytes = 8 * 1024 * 1024;
const maxPackets = 16_384;

interface Tables {
  readonly quantizers: Uint8Array;
  readonly precision: number;
}

/** What the header of a picture under way was made of, to make it anew only when that changes. */
interface Shape {
  readonly width: number;
  readonly height: number;
  readonly type: number;
  readonly restartInterval: number;
  readonly tables: Tables;
}

/** Motion JPEG (RFC 2435): each picture gets the JFIF header that the sender took off. All pictures are key pictures. */
export class JpegDepacketizer implements Depacketizer {
  dropped = 0;
  /** As the description has it: exact where the packets count in blocks of eight, and all there is above 2040 pixels. */
  readonly #announced: { readonly width: number; readonly height: number };
  readonly #emit: (unit: AccessUnit) => void;
  /** Tables by Q: computed for 1…99, as they were last sent for 128…254. */
  readonly #tables = new Map<number, Tables>();
  #track: Track;
  #packets: RtpPacket[] = [];
  #bytes = 0;
  #timestamp = 0;
  #shape: Shape | undefined;
  #headerShape: Shape | undefined;
  #header: Uint8Array | undefined;
  #lost = 0;

  constructor(track: Track, emit: (unit: AccessUnit) => void) {
    this.#track = track;
    this.#emit = emit;
    this.#announced = { width: track.width ?? 0, height: track.height ?? 0 };
  }

  get oldestPending(): RtpPacket | undefined {
    return this.#packets[0];
  }

  push(packet: RtpPacket, lost: number): void {
    this.#lost += lost;
    if (lost > 0) this.#drop();
    // A sender without markers (FLIR M400) ends a picture by beginning another.
    if (this.#packets.length > 0 && packet.timestamp !== this.#timestamp) this.#finish();
    if (packet.payloadEnd === packet.payloadStart) return;
    const part = parseJpegPayload(packet);
    if (part.offset === 0) {
      this.#drop();
      this.#shape = this.#shapeOf(packet, part);
      this.#timestamp = packet.timestamp;
    } else if (this.#packets.length === 0 || part.offset !== this.#bytes) {
      this.#drop();
      return;
    }
    this.#packets.push(packet);
    this.#bytes += packet.payloadEnd - part.scanStart;
    if (this.#bytes > maxPictureBytes || this.#packets.length > maxPackets) {
      this.#drop();
      throw malformed('RTP_JPEG_TOO_LARGE', `A JPEG picture of more than ${maxPictureBytes} bytes.`);
    }
    if (packet.marker) this.#finish();
  }

  flush(): void {
    this.#drop();
    this.#lost = 0;
  }

  #drop(): void {
    if (this.#packets.length > 0) this.dropped++;
    this.#packets = [];
    this.#bytes = 0;
  }

  #finish(): void {
    const shape = this.#shape!;
    if (this.#header === undefined || !isSame(shape, this.#headerShape)) {
      const { width, height, tables, restartInterval } = shape;
      const sampling = (shape.type & 1) === 0 ? 0 : 1;
      this.#header = writeJpegHeader({ width, height, sampling, restartInterval, ...tables });
      this.#headerShape = shape;
    }
    if (this.#track.width !== shape.width || this.#track.height !== shape.height) {
      this.#track = { ...this.#track, width: shape.width, height: shape.height };
    }
    const fields = {
      rtpTimestamp: this.#timestamp,
      packets: this.#packets,
      lost: this.#lost,
      track: this.#track,
    };
    const unit = new JpegAccessUnit(fields, this.#header, this.#bytes);
    this.#lost = 0;
    this.#packets = [];
    this.#bytes = 0;
    this.#emit(unit);
  }

  #shapeOf(packet: RtpPacket, part: JpegPayload): Shape {
    const tables = this.#tablesOf(packet, part);
    const exact = onvifJpegSize(packet);
    return {
      width: exact?.width ?? pixels(part.widthBlocks, this.#announced.width),
      height: exact?.height ?? pixels(part.heightBlocks, this.#announced.height),
      type: part.type,
      restartInterval: part.restartInterval,
      tables,
    };
  }

  #tablesOf(packet: RtpPacket, { quality, tablesStart, tablesEnd, precision }: JpegPayload): Tables {
    const known = this.#tables.get(quality);
    if (quality < 128) {
      if (known !== undefined) return known;
      const computed = { quantizers: quantizersOf(quality), precision: 0 };
      this.#tables.set(quality, computed);
      return computed;
    }
    if (tablesEnd > tablesStart) {
      const sent = packet.chunk.subarray(tablesStart, tablesEnd);
      if (known !== undefined && known.precision === precision && isEqual(known.quantizers, sent)) return known;
      const tables = { quantizers: new Uint8Array(sent), precision };
      if (splitQuantizers(tables).length === 0)
        throw malformed('RTP_JPEG_TABLES', 'A JPEG quantization table is too short.');
      this.#tables.set(quality, tables);
      return tables;
    }
    // 255 means that tables come with each picture (§3.1.8).
    if (known === undefined || quality === 255) {
      this.dropped++;
      throw malformed('RTP_JPEG_NO_TABLES', `A JPEG picture with Q ${quality} whose tables were not sent.`);
    }
    return known;
  }
}

/** Blocks of eight to pixels; the announced size where it rounds up to as many blocks, or the packets cannot say. */
function pixels(blocks: number, announced: number): number {
  if (announced > 0 && (blocks === 0 || Math.ceil(announced / 8) === blocks)) return announced;
  if (blocks === 0)
    throw malformed('RTP_JPEG_SIZE', 'A JPEG picture of more than 2040 pixels whose size nobody tells.');
  return blocks * 8;
}

function isSame(a: Shape, b: Shape | undefined): boolean {
  if (b === undefined || a.width !== b.width || a.height !== b.height || a.tables !== b.tables) return false;
  return a.type === b.type && a.restartInterval === b.restartInterval;
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
