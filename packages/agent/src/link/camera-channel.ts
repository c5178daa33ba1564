import { WatchpostError } from '@watchpost/base/errors.ts';
import type { ResetReason } from '@watchpost/tunnel/reset-reason.ts';
import type { Channel } from '@watchpost/tunnel/types.ts';
import type { Target } from '../config/agent-config.ts';
import type { Connection, Platform } from '../platform/platform.ts';

const dialTimeoutMs = 10_000;

/** What the agent wants to know of a channel's life. */
export interface ChannelWatcher {
  /** The connection to the target stands, or why not. */
  onDialed?(error: WatchpostError | undefined): void;
  /** Bytes from the target. */
  onBytes?(count: number): void;
  onClosed(): void;
}

/** Connects a channel of the tunnel with a TCP port of a camera: byte for byte, with back-pressure both ways. */
export function connectChannel(
  channel: Channel,
  target: Target,
  { platform, watcher }: { platform: Platform; watcher: ChannelWatcher },
): void {
  let connection: Connection | undefined;
  let failure: Error | undefined;
  let isOver = false;
  /** Bytes that the connection took and has not written yet; they are not granted again before it has. */
  let unwritten = 0;
  const over = () => {
    if (isOver) return;
    isOver = true;
    watcher.onClosed();
  };
  const onWritten = () => {
    const bytes = unwritten;
    unwritten = 0;
    channel.consume(bytes);
  };
  platform
    .dial(
      { ...target, timeoutMs: dialTimeoutMs },
      {
        onData: (bytes) => {
          watcher.onBytes?.(bytes.length);
          if (!channel.write(bytes)) connection?.pause();
        },
        onDrain: onWritten,
        onEnd: () => channel.end(),
        onClose: (error) => {
          failure = error;
          if (connection && !channel.isClosed) closeAfter(channel, failure);
          over();
        },
      },
    )
    .then(
      (opened) => {
        watcher.onDialed?.(undefined);
        // The other end may have given up meanwhile.
        if (channel.isClosed) {
          opened.destroy();
          return over();
        }
        connection = opened;
        channel.accept({
          data: (bytes) => {
            unwritten += bytes.length;
            if (opened.write(bytes)) onWritten();
          },
          end: () => opened.end(),
          drain: () => opened.resume(),
          closed: (reason) => {
            if (reason !== 'clean') opened.destroy();
            else if (unwritten === 0) opened.end();
          },
        });
      },
      (thrown) => {
        const error = thrown instanceof WatchpostError ? thrown : undefined;
        watcher.onDialed?.(error);
        channel.reset(reasonOf(error));
        over();
      },
    );
}

/** After an error nothing that comes later can be right; after an orderly end the channel ends by itself. */
function closeAfter(channel: Channel, failure: Error | undefined): void {
  if (failure) channel.reset('canceled');
  else channel.end();
}

function reasonOf(error: WatchpostError | undefined): ResetReason {
  if (error?.code === 'AGENT_REFUSED') return 'refused';
  return error?.kind === 'timeout' ? 'timeout' : 'unreachable';
}
