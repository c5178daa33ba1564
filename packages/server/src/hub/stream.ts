import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { WallAnchor } from '@watchpost/media/time/wall-clock.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import type { CacheBudget } from './cache-budget.ts';
import { PackedSamples } from './packed-samples.ts';
import { Session, type SessionHost } from './session.ts';
import { SharedLog } from './shared-log.ts';
import { SilentSound } from './silent-sound.ts';
import { type RecentFacts, StreamHistory, type StreamTotals } from './stream-history.ts';
import { StreamMeter } from './stream-meter.ts';
import type {
  AnnouncedTrack,
  ChunkRecycler,
  Publisher,
  ReaderCount,
  ReaderOptions,
  SampleReader,
  SilentStreams,
  SourceTransport,
  StreamDefinition,
  StreamState,
} from './types.ts';

/** Bytes of one stream's GOP cache. */
const cacheLimitBytes = 16 * 1024 * 1024;

/** Where a new session begins after the last sample of the one before is shown, at the least. */
const usualFrameMs = 40;

/** A source that has others beside it is given up after so long without a packet. */
const redundantSilentMs = 3000;

/**
 * Of the 1.2 s that a kill may cost a recording its own way to the disk takes 0.95 s: what is left for the picture that waits
 * for its successor, and for what waits in the system's buffers.
 */
const recordedWaitMs = 250;

/** How long a camera may go without a key picture at first, and at most. */
const keyPatienceMs = 10_000;
const maxKeyPatienceMs = 80_000;

/** What a stream needs from its hub. */
export interface StreamHost {
  readonly clock: Clock;
  readonly anchor: WallAnchor;
  readonly budget: CacheBudget;
  readonly silent?: SilentStreams | undefined;
  stateChanged(stream: Stream, before: StreamState): void;
  tracksChanged(stream: Stream): void;
  sourceChanged?(stream: Stream): void;
}

/** Which of its sources a stream comes from. */
export interface SourceInUse {
  /** Place in the order of preference, from 0. */
  readonly index: number;
  /** Since when, ms since 1970 UTC. */
  readonly sinceMs: number;
  /** Why it is not the one before; undefined for the first. */
  readonly why?: string | undefined;
}

/** A live stream under its id: it outlives the sessions with its source, and its readers do, too. */
export class Stream implements SessionHost {
  readonly id: string;
  readonly anchor: WallAnchor;
  readonly meter = new StreamMeter();
  readonly #history = new StreamHistory();
  readonly #silentSound: SilentSound;
  definition: StreamDefinition;
  /** The tracks of the present session, or of the last one. */
  tracks: readonly Track[] = [];
  /** The source that it comes from, or came from last. */
  source: SourceInUse | undefined;
  /** How the present session comes, or the last one came. */
  transport: SourceTransport | undefined;
  /** Why it is not online. */
  reason: WatchpostError | undefined;
  /** Since when it is in its state, ms since 1970 UTC. */
  sinceMs: number;
  /** When the next attempt is due, ms since 1970 UTC. */
  retryAtMs: number | undefined;
  /** When the last picture came, ms since 1970 UTC; 0 before the first. */
  lastSampleMs = 0;
  keyPatienceMs = keyPatienceMs;
  readonly #host: StreamHost;
  readonly #log: SharedLog<Sample>;
  /** One for all samples: the log keeps what it says, not the object. */
  readonly #entry = { randomAccess: false, bytes: 0, atMs: 0 };
  #state: StreamState = 'connecting';
  #session: Session | undefined;
  /** The last session that ended for lack of key pictures. */
  #lackedKey: Session | undefined;
  #sessions = 0;
  #originMs: number | undefined;
  #endMs = 0;
  #hasVideo = false;
  #lastKeyTicks = -1;
  #repairedBefore: Record<string, number> = {};
  #demandChanged: (() => void) | undefined;
  #onAsked: (() => void) | undefined;

  constructor(definition: StreamDefinition, host: StreamHost) {
    this.id = definition.id;
    this.definition = definition;
    this.anchor = host.anchor;
    this.#host = host;
    const { silent } = host;
    this.#silentSound = new SilentSound(silent?.has(this.id), (isSilent) => silent?.note(this.id, isSilent));
    this.sinceMs = host.clock.wallMs();
    this.#log = new SharedLog({
      clock: host.clock,
      cacheLimitBytes,
      budget: host.budget,
      keeper: new PackedSamples(),
      readersChanged: () => this.#readersChanged(),
    });
  }

  get state(): StreamState {
    return this.#state;
  }

  /** True where it has no source, and nobody sends it now: that is no fault. */
  get awaitsPublisher(): boolean {
    return this.#state === 'offline' && this.definition.sources.length === 0;
  }

  /** Nothing that is cached is of now any more: whoever comes next begins with what comes. */
  forgetPictures(): void {
    this.#log.dropCache(this.#host.clock.monotonicMs());
  }

  /** True while anybody reads. */
  get isRead(): boolean {
    return this.#log.readerCount > 0;
  }

  /** See `Publisher`. */
  get patienceMs(): number {
    if (this.#log.readerCount === 0) return Number.POSITIVE_INFINITY;
    return this.#log.isAwaited ? 0 : Math.max(0, recordedWaitMs - 1000 / this.meter.fps);
  }

  /** Readers that are open, with what they lost. */
  get readers(): readonly ReaderCount[] {
    return this.#log.readers;
  }

  /** Bytes kept for readers and for the picture that a new one begins with. */
  get cacheBytes(): number {
    return this.#log.bytes;
  }

  /** Repaired time stamps by kind, over all sessions. */
  get repaired(): Readonly<Record<string, number>> {
    return sum(this.#repairedBefore, this.#session?.repaired ?? {});
  }

  /** What the last minutes of the present session were like. */
  get recent(): RecentFacts {
    return this.#history.recent(this.nowMs(), this.#totals());
  }

  /** Opens a reader; it stays while the source comes and goes, and ends when the stream is removed. */
  openReader(options: ReaderOptions<Sample>): SampleReader {
    const reader = this.#log.open(options);
    this.ask();
    return reader;
  }

  /** Somebody new wants its picture, whether or not there is one: a source that is away is tried sooner. */
  ask(): void {
    this.#onAsked?.();
  }

  /** `asked` is called at each `ask`. */
  watchAsking(asked: (() => void) | undefined): void {
    this.#onAsked = asked;
  }

  /** `changed` is called whenever a reader comes or goes; for pulling on demand. */
  watchDemand(changed: (() => void) | undefined): void {
    this.#demandChanged = changed;
  }

  /** `tracks` without sound that is announced and does not come. */
  get sendingTracks(): readonly Track[] {
    return this.#silentSound.tracks;
  }

  /** Begins a session; one that is still open is closed: the newest source wins. */
  publish(announced: readonly AnnouncedTrack[], recycler?: ChunkRecycler, transport?: SourceTransport): Publisher {
    this.#session?.close(new WatchpostError('Another source took over', { kind: 'conflict', code: 'SOURCE_REPLACED' }));
    this.#history.begin(this.nowMs(), this.#sessions > 0);
    // The time without a source lies between no two key pictures.
    this.#lastKeyTicks = -1;
    this.meter.longestGopSeconds = 0;
    if (this.#sessions++ > 0) this.meter.reconnects++;
    this.#hasVideo = announced.some((entry) => entry.track.kind === 'video');
    this.transport = transport;
    this.#silentSound.begin();
    this.#session = new Session(announced, this, recycler);
    if (this.#log.knowsHolds) recycler?.conceal();
    return this.#session;
  }

  /** The stream comes from this one of its sources from now on. */
  useSource(index: number, why: string | undefined): void {
    if (this.source?.index === index) return;
    this.source = { index, sinceMs: this.#host.clock.wallMs(), why };
    this.#host.sourceChanged?.(this);
  }

  /** Changes the state; the same one again only renews reason and time of the next attempt. */
  setState(state: StreamState, reason?: WatchpostError, retryAtMs?: number): void {
    const before = this.#state;
    this.reason = reason;
    this.retryAtMs = retryAtMs;
    if (state === before) return;
    this.#state = state;
    this.sinceMs = this.#host.clock.wallMs();
    this.#host.stateChanged(this, before);
  }

  /** Once a second: rates, slow readers. Returns why the source must be given up, if it hangs. */
  check(nowMs: number): WatchpostError | undefined {
    const session = this.#session;
    this.meter.tick(nowMs);
    this.#log.check(nowMs);
    if (session === undefined) return undefined;
    this.meter.droppedUnits += session.takeDropped();
    this.#history.tick(nowMs, () => this.#totals());
    const hung = session.hung(nowMs, this.definition.sources.length > 1 ? redundantSilentMs : undefined);
    // "Smart" codecs of Hikvision and Dahua stretch a GOP to 20 s and more: connecting anew each 10 s would never learn that.
    if (hung?.code === 'SOURCE_NO_KEY_FRAME' && session !== this.#lackedKey) {
      this.#lackedKey = session;
      const longerMs = Math.min(this.keyPatienceMs * 2, maxKeyPatienceMs);
      this.keyPatienceMs = session.longestGopMs > 0 ? keyPatienceMs : longerMs;
    }
    return hung;
  }

  /** Ends the stream for good. */
  remove(reason: WatchpostError): void {
    this.#session?.close(reason);
    this.#log.close(reason);
  }

  nowMs(): number {
    return this.#host.clock.monotonicMs();
  }

  beginMs(nowMs: number): number {
    this.#originMs ??= nowMs;
    return Math.max(nowMs - this.#originMs, this.#endMs);
  }

  tracksChanged(tracks: readonly Track[]): void {
    this.tracks = tracks;
    this.#silentSound.change(tracks);
    this.#host.tracksChanged(this);
  }

  append(sample: Sample, nowMs: number): void {
    const isVideo = sample.track.kind === 'video';
    this.#silentSound.observe(sample.track, nowMs);
    const endMs = (sample.pts * 1000) / sample.track.clockRate + usualFrameMs;
    if (endMs > this.#endMs) this.#endMs = endMs;
    const randomAccess = sample.key && (isVideo || !this.#hasVideo);
    if (isVideo || !this.#hasVideo) this.meter.frames++;
    if (randomAccess) this.#onRandomAccess(sample, isVideo);
    this.#entry.randomAccess = randomAccess;
    this.#entry.bytes = sample.byteLength;
    this.#entry.atMs = nowMs;
    this.#log.append(sample, this.#entry);
    if (randomAccess && this.#log.knowsHolds) this.#session?.recycle(sample, this.#log.held());
  }

  flush(): void {
    this.#log.flush();
  }

  received(bytes: number, packets: number, lost: number): void {
    this.meter.bytes += bytes;
    this.meter.packets += packets;
    this.meter.lost += lost;
  }

  count(name: string, n: number): void {
    this.meter.count(name, n);
  }

  waited(gapMs: number): void {
    this.#history.waited(gapMs);
  }

  clockOffset(offsetMs: number): void {
    this.#history.clockOffset(offsetMs);
  }

  closed(session: Session): void {
    this.#repairedBefore = sum(this.#repairedBefore, session.repaired);
    this.meter.droppedUnits += session.takeDropped();
    if (this.#session === session) this.#session = undefined;
  }

  #totals(): StreamTotals {
    const { packets, lost, frames, bytes, droppedUnits } = this.meter;
    return { packets, lost, frames, bytes, droppedUnits, repaired: this.repaired };
  }

  #readersChanged(): void {
    if (this.#log.knowsHolds) this.#session?.recycler?.conceal();
    else this.#session?.recycler?.expose();
    this.#demandChanged?.();
  }

  #onRandomAccess(sample: Sample, isVideo: boolean): void {
    if (isVideo && this.#lastKeyTicks >= 0) {
      const gopSeconds = (sample.dts - this.#lastKeyTicks) / sample.track.clockRate;
      this.meter.gopSeconds = gopSeconds;
      this.meter.longestGopSeconds = Math.max(this.meter.longestGopSeconds, gopSeconds);
    }
    if (isVideo) this.#history.key((sample.dts * 1000) / sample.track.clockRate);
    this.#lastKeyTicks = sample.dts;
    this.lastSampleMs = sample.wallMs;
    if (this.#state !== 'online') this.setState('online');
  }
}

function sum(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const total: Record<string, number> = { ...a };
  for (const [name, value] of Object.entries(b)) total[name] = (total[name] ?? 0) + value;
  return total;
}
