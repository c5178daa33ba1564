import type { SourceUrl } from '@watchpost/base/source-url.ts';
import type { ProtocolContext, Publish } from '../../../hub/types.ts';
import { FlvInput } from '../flv-input.ts';
import { Dialog } from './dialog.ts';

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
  let input: FlvInput | undefined;
  const dialog = new Dialog(
    { ...options, mode: 'play' },
    {
      onActive: () => {},
      onMedia: (type, timestampMs, body) => input?.receive(type, timestampMs, body),
      onRead: (bytes) => {
        counters.bytes += bytes;
        input?.flush();
      },
    },
  );
  const { clock, logger } = context;
  input = new FlvInput({ publish, clock, logger, memory: dialog.memory });
  counters.sessions++;
  try {
    await dialog.run();
  } finally {
    counters.sessions--;
  }
}
