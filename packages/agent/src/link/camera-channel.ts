import { WatchpostError } from '@watchpost/base/errors.ts';
import type { ResetReason } from '@watchpost/tunnel/reset-reason.ts';
import type { Channel, ChannelHandler } from '@watchpost/tunnel/types.ts';
import type { Target } from '../config/agent-config.ts';
import type { Connection, ConnectionHandler, Platform } from '../platform/platform.ts';

const dialTimeoutMs = 10_000;

/** What the agent wants to know of a channel's life. */
export interface ChannelWatcher {
  /** The connection to the target stands, or why not. */
  onDialed?(error: WatchpostError | undefined): void;
  /** Bytes from the target. */
  onBytes?(count: number): void;
  onClosed(): void;
}

/** A channel that is connected, or about to be. */
export interface ChannelPump {
  /** Reads no more from the camera; what was read is still delivered. */
  finish(): void;
}

/** Connects a channel of the tunnel with a TCP port of a camera: byte for byte, with back-pressure both ways. */
export function connectChannel(
  channel: Channel,
  target: Target,
  { platform, watcher }: { platform: Platform; watcher: ChannelWatcher },
): ChannelPump {
  const pump = new Pump(channel, watcher);
  platform.dial({ ...target, timeoutMs: dialTimeoutMs }, pump).then(
    (connection) => pump.begin(connection),
    (thrown) => pump.fail(thrown),
  );
  return pump;
}

class Pump implements ConnectionHandler, ChannelHandler, ChannelPump {
  readonly #channel: Channel;
  readonly #watcher: ChannelWatcher;
  #connection: Connection | undefined;
  #isOver = false;
  /** Bytes that the connection took and has not written yet; they are not granted again before it has. */
  #unwritten = 0;

  constructor(channel: Channel, watcher: ChannelWatcher) {
    this.#channel = channel;
    this.#watcher = watcher;
  }

  begin(connection: Connection): void {
    this.#watcher.onDialed?.(undefined);
    this.#connection = connection;
    if (this.#channel.isClosed) {
      // The other end gave up meanwhile.
      connection.destroy();
      this.#end();
    } else this.#channel.accept(this);
  }

  fail(thrown: unknown): void {
    const error = thrown instanceof WatchpostError ? thrown : undefined;
    this.#watcher.onDialed?.(error);
    this.#channel.reset(reasonOf(error));
    this.#end();
  }

  finish(): void {
    this.#channel.end();
    this.#connection?.destroy();
  }

  onData(bytes: Uint8Array): void {
    this.#watcher.onBytes?.(bytes.length);
    if (!this.#channel.write(bytes)) this.#connection?.pause();
  }

  onDrain(): void {
    const bytes = this.#unwritten;
    this.#unwritten = 0;
    this.#channel.consume(bytes);
  }

  onEnd(): void {
    this.#channel.end();
  }

  /** After an error nothing that comes later can be right; after an orderly end the channel ends by itself. */
  onClose(error?: Error): void {
    if (error) this.#channel.reset('canceled');
    else this.#channel.end();
    this.#end();
  }

  data(bytes: Uint8Array): void {
    this.#unwritten += bytes.length;
    if (this.#connection!.write(bytes)) this.onDrain();
  }

  end(): void {
    this.#connection!.end();
  }

  drain(): void {
    this.#connection!.resume();
  }

  closed(reason: string): void {
    if (reason === 'clean') this.#connection!.end();
    else this.#connection!.destroy();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#watcher.onClosed();
  }
}

function reasonOf(error: WatchpostError | undefined): ResetReason {
  if (error?.code === 'AGENT_REFUSED') return 'refused';
  return error?.kind === 'timeout' ? 'timeout' : 'unreachable';
}
