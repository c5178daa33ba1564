import { WatchpostError } from '@watchpost/base/errors.ts';
import { readBoxHeader } from '../fmp4/boxes.ts';
import { readMoov } from '../fmp4/read-moov.ts';
import { readIndex } from './read-index.ts';
import { tableOf, trackOf } from './test-table.ts';
import { writeProgressiveHead } from './write-head.ts';

const head = writeProgressiveHead([trackOf(tableOf(10, 4, (i) => 100 + i))], 1045);

/** A `moov` with three chunks. */
export const seeds: readonly Uint8Array[] = [head.subarray(readBoxHeader(head, 0)!.end)];

/** Reads any bytes as a `moov`; throws only what is a defect of ours. */
export function fuzz(bytes: Uint8Array): void {
  try {
    const moov = readBoxHeader(bytes, 0);
    if (moov === undefined || moov.end > bytes.length) return;
    for (const index of readIndex(bytes, moov, readMoov(bytes, moov, 0)))
      for (let i = 0; i < Math.min(index.length, 100); i++) index.at(i);
  } catch (error) {
    if (!(error instanceof WatchpostError) || error.kind !== 'malformed') throw error;
  }
}
