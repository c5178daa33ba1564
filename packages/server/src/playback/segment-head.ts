import { createHash } from 'node:crypto';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { findBox, readBoxes } from '@watchpost/media/container/fmp4/boxes.ts';
import { writeInitSegment } from '@watchpost/media/container/fmp4/init-segment.ts';
import { type FileTrack, readMoov } from '@watchpost/media/container/fmp4/read-moov.ts';
import { FlacAudio } from '../hub/live-fmp4/flac-audio.ts';

/** What playback needs to know of the head (ftyp + moov) of a file. */
export interface SegmentHead {
  /** Equal where two files can be played with one init segment. */
  readonly parameterKey: string;
  readonly tracks: readonly FileTrack[];
  /** Those whose sound HLS players do not decode. */
  readonly g711: readonly FileTrack[];
}

/** More is not the head of one of our files. */
export const maxHeadBytes = 256 * 1024;

/** Reads the head of a file. Throws `data_loss`, `malformed`. */
export function parseSegmentHead(head: Uint8Array): SegmentHead {
  const moov = findBox(readBoxes(head, 0, head.length), 'moov');
  if (moov === undefined) {
    throw new WatchpostError('The head of a recorded file has no "moov" box; the file is damaged', {
      kind: 'data_loss',
      code: 'PLAYBACK_HEAD',
    });
  }
  const tracks = readMoov(head, moov, 0);
  const hash = createHash('sha256');
  for (const { fileId, track } of tracks) {
    const { codec, clockRate, sampleRate, channels, parameterSets } = track;
    hash.update(JSON.stringify([fileId, codec, clockRate, sampleRate, channels, parameterSets.length]));
    for (const set of parameterSets) hash.update(`${set.length} `).update(set);
  }
  return { parameterKey: hash.digest('base64url'), tracks, g711: tracks.filter(isG711) };
}

/** Init segment for parts made by `toFlacPart`: FLAC where the file has G.711. */
export function toFlacInit(head: SegmentHead): Uint8Array {
  return writeInitSegment(head.tracks.map((file) => (isG711(file) ? new FlacAudio(file.track).track : file.track)));
}

function isG711({ track }: FileTrack): boolean {
  return track.codec === 'pcma' || track.codec === 'pcmu';
}
