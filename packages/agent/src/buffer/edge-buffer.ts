import type { Logger } from '@watchpost/base/logger.ts';
import { beginsKeyPicture } from '@watchpost/media/rtp/key-packet.ts';
import { parseRtpPacket } from '@watchpost/media/rtp/packet.ts';
import { writeSdp } from '@watchpost/media/sdp/write.ts';
import { type BackfillRecord, maxRecordPayloadBytes, writeBackfillRecord } from '@watchpost/tunnel/backfill/record.ts';
import type { BufferRange } from '@watchpost/tunnel/messages/agent-message.ts';
import type { PulledStream, PullReader } from '../pull/camera-pull.ts';
import type { BlockInfo, BlockStore, PlacedBlock } from './block.ts';
import { placeRuns, type RunPlace } from './block-times.ts';
import type { RunClock } from './run-clock.ts';

/** A block ends at the next key picture once it has so much, or anywhere when it is full. */
const wantedBlockBytes = 128 * 1024;
const blockBytes = 512 * 1024;
const maxBlockMs = 10_000;
const maxRanges = 256;

/** What a buffer is made of. */
export interface EdgeBufferOptions {
  readonly id: string;
  readonly clock: RunClock;
  readonly logger: Logger;
  readonly store: BlockStore;
  readonly maxBytes: number;
}

/** The last of what a camera sent, bounded in bytes: whole blocks, the oldest forgotten first. */
export class EdgeBuffer implements PullReader {
  readonly #options: EdgeBufferOptions;
  readonly #blocks: BlockInfo[] = [];
  #keptBytes = 0;
  #nextNumber = 1;
  #stream: PulledStream | undefined;
  #tracksRecord: Uint8Array | undefined;
  /** The block under way. */
  #block: Uint8Array | undefined;
  #used = 0;
  #startMs = 0;
  #lastMs = 0;
  #isKey = false;
  #continues = false;
  #hasKeys = false;
  /** RTP time of the last key picture. */
  #keyTimestamp = -1;
  #writing: Promise<void> = Promise.resolve();
  #isBroken = false;
  readonly #told = new Set<string>();

  constructor(options: EdgeBufferOptions) {
    this.#options = options;
  }

  get id(): string {
    return this.#options.id;
  }

  /** Bytes that are kept. */
  get keptBytes(): number {
    return this.#keptBytes + this.#used;
  }

  /** Finds what an earlier run kept. */
  async open(): Promise<void> {
    for (const info of await this.#options.store.list()) {
      this.#blocks.push(info);
      this.#keptBytes += info.bytes;
      this.#nextNumber = info.number + 1;
      if (info.run === this.#options.clock.id) this.#options.clock.remember(info);
    }
    await this.#trim();
    this.#placed();
  }

  /** What can be fetched: stretches without a hole, each beginning with a key picture; times as `RunClock` tells servers. */
  ranges(): readonly BufferRange[] {
    const ranges: { start_ms: number; end_ms: number; bytes: number }[] = [];
    for (const { startMs, endMs, info } of this.#placed()) {
      const { bytes, key, continues } = info;
      const last = ranges.at(-1);
      if (last && continues) {
        last.end_ms = endMs;
        last.bytes += bytes;
      } else if (key) ranges.push({ start_ms: startMs, end_ms: endMs, bytes });
    }
    return ranges.slice(-maxRanges);
  }

  /** Blocks of a time range, from a key picture at or before its start. */
  blocksOf(startMs: number, endMs: number): readonly PlacedBlock[] {
    const blocks = this.#placed();
    let first = blocks.findIndex((block) => block.endMs > startMs);
    if (first < 0) return [];
    while (first > 0 && !blocks[first]!.info.key && blocks[first]!.info.continues) first -= 1;
    return blocks.slice(first).filter((block) => block.startMs < endMs);
  }

  /** The blocks whose time is known, oldest first. */
  #placed(): readonly PlacedBlock[] {
    this.#options.clock.countSleep();
    const places = placeRuns(this.#blocks, this.#options.clock);
    for (const [run, place] of places) this.#tell(run, place);
    return this.#blocks.flatMap((info) => {
      const place = places.get(info.run);
      if (place?.kind !== 'known') return [];
      const { shiftMs } = place;
      return [{ info, startMs: info.startMs + shiftMs, endMs: info.endMs + shiftMs, shiftMs }];
    });
  }

  #tell(run: string, place: RunPlace): void {
    const key = `${run} ${place.kind}`;
    if (place.kind === 'known' || this.#told.has(key)) return;
    this.#told.add(key);
    const { logger } = this.#options;
    if (place.kind === 'later')
      logger.warn('What was kept before this machine started is offered once its clock is set', { buffer: this.id });
    else
      logger.warn('What was kept before this machine started is not offered: nobody can know of when it is', {
        ...{ buffer: this.id, why: place.why },
      });
  }

  read(info: BlockInfo): Promise<Uint8Array | undefined> {
    return this.#options.store.read(info);
  }

  /** Ends the block under way, so that all that came can be fetched. */
  async flush(): Promise<void> {
    this.#finishBlock();
    await this.#writing;
  }

  onStart(stream: PulledStream): void {
    this.#finishBlock();
    this.#options.clock.countSleep();
    this.#stream = stream;
    this.#continues = false;
    this.#keyTimestamp = -1;
    this.#hasKeys = stream.indices.some((index) => stream.tracks[index]!.track.kind === 'video');
    const text = writeSdp(stream.sdp);
    this.#tracksRecord =
      text.length > maxRecordPayloadBytes
        ? undefined
        : writeBackfillRecord({ kind: 'tracks', timeMs: this.#options.clock.nowMs(), sdp: text });
  }

  onStop(): void {
    this.#finishBlock();
    this.#stream = undefined;
  }

  onPacket(trackIndex: number, isRtcp: boolean, chunk: Uint8Array, start: number, end: number): void {
    const stream = this.#stream;
    if (!stream || !this.#tracksRecord || this.#isBroken) return;
    const timeMs = this.#options.clock.nowMs();
    const isKey = !isRtcp && this.#beginsKey(stream, trackIndex, { chunk, start, end });
    if (this.#block) {
      const isDue = this.#used >= wantedBlockBytes || timeMs - this.#startMs >= maxBlockMs;
      const isFull = this.#used + (end - start) + 64 > blockBytes;
      if (isFull || (isKey && isDue)) this.#finishBlock();
    }
    if (!this.#block) {
      // Before the first key picture there is nothing that anybody could show.
      if (this.#hasKeys && !isKey && !this.#continues) return;
      this.#beginBlock(timeMs, isKey || !this.#hasKeys);
    }
    const line = stream.mediaIndices[trackIndex]!;
    this.#add({ kind: isRtcp ? 'rtcp' : 'rtp', timeMs, trackIndex: line, packet: chunk.subarray(start, end) });
  }

  /** The first packet of a key picture only: what begins between its parameter sets and its slices cannot be shown. */
  #beginsKey(
    stream: PulledStream,
    trackIndex: number,
    { chunk, start, end }: { chunk: Uint8Array; start: number; end: number },
  ): boolean {
    const track = stream.tracks[trackIndex]?.track;
    if (!track || (this.#hasKeys && track.kind !== 'video')) return false;
    try {
      const packet = parseRtpPacket(chunk, start, end);
      if (!beginsKeyPicture(track.codec, chunk, packet.payloadStart, packet.payloadEnd)) return false;
      const isFirst = packet.timestamp !== this.#keyTimestamp;
      this.#keyTimestamp = packet.timestamp;
      return isFirst;
    } catch {
      return false;
    }
  }

  #beginBlock(timeMs: number, isKey: boolean): void {
    this.#block = new Uint8Array(blockBytes);
    this.#used = 0;
    this.#startMs = timeMs;
    this.#isKey = isKey;
    this.#block.set(this.#tracksRecord!);
    this.#used = this.#tracksRecord!.length;
  }

  #add(record: BackfillRecord): void {
    const bytes = writeBackfillRecord(record);
    if (this.#used + bytes.length > blockBytes) return;
    this.#block!.set(bytes, this.#used);
    this.#used += bytes.length;
    this.#lastMs = record.timeMs;
  }

  #finishBlock(): void {
    const block = this.#block;
    if (!block || !this.#tracksRecord) return;
    const { clock } = this.#options;
    clock.countSleep();
    const info: BlockInfo = {
      number: this.#nextNumber++,
      run: clock.id,
      wallOffsetMs: clock.wallOffsetMs,
      wasSet: clock.wasSet,
      startMs: this.#startMs,
      endMs: Math.max(this.#lastMs, this.#startMs) + 1,
      bytes: this.#used,
      key: this.#isKey,
      continues: this.#continues,
    };
    const bytes = block.slice(0, this.#used);
    this.#block = undefined;
    this.#used = 0;
    this.#continues = true;
    this.#writing = this.#writing.then(() => this.#keep(info, bytes));
  }

  async #keep(info: BlockInfo, bytes: Uint8Array): Promise<void> {
    try {
      await this.#options.store.write(info, bytes);
      this.#blocks.push(info);
      this.#keptBytes += info.bytes;
      await this.#trim();
    } catch (error) {
      if (!this.#isBroken)
        this.#options.logger.error('The edge buffer cannot be written; it is off until the next start', {
          buffer: this.id,
          error,
        });
      this.#isBroken = true;
    }
  }

  async #trim(): Promise<void> {
    while (this.#blocks.length > 1 && this.#keptBytes > this.#options.maxBytes) {
      const oldest = this.#blocks.shift()!;
      this.#keptBytes -= oldest.bytes;
      await this.#options.store.remove(oldest);
    }
  }
}
