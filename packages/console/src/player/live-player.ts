import { catchUp } from './catch-up.ts';
import { browserSupports, mediaSourceClass } from './codec-support.ts';
import type { LiveMessage } from './live-message.ts';
import { LiveSocket } from './live-socket.ts';
import { MediaSink } from './media-sink.ts';

/** What a live player is doing. */
export type LivePhase = 'connecting' | 'playing' | 'stalled' | 'offline' | 'reconnecting' | 'unsupported' | 'failed';

/** Everything that is shown about a live player. */
export interface LiveStatus {
  readonly phase: LivePhase;
  /** From the lens (where the server tells the time of pictures, else from the buffer's end) to the screen, ms. */
  readonly latencyMs: number | null;
  readonly hasAudio: boolean;
  /** MIME type of what arrives. */
  readonly mime: string | null;
  readonly reason: { kind: string; code: string; message: string } | null;
  /** When the next attempt is due, ms since 1970. */
  readonly retryAtMs: number | null;
  /** A picture is on the screen. */
  readonly shown: boolean;
}

/** What a live player is made of. */
export interface LivePlayerOptions {
  readonly video: HTMLVideoElement;
  readonly url: string;
  /** Server clock minus browser clock, ms. */
  readonly clockOffsetMs: number;
  onStatus(status: LiveStatus): void;
}

const maxTargetSeconds = 2.5;

/** Plays live fragmented MP4 from a WebSocket: a picture at once, then as near to now as the network allows. */
export class LivePlayer {
  private readonly options: LivePlayerOptions;
  private readonly socket: LiveSocket;
  private readonly timer: ReturnType<typeof setInterval>;
  private sink: MediaSink | null = null;
  private clock: { wallMs: number; ptsSeconds: number } | null = null;
  private targetSeconds = 0.5;
  private stalledAt = 0;
  private status: LiveStatus = {
    phase: 'connecting',
    latencyMs: null,
    hasAudio: false,
    mime: null,
    reason: null,
    retryAtMs: null,
    shown: false,
  };

  constructor(options: LivePlayerOptions) {
    this.options = options;
    options.video.addEventListener('waiting', this.waiting);
    options.video.addEventListener('playing', this.playing);
    options.video.addEventListener('error', this.elementFailed);
    this.socket = new LiveSocket(options.url, {
      onOpen: () => this.set({ phase: this.status.shown ? 'reconnecting' : 'connecting', retryAtMs: null }),
      onMessage: (message) => this.receive(message),
      onMedia: (bytes) => this.sink?.append(bytes),
      onDown: (retryAtMs) => {
        if (this.status.phase !== 'unsupported') this.set({ phase: 'reconnecting', retryAtMs });
      },
    });
    this.timer = setInterval(() => this.tick(), 250);
    if (!mediaSourceClass()) this.refuse(null);
  }

  /** Ends the player; the element keeps nothing. */
  close(): void {
    const { video } = this.options;
    this.socket.close();
    clearInterval(this.timer);
    video.removeEventListener('waiting', this.waiting);
    video.removeEventListener('playing', this.playing);
    video.removeEventListener('error', this.elementFailed);
    this.sink?.close();
    video.removeAttribute('src');
    video.load();
  }

  private receive(message: LiveMessage): void {
    switch (message.type) {
      case 'init':
        this.begin(message.mime);
        break;
      case 'clock':
        this.clock = message;
        break;
      case 'offline':
        this.set({ phase: 'offline', reason: message.reason });
        break;
      case 'online':
        this.set({ phase: 'connecting', reason: null });
        break;
      case 'error':
        this.set({ phase: 'failed', reason: { kind: '', code: message.code, message: message.message } });
        break;
      case 'discontinuity':
      case 'dropped':
        this.clock = null;
        break;
    }
  }

  private begin(mime: string): void {
    if (!browserSupports(mime)) {
      this.refuse(mime);
      return;
    }
    // Every connection begins with its own media time, which may lie before the last one's: a fresh sink is certain to show it.
    this.sink?.close();
    this.clock = null;
    this.sink = new MediaSink(this.options.video, {
      onChange: () => this.tick(),
      onBroken: () => this.socket.reopen(),
    });
    this.sink.begin(mime);
    this.set({
      phase: 'connecting',
      mime,
      hasAudio: /mp4a|opus|flac|alaw|ulaw/i.test(mime),
      reason: null,
      shown: false,
    });
  }

  private refuse(mime: string | null): void {
    this.socket.close();
    this.set({ phase: 'unsupported', mime });
  }

  private readonly waiting = (): void => {
    if (!this.status.shown) return;
    if (this.stalledAt === 0) this.stalledAt = performance.now();
  };

  private readonly playing = (): void => {
    const waitedMs = this.stalledAt === 0 ? 0 : performance.now() - this.stalledAt;
    this.stalledAt = 0;
    // Each wait for the network says that we play too near to the newest picture for this viewer.
    if (waitedMs > 150) this.targetSeconds = Math.min(maxTargetSeconds, this.targetSeconds + 0.2);
    this.set({ phase: 'playing', shown: true, retryAtMs: null, reason: null });
  };

  private readonly elementFailed = (): void => {
    if (this.status.phase === 'unsupported' || !this.sink) return;
    this.sink.close();
    this.sink = null;
    setTimeout(() => this.socket.reopen(), 1000);
  };

  private tick(): void {
    const { video } = this.options;
    const ranges = this.sink?.ranges() ?? [];
    if (ranges.length === 0) return;
    const step = catchUp({
      currentTime: video.currentTime,
      playbackRate: video.playbackRate,
      ranges,
      shown: this.status.shown,
      targetSeconds: this.targetSeconds,
    });
    if (step.seekTo !== undefined) video.currentTime = step.seekTo;
    if (video.playbackRate !== step.rate) video.playbackRate = step.rate;
    // Refused only while the page may not play by itself; the element is muted, so the next tick succeeds.
    if (video.paused) video.play().catch(() => undefined);
    const end = ranges.at(-1)?.end ?? 0;
    const stalled = this.stalledAt !== 0 && performance.now() - this.stalledAt > 2500;
    if (stalled && this.status.phase === 'playing') this.set({ phase: 'stalled' });
    this.set({ latencyMs: Math.max(0, Math.round(this.latency(video.currentTime, end))) });
  }

  private latency(currentTime: number, end: number): number {
    if (!this.clock) return (end - currentTime) * 1000;
    const shownWallMs = this.clock.wallMs + (currentTime - this.clock.ptsSeconds) * 1000;
    return Date.now() + this.options.clockOffsetMs - shownWallMs;
  }

  private set(change: Partial<LiveStatus>): void {
    const next = { ...this.status, ...change };
    const same = (Object.keys(next) as (keyof LiveStatus)[]).every((key) => next[key] === this.status[key]);
    if (same) return;
    this.status = next;
    this.options.onStatus(next);
  }
}
