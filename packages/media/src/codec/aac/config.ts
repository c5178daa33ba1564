import { BitReader } from '../bit-reader.ts';
import { malformed } from '../malformed.ts';

/** What an AudioSpecificConfig says (ISO/IEC 14496-3 §1.6.2.1). */
export interface AudioConfig {
  /** 2 = AAC-LC, 5 = with spectral band replication, 29 = with parametric stereo too. */
  readonly objectType: number;
  /** Hz of the decoded sound: with SBR twice the rate of the core. */
  readonly sampleRate: number;
  /** Decoded channels 1…8; 0 where only the stream itself says it. */
  readonly channels: number;
  /** Decoded samples of one frame for each channel: 1024 or 960, with SBR twice that. */
  readonly frameLength: number;
}

/** Hz by samplingFrequencyIndex (ISO/IEC 14496-3 table 1.18). */
export const aacSampleRates: readonly number[] = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];

/** Channels by channelConfiguration (table 1.19). */
export const aacChannelCounts: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 8];

/** Parses an AudioSpecificConfig. Throws `malformed`. */
export function parseAudioSpecificConfig(bytes: Uint8Array): AudioConfig {
  const reader = new BitReader(bytes);
  let objectType = readObjectType(reader);
  let sampleRate = readSampleRate(reader);
  const configuration = reader.bits(4);
  let channels = aacChannelCounts[configuration];
  if (channels === undefined) {
    throw malformed('AAC_CHANNELS', `channelConfiguration ${configuration} is reserved.`);
  }
  let factor = 1;
  let signalled = objectType;
  if (objectType === 5 || objectType === 29) {
    if (objectType === 29) channels = 2;
    const core = sampleRate;
    sampleRate = readSampleRate(reader);
    factor = sampleRate === core * 2 ? 2 : 1;
    signalled = readObjectType(reader);
  }
  const short = reader.left > 0 && reader.flag();
  if (signalled === objectType && objectType === 2 && configuration !== 0) {
    const extended = readSyncExtension(reader);
    if (extended > 0) {
      factor = extended === sampleRate * 2 ? 2 : 1;
      sampleRate = extended;
      objectType = 5;
    }
  }
  return { objectType, sampleRate, channels, frameLength: (short ? 960 : 1024) * factor };
}

/** The codec string of RFC 6381 §3.3: `mp4a.40.N`. */
export function aacCodecString(config: AudioConfig): string {
  return `mp4a.40.${config.objectType}`;
}

function readObjectType(reader: BitReader): number {
  const type = reader.bits(5);
  return type === 31 ? 32 + reader.bits(6) : type;
}

function readSampleRate(reader: BitReader): number {
  const index = reader.bits(4);
  const rate = index === 15 ? reader.bits(24) : aacSampleRates[index];
  if (rate === undefined || rate === 0) throw malformed('AAC_SAMPLE_RATE', `Sample rate index ${index} is reserved.`);
  return rate;
}

/** SBR announced behind the core config, so that old decoders do not see it (§1.6.5.2); 0 if there is none. */
function readSyncExtension(reader: BitReader): number {
  if (reader.left < 2) return 0;
  if (reader.flag()) {
    if (reader.left < 15) return 0;
    reader.skip(14);
  }
  reader.skip(1);
  if (reader.left < 21 || reader.bits(11) !== 0x2b7) return 0;
  if (readObjectType(reader) !== 5 || reader.left < 5 || !reader.flag()) return 0;
  return readSampleRate(reader);
}
