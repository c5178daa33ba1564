import type { WindowLimits } from './receive-window.ts';
import type { ResetReason } from './reset-reason.ts';

/** One connection that carries whole messages in order: a WebSocket. */
export interface Transport {
  /** Sends one binary message; kept by reference until it is written. */
  send(message: Uint8Array): void;
  /** Bytes given to `send` that the system has not taken yet. */
  readonly bufferedBytes: number;
  /** Ends it, in order where that still works; nothing of it is received afterwards. */
  close(): void;
}

/** `control` goes before `live`, and `live` before `bulk`; within each, channels take turns frame by frame. */
export type Priority = 'control' | 'live' | 'bulk';

/** What a channel tells its owner. All are called from inside `receive`, `attach` or a timer, never from `write`. */
export interface ChannelHandler {
  /** The other end accepted the channel. */
  opened?(): void;
  /** Bytes that came; they are the handler's, and count against the window until `consume`. */
  data(bytes: Uint8Array): void;
  /** The message that held them is at its end; the time to write them on together. */
  flush?(): void;
  /** The other end sends nothing more. */
  end(): void;
  /** `write` may go on. */
  drain(): void;
  /** Over, whoever ended it; nothing is called afterwards. `clean` where both had ended. */
  closed(reason: ResetReason | 'clean'): void;
}

/** One two-way flow of bytes through the tunnel. */
export interface Channel {
  readonly id: number;
  readonly priority: Priority;
  /** Bytes that came through. */
  readonly bytesIn: number;
  /** Bytes that were given to `write`. */
  readonly bytesOut: number;
  /** Bytes that wait in the channel for their turn. */
  readonly queuedBytes: number;
  readonly isClosed: boolean;
  /** Answers an `open` of the other end; before that nothing may be written. */
  accept(handler: ChannelHandler): void;
  /** Queues bytes, which are kept by reference. False: wait for `drain` before the next, or the channel may be reset. */
  write(bytes: Uint8Array): boolean;
  /** Nothing more will be written; what was written is still sent. */
  end(): void;
  /** Ends both directions at once and forgets what was not sent. */
  reset(reason: ResetReason): void;
  /** `bytes` of what `data` gave are done with: the other end may send as many more. */
  consume(bytes: number): void;
}

/** What a session tells its owner. */
export interface SessionHandler {
  /** The other end opened a channel: `accept` or `reset` it, now or later. */
  open(channel: Channel, request: Uint8Array): void;
  /** A message that `sendMessage` sent. */
  message(bytes: Uint8Array): void;
  /** The other end is about to leave; a new connection is welcome after `retryAfterMs`. */
  goAway?(notice: GoAway): void;
  /** The connection is gone and the grace time runs, or the session is over. Close the transport. */
  linkLost(cause: LinkLoss): void;
  /** The session is over; all its channels were closed with the same reason. */
  closed(reason: ResetReason): void;
}

/** Why a connection ended. */
export type LinkLoss = 'closed' | 'silent' | 'protocol' | 'replaced' | 'session_over';

/** Said before leaving. */
export interface GoAway {
  readonly reason: ResetReason;
  /** Earliest next attempt; different for each agent, so that they do not all come at once. */
  readonly retryAfterMs: number;
}

/** What one end is ready to hold for the other; told in the handshake. */
export interface SessionLimits {
  /** Channels that the other end may have open. */
  readonly maxChannels: number;
  readonly window: WindowLimits;
  /** All windows together; at least `maxChannels` initial ones, so that none can starve another. */
  readonly sessionBytes: number;
  /** Bytes queued and unacknowledged together: the resend buffer. */
  readonly bufferBytes: number;
}
