import type { Clock } from '@watchpost/base/clock.ts';
import { isOffline } from '../../hub/admit-viewer.ts';
import type { Stream } from '../../hub/stream.ts';

/** How long a source may take to say what it sends. */
const withinMs = 8000;
const lookEachMs = 100;

/**
 * Resolves once the tracks of a stream are known or it is offline, or after 8 s; one that is only pulled on demand is pulled
 * for it.
 */
export async function awaitTracks(stream: Stream, clock: Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const untilMs = clock.monotonicMs() + withinMs;
  let cancel = () => {};
  const look = () => {
    if (stream.tracks.length > 0 || isOffline(stream) || clock.monotonicMs() >= untilMs) resolve();
    else cancel = clock.after(lookEachMs, look);
  };
  const reader = stream.openReader({
    ...{ protocol: 'hls', start: 'gop' },
    onReady: () => {
      reader.pull();
      if (stream.tracks.length > 0) resolve();
    },
    onClose: () => resolve(),
  });
  reader.pull();
  look();
  await promise;
  cancel();
  reader.close();
}
