import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Track } from '@watchpost/media/types.ts';
import type { ProtocolContext, Publish, Publisher, SourceDescription } from './types.ts';

const withinMs = 8000;

const nowhere: Publisher = {
  writeRtp: () => {},
  senderReport: () => {},
  writeUnit: () => {},
  flush: () => {},
  patienceMs: 0,
  count: () => {},
  close: () => {},
};

/** What a source says of itself, where only its media tell: pulls until the tracks are known. Rejects as the pull does, and with `timeout` (`SOURCE_NO_MEDIA`). */
export async function describeByPull(
  context: ProtocolContext,
  pull: (publish: Publish, context: ProtocolContext) => Promise<void>,
): Promise<SourceDescription> {
  const stop = new AbortController();
  const silent = new WatchpostError('The source answers, but sends nothing that could be shown', {
    kind: 'timeout',
    code: 'SOURCE_NO_MEDIA',
  });
  const cancel = context.clock.after(withinMs, () => stop.abort(silent));
  let tracks: readonly Track[] | undefined;
  const publish: Publish = (announced) => {
    tracks ??= announced.map(({ track }) => track);
    stop.abort(new WatchpostError('The tracks are known', { kind: 'canceled', code: 'DESCRIBED' }));
    return nowhere;
  };
  try {
    await pull(publish, { ...context, signal: AbortSignal.any([context.signal, stop.signal]) });
  } catch (thrown) {
    if (tracks === undefined) throw thrown;
  } finally {
    cancel();
  }
  return { tracks: tracks ?? [] };
}
