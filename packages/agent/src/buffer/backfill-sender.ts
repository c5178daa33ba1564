import { readU32, readU64, writeU64 } from '@watchpost/base/bytes.ts';
import type { Clock } from '@watchpost/base/clock.ts';
import { writeBackfillRecord } from '@watchpost/tunnel/backfill/record.ts';
import type { BackfillRequest } from '@watchpost/tunnel/messages/request.ts';
import type { Channel } from '@watchpost/tunnel/types.ts';
import type { PlacedBlock } from './block.ts';
import type { EdgeBuffer } from './edge-buffer.ts';

const recordHeaderBytes = 16;
const tracksKind = 1;
const pieceBytes = 32 * 1024;
const defaultBytesPerSecond = 4_000_000;

/** Sends what a buffer kept of a time range over a channel: no faster than asked, a mark after each block, then END. */
export async function sendBackfill(
  channel: Channel,
  buffer: EdgeBuffer,
  { request, clock }: { request: BackfillRequest; clock: Clock },
): Promise<void> {
  const flow = new ChannelFlow(channel, clock, request.maxBytesPerSecond ?? defaultBytesPerSecond);
  let said = '';
  let lastNumber = 0;
  let sentMs = 0;
  await buffer.flush();
  for (;;) {
    // Asked again for each: blocks of earlier runs move when the clock is set meanwhile, but never back within a channel.
    const next: PlacedBlock | undefined = buffer
      .blocksOf(request.startMs, request.endMs)
      .find(({ info, startMs }) => info.number > lastNumber && startMs >= sentMs);
    if (!next || channel.isClosed) break;
    lastNumber = next.info.number;
    const kept = await buffer.read(next.info);
    if (!kept) continue;
    const bytes = shifted(kept, next.shiftMs);
    sentMs = next.endMs - 1;
    const tracksEnd = recordHeaderBytes + readU32(bytes, 4);
    const tracks = new TextDecoder().decode(bytes.subarray(recordHeaderBytes, tracksEnd));
    const isTold = bytes[0] === tracksKind && tracks === said;
    said = tracks;
    const end = endOf(bytes, request.endMs);
    for (let at = isTold ? tracksEnd : 0; at < end && !channel.isClosed; at += pieceBytes)
      await flow.write(bytes.subarray(at, Math.min(at + pieceBytes, end)));
    await flow.write(writeBackfillRecord({ kind: 'mark', timeMs: Math.min(next.endMs, request.endMs) }));
  }
  if (!channel.isClosed) channel.end();
}

/** A copy of a block with its times on the line of servers. */
function shifted(block: Uint8Array, shiftMs: number): Uint8Array {
  const bytes = block.slice();
  for (let at = 0; at + recordHeaderBytes <= bytes.length; at += recordHeaderBytes + readU32(bytes, at + 4))
    writeU64(bytes, at + 8, Math.max(0, readU64(bytes, at + 8) + shiftMs));
  return bytes;
}

/** Where the first record lies that is too late. */
function endOf(block: Uint8Array, endMs: number): number {
  let at = 0;
  while (at + recordHeaderBytes <= block.length) {
    if (readU64(block, at + 8) >= endMs) return at;
    at += recordHeaderBytes + readU32(block, at + 4);
  }
  return at;
}

/** Writes to a channel at a rate, and waits while it is full. */
class ChannelFlow {
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #bytesPerSecond: number;
  #readyAtMs: number;
  #wake: (() => void) | undefined;
  #isFull = false;

  constructor(channel: Channel, clock: Clock, bytesPerSecond: number) {
    this.#channel = channel;
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
    this.#readyAtMs = clock.monotonicMs();
    channel.accept({
      data: (bytes) => channel.consume(bytes.length),
      end: () => {},
      drain: () => this.#resume(),
      closed: () => this.#resume(),
    });
  }

  async write(bytes: Uint8Array): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    const waitMs = this.#readyAtMs - nowMs;
    this.#readyAtMs = Math.max(this.#readyAtMs, nowMs) + (bytes.length * 1000) / this.#bytesPerSecond;
    if (waitMs > 1) await new Promise<void>((resolve) => this.#clock.after(waitMs, resolve));
    if (this.#isFull) await new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#channel.isClosed) return;
    this.#isFull = !this.#channel.write(bytes);
  }

  #resume(): void {
    this.#isFull = false;
    this.#wake?.();
    this.#wake = undefined;
  }
}
