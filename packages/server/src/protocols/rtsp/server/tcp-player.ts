import type { Socket } from 'node:net';
import type { ServedPosition, ServedTrack } from '@watchpost/media/rtsp/server.ts';
import type { Follower, Voice } from '../../../hub/company.ts';
import type { Reader } from '../../../hub/types.ts';
import { maskOf, type Player, type PlayerOptions, positionsOf } from './player.ts';
import type { RtpOutput } from './rtp-output.ts';
import type { RtpChunk } from './track-writer.ts';

/** A player this far behind skips to the newest key picture. */
const maxLagMs = 10_000;
const maxLagBytes = 8 * 1024 * 1024;

/**
 * Sends interleaved frames: the same bytes to everybody. Pulls only while the socket takes bytes: what waits for this
 * player is in the shared log, within its limits, and never in a queue of its own.
 */
export class TcpPlayer implements Player, Follower<RtpChunk> {
  readonly socket: Socket;
  readonly #options: PlayerOptions;
  #output: RtpOutput | undefined;
  #reader: Reader<RtpChunk> | undefined;
  #tracks: readonly ServedTrack[] = [];
  #voice: Voice<RtpChunk> | undefined;
  #first: readonly RtpChunk[] = [];
  #started = false;
  #blocked = false;

  constructor(socket: Socket, options: PlayerOptions) {
    this.socket = socket;
    this.#options = options;
    socket.on('drain', () => this.#onDrain());
  }

  open(output: RtpOutput, tracks: readonly ServedTrack[]): readonly ServedPosition[] {
    this.stop();
    this.#output = output;
    this.#tracks = tracks;
    this.#voice = output.voice(maskOf(tracks), this.#options.counts);
    this.#reader = output.open({
      protocol: 'rtsp',
      start: 'gop',
      maxLagMs,
      maxLagBytes,
      onReady: () => this.#pump(),
      onClose: this.#options.onEnd,
    });
    this.#first = this.#reader.pull();
    this.#options.counts.players++;
    this.#options.counts.playersTotal++;
    return positionsOf(output, tracks, this.#first);
  }

  start(): void {
    this.#started = true;
    const { socket } = this;
    socket.cork();
    for (const { trackIndex } of this.#first.length > 0 ? this.#tracks : []) {
      const report = this.#output?.report(trackIndex);
      if (report !== undefined) socket.write(report);
    }
    const first = this.#first;
    this.#first = [];
    this.#writeAll(first);
    socket.uncork();
    this.#blocked = socket.writableNeedDrain;
    this.#pump();
  }

  stop(): void {
    if (this.#reader === undefined) return;
    this.#options.counts.players--;
    this.#started = false;
    this.#first = [];
    const reader = this.#reader;
    this.#reader = undefined;
    reader.close();
  }

  get voice(): Voice<RtpChunk> {
    return this.#voice!;
  }

  leftStep(_last: RtpChunk | undefined, isBlocked: boolean): void {
    this.#blocked = isBlocked;
  }

  #onDrain(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#pump();
  }

  #pump(): void {
    if (!this.#started || this.#blocked || this.#reader === undefined) return;
    const chunks = this.#reader.pull();
    const { socket } = this;
    if (chunks.length > 0) {
      socket.cork();
      this.#writeAll(chunks);
      socket.uncork();
      this.#blocked = socket.writableNeedDrain;
    }
    if (!this.#blocked) this.#reader.follow(this);
  }

  #writeAll(chunks: readonly RtpChunk[]): void {
    for (let i = 0; i < chunks.length; i++) {
      const bytes = this.voice.bytesOf(chunks[i]!)!;
      if (bytes.length === 0) continue;
      this.#options.counts.bytesSent += bytes.length;
      this.socket.write(bytes);
    }
  }
}
