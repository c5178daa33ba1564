import { malformed } from '../malformed.ts';
import type { AudioConfig } from './config.ts';
import { aacChannelCounts, aacSampleRates } from './config.ts';

/** The header before each frame of an ADTS stream (ISO/IEC 14496-3 §1.A.2.2). */
export interface AdtsHeader extends AudioConfig {
  /** 7, or 9 with a checksum. */
  readonly headerBytes: number;
  /** Header and frame. */
  readonly frameBytes: number;
}

/** True if an ADTS header stands at `at` (sync word, layer 0, a possible rate) whose frame ends at or before `end`. */
export function isAdts(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at < 7 || bytes[at] !== 0xff || (bytes[at + 1]! & 0xf6) !== 0xf0) return false;
  if (((bytes[at + 2]! >> 2) & 15) > 12) return false;
  const frameBytes = ((bytes[at + 3]! & 3) << 11) | (bytes[at + 4]! << 3) | (bytes[at + 5]! >> 5);
  return frameBytes >= 7 && at + frameBytes <= end;
}

/** Parses the ADTS header at `at`. Throws `malformed`. */
export function parseAdts(bytes: Uint8Array, at: number, end: number): AdtsHeader {
  if (!isAdts(bytes, at, end)) throw malformed('AAC_ADTS', 'No complete ADTS frame stands here.', { at });
  const headerBytes = (bytes[at + 1]! & 1) === 1 ? 7 : 9;
  const frameBytes = ((bytes[at + 3]! & 3) << 11) | (bytes[at + 4]! << 3) | (bytes[at + 5]! >> 5);
  if (frameBytes < headerBytes || (bytes[at + 6]! & 3) !== 0) {
    throw malformed('AAC_ADTS', 'An ADTS frame without data, or with several blocks, cannot be used.', { at });
  }
  return {
    objectType: (bytes[at + 2]! >> 6) + 1,
    sampleRate: aacSampleRates[(bytes[at + 2]! >> 2) & 15]!,
    channels: aacChannelCounts[((bytes[at + 2]! & 1) << 2) | (bytes[at + 3]! >> 6)]!,
    frameLength: 1024,
    headerBytes,
    frameBytes,
  };
}

/** The raw frames of an ADTS stream as views. Throws `malformed` where no header stands. */
export function stripAdts(bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const header = parseAdts(bytes, at, bytes.length);
    frames.push(bytes.subarray(at + header.headerBytes, at + header.frameBytes));
    at += header.frameBytes;
  }
  return frames;
}

/** Writes an ADTS frame: a header of 7 bytes and the raw frame. Throws `malformed` for a rate or size that ADTS cannot hold. */
export function writeAdts(config: AudioConfig, frame: Uint8Array): Uint8Array {
  const rate = aacSampleRates.indexOf(
    config.objectType === 5 || config.objectType === 29 ? config.sampleRate / 2 : config.sampleRate,
  );
  const channels = aacChannelCounts.indexOf(config.channels);
  const frameBytes = frame.length + 7;
  if (rate < 0 || channels < 0 || frameBytes > 8191) {
    throw malformed('AAC_ADTS', 'ADTS cannot hold this sample rate, channel count or frame size.');
  }
  // The profile field has two bits: SBR is carried as LC, whose decoders find it themselves.
  const profile = config.objectType >= 1 && config.objectType <= 4 ? config.objectType - 1 : 1;
  const bytes = new Uint8Array(frameBytes);
  bytes[0] = 0xff;
  bytes[1] = 0xf1;
  bytes[2] = (profile << 6) | (rate << 2) | (channels >> 2);
  bytes[3] = ((channels & 3) << 6) | (frameBytes >> 11);
  bytes[4] = frameBytes >> 3;
  bytes[5] = ((frameBytes & 7) << 5) | 0x1f;
  bytes[6] = 0xfc;
  bytes.set(frame, 7);
  return bytes;
}
