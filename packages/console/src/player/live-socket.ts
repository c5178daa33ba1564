import { onServerBack } from '../api/reach.ts';
import { type LiveMessage, parseLiveMessage } from './live-message.ts';

const firstDelayMs = 500;
const maxDelayMs = 15_000;
/** Without a byte for so long, the connection counts as dead. */
const silenceMs = 20_000;

/** Callbacks of a live connection. */
export interface LiveSocketEvents {
  onOpen(): void;
  onMessage(message: LiveMessage): void;
  onMedia(bytes: Uint8Array<ArrayBuffer>): void;
  /** The connection ended; the next attempt begins at `retryAtMs` (ms since 1970). `closeCode` is that of the WebSocket. */
  onDown(retryAtMs: number, closeCode: number): void;
}

/** A WebSocket that comes back by itself, with exponential back-off and jitter. */
export class LiveSocket {
  private readonly url: string;
  private readonly events: LiveSocketEvents;
  private socket: WebSocket | null = null;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private silenceTimer: ReturnType<typeof setInterval> | undefined;
  private failures = 0;
  private heardAt = 0;
  /** Media flows, so that silence means a dead connection; a stream that is offline is silent by right. */
  private flowing = false;
  private closed = false;
  private readonly stopListening: () => void;

  constructor(url: string, events: LiveSocketEvents) {
    this.url = url;
    this.events = events;
    this.stopListening = onServerBack(() => this.hurry());
    this.open();
  }

  /** Ends the connection for good. */
  close(): void {
    this.closed = true;
    this.stopListening();
    clearTimeout(this.retryTimer);
    clearInterval(this.silenceTimer);
    this.drop();
  }

  /** Begins a new connection now, with the stream from its start. */
  reopen(): void {
    if (this.closed) return;
    clearTimeout(this.retryTimer);
    this.drop();
    this.open();
  }

  /** What waits for its next attempt has no reason to wait any longer. */
  private hurry(): void {
    if (this.socket !== null) return;
    this.failures = 0;
    clearTimeout(this.retryTimer);
    this.open();
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private open(): void {
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.heardAt = Date.now();
    this.flowing = false;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.events.onOpen();
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      this.heardAt = Date.now();
      if (typeof event.data !== 'string') {
        this.failures = 0;
        this.flowing = true;
        this.events.onMedia(new Uint8Array(event.data));
        return;
      }
      const message = parseLiveMessage(event.data);
      if (message?.type === 'offline') this.flowing = false;
      if (message) this.events.onMessage(message);
    };
    socket.onclose = (event) => this.down(event.code);
    clearInterval(this.silenceTimer);
    this.silenceTimer = setInterval(() => {
      if (!this.flowing || Date.now() - this.heardAt < silenceMs) return;
      this.drop();
      this.down(1006);
    }, 2000);
  }

  private down(closeCode: number): void {
    if (this.closed) return;
    this.socket = null;
    clearInterval(this.silenceTimer);
    const delayMs = Math.min(maxDelayMs, firstDelayMs * 2 ** this.failures) * (0.75 + Math.random() / 2);
    this.failures++;
    this.retryTimer = setTimeout(() => this.open(), delayMs);
    this.events.onDown(Date.now() + delayMs, closeCode);
  }
}

/** Address of a stream's live WebSocket on this server. */
export function liveAddress(streamId: string): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/fmp4/${streamId}`;
}
