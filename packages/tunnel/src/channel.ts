import { WatchpostError } from '@watchpost/base/errors.ts';
import { ChunkQueue } from './chunk-queue.ts';
import type { ReceiveWindow } from './receive-window.ts';
import type { ResetReason } from './reset-reason.ts';
import type { Channel, ChannelHandler, Priority } from './types.ts';

/** What channels need of their session. */
export interface ChannelHost {
  /** Counts what is about to be queued. False: the host calls `resume` once there is room, or has closed the channel. */
  admit(channel: SessionChannel, bytes: number): boolean;
  /** There is no connection, or nothing comes back over it: what waits, waits for the line and not for a reader. */
  readonly isLineFailing: boolean;
  /** Bytes left the queue without being sent. */
  discard(bytes: number): void;
  /** The channel has something to send: data, an end, or control frames. */
  ready(channel: SessionChannel): void;
  consume(channel: SessionChannel, bytes: number): void;
  /** Nothing more will happen on the channel. */
  release(channel: SessionChannel): void;
}

/** Bytes that a channel queues before its writer is asked to wait. */
const queueBytes: Readonly<Record<Priority, number>> = { control: 512 * 1024, live: 512 * 1024, bulk: 256 * 1024 };

/** Control frames that wait for their turn. */
export interface PendingControl {
  open: Uint8Array | undefined;
  opened: boolean;
  credit: boolean;
  reset: ResetReason | undefined;
}

/** A channel as its session sees it. */
export class SessionChannel implements Channel {
  readonly id: number;
  readonly priority: Priority;
  readonly window: ReceiveWindow;
  readonly queue = new ChunkQueue();
  readonly pending: PendingControl = { open: undefined, opened: false, credit: false, reset: undefined };
  handler: ChannelHandler | undefined;
  bytesIn = 0;
  bytesOut = 0;
  /** Bytes sent, and how many may be. */
  sentBytes = 0;
  sendLimit: number;
  /** Already in one of the sender's lists. */
  isScheduled = false;
  isControlScheduled = false;
  /** Data came in the message that is being read. */
  isTouched = false;
  endSent = false;
  endReceived = false;
  isClosed = false;
  #endWanted = false;
  #waitsForDrain = false;
  #isHeldByBuffer = false;
  #heldBytes: Uint8Array[] = [];
  readonly #host: ChannelHost;

  constructor(host: ChannelHost, made: { id: number; priority: Priority; window: ReceiveWindow; sendLimit: number }) {
    this.#host = host;
    this.id = made.id;
    this.priority = made.priority;
    this.window = made.window;
    this.sendLimit = made.sendLimit;
  }

  get queuedBytes(): number {
    return this.queue.bytes;
  }

  /** A DATA or END frame could be sent now. */
  get canSend(): boolean {
    if (this.isClosed || this.endSent) return false;
    return this.queue.bytes > 0 ? this.sentBytes < this.sendLimit : this.#endWanted;
  }

  /** All data was sent and END is what comes next. */
  get isEndDue(): boolean {
    return this.#endWanted && this.queue.bytes === 0 && !this.endSent;
  }

  accept(handler: ChannelHandler): void {
    if (this.isClosed || this.handler) return;
    this.handler = handler;
    this.pending.opened = true;
    this.#host.ready(this);
    const early = this.#heldBytes;
    this.#heldBytes = [];
    for (const bytes of early) if (!this.isClosed) handler.data(bytes);
    if (early.length > 0 && !this.isClosed) handler.flush?.();
    if (!this.endReceived || this.isClosed) return;
    handler.end();
    if (this.endSent) this.close('clean');
  }

  /** The other end sends nothing more. */
  receiveEnd(): void {
    if (this.endReceived) return;
    this.endReceived = true;
    if (!this.handler) return;
    this.handler.end();
    if (this.endSent) this.close('clean');
  }

  /** Data that came before `accept`; the window bounds it. */
  hold(bytes: Uint8Array): void {
    this.#heldBytes.push(bytes);
  }

  write(bytes: Uint8Array): boolean {
    if (this.isClosed) return false;
    if (this.#endWanted)
      throw new WatchpostError('Bytes were written to a channel after its end', {
        kind: 'internal',
        code: 'TUNNEL_WRITE_AFTER_END',
      });
    if (bytes.length === 0) return !this.#waitsForDrain;
    const hasRoom = this.#host.admit(this, ChunkQueue.costOf(bytes));
    if (this.isClosed) return false;
    this.bytesOut += bytes.length;
    this.queue.push(bytes);
    this.#host.ready(this);
    if (!hasRoom) this.#isHeldByBuffer = true;
    if (!hasRoom || this.#isQueueFull(queueBytes[this.priority])) this.#waitsForDrain = true;
    return !this.#waitsForDrain;
  }

  end(): void {
    if (this.isClosed || this.#endWanted) return;
    this.#endWanted = true;
    this.#host.ready(this);
  }

  reset(reason: ResetReason): void {
    if (this.isClosed) return;
    // An OPEN that was not sent needs no answer to it.
    if (this.pending.open) this.pending.open = undefined;
    else this.pending.reset = reason;
    this.#host.ready(this);
    this.close(reason);
  }

  consume(bytes: number): void {
    if (!this.isClosed && bytes > 0) this.#host.consume(this, bytes);
  }

  /** There is room in the session's buffer again. */
  resume(): void {
    this.#isHeldByBuffer = false;
    this.#drain();
  }

  /** Some of the queue was sent, or the line is in another state. */
  reconsider(): void {
    if (this.#waitsForDrain && !this.#isHeldByBuffer) this.#drain();
  }

  #drain(): void {
    if (this.isClosed || !this.#waitsForDrain) return;
    if (this.#isQueueFull(queueBytes[this.priority] / 2)) return;
    this.#waitsForDrain = false;
    this.handler?.drain();
  }

  /** A camera throws away what nobody takes, so its channel goes on while it is the line that fails. */
  #isQueueFull(maxBytes: number): boolean {
    return this.queue.costBytes >= maxBytes && (this.priority === 'bulk' || !this.#host.isLineFailing);
  }

  /** Ends the channel here; the owner is told once. */
  close(reason: ResetReason | 'clean'): void {
    if (this.isClosed) return;
    this.isClosed = true;
    const unsent = this.queue.costBytes;
    this.queue.clear();
    this.#heldBytes = [];
    this.#host.discard(unsent);
    this.#host.release(this);
    this.handler?.closed(reason);
  }
}
