import type { Socket } from 'node:net';
import type { Clock } from '@watchpost/base/clock.ts';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { WebSocket } from 'ws';
import type { LiveChunk, LiveInit } from '../../hub/live-fmp4/live-chunk.ts';
import type { ViewerFace } from '../../hub/live-viewer.ts';
import type { Stream } from '../../hub/stream.ts';
import { closeCodeOf } from '../../net/web-socket-close.ts';

const clockEveryMs = 1000;
const pingEveryMs = 30_000;
const pongWithinMs = 10_000;

/** Turns chunks and init segments into WebSocket messages, once for all viewers. */
export type Framer = (payload: LiveChunk | LiveInit) => Uint8Array;

/** What the face of one WebSocket needs. */
export interface WebSocketFaceOptions {
  readonly stream: Stream;
  readonly clock: Clock;
  readonly frame: Framer;
}

/** Chunks as binary messages of a WebSocket, and as text what a player must know of them. */
export class WebSocketFace implements ViewerFace<LiveChunk> {
  readonly socket: Socket;
  readonly #webSocket: WebSocket;
  readonly #options: WebSocketFaceOptions;
  #init: LiveInit | undefined;
  #session = -1;
  #clockAtMs = Number.NEGATIVE_INFINITY;
  #isShownOffline = false;
  #isGone = false;
  #cancelPing: () => void = () => {};

  constructor(webSocket: WebSocket, socket: Socket, options: WebSocketFaceOptions) {
    this.#webSocket = webSocket;
    this.socket = socket;
    this.#options = options;
    webSocket.on('error', () => webSocket.terminate());
    webSocket.on('pong', () => this.#expectPing());
    this.#expectPing();
    this.showState();
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

  show(chunk: LiveChunk, missed: number): Uint8Array {
    if (missed > 0) this.#say({ type: 'dropped', samples: missed });
    if (this.#session >= 0 && chunk.session !== this.#session) this.#say({ type: 'discontinuity' });
    this.#session = chunk.session;
    if (chunk.init !== this.#init) this.#writeInit(chunk.init);
    if (this.#isShownOffline) this.showState();
    this.#sayClock(chunk);
    return this.#options.frame(chunk);
  }

  end(reason: WatchpostError): void {
    this.#say({ type: 'error', kind: reason.kind, code: reason.code, message: reason.message });
    this.#webSocket.close(closeCodeOf(reason), reason.code);
  }

  gone(): void {
    this.#isGone = true;
    this.#cancelPing();
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
    this.socket.write(this.#options.frame(init));
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
    if (this.#isGone) return;
    this.#cancelPing = clock.after(pingEveryMs, () => {
      this.#webSocket.ping();
      this.#cancelPing = clock.after(pongWithinMs, () => this.#webSocket.terminate());
    });
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
