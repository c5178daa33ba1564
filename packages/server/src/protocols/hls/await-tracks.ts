import type { Clock } from '@watchpost/base/clock.ts';
import type { Stream } from '../../hub/stream.ts';

/** How long a source may take to say what it sends. */
const withinMs = 8000;

/** Resolves once the tracks of a stream are known, or after 8 s; one that is only pulled on demand is pulled for it. */
export async function awaitTracks(stream: Stream, clock: Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = () => {
    if (stream.tracks.length > 0) resolve();
    else reader.pull();
  };
  const reader = stream.openReader({ protocol: 'hls', start: 'gop', onReady: look, onClose: () => resolve() });
  const cancel = clock.after(withinMs, resolve);
  look();
  await promise;
  cancel();
  reader.close();
}
