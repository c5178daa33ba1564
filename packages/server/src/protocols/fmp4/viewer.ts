import type { Socket } from 'node:net';
import type { Clock } from '@watchpost/base/clock.ts';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { WebSocket } from 'ws';
import type { LiveChunk, LiveInit } from '../../hub/live-fmp4/live-chunk.ts';
import type { LiveFmp4 } from '../../hub/live-fmp4/live-muxer.ts';
import type { Stream } from '../../hub/stream.ts';
import type { Reader } from '../../hub/types.ts';

const clockEveryMs = 1000;
const pingEveryMs = 30_000;
const pongWithinMs = 10_000;
/** A viewer this far behind skips to the newest key picture. */
const maxLagMs = 10_000;
const maxLagBytes = 8 * 1024 * 1024;

/** Turns chunks and init segments into WebSocket messages, once for all viewers. */
export type Framer = (payload: LiveChunk | LiveInit) => Uint8Array;

/** Counts over all viewers, for statistics. */
export interface ViewerCounts {
  viewers: number;
  opened: number;
  bytes: number;
  droppedSamples: number;
  stuck: number;
}

/** What a viewer needs. */
export interface ViewerOptions {
  readonly stream: Stream;
  readonly live: LiveFmp4;
  readonly clock: Clock;
  readonly frame: Framer;
  readonly counts: ViewerCounts;
  readonly onEnd: () => void;
}

/**
 * One WebSocket that shows one stream. Pulls only while its socket takes bytes: what waits for it is in the shared log,
 * within the reader's limits, and never in a queue of its own.
 */
export class Viewer {
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #options: ViewerOptions;
  readonly #reader: Reader<LiveChunk>;
  #init: LiveInit | undefined;
  #session = -1;
  #samplesSeen = -1;
  #clockAtMs = Number.NEGATIVE_INFINITY;
  #isShownOffline = false;
  #blocked = false;
  #ended = false;
  #cancelPing: () => void;

  constructor(webSocket: WebSocket, socket: Socket, options: ViewerOptions) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#options = options;
    options.counts.viewers++;
    options.counts.opened++;
    webSocket.on('close', () => this.#end());
    webSocket.on('error', () => webSocket.terminate());
    webSocket.on('pong', () => this.#expectPing());
    socket.on('drain', () => this.#onDrain());
    this.#reader = options.live.open(options.stream, {
      protocol: 'fmp4',
      start: 'gop',
      maxLagMs,
      maxLagBytes,
      onReady: () => this.#pump(),
      onClose: (reason) => this.close(reason),
    });
    this.#cancelPing = () => {};
    this.#expectPing();
    this.showState();
    this.#pump();
  }

  get stream(): Stream {
    return this.#options.stream;
  }

  /** Tells the player where the camera goes or comes back; the socket stays. */
  showState(): void {
    const { state, reason } = this.#options.stream;
    const isOffline = state !== 'online';
    if (isOffline === this.#isShownOffline) return;
    this.#isShownOffline = isOffline;
    if (isOffline) this.#say({ type: 'offline', reason: describeState(state, reason) });
    else this.#say({ type: 'online' });
  }

  /** Says why and closes; a socket that takes nothing is cut. */
  close(reason: WatchpostError): void {
    if (this.#ended) return;
    if (reason.code === 'READER_STUCK') {
      this.#options.counts.stuck++;
      this.#webSocket.terminate();
      return;
    }
    this.#say({ type: 'error', kind: reason.kind, code: reason.code, message: reason.message });
    // RFC 6455 §7.4: 1001 is for a server that goes away, 4000… for applications.
    this.#webSocket.close(reason.kind === 'canceled' ? 1001 : reason.kind === 'not_found' ? 4404 : 4500, reason.code);
  }

  #onDrain(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#pump();
  }

  #pump(): void {
    while (!this.#blocked && !this.#ended) {
      const chunks = this.#reader.pull();
      if (chunks.length === 0) return;
      this.#socket.cork();
      for (const chunk of chunks) this.#write(chunk);
      this.#socket.uncork();
      this.#blocked = this.#socket.writableNeedDrain;
    }
  }

  #write(chunk: LiveChunk): void {
    const { counts, frame } = this.#options;
    if (this.#samplesSeen >= 0 && chunk.samplesBefore > this.#samplesSeen) {
      const samples = chunk.samplesBefore - this.#samplesSeen;
      counts.droppedSamples += samples;
      this.#say({ type: 'dropped', samples });
    }
    if (this.#session >= 0 && chunk.session !== this.#session) this.#say({ type: 'discontinuity' });
    this.#samplesSeen = chunk.samplesBefore + chunk.samples;
    this.#session = chunk.session;
    if (chunk.init !== this.#init) this.#writeInit(chunk.init);
    if (this.#isShownOffline) this.showState();
    this.#sayClock(chunk);
    const message = frame(chunk);
    counts.bytes += message.length;
    this.#socket.write(message);
  }

  #writeInit(init: LiveInit): void {
    this.#init = init;
    const tracks = init.tracks.map((track) => ({
      kind: track.kind,
      codec: track.codec,
      width: track.width,
      height: track.height,
      fps: track.fps,
      sample_rate: track.sampleRate,
      channels: track.channels,
    }));
    this.#say({ type: 'init', mime: init.mime, tracks, stream_id: this.#options.stream.id });
    this.#socket.write(this.#options.frame(init));
  }

  #sayClock(chunk: LiveChunk): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#clockAtMs < clockEveryMs) return;
    this.#clockAtMs = nowMs;
    this.#say({ type: 'clock', wall_ms: Math.round(chunk.wallMs), pts: Math.round(chunk.ptsMs) / 1000 });
  }

  #say(message: Readonly<Record<string, unknown>>): void {
    if (this.#webSocket.readyState === this.#webSocket.OPEN) this.#webSocket.send(JSON.stringify(message));
  }

  #expectPing(): void {
    const { clock } = this.#options;
    this.#cancelPing();
    if (this.#ended) return;
    this.#cancelPing = clock.after(pingEveryMs, () => {
      this.#webSocket.ping();
      this.#cancelPing = clock.after(pongWithinMs, () => this.#webSocket.terminate());
    });
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelPing();
    this.#reader.close();
    this.#options.counts.viewers--;
    this.#options.onEnd();
  }
}

function describeState(state: string, reason: WatchpostError | undefined): Readonly<Record<string, string>> {
  if (reason !== undefined) return { kind: reason.kind, code: reason.code, message: reason.message };
  return {
    kind: 'unavailable',
    code: `STREAM_${state.toUpperCase()}`,
    message: `The stream is ${state.replace('_', ' ')}`,
  };
}
