import { concatBytes } from '@watchpost/base/bytes.ts';
import { malformedBox, readBoxes } from '@watchpost/media/container/fmp4/boxes.ts';
import { writeFragment } from '@watchpost/media/container/fmp4/fragment.ts';
import { type RunTable, readMoof } from '@watchpost/media/container/fmp4/read-moof.ts';
import type { FileTrack } from '@watchpost/media/container/fmp4/read-moov.ts';
import type { Sample } from '@watchpost/media/types.ts';
import { FlacAudio } from '../hub/live-fmp4/flac-audio.ts';
import { withoutTracks } from './without-tracks.ts';

/**
 * Fragments of a file with its G.711 sound as FLAC, for players that decode no G.711. Pictures stay where they are (and
 * the unused sound beside them: it is little); the FLAC follows each fragment in one of its own. Throws `malformed`.
 */
export function toFlacPart(bytes: Uint8Array, g711: readonly FileTrack[]): Uint8Array {
  const encoders = g711.map((file) => ({ file, encoder: new FlacAudio(file.track) }));
  const ids = new Set(g711.map((file) => file.fileId));
  const boxes = readBoxes(bytes, 0, bytes.length);
  const lastMoof = boxes.findLastIndex((box) => box.type === 'moof');
  const parts: Uint8Array[] = [];
  let sequence = 0;
  for (const [index, moof] of boxes.entries()) {
    const mdat = boxes[index + 1];
    if (moof.type !== 'moof' || mdat?.type !== 'mdat') continue;
    const pictures = withoutTracks(bytes, moof, ids);
    if (pictures !== undefined) parts.push(pictures, bytes.subarray(mdat.start, mdat.end));
    const runs = readMoof(bytes, moof, g711, 0);
    for (const { file, encoder } of encoders) {
      const samples: Sample[] = [];
      for (const run of runs) if (run.file === file) encode(bytes.subarray(moof.start), { run, encoder, samples });
      const rest = index === lastMoof ? encoder.end() : undefined;
      if (rest !== undefined) samples.push(rest);
      if (samples.length === 0) continue;
      parts.push(writeFragment(++sequence, [{ track: encoder.track, samples, nextDts: encoder.endTicks }]));
    }
  }
  return concatBytes(parts);
}

/** `fragment` begins with the `moof` of the run. */
function encode(fragment: Uint8Array, sound: { run: RunTable; encoder: FlacAudio; samples: Sample[] }): void {
  const { run, encoder, samples } = sound;
  const { track } = run.file;
  let dts = run.startTicks;
  for (const [i, size] of run.sizes.entries()) {
    const start = run.offsets[i]!;
    if (start < 0 || start + size > fragment.length) throw malformedBox('a sample outside of its fragment', start);
    const units = [fragment.subarray(start, start + size)];
    samples.push(...encoder.push({ track, dts, pts: dts, key: true, units, byteLength: size, wallMs: 0, lost: 0 }));
    dts += run.durations[i]!;
  }
}
