import type { Clock } from '@watchpost/base/clock.ts';
import type { ServedPosition, ServedTrack } from '@watchpost/media/rtsp/server.ts';
import type { Reader } from '../../../hub/types.ts';
import type { PacketSink } from './packet-sink.ts';
import { type Player, type PlayerOptions, positionsOf } from './player.ts';
import type { RtpOutput } from './rtp-output.ts';
import type { RtpChunk } from './track-writer.ts';

/** So many packets at a time, then a pause: the picture that a client begins with would overflow its socket's buffer. */
const burstPackets = 32;
const pauseMs = 3;

/** What a `UdpPlayer` is told. */
export interface UdpPlayerOptions extends PlayerOptions {
  /** It sends to a group: nobody there may get an old picture in a burst, and it is not one more player. */
  readonly isGroup?: boolean;
}

/** Sends datagrams, for which it takes the shared interleaved frames apart. */
export class UdpPlayer implements Player {
  readonly #clock: Clock;
  /** By track. */
  readonly #tracks: ReadonlyMap<number, PacketSink>;
  readonly #options: UdpPlayerOptions;
  #output: RtpOutput | undefined;
  #reader: Reader<RtpChunk> | undefined;
  #chunks: readonly RtpChunk[] = [];
  /** Chunk and byte that are next. */
  #next = 0;
  #at = 0;
  #started = false;
  #cancelPause: (() => void) | undefined;

  constructor(clock: Clock, tracks: ReadonlyMap<number, PacketSink>, options: UdpPlayerOptions) {
    this.#clock = clock;
    this.#tracks = tracks;
    this.#options = options;
  }

  open(output: RtpOutput, tracks: readonly ServedTrack[]): readonly ServedPosition[] {
    this.stop();
    this.#output = output;
    this.#reader = output.open({
      protocol: 'rtsp',
      start: this.#options.isGroup ? 'key' : 'gop',
      onReady: () => this.#pump(),
      onClose: this.#options.onEnd,
    });
    this.#chunks = this.#reader.pull();
    this.#next = this.#at = 0;
    this.#count(1);
    return positionsOf(output, tracks, this.#chunks);
  }

  start(): void {
    this.#started = true;
    if (this.#chunks.length > 0) this.report();
    this.#pump();
  }

  drop(): void {
    // Packets for a track that has no socket any more are passed over.
  }

  bye(): void {
    if (this.#started) this.report(true);
  }

  /** Sends what time it is: a sender report of each track that has sent something. `isLast`: nothing more comes. */
  report(isLast = false): void {
    for (const [trackIndex, track] of this.#tracks) {
      const report = this.#output?.report(trackIndex, isLast);
      if (report !== undefined) track.send(true, report, 4, report.length);
    }
  }

  stop(): void {
    if (this.#reader === undefined) return;
    this.#count(-1);
    this.#started = false;
    this.#cancelPause?.();
    this.#cancelPause = undefined;
    this.#chunks = [];
    const reader = this.#reader;
    this.#reader = undefined;
    reader.close();
  }

  #count(change: 1 | -1): void {
    if (this.#options.isGroup) return;
    this.#options.counts.players += change;
    if (change > 0) this.#options.counts.playersTotal++;
  }

  #pump(): void {
    if (!this.#started || this.#cancelPause !== undefined || this.#reader === undefined) return;
    for (let room = burstPackets; ; ) {
      while (this.#next < this.#chunks.length && room > 0) room = this.#send(this.#chunks[this.#next]!, room);
      if (room <= 0) break;
      this.#chunks = this.#reader.pull();
      this.#next = 0;
      if (this.#chunks.length === 0) return;
    }
    this.#cancelPause = this.#clock.after(pauseMs, () => {
      this.#cancelPause = undefined;
      this.#pump();
    });
  }

  /** Sends packets of a chunk while there is room; returns how much is left. */
  #send(chunk: RtpChunk, room: number): number {
    const { bytes } = chunk;
    const track = this.#tracks.get(chunk.trackIndex);
    while (track !== undefined && this.#at < bytes.length) {
      if (room-- <= 0) return 0;
      const start = this.#at + 4;
      const end = start + ((bytes[this.#at + 2]! << 8) | bytes[this.#at + 3]!);
      track.send((bytes[this.#at + 1]! & 1) === 1, bytes, start, end);
      this.#options.counts.bytesSent += end - start;
      this.#at = end;
    }
    this.#next++;
    this.#at = 0;
    return room;
  }
}
