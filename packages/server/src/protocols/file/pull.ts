import { type FileHandle, open } from 'node:fs/promises';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { detectContent, enoughToDetect } from '@watchpost/media/container/detect-content.ts';
import type { TimedUnit } from '../../hub/timed-units.ts';
import type { ProtocolContext, Publish } from '../../hub/types.ts';
import { UnitInput } from '../../hub/unit-input.ts';
import { LoopPlayer } from './loop-player.ts';
import { readAt } from './read-at.ts';
import { readMp4 } from './read-mp4.ts';
import { readStream } from './read-stream.ts';

type Context = Pick<ProtocolContext, 'clock' | 'signal' | 'logger'>;

/**
 * Plays the file that `locate` tells the path of, at its own pace, again and again until the signal aborts. Rejects with
 * the reason.
 */
export async function pullFile(locate: () => Promise<string>, context: Context, publish: Publish): Promise<void> {
  const input = new UnitInput(publish, context.clock);
  const player = new LoopPlayer(input, context);
  try {
    for (;;) {
      // Anew for each round: it may be gone, be another one, or be a link to one that nobody may see.
      const path = await locate();
      await using file = await open(path);
      const hasPlayed = await player.play(await unitsOf(file, path, { input, context }));
      if (!hasPlayed) throw unusable(path, 'it holds neither picture nor sound');
    }
  } finally {
    input.close();
  }
}

async function unitsOf(
  file: FileHandle,
  path: string,
  { input, context }: { readonly input: UnitInput; readonly context: Context },
): Promise<AsyncIterable<TimedUnit>> {
  const kind = detectContent(await readAt(file, 0, enoughToDetect));
  if (kind === 'mp4') return readMp4(file, { input, logger: context.logger });
  if (kind === 'ts' || kind === 'flv') return readStream(file, kind, input);
  throw unusable(path, 'it is neither MP4, MPEG-TS nor FLV');
}

function unusable(path: string, why: string): WatchpostError {
  return new WatchpostError(`"${path}" cannot be played: ${why} — ffmpeg -i FILE -c copy FILE.mp4 makes one that can`, {
    kind: 'unsupported',
    code: 'FILE_UNSUPPORTED',
  });
}
