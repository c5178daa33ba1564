import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { BufferGate } from './buffer-gate.ts';
import type { ChannelHost, SessionChannel } from './channel.ts';
import { ChannelTable } from './channel-table.ts';
import {
  type FrameHeader,
  firstLinkType,
  frameType,
  headerBytes,
  maxMessageBytes,
  moreFlag,
  readFrameHeader,
} from './frame.ts';
import { parseGoAway, writeGoAway } from './go-away.ts';
import { Link, type LinkOwner } from './link.ts';
import { defaultLiveness, type LivenessLimits } from './liveness.ts';
import { MessageParts, maxSessionMessageBytes } from './message-parts.ts';
import { protocolError, readNumber } from './protocol-error.ts';
import type { WindowBudget } from './receive-window.ts';
import { parseResetReason, type ResetReason } from './reset-reason.ts';
import { Sender } from './sender.ts';
import type { AnnouncedLimits } from './session-limits.ts';
import { type SessionState, sessionTransitions } from './session-states.ts';
import { SessionWindow } from './session-window.ts';
import type { Channel, ChannelHandler, LinkLoss, Priority, SessionHandler, SessionLimits, Transport } from './types.ts';

/** Bytes given to a transport that has not written them yet; more would make `live` wait behind `bulk`. */
const transportHighWaterBytes = 512 * 1024;
/** An ACK that takes longer means that the line fails, not the reader. */
const lateAckMs = 500;
const maxQueuedMessageBytes = 4 * 1024 * 1024;

/** What a session is made of. */
export interface SessionOptions {
  readonly role: 'agent' | 'server';
  readonly clock: Clock;
  readonly handler: SessionHandler;
  readonly limits: SessionLimits;
  /** What the other end announced in the handshake. */
  readonly peer: AnnouncedLimits;
  /** How long the session outlives its connection, to begin with. */
  readonly graceMs: number;
  readonly liveness?: LivenessLimits;
  /** Windows grow out of this, shared by many sessions. */
  readonly budget?: WindowBudget;
  /** Runs `task` soon, once for many writes. A microtask by default; `setImmediate` makes larger messages. */
  readonly defer?: (task: () => void) => void;
}

/** Counters of a session. */
export interface SessionStats {
  readonly state: SessionState;
  readonly channels: number;
  /** Bytes of messages, frame headers included. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly resumes: number;
  /** Bytes queued or unacknowledged. */
  readonly bufferedBytes: number;
  /** Also of the connection before, while there is none. */
  readonly roundTripMs: number | undefined;
}

/** Channels between two ends, over one connection after another (SPEC.md). */
export class TunnelSession implements ChannelHost, LinkOwner {
  /** How long the session outlives a connection that is lost from now on. */
  graceMs: number;
  readonly #options: SessionOptions;
  readonly #clock: Clock;
  readonly #sender: Sender;
  readonly #gate: BufferGate;
  readonly #channels: ChannelTable;
  readonly #window: SessionWindow;
  readonly #defer: (task: () => void) => void;
  readonly #header: FrameHeader = { type: 0, flags: 0, length: 0, channel: 0 };
  readonly #touched: SessionChannel[] = [];
  readonly #parts = new MessageParts();
  #state: SessionState = 'fresh';
  #link: Link | undefined;
  #received = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  #resumes = 0;
  #roundTripMs: number | undefined;
  #flushIsDue = false;
  #cancelGrace: (() => void) | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.graceMs = options.graceMs;
    this.#defer = options.defer ?? ((task) => void Promise.resolve().then(task));
    this.#sender = new Sender({ bufferBytes: options.limits.bufferBytes, sessionLimit: options.peer.sessionBytes });
    this.#gate = new BufferGate(this.#sender, options.limits.bufferBytes);
    this.#channels = new ChannelTable(options);
    this.#window = new SessionWindow(options.limits, options.peer.maxChannels, options.budget);
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Position that the other end must go on from; part of the handshake that resumes. */
  get received(): number {
    return this.#received;
  }

  get isUnacknowledged(): boolean {
    return this.#sender.log.keptBytes > 0;
  }

  get stats(): SessionStats {
    return {
      state: this.#state,
      channels: this.#channels.size,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      resumes: this.#resumes,
      bufferedBytes: this.#sender.usedBytes,
      roundTripMs: this.#link?.liveness.lastRoundTripMs ?? this.#roundTripMs,
    };
  }

  /**
   * Goes on over a new connection; the other end has received up to `peerReceived`. False, and the session is over, where
   * what it lacks is no longer here.
   */
  attach(transport: Transport, peerReceived: number): boolean {
    if (this.#state === 'closed') return false;
    this.#link?.close();
    this.#link = undefined;
    if (!this.#sender.log.rewind(peerReceived)) {
      transport.close();
      this.#end('session_lost');
      return false;
    }
    this.#cancelGrace?.();
    this.#cancelGrace = undefined;
    if (this.#state !== 'fresh') this.#resumes++;
    this.#state = sessionTransitions[this.#state].attached;
    this.#link = new Link(transport, this, { clock: this.#clock, limits: this.#options.liveness ?? defaultLiveness });
    this.#flush();
    return true;
  }

  /** The connection is gone; the grace time begins. */
  lost(cause: LinkLoss = 'closed'): void {
    if (!this.#link) return;
    this.#roundTripMs = this.#link.liveness.lastRoundTripMs;
    this.#link.close();
    this.#link = undefined;
    this.#state = sessionTransitions[this.#state].lost;
    this.#cancelGrace = this.#clock.after(this.graceMs, this.#onGraceOver);
    this.#options.handler.linkLost(cause);
    this.#reconsider();
  }

  checked(): void {
    this.#sender.log.trim();
    this.#reconsider();
  }

  get isLineFailing(): boolean {
    if (!this.#link) return true;
    if (!this.isUnacknowledged) return false;
    const { progressAtMs, lastRoundTripMs = 0 } = this.#link.liveness;
    return this.#clock.monotonicMs() - progressAtMs >= lateAckMs + 2 * lastRoundTripMs;
  }

  #reconsider(): void {
    for (const channel of this.#channels.values()) channel.reconsider();
  }

  /** Ends the session, at both ends where the connection still works. */
  close(reason: ResetReason, retryAfterMs = 0): void {
    if (this.#state === 'closed') return;
    this.#link?.send(writeGoAway({ reason, retryAfterMs }));
    this.#end(reason);
  }

  /** Opens a channel; the request says to the other end what for. Thrown `resource_exhausted` where it has too many. */
  open(request: Uint8Array, priority: Priority, handler: ChannelHandler): Channel {
    if (this.#state === 'closed')
      throw new WatchpostError('The tunnel is closed', { kind: 'unavailable', code: 'TUNNEL_CLOSED' });
    const channel = this.#channels.open(this, priority, { request, window: this.#window.open() });
    channel.handler = handler;
    this.ready(channel);
    return channel;
  }

  /** Sends a message to the other end's `message`; thrown `resource_exhausted` where too much waits. */
  sendMessage(bytes: Uint8Array): void {
    if (this.#state === 'closed') return;
    if (bytes.length > maxSessionMessageBytes || this.#sender.messageBytes + bytes.length > maxQueuedMessageBytes)
      throw new WatchpostError('There is too much to tell the other end of the tunnel', {
        kind: 'resource_exhausted',
        code: 'TUNNEL_MESSAGES_FULL',
      });
    this.#sender.addMessage(bytes);
    this.#flushSoon();
  }

  /** The transport has written what it had. */
  drained(): void {
    this.#flush();
  }

  /** One message of the connection. What breaks the protocol ends the session. */
  receive(message: Uint8Array): void {
    if (!this.#link) return;
    this.#link.liveness.received(this.#clock.monotonicMs());
    this.#bytesIn += message.length;
    try {
      this.#readFrames(message);
    } catch (thrown) {
      if (!(thrown instanceof WatchpostError) || thrown.kind !== 'malformed') throw thrown;
      this.close('protocol');
      return;
    }
    for (let channel = this.#touched.pop(); channel; channel = this.#touched.pop()) {
      channel.isTouched = false;
      if (!channel.isClosed) channel.handler?.flush?.();
    }
    this.#link?.messageRead();
    this.#flush();
  }

  admit(channel: SessionChannel, costBytes: number): boolean {
    return this.#gate.admit(channel, costBytes, { isUp: this.#link !== undefined, all: this.#channels.values() });
  }

  discard(bytes: number): void {
    this.#sender.queuedBytes -= bytes;
  }

  ready(channel: SessionChannel): void {
    this.#sender.schedule(channel);
    this.#flushSoon();
  }

  consume(channel: SessionChannel, bytes: number): void {
    if (channel.window.consume(bytes, this.#clock.monotonicMs(), this.#link?.liveness.shortestRoundTripMs ?? 0)) {
      channel.pending.credit = true;
      this.ready(channel);
    }
    this.#consumeSession(bytes);
  }

  release(channel: SessionChannel): void {
    this.#channels.remove(channel);
    this.#gate.forget(channel);
    this.#consumeSession(channel.window.heldBytes);
    channel.window.release();
  }

  #consumeSession(bytes: number): void {
    if (!this.#window.consume(bytes)) return;
    this.#sender.grantSession(this.#window.limit);
    this.#flushSoon();
  }

  #readFrames(message: Uint8Array): void {
    if (message.length > maxMessageBytes) throw protocolError('a message is too long');
    const header = this.#header;
    for (let at = 0; at < message.length && this.#link; ) {
      readFrameHeader(message, at, header);
      const end = at + headerBytes + header.length;
      const payload = message.subarray(at + headerBytes, end);
      if (header.type < firstLinkType) {
        this.#received += end - at;
        if (header.type === frameType.data) this.#onData(header.channel, payload);
        else this.#onFrame(header, payload);
      } else this.#onLinkFrame(this.#link, header.type, payload);
      at = end;
    }
  }

  #onData(id: number, payload: Uint8Array): void {
    if (!this.#window.receive(payload.length)) throw protocolError('more came than all channels were granted');
    const channel = this.#channels.find(id);
    if (!channel) {
      this.#consumeSession(payload.length);
      return;
    }
    if (channel.endReceived) throw protocolError('data came after the end');
    if (!channel.window.receive(payload.length)) throw protocolError('more came than the channel was granted');
    channel.bytesIn += payload.length;
    if (!channel.isTouched) {
      channel.isTouched = true;
      this.#touched.push(channel);
    }
    if (channel.handler) channel.handler.data(payload);
    else channel.hold(payload);
  }

  #onFrame({ type, flags, channel: id }: FrameHeader, payload: Uint8Array): void {
    switch (type) {
      case frameType.open: {
        const { channel, request } = this.#channels.accept(this, id, { payload, window: this.#window.open() });
        this.#options.handler.open(channel, request);
        break;
      }
      case frameType.opened:
        this.#channels.find(id)?.handler?.opened?.();
        break;
      case frameType.end:
        this.#channels.find(id)?.receiveEnd();
        break;
      case frameType.reset:
        this.#channels.find(id)?.close(parseResetReason(payload));
        break;
      case frameType.credit: {
        const channel = this.#channels.find(id);
        if (!channel) break;
        channel.sendLimit = Math.max(channel.sendLimit, readNumber(payload));
        this.#sender.schedule(channel);
        break;
      }
      case frameType.sessionCredit:
        this.#sender.raiseSessionLimit(readNumber(payload));
        break;
      case frameType.message: {
        const message = this.#parts.add(payload, (flags & moreFlag) !== 0);
        if (message) this.#options.handler.message(message);
        break;
      }
      default:
        throw protocolError(`frame type ${type} is unknown`);
    }
  }

  #onLinkFrame(link: Link, type: number, payload: Uint8Array): void {
    switch (type) {
      case frameType.ack:
        if (!this.#sender.log.acknowledge(readNumber(payload)))
          throw protocolError('bytes were acknowledged before they were sent');
        link.liveness.progressed(this.#clock.monotonicMs());
        break;
      case frameType.ping:
        link.answerPing(readNumber(payload));
        break;
      case frameType.pong:
        link.liveness.pong(readNumber(payload), this.#clock.monotonicMs());
        break;
      case frameType.goAway: {
        const notice = parseGoAway(payload);
        this.#options.handler.goAway?.(notice);
        this.#end(notice.reason);
        break;
      }
      default:
        throw protocolError(`frame type ${type} does not belong here`);
    }
  }

  #flushSoon(): void {
    if (this.#flushIsDue || !this.#link) return;
    this.#flushIsDue = true;
    this.#defer(this.#onFlush);
  }

  readonly #onFlush = (): void => {
    this.#flushIsDue = false;
    this.#flush();
  };

  #flush(): void {
    const { log } = this.#sender;
    for (;;) {
      const link = this.#link;
      if (!link || link.bufferedBytes >= transportHighWaterBytes) break;
      if (log.keptBytes === 0) link.liveness.progressed(this.#clock.monotonicMs());
      const message = log.nextMessage();
      if (message) {
        this.#bytesOut += message.length;
        link.send(message);
      } else if (!this.#sender.writeFrames()) break;
    }
    this.#gate.wake();
  }

  readonly #onGraceOver = (): void => {
    this.#end('grace_over');
  };

  #end(reason: ResetReason): void {
    if (this.#state === 'closed') return;
    this.#state = sessionTransitions[this.#state].ended;
    this.#cancelGrace?.();
    const link = this.#link;
    this.#link = undefined;
    for (const channel of [...this.#channels.values()]) channel.close(reason);
    if (link) {
      link.close();
      this.#options.handler.linkLost('session_over');
    }
    this.#options.handler.closed(reason);
  }
}
