import { malformed } from '../malformed.ts';
import { BitWriter } from './bit-writer.ts';
import { flacCrc8, flacCrc16 } from './crc.ts';

/** What a FLAC stream carries: 16-bit PCM, which is what G.711 becomes. */
export interface FlacFormat {
  /** Hz, 1…65 535, or a multiple of 10 up to 655 350. */
  readonly sampleRate: number;
  /** 1 or 2 */
  readonly channels: number;
  /** Samples for each channel in every frame but the last: 16…65 535. */
  readonly blockSamples: number;
}

/** Samples that a frame must have less than, so that none asks for much memory. */
const maxBlockSamples = 65_535;

/**
 * One FLAC frame (RFC 9639 §9) of interleaved PCM in a stream with fixed block size. `frameNumber` is 0…2^31-1 and
 * counts frames. Each channel is coded with the best fixed predictor, or verbatim. Lossless.
 */
export function writeFlacFrame(format: FlacFormat, frameNumber: number, pcm: Int16Array): Uint8Array {
  const samples = pcm.length / format.channels;
  if ((format.channels !== 1 && format.channels !== 2) || !Number.isInteger(samples)) {
    throw malformed('FLAC_CHANNELS', 'FLAC frames are made of one or two whole channels.');
  }
  if (samples < 1 || samples > maxBlockSamples) {
    throw malformed('FLAC_BLOCK', `A FLAC frame of ${samples} samples is not possible.`);
  }
  const writer = new BitWriter(pcm.length * 2 + 32);
  writeHeader(writer, { ...format, samples, frameNumber });
  for (let channel = 0; channel < format.channels; channel++) {
    writeSubframe(writer, pickChannel(pcm, channel, format.channels));
  }
  writer.align();
  const crc = flacCrc16(writer.bytes());
  writer.put(crc, 16);
  return writer.bytes();
}

/** RFC 9639 §9.1 */
function writeHeader(writer: BitWriter, frame: FlacFormat & { samples: number; frameNumber: number }): void {
  writer.put(0xfff8, 16);
  // 16-bit block size and rate after the header (codes 7, 13 and 14), so that no table is needed.
  const inTens = frame.sampleRate > 65_535;
  writer.put(7, 4);
  writer.put(inTens ? 14 : 13, 4);
  writer.put(frame.channels - 1, 4);
  writer.put(4, 3);
  writer.put(0, 1);
  writeCodedNumber(writer, frame.frameNumber);
  writer.put(frame.samples - 1, 16);
  writer.put(inTens ? frame.sampleRate / 10 : frame.sampleRate, 16);
  writer.put(flacCrc8(writer.bytes()), 8);
}

/** The number in the way UTF-8 codes characters, up to 31 bits (RFC 9639 §9.1.5). */
function writeCodedNumber(writer: BitWriter, value: number): void {
  if (value < 0x80) {
    writer.put(value, 8);
    return;
  }
  let following = 1;
  while (following < 5 && value >= 2 ** (5 * following + 6)) following++;
  const lead = (0xff << (7 - following)) & 0xff;
  writer.put(lead | (value >>> (6 * following)), 8);
  for (let i = following - 1; i >= 0; i--) writer.put(0x80 | ((value >>> (6 * i)) & 63), 8);
}

function pickChannel(pcm: Int16Array, channel: number, channels: number): Int32Array {
  const samples = new Int32Array(pcm.length / channels);
  for (let i = 0; i < samples.length; i++) samples[i] = pcm[i * channels + channel]!;
  return samples;
}

/** RFC 9639 §9.2: fixed predictors of order 0…4 are differences taken again and again. */
function writeSubframe(writer: BitWriter, samples: Int32Array): void {
  const best = chooseOrder(samples);
  if (best.bits >= samples.length * 16) {
    writer.put(1 << 1, 8);
    for (const sample of samples) writer.put(sample, 16);
    return;
  }
  writer.put((8 | best.order) << 1, 8);
  for (let i = 0; i < best.order; i++) writer.put(samples[i]!, 16);
  // Rice coding with 4-bit parameters, one partition (§9.2.7).
  writer.put(0, 6);
  writer.put(best.parameter, 4);
  for (let i = best.order; i < best.residual.length; i++) {
    const folded = fold(best.residual[i]!);
    writer.unary(folded >>> best.parameter);
    writer.put(folded, best.parameter);
  }
}

interface Prediction {
  readonly order: number;
  /** From index `order` on. */
  readonly residual: Int32Array;
  /** Rice parameter 0…14. */
  readonly parameter: number;
  readonly bits: number;
}

function chooseOrder(samples: Int32Array): Prediction {
  let best: Prediction | undefined;
  let residual = samples;
  for (let order = 0; order <= Math.min(4, samples.length - 1); order++) {
    if (order > 0) residual = differences(residual, order);
    let sum = 0;
    for (let i = order; i < residual.length; i++) sum += fold(residual[i]!);
    const count = residual.length - order;
    const parameter = Math.max(0, Math.min(14, Math.floor(Math.log2(Math.max(1, sum / count)))));
    let bits = 18 + order * 16;
    for (let i = order; i < residual.length; i++) bits += 1 + parameter + (fold(residual[i]!) >>> parameter);
    if (best === undefined || bits < best.bits) best = { order, residual, parameter, bits };
  }
  return best!;
}

function differences(values: Int32Array, from: number): Int32Array {
  const result = new Int32Array(values.length);
  for (let i = from; i < values.length; i++) result[i] = values[i]! - values[i - 1]!;
  return result;
}

/** Signed to unsigned: 0, -1, 1, -2, … become 0, 1, 2, 3, … */
function fold(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}
