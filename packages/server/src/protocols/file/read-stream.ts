import type { FileHandle } from 'node:fs/promises';
import { FlvDemuxer } from '@watchpost/media/container/flv/demuxer.ts';
import { announcedKinds } from '@watchpost/media/container/flv/metadata.ts';
import { TsDemuxer } from '@watchpost/media/container/mpeg-ts/demuxer.ts';
import type { TimedUnit } from '../../hub/timed-units.ts';
import type { UnitInput } from '../../hub/unit-input.ts';
import { readAt } from './read-at.ts';

const partBytes = 64 * 1024;

/** The units of a file of MPEG-TS or FLV, in the order of the file. Throws `malformed`. */
export async function* readStream(file: FileHandle, kind: 'ts' | 'flv', input: UnitInput): AsyncIterable<TimedUnit> {
  let found: TimedUnit[] = [];
  const sink = {
    announced: (kinds: { readonly video: boolean; readonly audio: boolean }) => input.expect(kinds),
    track: () => {},
    unit: (track: TimedUnit['track'], unit: TimedUnit['unit']) => {
      found.push({ track, unit });
    },
    script: (values: Parameters<typeof announcedKinds>[0]) => {
      const kinds = announcedKinds(values);
      if (kinds) input.expect(kinds);
    },
  };
  const demuxer = kind === 'ts' ? new TsDemuxer(sink) : new FlvDemuxer(sink);
  for (let at = 0; ; ) {
    const part = await readAt(file, at, partBytes);
    if (part.length === 0) break;
    at += part.length;
    demuxer.push(part);
    yield* found;
    found = [];
  }
  if (demuxer instanceof TsDemuxer) demuxer.flush();
  yield* found;
}
