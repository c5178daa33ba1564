import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Stream } from '../../../hub/stream.ts';
import type { StreamHub } from '../../../hub/stream-hub.ts';
import { playedTracks } from './served-tracks.ts';

/**
 * Resolves once the stream is online, waking a source on demand; rejects with the reason why it is not, `withinMs` later
 * or when it is stopped or removed.
 */
export function awaitOnline(
  stream: Stream,
  hub: StreamHub,
  options: { readonly clock: Clock; readonly withinMs: number },
): Promise<void> {
  const isReady = () => stream.state === 'online' && playedTracks(stream.tracks).length > 0;
  if (isReady()) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const finish = (error?: WatchpostError) => {
      cancel();
      unsubscribe();
      // A pull on demand goes on for a while, until PLAY.
      demand?.close();
      if (error) reject(error);
      else resolve();
    };
    const look = () => {
      if (isReady()) finish();
      else if (stream.state === 'stopped' || hub.get(stream.id) !== stream) finish(notOnline(stream));
    };
    const demand = stream.definition.onDemand ? stream.openReader({ protocol: 'rtsp', start: 'live' }) : undefined;
    const unsubscribe = hub.onChange((change) => {
      if ('stream' in change && change.stream === stream) look();
    });
    const cancel = options.clock.after(options.withinMs, () => finish(notOnline(stream)));
    stream.ask();
    look();
  });
}

function notOnline(stream: Stream): WatchpostError {
  const left = stream.state === 'online' ? 'has nothing that RTSP carries' : `is ${stream.state.replace('_', ' ')}`;
  const why = stream.reason === undefined ? '' : `: ${stream.reason.message}`;
  return new WatchpostError(`the stream "${stream.id}" ${left}${why}`, {
    kind: 'unavailable',
    code: `STREAM_${stream.state.toUpperCase()}`,
  });
}
