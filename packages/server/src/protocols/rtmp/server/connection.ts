import type { Socket } from 'node:net';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import { flvLeftOut } from '@watchpost/media/container/flv/carriage.ts';
import { mediaStreamId } from '@watchpost/media/rtmp/codes.ts';
import { beginMessages } from '@watchpost/media/rtmp/media-batch.ts';
import { RtmpServer } from '@watchpost/media/rtmp/server.ts';
import type { RtmpAnswer, RtmpServerHandler } from '@watchpost/media/rtmp/server-types.ts';
import type { RtmpTarget } from '@watchpost/media/rtmp/target.ts';
import { readFlvH265 } from '../../../hub/live-flv/asked-h265.ts';
import type { Stream } from '../../../hub/stream.ts';
import type { Grant } from '../../../hub/types.ts';
import { PacedReads } from '../../../net/paced-reads.ts';
import { BatchSender } from '../batch-sender.ts';
import { BodyMemory } from '../body-memory.ts';
import { admit, streamIdOf } from './admission.ts';
import { Ingest } from './ingest.ts';

import type { ChunkedOutput, ServerParts } from './server-parts.ts';

/** Whoever has not connected by then is not a client of ours. */
const connectWithinMs = 10_000;
/** Nor whoever neither publishes nor plays for so long. */
const idleAfterMs = 30_000;
const pingEveryMs = 30_000;
/** A client that does not take answers is not there any more. */
const maxUnsentBytes = 64 * 1024;
/** How long a client may take to read why it was refused. */
const goodbyeMs = 2000;

/** One connection of an encoder or a player: socket and time around an `RtmpServer`. */
export class Connection implements RtmpServerHandler {
  readonly #socket: Socket;
  readonly #parts: ServerParts;
  readonly #output: ChunkedOutput;
  readonly #remoteAddress: string;
  readonly #rtmp: RtmpServer;
  readonly #memory: BodyMemory;
  readonly #pace: PacedReads;
  readonly #openedMs: number;
  #idleSinceMs: number;
  #nextPingMs: number;
  #ingest: Ingest | undefined;
  #player: BatchSender | undefined;
  #forgetGrant = () => {};
  #closed = false;

  /** `open` gives the socket, whose bytes go to `onRead`; it may rest where that returns false. */
  constructor(
    open: (onRead: (bytes: number, buffer: Uint8Array) => boolean) => Socket,
    parts: ServerParts,
    onClose: () => void,
  ) {
    const socket = open((bytes, buffer) => this.#receive(bytes, buffer));
    this.#socket = socket;
    this.#parts = parts;
    this.#output = parts.newestOutput();
    this.#remoteAddress = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
    this.#memory = new BodyMemory(parts.slabs);
    const allocate = (bytes: number) => this.#memory.allocate(bytes);
    this.#rtmp = new RtmpServer({ chunkSize: this.#output.chunkSize, allocate }, this);
    this.#openedMs = this.#idleSinceMs = parts.clock.monotonicMs();
    this.#nextPingMs = this.#openedMs + pingEveryMs;
    this.#pace = new PacedReads({
      ...{ clock: parts.clock, rounds: parts.rounds },
      patienceMs: () => this.#ingest?.stream.patienceMs ?? 0,
      resume: () => this.#rtmp.state !== 'asking' && void socket.resume(),
    });
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      this.#pace.stop();
      this.#onClose();
      onClose();
    });
  }

  /** It has not been let in to publish or to play: nobody knows who it is. */
  get isStranger(): boolean {
    return this.#ingest === undefined && this.#player === undefined;
  }

  /** Ends it without a word. */
  drop(): void {
    this.#socket.destroy();
  }

  /** Once a second. */
  tick(nowMs: number): void {
    this.#rtmp.tick();
    const { state } = this.#rtmp;
    if (state === 'publishing') {
      const silent = this.#ingest?.tick(nowMs);
      if (silent) this.end(silent);
    } else if (state !== 'playing') {
      const hasConnected = state === 'idle' || state === 'asking';
      const isLate = !hasConnected && nowMs - this.#openedMs >= connectWithinMs;
      if (isLate || nowMs - this.#idleSinceMs >= idleAfterMs) this.#socket.destroy();
      return;
    }
    this.#idleSinceMs = nowMs;
    if (nowMs < this.#nextPingMs) return;
    this.#nextPingMs = nowMs + pingEveryMs;
    this.#rtmp.ping(Math.floor(nowMs));
  }

  /** Ends whatever it does. */
  end(reason: WatchpostError): void {
    if (this.#closed) return;
    this.#forgetGrant();
    if (reason.code === 'READER_STUCK') {
      this.#parts.counts.stuckPlayers++;
      this.#socket.destroy();
      return;
    }
    this.#stopPlaying();
    this.#rtmp.end(reason);
    this.#ingest?.end(reason);
    this.#ingest = undefined;
    this.onRefused();
  }

  /** Ends it at once, with what was written so far. */
  close(reason: WatchpostError): void {
    this.end(reason);
    this.#socket.destroy();
  }

  send(bytes: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  onPublish(target: RtmpTarget, answer: RtmpAnswer): void {
    this.#wait(this.#publish(target), answer);
  }

  onPlay(target: RtmpTarget, answer: RtmpAnswer): void {
    this.#wait(this.#play(target), answer);
  }

  onPlaying(): void {
    this.#player?.start();
  }

  onPause(paused: boolean): void {
    this.#player?.pause(paused);
  }

  onMedia(type: number, timestampMs: number, body: Uint8Array): void {
    this.#ingest?.receive(type, timestampMs, body);
  }

  onStop(): void {
    this.#forgetGrant();
    this.#ingest?.end(gone());
    this.#ingest = undefined;
    this.#stopPlaying();
    this.#idleSinceMs = this.#parts.clock.monotonicMs();
  }

  onRefused(): void {
    const socket = this.#socket;
    socket.end();
    socket.once(
      'close',
      this.#parts.clock.after(goodbyeMs, () => socket.destroy()),
    );
  }

  #receive(bytes: number, buffer: Uint8Array): boolean {
    this.#parts.counts.bytesReceived += bytes;
    try {
      this.#rtmp.receive(buffer, 0, bytes);
      this.#ingest?.flush();
    } catch (thrown) {
      this.#fail(toWatchpostError(thrown));
      return true;
    }
    // Whoever asks and asks and takes no answer; what is played is held back by the player itself.
    if (this.#player === undefined && this.#socket.writableLength > maxUnsentBytes) this.#socket.destroy();
    return this.#ingest === undefined || this.#pace.goesOn(bytes);
  }

  #fail(error: WatchpostError): void {
    const isTheirs = error.kind === 'malformed' || error.kind === 'resource_exhausted';
    const fields = { address: this.#remoteAddress, code: error.code, reason: error.message };
    if (isTheirs) this.#parts.logger.debug('rtmp client dropped', fields);
    else this.#parts.logger.error('rtmp connection failed', { ...fields, error });
    this.#ingest?.end(error);
    this.#ingest = undefined;
    this.#socket.destroy();
  }

  /** What comes meanwhile stays in the system's buffers. */
  #wait(work: Promise<void>, answer: RtmpAnswer): void {
    this.#socket.pause();
    work
      .then(
        () => answer(),
        (thrown) => answer(toWatchpostError(thrown)),
      )
      .then(() => this.#ingest?.flush())
      .catch((thrown) => this.#fail(toWatchpostError(thrown)))
      .finally(() => this.#socket.resume());
  }

  async #publish(target: RtmpTarget): Promise<void> {
    const { hub, logger } = this.#parts;
    const streamId = streamIdOf(target, hub);
    const grant = await this.#admit(target, 'publish', streamId);
    const stream = await hub.publishers.claim(streamId, 'rtmp');
    if (this.#closed) {
      hub.publishers.release(stream);
      throw gone();
    }
    this.#ingest = hub.publishers.begin(stream, {
      protocol: 'rtmp',
      make: () => new Ingest(stream, this.#parts, this.#memory),
      end: (reason) => this.end(reason),
    });
    this.#forgetGrant = grant.onEnd((reason) => this.end(reason));
    logger.info('publisher began', { stream: streamId, client: this.#rtmp.client.version });
  }

  async #play(target: RtmpTarget): Promise<void> {
    const { hub } = this.#parts;
    const streamId = streamIdOf(target, hub);
    const grant = await this.#admit(target, 'live', streamId);
    if (this.#closed) throw gone();
    const stream = hub.get(streamId);
    if (stream === undefined) {
      throw new WatchpostError(`there is no stream "${streamId}"`, { kind: 'not_found', code: 'STREAM_NOT_FOUND' });
    }
    checkCarried(stream);
    const h265 = readFlvH265(new URLSearchParams(target.query));
    const { counts, clock, voices } = this.#parts;
    const { live, chunkSize } = this.#output;
    counts.players++;
    counts.playersTotal++;
    this.#player = new BatchSender(this.#socket, {
      stream,
      clock,
      open: (options) => live.open(stream, h265, options),
      begin: (batch) => beginMessages(batch.muxer, batch, { chunkSize, streamId: mediaStreamId }),
      voices,
      onDropped: (samples) => {
        counts.droppedSamples += samples;
      },
      onEnd: (reason) => this.end(reason),
    });
    this.#forgetGrant = grant.onEnd((reason) => this.end(reason));
  }

  #admit(target: RtmpTarget, action: 'live' | 'publish', streamId: string): Promise<Grant> {
    const { version: userAgent } = this.#rtmp.client;
    return admit(this.#parts.access, target, { action, streamId, remoteAddress: this.#remoteAddress, userAgent });
  }

  #stopPlaying(): void {
    if (this.#player === undefined) return;
    this.#player.stop();
    this.#player = undefined;
    this.#parts.counts.players--;
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#forgetGrant();
    this.#stopPlaying();
    this.#ingest?.end(gone());
  }
}

function checkCarried({ id, tracks }: Stream): void {
  const reasons = tracks.map(flvLeftOut);
  if (reasons.length === 0 || reasons.includes(undefined)) return;
  throw new WatchpostError(`RTMP carries nothing of the stream "${id}" - ${reasons.join('; ')}`, {
    kind: 'unsupported',
    code: 'RTMP_NOTHING_TO_CARRY',
  });
}

function gone(): WatchpostError {
  return new WatchpostError('The publisher hung up', { kind: 'unavailable', code: 'SOURCE_ENDED' });
}
