import { WatchpostError } from '@watchpost/base/errors.ts';
import type { SourceUrl } from '@watchpost/base/source-url.ts';
import type { Track } from '@watchpost/media/types.ts';
import type { ProtocolContext, Publish, SourceDescription } from '../../../hub/types.ts';
import { FlvInput } from '../flv-input.ts';
import { Dialog } from './dialog.ts';

const describeWithinMs = 8000;

/** Counters of all sessions, for the protocol's statistics. */
export interface PullCounters {
  sessions: number;
  bytes: number;
}

/** What a session with another server needs. */
export interface PullOptions {
  readonly source: SourceUrl;
  readonly context: ProtocolContext;
  readonly userAgent: string;
  readonly chunkSize: number;
  readonly counters: PullCounters;
}

/** Plays a stream of another server until its signal aborts or the session ends; rejects with the reason. */
export async function pullRtmp(options: PullOptions, publish: Publish): Promise<void> {
  const { context, counters } = options;
  const input = new FlvInput({ publish, clock: context.clock, logger: context.logger });
  const dialog = new Dialog(
    { ...options, mode: 'play' },
    {
      onActive: () => {},
      onMedia: (type, timestampMs, body) => input.receive(type, timestampMs, body),
      onRead: (bytes) => {
        counters.bytes += bytes;
        input.flush();
      },
    },
  );
  counters.sessions++;
  try {
    await dialog.run();
  } finally {
    counters.sessions--;
  }
}

/** Connects, waits until the tracks are known, and leaves. */
export async function describeRtmp(options: PullOptions): Promise<SourceDescription> {
  const { context } = options;
  const stop = new AbortController();
  const late = new WatchpostError('The server sends nothing that could be shown', {
    kind: 'timeout',
    code: 'RTMP_NO_MEDIA',
  });
  const cancel = context.clock.after(describeWithinMs, () => stop.abort(late));
  let found: readonly Track[] | undefined;
  const done = new WatchpostError('The description is there', { kind: 'canceled', code: 'DESCRIBED' });
  const signal = AbortSignal.any([context.signal, stop.signal]);
  try {
    await pullRtmp({ ...options, context: { ...context, signal } }, (announced) => {
      found ??= announced.map(({ track }) => track);
      stop.abort(done);
      return nowhere;
    });
  } catch (thrown) {
    if (found === undefined) throw thrown;
  } finally {
    cancel();
  }
  return { tracks: found ?? [] };
}

const nowhere = {
  writeRtp: () => {},
  senderReport: () => {},
  writeUnit: () => {},
  flush: () => {},
  count: () => {},
  close: () => {},
};
