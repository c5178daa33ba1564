import { BitReader } from '../bit-reader.ts';
import { malformed } from '../malformed.ts';

/** What a StreamMuxConfig says (ISO/IEC 14496-3 §1.7.3.1) of the one program and layer that is sent over RTP. */
export interface LatmConfig {
  readonly audioSpecificConfig: Uint8Array;
  /** Frames in an AudioMuxElement, 1…64. */
  readonly frames: number;
  /** Bytes of each frame where they are all of one length; 0 where each tells its own. */
  readonly constantBytes: number;
  /** Bits after the frames that are not sound. */
  readonly otherBits: number;
}

/** A StreamMuxConfig alone, as descriptions have it. Throws `malformed`. */
export function parseLatmConfig(bytes: Uint8Array): LatmConfig {
  const reader = new BitReader(bytes);
  const head = readHead(reader, bytes);
  try {
    return { ...head, ...readTail(reader, head.version) };
  } catch {
    // GStreamer's rtpmp4apay ends it with the AudioSpecificConfig, extensions included: what follows is the usual.
    return { ...head, constantBytes: 0, otherBits: 0 };
  }
}

/** Parses a StreamMuxConfig from the reader's place in `bytes` on. Throws `malformed`, for several programs or layers too. */
export function parseStreamMuxConfig(reader: BitReader, bytes: Uint8Array): LatmConfig {
  const head = readHead(reader, bytes);
  return { ...head, ...readTail(reader, head.version) };
}

interface Head {
  readonly version: number;
  readonly audioSpecificConfig: Uint8Array;
  readonly frames: number;
}

function readHead(reader: BitReader, bytes: Uint8Array): Head {
  const version = reader.bits(1);
  if (version === 1 && reader.flag()) throw malformed('LATM_VERSION', 'audioMuxVersionA 1 is reserved.');
  if (version === 1) readValue(reader);
  const sameTiming = reader.flag();
  const frames = reader.bits(6) + 1;
  const programs = reader.bits(4);
  const layers = reader.bits(3);
  if (!sameTiming || programs > 0 || layers > 0) {
    throw malformed('LATM_LAYERS', 'AAC-LATM with several programs or layers is not read: set the camera to one.');
  }
  const length = version === 1 ? readValue(reader) : undefined;
  const before = reader.left;
  const start = bytes.length * 8 - before;
  skipAudioSpecificConfig(reader);
  if (length !== undefined) reader.skip(Math.max(0, length - (before - reader.left)));
  const audioSpecificConfig = copyBits(bytes, start, length ?? before - reader.left);
  return { version, audioSpecificConfig, frames };
}

function readTail(reader: BitReader, version: number): { readonly constantBytes: number; readonly otherBits: number } {
  const constantBytes = readFrameLength(reader);
  let otherBits = 0;
  if (reader.flag()) otherBits = version === 1 ? readValue(reader) : readOtherBits(reader);
  if (reader.flag()) reader.skip(8);
  return { constantBytes, otherBits };
}

/** frameLengthType 0: each frame tells its length; 1: all are as long. The others are of other codecs. */
function readFrameLength(reader: BitReader): number {
  const type = reader.bits(3);
  if (type === 0) {
    reader.skip(8);
    return 0;
  }
  if (type !== 1) throw malformed('LATM_FRAME_LENGTH', `frameLengthType ${type} is not one of AAC.`);
  return reader.bits(9) + 20;
}

/** LatmGetValue. */
function readValue(reader: BitReader): number {
  const count = reader.bits(2) + 1;
  return reader.bits(count * 8);
}

function readOtherBits(reader: BitReader): number {
  let bits = 0;
  for (let i = 0; i < 4; i++) {
    const more = reader.flag();
    bits = bits * 256 + reader.bits(8);
    if (!more) return bits;
  }
  throw malformed('LATM_OTHER_DATA', 'otherDataLenBits goes beyond 32 bits.');
}

/** Passes over an AudioSpecificConfig of the AAC family (§1.6.2.1), whose end only its fields tell. */
function skipAudioSpecificConfig(reader: BitReader): void {
  let type = readObjectType(reader);
  skipRate(reader);
  const channels = reader.bits(4);
  if (type === 5 || type === 29) {
    skipRate(reader);
    type = readObjectType(reader);
  }
  if (type < 1 || type > 4 || channels === 0) {
    throw malformed('LATM_CONFIG', `AAC-LATM with audio object type ${type} and ${channels} channels is not read.`);
  }
  reader.skip(1);
  if (reader.flag()) reader.skip(14);
  reader.skip(1);
}

function readObjectType(reader: BitReader): number {
  const type = reader.bits(5);
  return type === 31 ? 32 + reader.bits(6) : type;
}

function skipRate(reader: BitReader): void {
  if (reader.bits(4) === 15) reader.skip(24);
}

function copyBits(bytes: Uint8Array, start: number, count: number): Uint8Array {
  if (count > 512) throw malformed('LATM_CONFIG_TOO_LARGE', 'An AudioSpecificConfig of more than 64 bytes.');
  const reader = new BitReader(bytes);
  reader.skip(start);
  const copy = new Uint8Array(Math.ceil(count / 8));
  for (let i = 0; i < copy.length; i++) {
    const wanted = Math.min(8, count - i * 8);
    copy[i] = reader.bits(wanted) << (8 - wanted);
  }
  return copy;
}
