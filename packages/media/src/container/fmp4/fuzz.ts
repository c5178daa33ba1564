import { WatchpostError } from '@watchpost/base/errors.ts';
import { readBoxHeader } from './boxes.ts';
import { readSamples, scanFragments } from './demuxer.ts';
import { readMoov } from './read-moov.ts';
import { Fmp4SegmentReader } from './segment-reader.ts';

/** Reads any bytes as a file; throws only what is a defect of ours. */
export async function fuzz(bytes: Uint8Array): Promise<void> {
  try {
    const scan = await scanFragments((at, length) => bytes.subarray(at, at + length), bytes.length);
    for (const { offset, bytes: length } of scan.fragments) {
      readSamples(bytes.subarray(offset, offset + length), scan.tracks);
    }
    const moov = readBoxHeader(bytes, 0);
    if (moov !== undefined && moov.end <= bytes.length) readMoov(bytes, moov, 0);
    new Fmp4SegmentReader(bytes, { track: () => {}, unit: () => {} }).read(bytes);
  } catch (error) {
    if (!(error instanceof WatchpostError) || error.kind !== 'malformed') throw error;
  }
}
