import type { Socket } from 'node:net';
import type { ServedPosition, ServedTrack } from '@watchpost/media/rtsp/server.ts';
import type { Voice } from '../../../hub/company.ts';
import { ItemSender, type ItemWriter } from '../../../hub/item-sender.ts';
import type { Reader } from '../../../hub/types.ts';
import { maskOf, type Player, type PlayerOptions, positionsOf } from './player.ts';
import type { RtpOutput } from './rtp-output.ts';
import type { RtpChunk } from './track-writer.ts';

/** A player this far behind skips to the newest key picture. */
const maxLagMs = 10_000;
const maxLagBytes = 8 * 1024 * 1024;

/** Sends interleaved frames: the same bytes to everybody. */
export class TcpPlayer implements Player, ItemWriter<RtpChunk> {
  /** Of all with the same tracks. */
  voice: Voice<RtpChunk> | undefined;
  readonly #socket: Socket;
  readonly #sender: ItemSender<RtpChunk>;
  readonly #options: PlayerOptions;
  #output: RtpOutput | undefined;
  #reader: Reader<RtpChunk> | undefined;
  #tracks: readonly ServedTrack[] = [];
  #first: readonly RtpChunk[] = [];

  constructor(socket: Socket, options: PlayerOptions) {
    this.#socket = socket;
    this.#sender = new ItemSender(socket, this);
    this.#options = options;
  }

  open(output: RtpOutput, tracks: readonly ServedTrack[]): readonly ServedPosition[] {
    this.stop();
    this.#output = output;
    this.#tracks = [...tracks];
    this.voice = output.voice(maskOf(tracks), this.#options.counts);
    this.#reader = this.#enter(output, 'gop');
    this.#first = this.#reader.pull();
    this.#options.counts.players++;
    this.#options.counts.playersTotal++;
    return positionsOf(output, tracks, this.#first);
  }

  start(): void {
    if (this.#reader === undefined) return;
    const first = this.#first;
    this.#first = [];
    this.#socket.cork();
    for (const { trackIndex } of first.length > 0 ? this.#tracks : []) {
      const report = this.#output?.report(trackIndex);
      if (report !== undefined) this.#socket.write(report);
    }
    for (const chunk of first) this.write(chunk);
    this.#socket.uncork();
    this.#sender.start(this.#reader);
  }

  stop(): void {
    if (this.#reader === undefined) return;
    this.#options.counts.players--;
    this.#first = [];
    this.#reader.close();
    this.#reader = undefined;
    this.#sender.stop();
  }

  drop(trackIndex: number): void {
    this.#tracks = this.#tracks.filter((track) => track.trackIndex !== trackIndex);
    if (this.#reader === undefined || this.#output === undefined) return;
    // Whoever goes in step keeps its voice until it leaves, so another place is taken where this one has got to.
    for (const chunk of this.#reader.pull()) this.write(chunk);
    // Before the other ends: the output ends with its last reader.
    this.#reader = this.#enter(this.#output, 'live');
    this.#sender.stop();
    this.voice = this.#output.voice(maskOf(this.#tracks), this.#options.counts);
    this.#sender.start(this.#reader);
  }

  write(chunk: RtpChunk): void {
    const bytes = this.voice!.bytesOf(chunk)!;
    if (bytes.length === 0) return;
    this.#options.counts.bytesSent += bytes.length;
    this.#socket.write(bytes);
  }

  #enter(output: RtpOutput, start: 'gop' | 'live'): Reader<RtpChunk> {
    return output.open({
      protocol: 'rtsp',
      start,
      maxLagMs,
      maxLagBytes,
      onReady: () => this.#sender.pump(),
      onClose: this.#options.onEnd,
    });
  }
}
