import { equalBytes, fromHex } from '@watchpost/base/bytes.ts';
import { type AudioConfig, parseAudioSpecificConfig } from '../../codec/aac/config.ts';
import { type LatmConfig, parseLatmConfig, parseStreamMuxConfig } from '../../codec/aac/latm.ts';
import { BitReader } from '../../codec/bit-reader.ts';
import { malformed } from '../../codec/malformed.ts';
import type { AccessUnit, Depacketizer, RtpPacket, Track } from '../../types.ts';
import { FrameAccessUnit, withoutRtp } from './access-unit.ts';

const maxElementBytes = 65_536;
const maxPackets = 1024;
const maxFrames = 64;

/**
 * AAC in MP4A-LATM (RFC 6416 §6): AudioMuxElements, one or more in a packet or one in several packets, with their
 * StreamMuxConfig in `config` of the description or in band. Units carry no packets: players of ours get AAC as
 * MPEG4-GENERIC (RFC 3640), which all of them read.
 */
export class AacLatmDepacketizer implements Depacketizer {
  dropped = 0;
  readonly #emit: (unit: AccessUnit) => void;
  readonly #isInBand: boolean;
  #config: LatmConfig | undefined;
  #track: Track;
  #frameTicks = 1024;
  #packets: RtpPacket[] = [];
  #bytes = 0;
  #lost = 0;
  /** Of the element that a loss damaged: what is left of it is passed over. */
  #damagedTimestamp = -1;

  /** `format`: parameters of `a=fmtp`. Without `cpresent` the configuration is in band (RFC 6416 §7.1). */
  constructor(track: Track, emit: (unit: AccessUnit) => void, format: Readonly<Record<string, string>>) {
    this.#track = track;
    this.#emit = emit;
    this.#isInBand = format['cpresent'] !== '0';
    this.#config = latmConfigOf(format);
    if (this.#config !== undefined) this.#describe(this.#config);
  }

  get oldestPending(): RtpPacket | undefined {
    return this.#packets[0];
  }

  push(packet: RtpPacket, lost: number): void {
    if (lost > 0) {
      this.#lost += lost;
      if (this.#packets.length > 0) this.#damagedTimestamp = this.#packets[0]!.timestamp;
      this.#drop();
    }
    const pending = this.#packets[0];
    // A sender without markers ends an element by beginning another.
    if (pending !== undefined && pending.timestamp !== packet.timestamp) this.#finish();
    const bytes = packet.payloadEnd - packet.payloadStart;
    if (bytes === 0 || packet.timestamp === this.#damagedTimestamp) return;
    this.#damagedTimestamp = -1;
    if (this.#bytes + bytes > maxElementBytes || this.#packets.length >= maxPackets) {
      this.#drop();
      throw malformed('RTP_LATM_TOO_LARGE', `An AudioMuxElement of more than ${maxElementBytes} bytes.`);
    }
    this.#packets.push(packet);
    this.#bytes += bytes;
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
    const { timestamp } = this.#packets[0]!;
    const element = new Uint8Array(this.#bytes);
    let at = 0;
    for (let i = 0; i < this.#packets.length; i++) {
      const { chunk, payloadStart, payloadEnd } = this.#packets[i]!;
      element.set(chunk.subarray(payloadStart, payloadEnd), at);
      at += payloadEnd - payloadStart;
    }
    this.#packets = [];
    this.#bytes = 0;
    try {
      this.#readElements(element, timestamp);
    } catch (error) {
      this.dropped++;
      throw error;
    }
  }

  #readElements(bytes: Uint8Array, timestamp: number): void {
    const reader = new BitReader(bytes);
    const frames: Uint8Array[] = [];
    // Nothing is emitted unless the lengths add up: the rest of an element whose beginning is lost is noise.
    while (reader.left >= 8) {
      if (this.#isInBand && !reader.flag()) this.#adopt(parseStreamMuxConfig(reader, bytes));
      const config = this.#config;
      if (config === undefined) {
        // Decoding begins with the first element that brings its configuration.
        this.#lost = 0;
        return;
      }
      this.#readElement(reader, config, frames);
    }
    for (let i = 0; i < frames.length; i++) {
      const rtpTimestamp = (timestamp + i * this.#frameTicks) >>> 0;
      const fields = { rtpTimestamp, packets: withoutRtp, lost: this.#lost, track: this.#track };
      this.#lost = 0;
      this.#emit(new FrameAccessUnit(fields, frames[i]!));
    }
  }

  /** AudioMuxElement after its configuration (ISO/IEC 14496-3 §1.7.3.1). */
  #readElement(reader: BitReader, config: LatmConfig, frames: Uint8Array[]): void {
    for (let i = 0; i < config.frames; i++) {
      const length = config.constantBytes > 0 ? config.constantBytes : readLength(reader);
      if (length * 8 > reader.left) throw malformed('RTP_LATM_LENGTH', 'A frame goes beyond its AudioMuxElement.');
      if (frames.length >= maxFrames)
        throw malformed('RTP_LATM_FRAMES', `More than ${maxFrames} frames in one packet.`);
      const frame = new Uint8Array(length);
      for (let k = 0; k < length; k++) frame[k] = reader.bits(8);
      if (length > 0) frames.push(frame);
    }
    reader.skip(Math.min(reader.left, config.otherBits));
    reader.skip(reader.left % 8);
  }

  #adopt(config: LatmConfig): void {
    const known = this.#config;
    this.#config = config;
    if (known === undefined || !equalBytes(known.audioSpecificConfig, config.audioSpecificConfig))
      this.#describe(config);
  }

  #describe({ audioSpecificConfig }: LatmConfig): void {
    const info: AudioConfig = parseAudioSpecificConfig(audioSpecificConfig);
    this.#frameTicks = Math.round((info.frameLength * this.#track.clockRate) / info.sampleRate);
    const before = this.#track.parameterSets[0];
    if (before !== undefined && equalBytes(before, audioSpecificConfig)) return;
    const { sampleRate, channels } = info;
    this.#track = { ...this.#track, sampleRate, channels, parameterSets: [audioSpecificConfig] };
  }
}

/** The StreamMuxConfig of a description (RFC 6416 §7.1); undefined where there is none that can be read. */
export function latmConfigOf(format: Readonly<Record<string, string>>): LatmConfig | undefined {
  const hex = (format['config'] ?? '').replaceAll('"', '');
  if (hex.length < 4 || hex.length > 256 || !/^([0-9a-f]{2})+$/i.test(hex)) return undefined;
  try {
    const config = parseLatmConfig(fromHex(hex));
    parseAudioSpecificConfig(config.audioSpecificConfig);
    return config;
  } catch {
    return undefined;
  }
}

/** PayloadLengthInfo: bytes of 255 and a last one that is less add up. */
function readLength(reader: BitReader): number {
  let length = 0;
  for (;;) {
    const byte = reader.bits(8);
    length += byte;
    if (byte !== 255) return length;
    if (length > maxElementBytes) throw malformed('RTP_LATM_LENGTH', 'A frame goes beyond its AudioMuxElement.');
  }
}
