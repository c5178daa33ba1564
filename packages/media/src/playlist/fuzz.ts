import { WatchpostError } from '@watchpost/base/errors.ts';
import { parsePlaylist } from './parse-m3u8.ts';

/** Parses any bytes as a playlist; throws only what is a defect of ours. */
export function fuzz(bytes: Uint8Array): void {
  try {
    parsePlaylist(new TextDecoder().decode(bytes));
  } catch (error) {
    if (!(error instanceof WatchpostError) || error.kind !== 'malformed') throw error;
  }
}
