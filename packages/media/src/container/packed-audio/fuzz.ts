import { WatchpostError } from '@watchpost/base/errors.ts';
import { writeAdts } from '../../codec/aac/adts.ts';
import { PackedAudioReader } from './reader.ts';
import { tagWithTimestamp } from './test-tag.ts';

const config = { objectType: 2, sampleRate: 48_000, channels: 2, frameLength: 1024 };

/** A tag and three frames. */
export const seeds: readonly Uint8Array[] = [
  Uint8Array.of(
    ...tagWithTimestamp(90_000),
    ...[1, 2, 3].flatMap((n) => [...writeAdts(config, new Uint8Array(9).fill(n))]),
  ),
];

/** Reads any bytes as a segment; throws only what is a defect of ours. */
export function fuzz(bytes: Uint8Array): void {
  const reader = new PackedAudioReader({ track: () => {}, unit: () => {} });
  try {
    reader.read(bytes);
  } catch (error) {
    if (!(error instanceof WatchpostError) || error.kind !== 'malformed') throw error;
  }
}
