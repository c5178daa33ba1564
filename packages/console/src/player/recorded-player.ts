import type Hls from 'hls.js';
import { fetchPlayback } from '../api/queries.ts';
import { playbackProblem } from './playback-problem.ts';
import { holeBetween, type PlaylistPiece, secondsAt, wallAt } from './playlist-clock.ts';

/** What a player of recordings is doing. */
export type RecordedPhase = 'loading' | 'playing' | 'paused' | 'ended' | 'unsupported' | 'failed';

/** Everything that is shown about it. */
export interface RecordedStatus {
  readonly phase: RecordedPhase;
  /** Wall clock of the picture, ms since 1970 UTC. */
  readonly positionMs: number;
  /** A hole that was passed just now. */
  readonly skipped: { readonly startMs: number; readonly endMs: number } | null;
  readonly error: unknown;
}

/** What it is made of. */
export interface RecordedPlayerOptions {
  readonly video: HTMLVideoElement;
  readonly streamId: string;
  onStatus(status: RecordedStatus): void;
}

/** How much is asked for at a time. */
const windowMs = 3_600_000;

/** Plays recordings by HLS: with hls.js, or by the browser itself where it can. */
export class RecordedPlayer {
  private readonly options: RecordedPlayerOptions;
  private hls: Hls | null = null;
  private pieces: readonly PlaylistPiece[] = [];
  private lastSeconds = 0;
  private rate = 1;
  private wantPaused = false;
  private generation = 0;
  private nativeStartMs = 0;
  private status: RecordedStatus = { phase: 'loading', positionMs: 0, skipped: null, error: null };

  constructor(options: RecordedPlayerOptions) {
    this.options = options;
    const { video } = options;
    video.addEventListener('timeupdate', this.moved);
    video.addEventListener('playing', this.started);
    video.addEventListener('pause', this.paused);
    video.addEventListener('ended', this.ended);
  }

  /** Plays from an instant; within what is loaded, without asking the server. */
  async open(atMs: number): Promise<void> {
    const inside = secondsAt(this.pieces, atMs);
    if (inside !== null && this.hls) {
      this.lastSeconds = inside;
      this.options.video.currentTime = inside;
      this.set({ positionMs: atMs, skipped: null });
      if (!this.wantPaused) this.play();
      return;
    }
    const generation = ++this.generation;
    this.set({ phase: 'loading', positionMs: atMs, skipped: null, error: null });
    try {
      const playback = await fetchPlayback(this.options.streamId, atMs, atMs + windowMs);
      if (generation !== this.generation) return;
      await this.load(playback.path, { atMs, generation, startMs: Date.parse(playback.start) });
    } catch (error) {
      if (generation === this.generation) this.set({ phase: 'failed', error });
    }
  }

  /** 1 is real time. Kept over what is loaded later. */
  setRate(rate: number): void {
    this.rate = rate;
    this.options.video.playbackRate = rate;
  }

  /** Pauses, or goes on. */
  setPaused(paused: boolean): void {
    this.wantPaused = paused;
    if (paused) this.options.video.pause();
    else this.play();
  }

  /** Ends the player and lets go of the element. */
  close(): void {
    const { video } = this.options;
    this.generation++;
    this.hls?.destroy();
    this.hls = null;
    video.removeEventListener('timeupdate', this.moved);
    video.removeEventListener('playing', this.started);
    video.removeEventListener('pause', this.paused);
    video.removeEventListener('ended', this.ended);
    video.playbackRate = 1;
    video.removeAttribute('src');
    video.load();
  }

  private async load(url: string, start: { atMs: number; generation: number; startMs: number }): Promise<void> {
    const { default: HlsClass } = await import('hls.js/light');
    if (start.generation !== this.generation) return;
    this.hls?.destroy();
    this.hls = null;
    this.pieces = [];
    this.lastSeconds = 0;
    if (!HlsClass.isSupported()) {
      this.loadNative(url, start.startMs);
      return;
    }
    const hls = new HlsClass({ enableWorker: true, maxBufferLength: 30, backBufferLength: 30 });
    this.hls = hls;
    hls.on(HlsClass.Events.LEVEL_UPDATED, (_name, { details }) => {
      this.pieces = details.fragments.map((fragment) => ({
        startSeconds: fragment.start,
        durationSeconds: fragment.duration,
        wallMs: fragment.programDateTime,
      }));
    });
    hls.on(HlsClass.Events.ERROR, (_name, data) => {
      if (!data.fatal) return;
      const { BUFFER_ADD_CODEC_ERROR, MANIFEST_INCOMPATIBLE_CODECS_ERROR, BUFFER_INCOMPATIBLE_CODECS_ERROR } =
        HlsClass.ErrorDetails;
      const cannot: readonly string[] = [
        BUFFER_ADD_CODEC_ERROR,
        MANIFEST_INCOMPATIBLE_CODECS_ERROR,
        BUFFER_INCOMPATIBLE_CODECS_ERROR,
      ];
      // Chromium gives up on H.264 whose key pictures need the ones before them, as cameras with an open GOP send it.
      const gaveUp = this.options.video.error?.code === MediaError.MEDIA_ERR_DECODE;
      if (gaveUp || cannot.includes(data.details)) this.set({ phase: 'unsupported' });
      else if (
        data.type === HlsClass.ErrorTypes.MEDIA_ERROR &&
        data.details === HlsClass.ErrorDetails.BUFFER_STALLED_ERROR
      )
        hls.recoverMediaError();
      else {
        // What is loaded is of no use any more: whoever seeks asks the server anew.
        this.pieces = [];
        this.set({ phase: 'failed', error: playbackProblem(data) });
      }
    });
    hls.loadSource(url);
    hls.attachMedia(this.options.video);
    hls.on(HlsClass.Events.MANIFEST_PARSED, () => this.play());
  }

  private loadNative(url: string, startMs: number): void {
    const { video } = this.options;
    if (video.canPlayType('application/vnd.apple.mpegurl') === '') {
      this.set({ phase: 'unsupported' });
      return;
    }
    this.nativeStartMs = startMs;
    video.src = url;
    this.play();
  }

  private play(): void {
    const { video } = this.options;
    video.playbackRate = this.rate;
    video.defaultPlaybackRate = this.rate;
    // Refused where the page may not play by itself: the button stays on "play".
    if (!this.wantPaused) video.play().catch(() => this.set({ phase: 'paused' }));
  }

  private wallNow(): number | null {
    const { video } = this.options;
    if (this.hls) return wallAt(this.pieces, video.currentTime);
    const started = (video as { getStartDate?: () => Date }).getStartDate?.().getTime();
    return (
      (started !== undefined && Number.isFinite(started) ? started : this.nativeStartMs) + video.currentTime * 1000
    );
  }

  private readonly moved = (): void => {
    const { video } = this.options;
    if (video.seeking || this.status.phase === 'loading') return;
    const positionMs = this.wallNow();
    if (positionMs === null) return;
    const hole =
      video.currentTime > this.lastSeconds ? holeBetween(this.pieces, this.lastSeconds, video.currentTime) : null;
    this.lastSeconds = video.currentTime;
    this.set(hole ? { positionMs, skipped: hole } : { positionMs });
  };

  private readonly started = (): void => this.set({ phase: 'playing' });

  private readonly paused = (): void => {
    if (!this.options.video.ended && this.status.phase === 'playing') this.set({ phase: 'paused' });
  };

  private readonly ended = (): void => this.set({ phase: 'ended' });

  private set(change: Partial<RecordedStatus>): void {
    this.status = { ...this.status, ...change };
    this.options.onStatus(this.status);
  }
}
