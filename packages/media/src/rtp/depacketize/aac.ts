import { isAdts, parseAdts } from '../../codec/aac/adts.ts';
import { parseAudioSpecificConfig } from '../../codec/aac/config.ts';
import { writeAudioSpecificConfig } from '../../codec/aac/write-config.ts';
import { BitReader } from '../../codec/bit-reader.ts';
import { malformed } from '../../codec/malformed.ts';
import type { AccessUnit, Depacketizer, RtpPacket, Track } from '../../types.ts';
import { FrameAccessUnit } from './access-unit.ts';

const maxFrames = 64;
const maxFrameBytes = 65_536;

/** Widths of the fields of an AU header in bits (RFC 3640 §3.2.1.1, §4.1). */
interface AuLayout {
  readonly size: number;
  readonly index: number;
  readonly indexDelta: number;
  readonly ctsDelta: number;
  readonly dtsDelta: number;
  readonly randomAccess: boolean;
  readonly streamState: number;
  readonly auxiliarySize: number;
  readonly constantSize: number;
}

interface AuHeaders {
  readonly sizes: number[];
  /** First byte of the first frame. */
  readonly dataStart: number;
}

/** AAC in MPEG4-GENERIC (RFC 3640), modes AAC-hbr, AAC-lbr and other header layouts, without interleaving. */
export class AacDepacketizer implements Depacketizer {
  dropped = 0;
  readonly #emit: (unit: AccessUnit) => void;
  readonly #layout: AuLayout;
  #track: Track;
  #frameTicks: number;
  #adts: boolean | undefined;
  #lost = 0;
  #partial: Uint8Array | undefined;
  #partialBytes = 0;
  #partialPackets: RtpPacket[] = [];

  constructor(track: Track, emit: (unit: AccessUnit) => void, format: Readonly<Record<string, string>> = {}) {
    this.#track = track;
    this.#emit = emit;
    this.#layout = readLayout(format);
    this.#frameTicks = frameTicksOf(track);
  }

  get oldestPending(): RtpPacket | undefined {
    return this.#partialPackets[0];
  }

  push(packet: RtpPacket, lost: number): void {
    if (lost > 0) {
      this.#lost += lost;
      this.#dropPartial();
    }
    if (packet.payloadEnd === packet.payloadStart) return;
    const headers = this.#readHeaders(packet);
    const first = headers.sizes[0]!;
    if (headers.sizes.length === 1 && first > packet.payloadEnd - headers.dataStart) {
      this.#collect(packet, first, headers.dataStart);
      return;
    }
    this.#dropPartial();
    let at = headers.dataStart;
    for (let i = 0; i < headers.sizes.length; i++) {
      const end = at + headers.sizes[i]!;
      if (end > packet.payloadEnd) {
        this.dropped++;
        throw malformed('RTP_AAC_SIZE', 'The frames of an AAC packet go beyond its end.');
      }
      const timestamp = (packet.timestamp + i * this.#frameTicks) >>> 0;
      this.#deliver(packet.chunk.subarray(at, end), timestamp, i === 0 ? [packet] : []);
      at = end;
    }
  }

  flush(): void {
    this.#dropPartial();
  }

  /** AU-headers-length, then an AU header for each frame (RFC 3640 §3.2.1). */
  #readHeaders(packet: RtpPacket): AuHeaders {
    const { chunk, payloadStart, payloadEnd } = packet;
    const layout = this.#layout;
    if (layout.size === 0 && layout.index === 0) return constantHeaders(packet, layout.constantSize);
    if (payloadEnd - payloadStart < 2) throw malformed('RTP_AAC_SHORT', 'An AAC packet without AU headers.');
    const bits = (chunk[payloadStart]! << 8) | chunk[payloadStart + 1]!;
    const dataStart = payloadStart + 2 + ((bits + 7) >> 3);
    if (dataStart > payloadEnd || bits === 0) throw malformed('RTP_AAC_HEADERS', 'AU headers go beyond the packet.');
    const sizes: number[] = [];
    // The common case, one or more headers of 13 + 3 bits, without a bit reader.
    if (layout.size === 13 && layout.index === 3 && layout.indexDelta === 3 && isPlain(layout)) {
      for (let at = payloadStart + 2; at + 2 <= dataStart && sizes.length < maxFrames; at += 2) {
        sizes.push((chunk[at]! << 5) | (chunk[at + 1]! >> 3));
      }
    } else {
      readSizes(new BitReader(chunk.subarray(payloadStart + 2, dataStart)), bits, { layout, sizes });
    }
    if (sizes.length === 0) throw malformed('RTP_AAC_HEADERS', 'An AAC packet without an AU header.');
    const auxiliary = layout.auxiliarySize === 0 ? 0 : auxiliaryBytes(packet, dataStart, layout.auxiliarySize);
    return { sizes, dataStart: dataStart + auxiliary };
  }

  /** A frame over several packets: each says the whole size (RFC 3640 §3.2.3.1). */
  #collect(packet: RtpPacket, size: number, dataStart: number): void {
    const first = this.#partialPackets[0];
    if (first !== undefined && (first.timestamp !== packet.timestamp || this.#partial?.length !== size)) {
      this.#dropPartial();
    }
    if (size > maxFrameBytes) throw malformed('RTP_AAC_SIZE', `An AAC frame of ${size} bytes is too large.`);
    this.#partial ??= new Uint8Array(size);
    const end = Math.min(packet.payloadEnd, dataStart + size - this.#partialBytes);
    this.#partial.set(packet.chunk.subarray(dataStart, end), this.#partialBytes);
    this.#partialBytes += end - dataStart;
    this.#partialPackets.push(packet);
    if (this.#partialBytes === size) {
      const frame = this.#partial;
      const packets = this.#partialPackets;
      this.#clearPartial();
      this.#deliver(frame, packet.timestamp, packets);
    } else if (packet.marker || this.#partialPackets.length > maxFrameBytes / 64) {
      this.#dropPartial();
    }
  }

  #dropPartial(): void {
    if (this.#partial === undefined) return;
    this.dropped++;
    this.#clearPartial();
  }

  #clearPartial(): void {
    this.#partial = undefined;
    this.#partialBytes = 0;
    this.#partialPackets = [];
  }

  #deliver(frame: Uint8Array, rtpTimestamp: number, packets: readonly RtpPacket[]): void {
    if (frame.length === 0) return;
    // The first frame decides: raw AAC hardly ever starts with a sync word and a length that fits.
    this.#adts ??= isAdts(frame, 0, frame.length);
    const raw = this.#adts && isAdts(frame, 0, frame.length) ? this.#stripAdts(frame) : frame;
    const fields = { rtpTimestamp, packets, lost: this.#lost, track: this.#track };
    this.#lost = 0;
    this.#emit(new FrameAccessUnit(fields, raw));
  }

  /** Some cameras put ADTS headers into MPEG4-GENERIC; without `config` in the SDP they are the only description. */
  #stripAdts(frame: Uint8Array): Uint8Array {
    const header = parseAdts(frame, 0, frame.length);
    if (this.#track.parameterSets.length === 0 && header.channels > 0) {
      const { sampleRate, channels } = header;
      this.#track = { ...this.#track, sampleRate, channels, parameterSets: [writeAudioSpecificConfig(header)] };
      this.#frameTicks = frameTicksOf(this.#track);
    }
    return frame.subarray(header.headerBytes, header.frameBytes);
  }
}

function isPlain(layout: AuLayout): boolean {
  return layout.ctsDelta + layout.dtsDelta + layout.streamState === 0 && !layout.randomAccess;
}

function readSizes(reader: BitReader, bits: number, out: { layout: AuLayout; sizes: number[] }): void {
  const { layout, sizes } = out;
  const end = reader.left - bits;
  while (reader.left > end && sizes.length < maxFrames) {
    const size = layout.size === 0 ? layout.constantSize : reader.bits(layout.size);
    reader.skip(sizes.length === 0 ? layout.index : layout.indexDelta);
    if (layout.ctsDelta > 0 && reader.flag()) reader.skip(layout.ctsDelta);
    if (layout.dtsDelta > 0 && reader.flag()) reader.skip(layout.dtsDelta);
    if (layout.randomAccess) reader.skip(1);
    reader.skip(layout.streamState);
    sizes.push(size);
  }
}

/** Without AU headers each packet holds whole frames of a constant size, or one frame. */
function constantHeaders(packet: RtpPacket, constantSize: number): AuHeaders {
  const length = packet.payloadEnd - packet.payloadStart;
  const sizes: number[] = [];
  if (constantSize === 0) sizes.push(length);
  else
    for (let at = 0; at + constantSize <= length && sizes.length < maxFrames; at += constantSize)
      sizes.push(constantSize);
  if (sizes.length === 0) sizes.push(length);
  return { sizes, dataStart: packet.payloadStart };
}

/** Bytes of the auxiliary section (RFC 3640 §3.2.2), which nobody uses. */
function auxiliaryBytes(packet: RtpPacket, at: number, sizeBits: number): number {
  const bits = new BitReader(packet.chunk.subarray(at, packet.payloadEnd)).bits(sizeBits);
  const bytes = (sizeBits + bits + 7) >> 3;
  if (at + bytes > packet.payloadEnd) throw malformed('RTP_AAC_AUXILIARY', 'The auxiliary section is too long.');
  return bytes;
}

/** Ticks of the track's clock that one frame lasts; 1024 where the config cannot be read. */
function frameTicksOf(track: Track): number {
  const config = track.parameterSets[0];
  if (config === undefined) return 1024;
  try {
    const { frameLength, sampleRate } = parseAudioSpecificConfig(config);
    return Math.round((frameLength * track.clockRate) / sampleRate);
  } catch {
    return 1024;
  }
}

/** From the fmtp parameters, whatever case they are in; without `sizelength`, AAC-hbr. */
function readLayout(format: Readonly<Record<string, string>>): AuLayout {
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries(format)) values.set(name.toLowerCase(), value);
  const width = (name: string, otherwise = 0) => {
    const value = Number.parseInt(values.get(name) ?? '', 10);
    return Number.isInteger(value) && value >= 0 && value <= 32 ? value : otherwise;
  };
  const constantSize = Number.parseInt(values.get('constantsize') ?? '0', 10);
  const lowRate = values.get('mode')?.toLowerCase() === 'aac-lbr';
  const isConstant = constantSize > 0 && constantSize <= maxFrameBytes;
  const size = width('sizelength', isConstant ? 0 : lowRate ? 6 : 13);
  return {
    size,
    index: width('indexlength', isConstant ? 0 : lowRate ? 2 : 3),
    indexDelta: width('indexdeltalength', isConstant ? 0 : lowRate ? 2 : 3),
    ctsDelta: width('ctsdeltalength'),
    dtsDelta: width('dtsdeltalength'),
    randomAccess: width('randomaccessindication') === 1,
    streamState: width('streamstateindication'),
    auxiliarySize: width('auxiliarydatasizelength'),
    constantSize: isConstant ? constantSize : 0,
  };
}
