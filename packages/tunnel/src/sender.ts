import { writeU64 } from '@watchpost/base/bytes.ts';
import type { SessionChannel } from './channel.ts';
import { frameType, headerBytes, maxMessageBytes, maxPayloadBytes, moreFlag, writeFrameHeader } from './frame.ts';
import { writeResetReason } from './reset-reason.ts';
import { SendLog } from './send-log.ts';

/** A first-in first-out list that reuses its array. */
class Turns {
  #items: (SessionChannel | undefined)[] = [];
  #head = 0;

  get isEmpty(): boolean {
    return this.#head === this.#items.length;
  }

  add(channel: SessionChannel): void {
    if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      this.#items.copyWithin(0, this.#head);
      this.#items.length -= this.#head;
      this.#head = 0;
    }
    this.#items.push(channel);
  }

  next(): SessionChannel | undefined {
    const channel = this.#items[this.#head];
    if (channel === undefined) return undefined;
    this.#items[this.#head++] = undefined;
    if (this.isEmpty) {
      this.#items.length = 0;
      this.#head = 0;
    }
    return channel;
  }
}

/** Decides what goes next, and frames it into the log: control before live before bulk, a frame for each in turn. */
export class Sender {
  readonly log = new SendLog();
  readonly #control = new Turns();
  readonly #live = new Turns();
  readonly #bulk = new Turns();
  readonly #messages: Uint8Array[] = [];
  #messageOffset = 0;
  #messageBytes = 0;
  readonly #maxKeptBytes: number;
  /** What all channels wait with, by cost. */
  queuedBytes = 0;
  #sessionCredit: number | undefined;
  #sessionSent = 0;
  #sessionLimit: number;

  constructor(options: { bufferBytes: number; sessionLimit: number }) {
    this.#maxKeptBytes = options.bufferBytes / 2;
    this.#sessionLimit = options.sessionLimit;
  }

  /** Bytes of the buffer in use. */
  get usedBytes(): number {
    return this.queuedBytes + this.log.keptBytes;
  }

  /** Bytes of messages that wait. */
  get messageBytes(): number {
    return this.#messageBytes;
  }

  /** Queues a message. */
  addMessage(bytes: Uint8Array): void {
    this.#messages.push(bytes);
    this.#messageBytes += bytes.length;
  }

  /** The other end is to be told how far it may send in all. */
  grantSession(limit: number): void {
    this.#sessionCredit = limit;
  }

  /** The other end told how far all channels together may send. */
  raiseSessionLimit(limit: number): void {
    if (limit > this.#sessionLimit) this.#sessionLimit = limit;
  }

  /** Puts the channel where it has its turn; it may already be there. */
  schedule(channel: SessionChannel): void {
    const { pending } = channel;
    if (!channel.isControlScheduled && (pending.open || pending.opened || pending.credit || pending.reset)) {
      channel.isControlScheduled = true;
      this.#control.add(channel);
    }
    if (!channel.isScheduled && channel.canSend) {
      channel.isScheduled = true;
      (channel.priority === 'bulk' ? this.#bulk : this.#live).add(channel);
    }
  }

  /** Frames what is next, up to about one message; false where there is nothing, or it may not be sent yet. */
  writeFrames(): boolean {
    const before = this.log.written;
    const enough = before + maxMessageBytes - maxPayloadBytes;
    while (this.log.written < enough && this.#writeNext());
    return this.log.written > before;
  }

  #writeNext(): boolean {
    if (this.#sessionCredit !== undefined) {
      this.#writeNumber(frameType.sessionCredit, 0, this.#sessionCredit);
      this.#sessionCredit = undefined;
      return true;
    }
    const control = this.#control.next();
    if (control) {
      control.isControlScheduled = false;
      this.#writeControl(control);
      return true;
    }
    if (this.#messages.length > 0) return this.#writeMessagePart();
    if (this.log.keptBytes >= this.#maxKeptBytes) return false;
    return this.#writeTurn(this.#live) || this.#writeTurn(this.#bulk);
  }

  /** One frame of the next channel that can send; those that cannot leave until they are scheduled again. */
  #writeTurn(turns: Turns): boolean {
    for (let channel = turns.next(); channel; channel = turns.next()) {
      channel.isScheduled = false;
      if (!channel.canSend) continue;
      if (channel.isEndDue) {
        channel.endSent = true;
        this.#writeFrame(frameType.end, channel.id);
        if (channel.endReceived) channel.close('clean');
        return true;
      }
      if (this.#sessionSent >= this.#sessionLimit) {
        channel.isScheduled = true;
        turns.add(channel);
        return false;
      }
      this.#writeData(channel);
      this.schedule(channel);
      return true;
    }
    return false;
  }

  #writeData(channel: SessionChannel): void {
    const { queue } = channel;
    const size = Math.min(
      queue.bytes,
      maxPayloadBytes,
      channel.sendLimit - channel.sentBytes,
      this.#sessionLimit - this.#sessionSent,
    );
    const costBefore = queue.costBytes;
    const block = this.log.reserve(headerBytes + size, queue.bytes);
    const at = this.log.room;
    writeFrameHeader(block, at, { type: frameType.data, flags: 0, length: size, channel: channel.id });
    queue.take(block, at + headerBytes, size);
    this.log.commit(headerBytes + size);
    channel.sentBytes += size;
    this.#sessionSent += size;
    this.queuedBytes -= costBefore - queue.costBytes;
    channel.reconsider();
  }

  #writeControl(channel: SessionChannel): void {
    const { pending, id } = channel;
    if (pending.open) {
      this.#writeFrame(frameType.open, id, pending.open);
      pending.open = undefined;
    }
    if (pending.reset) {
      this.#writeFrame(frameType.reset, id, writeResetReason(pending.reset));
      pending.reset = undefined;
    } else if (!channel.isClosed) {
      if (pending.opened) this.#writeFrame(frameType.opened, id);
      if (pending.credit) this.#writeNumber(frameType.credit, id, channel.window.limit);
    }
    pending.opened = false;
    pending.credit = false;
  }

  #writeMessagePart(): boolean {
    const message = this.#messages[0]!;
    const part = message.subarray(this.#messageOffset, this.#messageOffset + maxPayloadBytes);
    this.#messageOffset += part.length;
    const isLast = this.#messageOffset >= message.length;
    this.#writeFrame(frameType.message, 0, part, isLast ? 0 : moreFlag);
    if (isLast) {
      this.#messages.shift();
      this.#messageBytes -= message.length;
      this.#messageOffset = 0;
    }
    return true;
  }

  #writeNumber(type: number, channel: number, value: number): void {
    const block = this.log.reserve(headerBytes + 8, 0);
    const at = this.log.room;
    writeFrameHeader(block, at, { type, flags: 0, length: 8, channel });
    writeU64(block, at + headerBytes, value);
    this.log.commit(headerBytes + 8);
  }

  #writeFrame(...[type, channel, payload, flags = 0]: [number, number, Uint8Array?, number?]): void {
    const length = payload?.length ?? 0;
    const block = this.log.reserve(headerBytes + length, 0);
    const at = this.log.room;
    writeFrameHeader(block, at, { type, flags, length, channel });
    if (payload) block.set(payload, at + headerBytes);
    this.log.commit(headerBytes + length);
  }
}
