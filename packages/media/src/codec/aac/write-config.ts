import { malformed } from '../malformed.ts';
import { type AudioConfig, aacChannelCounts, aacSampleRates } from './config.ts';

/** Writes an AudioSpecificConfig; `frameLength` 960 or 1920 sets the short frame flag. Throws `malformed` for what it cannot hold. */
export function writeAudioSpecificConfig(config: AudioConfig): Uint8Array {
  const channels = aacChannelCounts.indexOf(config.channels);
  if (channels < 0) throw malformed('AAC_CHANNELS', `AAC has no configuration for ${config.channels} channels.`);
  if (config.objectType < 1 || config.objectType > 30) {
    throw malformed('AAC_OBJECT_TYPE', `Audio object type ${config.objectType} cannot be written.`);
  }
  const writer = new ConfigWriter();
  const extended = config.objectType === 5 || config.objectType === 29;
  const isLong = config.frameLength === 1920 || config.frameLength === 2048;
  writer.put(config.objectType, 5);
  writer.putRate(extended && isLong ? config.sampleRate / 2 : config.sampleRate);
  writer.put(config.objectType === 29 ? 1 : channels, 4);
  if (extended) {
    writer.putRate(config.sampleRate);
    writer.put(2, 5);
  }
  writer.put(config.frameLength === 960 || config.frameLength === 1920 ? 1 : 0, 1);
  writer.put(0, 2);
  return writer.finish();
}

class ConfigWriter {
  readonly #bits: number[] = [];

  put(value: number, count: number): void {
    for (let i = count - 1; i >= 0; i--) this.#bits.push((value >> i) & 1);
  }

  putRate(rate: number): void {
    const index = aacSampleRates.indexOf(rate);
    if (index >= 0) {
      this.put(index, 4);
      return;
    }
    this.put(15, 4);
    this.put(rate, 24);
  }

  finish(): Uint8Array {
    const bytes = new Uint8Array(Math.ceil(this.#bits.length / 8));
    for (let i = 0; i < this.#bits.length; i++) bytes[i >> 3]! |= this.#bits[i]! << (7 - (i & 7));
    return bytes;
  }
}
