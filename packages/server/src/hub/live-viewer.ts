import type { Duplex } from 'node:stream';
import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { Voice } from './company.ts';
import { ItemSender, type ItemWriter } from './item-sender.ts';
import type { Stream } from './stream.ts';
import type { Grant, Reader, ReaderOptions } from './types.ts';

/** A viewer this far behind skips to the newest key picture. */
const defaultMaxLagMs = 10_000;
const maxLagBytes = 8 * 1024 * 1024;

/** Counts over all viewers of a protocol, for statistics. */
export interface ViewerCounts {
  viewers: number;
  opened: number;
  bytes: number;
  droppedSamples: number;
  stuck: number;
}

/** Counters at zero. */
export function noViewers(): ViewerCounts {
  return { viewers: 0, opened: 0, bytes: 0, droppedSamples: 0, stuck: 0 };
}

/** The counters as a protocol's statistics have them. */
export function viewerStats(counts: ViewerCounts): Readonly<Record<string, number>> {
  return {
    viewers: counts.viewers,
    viewers_total: counts.opened,
    bytes_sent: counts.bytes,
    dropped_samples: counts.droppedSamples,
    stuck_viewers: counts.stuck,
  };
}

/** What a shared output hands to its viewers. */
export interface ViewedItem {
  /** Samples in items before this one since the output began; a jump tells what a viewer missed. */
  readonly samplesBefore: number;
  readonly samples: number;
}

/** How items of one wire format go to one viewer. */
export interface ViewerFace<T extends ViewedItem> {
  readonly socket: Duplex;
  /** False where the answer cannot go on with this item: it ends before it. */
  takes?(item: T): boolean;
  /** Writes what this viewer needs before an item, and returns the item's bytes. `missed` samples are left out right before it. */
  show(item: T, missed: number): Uint8Array;
  /** What comes after the item that was shown last is the same for all that have it; undefined where it is not. */
  readonly voice?: Voice<T> | undefined;
  /** Says why and closes. `hasBegun`: items were shown. */
  end(reason: WatchpostError, hasBegun: boolean): void;
  /** The viewer is gone, whoever ended it. */
  gone?(): void;
}

/** What a viewer needs. */
export interface LiveViewerOptions<T extends ViewedItem> {
  readonly stream: Stream;
  /** The viewer goes when it ends. */
  readonly grant: Grant;
  readonly clock: Clock;
  readonly counts: ViewerCounts;
  /** Name for the stream's statistics. */
  readonly protocol: string;
  /** Opens a place in the shared output. */
  readonly open: (options: ReaderOptions) => Reader<T>;
  /** A viewer without a picture for so long is told so; never where it is missing. */
  readonly firstWithinMs?: number;
  /** A viewer further behind skips to the newest key picture. Default 10 000. */
  readonly maxLagMs?: number;
  readonly onEnd: () => void;
}

/** One connection that shows one stream. */
export class LiveViewer<T extends ViewedItem> implements ItemWriter<T> {
  readonly #face: ViewerFace<T>;
  readonly #sender: ItemSender<T>;
  readonly #counts: ViewerCounts;
  readonly #options: LiveViewerOptions<T>;
  readonly #forgetGrant: () => void;
  #samplesSeen = -1;
  #ended = false;
  #cancelFirst: (() => void) | undefined;

  constructor(face: ViewerFace<T>, options: LiveViewerOptions<T>) {
    const { stream, clock, counts, protocol, firstWithinMs } = options;
    const { socket } = face;
    this.#face = face;
    this.#sender = new ItemSender(socket, this);
    this.#counts = counts;
    this.#options = options;
    counts.viewers++;
    counts.opened++;
    socket.on('close', () => this.#end());
    socket.on('error', () => socket.destroy());
    if (firstWithinMs !== undefined) {
      this.#cancelFirst = clock.after(firstWithinMs, () => this.close(noPicture(stream)));
    }
    this.#forgetGrant = options.grant.onEnd((reason) => this.close(reason));
    const reader = options.open({
      protocol,
      start: 'gop',
      maxLagMs: options.maxLagMs ?? defaultMaxLagMs,
      maxLagBytes,
      onReady: () => this.#sender.pump(),
      onClose: (reason) => this.close(reason),
    });
    this.#sender.start(reader);
  }

  /** Says why and closes; a socket that takes nothing is cut. */
  close(reason: WatchpostError): void {
    if (this.#ended) return;
    if (reason.code === 'READER_STUCK') {
      this.#counts.stuck++;
      this.#face.socket.destroy();
    } else this.#face.end(reason, this.#samplesSeen >= 0);
    this.#end();
  }

  get voice(): Voice<T> | undefined {
    return this.#face.voice;
  }

  write(item: T): void {
    const bytes = this.#show(item);
    if (bytes !== undefined) this.#face.socket.write(bytes);
  }

  skippedTo(last: T): void {
    this.#samplesSeen = last.samplesBefore + last.samples;
  }

  #show(item: T): Uint8Array | undefined {
    const face = this.#face;
    if (this.#samplesSeen < 0) {
      this.#samplesSeen = item.samplesBefore;
      this.#cancelFirst?.();
    }
    if (face.takes?.(item) === false) {
      this.close(new WatchpostError('The stream goes on in another way', { kind: 'canceled', code: 'STREAM_CHANGED' }));
      return undefined;
    }
    const counts = this.#counts;
    const missed = Math.max(0, item.samplesBefore - this.#samplesSeen);
    counts.droppedSamples += missed;
    this.#samplesSeen = item.samplesBefore + item.samples;
    const bytes = face.show(item, missed);
    counts.bytes += bytes.length;
    return bytes;
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelFirst?.();
    this.#forgetGrant();
    this.#sender.stop();
    this.#counts.viewers--;
    this.#face.gone?.();
    this.#options.onEnd();
  }
}

function noPicture(stream: Stream): WatchpostError {
  const why = stream.reason === undefined ? '' : ` — ${stream.reason.message}`;
  return new WatchpostError(`The stream "${stream.id}" sends no picture now (${stream.state})${why}`, {
    kind: 'unavailable',
    code: 'STREAM_NO_PICTURE',
    context: { state: stream.state },
  });
}
