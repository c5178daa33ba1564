import { WatchpostError } from '@watchpost/base/errors.ts';
import type { SourceUrl } from '@watchpost/base/source-url.ts';
import { overTransport } from '../../../hub/over-transport.ts';
import type { ProtocolContext, Publish } from '../../../hub/types.ts';
import { FlvInput } from '../flv-input.ts';
import { Dialog } from './dialog.ts';

/** Servers let players in before anybody publishes (nginx does), and when the publisher has left. */
const mediaWithinMs = 20_000;

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
  let cancel: (() => void) | undefined;
  const dialog = new Dialog(
    { ...options, mode: 'play' },
    {
      onActive: () => {
        cancel?.();
        cancel = context.clock.after(mediaWithinMs, () => input?.hasBegun || dialog.end(nothingPublished()));
      },
      onMedia: (type, timestampMs, body) => input?.receive(type, timestampMs, body),
      onRead: (bytes) => {
        counters.bytes += bytes;
        input?.flush();
      },
    },
  );
  const { clock, logger } = context;
  const told = overTransport(publish, () => (dialog.isSecure ? 'tls' : 'tcp'));
  input = new FlvInput({ publish: told, clock, logger, memory: dialog.memory });
  counters.sessions++;
  try {
    await dialog.run();
  } finally {
    cancel?.();
    counters.sessions--;
  }
}

function nothingPublished(): WatchpostError {
  return new WatchpostError(
    `the server sent neither picture nor sound for ${mediaWithinMs / 1000} s — nobody publishes under this name: check it`,
    { kind: 'timeout', code: 'RTMP_NO_MEDIA' },
  );
}
