import type { Writable } from 'node:stream';
import type { Follower, Voice } from './company.ts';
import type { Reader } from './types.ts';

/** How items of a shared output go to one socket. */
export interface ItemWriter<T> {
  /** Writes what the other side needs for an item, and the item. */
  write(item: T): void;
  /** What comes after the item that was written last is the same for all that have it; undefined where it is not. */
  readonly voice: Voice<T> | undefined;
  /** While it went in step it got what came up to this item. */
  skippedTo?(last: T): void;
}

/**
 * Sends items over one socket. Pulls only while the socket takes bytes: what waits for it is in the shared log, within
 * the reader's limits, and never in a queue of its own.
 */
export class ItemSender<T> implements Follower<T> {
  readonly socket: Writable;
  readonly #writer: ItemWriter<T>;
  #reader: Reader<T> | undefined;
  #isBlocked = false;
  readonly #onDrain = (): void => {
    this.#isBlocked = false;
    this.pump();
  };

  constructor(socket: Writable, writer: ItemWriter<T>) {
    this.socket = socket;
    this.#writer = writer;
  }

  /** Sends what waits for the reader, and what comes. */
  start(reader: Reader<T>): void {
    if (this.#reader === undefined) this.socket.on('drain', this.#onDrain);
    this.#reader = reader;
    this.#isBlocked = this.socket.writableNeedDrain;
    this.pump();
  }

  /** Sends nothing more, and gives the reader's place up. */
  stop(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    this.socket.off('drain', this.#onDrain);
    reader?.close();
  }

  /** Something waits for the reader. */
  pump(): void {
    if (this.#isBlocked || this.#reader === undefined) return;
    const items = this.#reader.pull();
    if (items.length > 0) this.#writeAll(items);
    if (!this.#isBlocked && this.#writer.voice !== undefined) this.#reader?.follow(this);
  }

  get voice(): Voice<T> {
    return this.#writer.voice!;
  }

  leftStep(last: T | undefined, isBlocked: boolean): void {
    if (last !== undefined) this.#writer.skippedTo?.(last);
    this.#isBlocked = isBlocked;
  }

  #writeAll(items: readonly T[]): void {
    const { socket } = this;
    socket.cork();
    // What is written may end it all: an item that the other side cannot go on with.
    for (let i = 0; i < items.length && this.#reader !== undefined; i++) this.#writer.write(items[i]!);
    socket.uncork();
    this.#isBlocked = socket.writableNeedDrain;
  }
}
