import { type BufferedRange, trimRange } from './catch-up.ts';
import { mediaSourceClass } from './codec-support.ts';

/** Media that waits to be appended; past this the viewer is too slow and starts again. */
const maxQueueBytes = 32 * 1024 * 1024;
const keepSeconds = 12;

/** Callbacks of a sink. */
export interface MediaSinkEvents {
  /** Something was appended or removed. */
  onChange(): void;
  /** The sink cannot go on; make another. */
  onBroken(reason: string): void;
}

/** Feeds pieces of fragmented MP4 to a video element, in order, one `SourceBuffer` for all tracks. */
export class MediaSink {
  private readonly video: HTMLVideoElement;
  private readonly events: MediaSinkEvents;
  private readonly source: MediaSource;
  private readonly address: string;
  private buffer: SourceBuffer | null = null;
  private queue: (Uint8Array<ArrayBuffer> | { mime: string })[] = [];
  private queuedBytes = 0;
  private closed = false;

  /** Throws where the browser has no media source extensions. */
  constructor(video: HTMLVideoElement, events: MediaSinkEvents) {
    const Source = mediaSourceClass();
    if (!Source) throw new Error('no MediaSource');
    this.video = video;
    this.events = events;
    this.source = new Source();
    // ManagedMediaSource opens only where the element cannot be sent to another screen.
    video.disableRemotePlayback = true;
    this.address = URL.createObjectURL(this.source);
    this.source.addEventListener('sourceopen', this.pump);
    video.src = this.address;
  }

  /** What comes after this is of the MIME type; the next piece is an initialization segment. */
  begin(mime: string): void {
    this.queue.push({ mime });
    this.pump();
  }

  /** Appends one piece. */
  append(bytes: Uint8Array<ArrayBuffer>): void {
    this.queue.push(bytes);
    this.queuedBytes += bytes.byteLength;
    if (this.queuedBytes > maxQueueBytes) this.break('queue');
    else this.pump();
  }

  /** What can be played, oldest first. */
  ranges(): BufferedRange[] {
    const found: BufferedRange[] = [];
    try {
      const ranges = this.buffer?.buffered;
      for (let i = 0; ranges && i < ranges.length; i++) found.push({ start: ranges.start(i), end: ranges.end(i) });
    } catch {
      // The buffer was taken from its source by an error that onBroken tells of.
    }
    return found;
  }

  /** Lets go of the element; it keeps its last picture only where the caller drew it. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.queue = [];
    this.source.removeEventListener('sourceopen', this.pump);
    this.buffer?.removeEventListener('updateend', this.updated);
    URL.revokeObjectURL(this.address);
  }

  private readonly updated = (): void => {
    this.events.onChange();
    this.pump();
  };

  private readonly pump = (): void => {
    if (this.closed || this.source.readyState !== 'open' || this.buffer?.updating) return;
    try {
      if (this.trim()) return;
      const next = this.queue[0];
      if (next === undefined) return;
      if (next instanceof Uint8Array) {
        if (!this.buffer) return;
        this.buffer.appendBuffer(next);
        this.queue.shift();
        this.queuedBytes -= next.byteLength;
        return;
      }
      this.queue.shift();
      this.prepare(next.mime);
    } catch (error) {
      if (error instanceof DOMException && error.name === 'QuotaExceededError' && this.trim(2)) return;
      this.break(String(error));
      return;
    }
    this.pump();
  };

  private prepare(mime: string): void {
    if (this.buffer) {
      this.buffer.changeType(mime);
      return;
    }
    this.buffer = this.source.addSourceBuffer(mime);
    this.buffer.mode = 'segments';
    this.source.duration = Number.POSITIVE_INFINITY;
    this.buffer.addEventListener('updateend', this.updated);
    this.buffer.addEventListener('error', () => this.break('append'));
  }

  private trim(keep = keepSeconds): boolean {
    const range = trimRange(this.ranges(), this.video.currentTime, keep);
    if (!range || !this.buffer) return false;
    this.buffer.remove(range.start, range.end);
    return true;
  }

  private break(reason: string): void {
    if (this.closed) return;
    this.close();
    this.events.onBroken(reason);
  }
}
