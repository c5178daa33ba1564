import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import { reorderDepthOf } from '@watchpost/media/codec/reorder-depth.ts';
import { createDepacketizer } from '@watchpost/media/rtp/depacketize/index-by-codec.ts';
import { DtsFromPts } from '@watchpost/media/time/dts.ts';
import { TimelineRepair } from '@watchpost/media/time/timeline.ts';
import { CaptureClock, type WallAnchor } from '@watchpost/media/time/wall-clock.ts';
import type { AccessUnit, Depacketizer, RtpPacket, Sample, Track } from '@watchpost/media/types.ts';
import { PlainUnit } from './plain-unit.ts';
import { StreamSample } from './stream-sample.ts';
import type { AnnouncedTrack, ChunkRecycler, Publisher, SourceUnit } from './types.ts';

/** No RTP for so long: the camera hangs. */
const silentAfterMs = 10_000;
/** Tracks further apart than this have nothing to do with each other. */
const maxLeadMs = 10_000;
/** A camera without key pictures that has been silent for so long is called silent: that is what can be mended. */
const quietAfterMs = 3000;

/** What a session tells its stream. */
export interface SessionHost {
  readonly anchor: WallAnchor;
  /** No key picture for so long, or for three times the longest GOP seen: the camera hangs. Read when a session begins. */
  readonly keyPatienceMs: number;
  /** See `Publisher`. */
  readonly patienceMs: number;
  nowMs(): number;
  /** Where a session that begins now begins on the stream's timeline, ms. */
  beginMs(nowMs: number): number;
  tracksChanged(tracks: readonly Track[]): void;
  append(sample: Sample, nowMs: number): void;
  flush(): void;
  received(bytes: number, packets: number, lost: number): void;
  count(name: string, n: number): void;
  /** Nothing had come for so long; once for each batch of input. */
  waited(gapMs: number): void;
  /** By a sender report the source's clock is so far ahead of ours. */
  clockOffset(offsetMs: number): void;
  closed(session: Session, reason: WatchpostError | undefined): void;
}

interface TrackState {
  track: Track;
  readonly depacketizer: Depacketizer | undefined;
  readonly dts: DtsFromPts | undefined;
  readonly capture: CaptureClock;
  lastDts: number;
  offsetTicks: number;
  droppedBefore: number;
  /** Its place on the timeline that it shares with the others is known; for units without RTP. */
  hasLead: boolean;
}

/** One connection with a source, from its first packet to its end: depacketizes, repairs time, hands samples on. */
export class Session implements Publisher {
  /** Where the chunks of its packets come from, if they can go back. */
  readonly recycler: ChunkRecycler | undefined;
  readonly #host: SessionHost;
  readonly #timeline: TimelineRepair;
  readonly #tracks: TrackState[];
  readonly #hasVideo: boolean;
  readonly #keyPatienceMs: number;
  /** One for all samples, which copy it. */
  readonly #times = { dts: 0, pts: 0, wallMs: 0 };
  #batchMs = 0;
  #offsetMs: number | undefined;
  /** Time of the first unit without RTP minus its arrival, ms. */
  #unitsAheadMs: number | undefined;
  #lastInputMs: number;
  #lastKeyMs: number;
  #keys = 0;
  #longestGopMs = 0;
  #closed = false;

  constructor(announced: readonly AnnouncedTrack[], host: SessionHost, recycler?: ChunkRecycler) {
    this.#host = host;
    this.recycler = recycler;
    this.#keyPatienceMs = host.keyPatienceMs;
    const tracks = announced.map((entry) => entry.track);
    this.#timeline = new TimelineRepair(tracks, (index) => this.#tracks[index]!.capture.forget());
    this.#tracks = announced.map((entry, index) => this.#openTrack(entry, index));
    this.#hasVideo = announced.some((entry) => entry.track.kind === 'video');
    this.#lastInputMs = this.#lastKeyMs = host.nowMs();
    host.tracksChanged(this.tracks);
  }

  /** The tracks as they are now. */
  get tracks(): readonly Track[] {
    return this.#tracks.map((state) => state.track);
  }

  /** Longest time between two key pictures, ms. */
  get longestGopMs(): number {
    return this.#longestGopMs;
  }

  get patienceMs(): number {
    return this.#host.patienceMs;
  }

  /** Repaired time stamps by kind. */
  get repaired(): Readonly<Record<string, number>> {
    return { ...this.#timeline.counts };
  }

  writeRtp(trackIndex: number, packet: RtpPacket, lost: number): void {
    const state = this.#tracks[trackIndex];
    if (this.#closed || state === undefined) return;
    if (this.#batchMs === 0) this.#beginBatch();
    this.#host.received(packet.payloadEnd - packet.start, 1, lost);
    if (state.depacketizer === undefined) return;
    try {
      state.depacketizer.push(packet, lost);
    } catch (thrown) {
      this.#host.count(toWatchpostError(thrown).code.toLowerCase(), 1);
    }
  }

  senderReport(trackIndex: number, ntpMs: number, rtpTimestamp: number): void {
    const state = this.#tracks[trackIndex];
    if (this.#closed || state === undefined) return;
    const nowMs = this.#host.nowMs();
    if (!state.track.isPast) this.#host.clockOffset(ntpMs - this.#host.anchor.at(nowMs));
    const sane = state.capture.report(rtpTimestamp, ntpMs, nowMs);
    if (sane) this.#timeline.senderReport(trackIndex, rtpTimestamp, ntpMs);
    else this.#host.count('sender_reports_refused', 1);
  }

  writeUnit(trackIndex: number, unit: SourceUnit): void {
    const state = this.#tracks[trackIndex];
    if (this.#closed || state === undefined) return;
    if (this.#batchMs === 0) this.#beginBatch();
    let byteLength = 0;
    const { units } = unit;
    for (let i = 0; i < units.length; i++) byteLength += units[i]!.length;
    this.#host.received(byteLength, 0, 0);
    if (!state.hasLead) this.#lead(state, trackIndex, unit);
    this.#onUnit(trackIndex, new PlainUnit(unit, unit.track ?? state.track, byteLength));
  }

  flush(): void {
    this.#batchMs = 0;
    if (!this.#closed) this.#host.flush();
  }

  count(name: string, n: number): void {
    this.#host.count(name, n);
  }

  close(reason?: WatchpostError): void {
    if (this.#closed) return;
    for (const state of this.#tracks) state.depacketizer?.flush();
    this.#host.flush();
    this.#closed = true;
    this.#host.closed(this, reason);
  }

  /** Nothing before `sample` is in use but `held` and what depacketizers still hold; `held` is undefined if that is not known. */
  recycle(sample: Sample, held: readonly Sample[] | undefined): void {
    const { recycler } = this;
    if (recycler === undefined) return;
    const own = memoryOf(sample);
    if (held === undefined || own === undefined) {
      // A disk may keep them for long: what there is now is left to the collector.
      recycler.forget();
      return;
    }
    const inUse = [own];
    for (const state of this.#tracks) {
      const packet = state.depacketizer?.oldestPending;
      if (packet !== undefined) inUse.push(packet.chunk);
    }
    for (const other of held) {
      const memory = memoryOf(other);
      if (memory !== undefined && memory !== inUse.at(-1)) inUse.push(memory);
    }
    recycler.release(inUse);
  }

  /** Units that depacketizers gave up since the last call. */
  takeDropped(): number {
    let dropped = 0;
    for (const state of this.#tracks) {
      const now = state.depacketizer?.dropped ?? 0;
      dropped += now - state.droppedBefore;
      state.droppedBefore = now;
    }
    return dropped;
  }

  /** The reason if this source hangs: nothing comes, or no picture that one could begin with. */
  hung(nowMs: number, silentMsAllowed = silentAfterMs): WatchpostError | undefined {
    const silentMs = nowMs - this.#lastInputMs;
    const keyMs = nowMs - this.#lastKeyMs;
    const lacksKey = this.#hasVideo && keyMs >= Math.max(this.#keyPatienceMs, 3 * this.#longestGopMs);
    if (silentMs >= silentMsAllowed || (lacksKey && silentMs >= quietAfterMs)) {
      return new WatchpostError(`The camera sent nothing for ${Math.round(silentMs / 1000)} s; connecting again`, {
        kind: 'timeout',
        code: 'SOURCE_SILENT',
      });
    }
    if (!lacksKey) return undefined;
    return new WatchpostError(
      `The camera sent no key picture for ${Math.round(keyMs / 1000)} s; connecting again — check its key frame (GOP) interval if this repeats`,
      { kind: 'timeout', code: 'SOURCE_NO_KEY_FRAME' },
    );
  }

  #beginBatch(): void {
    const nowMs = this.#host.nowMs();
    this.#host.waited(nowMs - this.#lastInputMs);
    this.#lastInputMs = this.#batchMs = nowMs;
  }

  #openTrack(announced: AnnouncedTrack, index: number): TrackState {
    const { track, format } = announced;
    return {
      track,
      depacketizer: createDepacketizer(track, format, (unit) => this.#onUnit(index, unit)),
      dts: track.kind === 'video' ? new DtsFromPts(reorderDepthOf(track)) : undefined,
      capture: new CaptureClock(this.#host.anchor, track.clockRate, track.isPast),
      lastDts: -1,
      offsetTicks: -1,
      droppedBefore: 0,
      hasLead: false,
    };
  }

  #onUnit(index: number, unit: AccessUnit): void {
    const state = this.#tracks[index]!;
    const nowMs = this.#batchMs === 0 ? this.#host.nowMs() : this.#batchMs;
    if (unit.track !== state.track) {
      state.track = unit.track;
      state.dts?.setDepth(reorderDepthOf(unit.track) ?? 0);
      this.#host.tracksChanged(this.tracks);
    }
    if (state.offsetTicks < 0) state.offsetTicks = this.#offset(nowMs, state.track.clockRate);
    let pts = this.#timeline.push(index, unit.rtpTimestamp, nowMs, unit.key);
    let dts = pts;
    if (state.dts !== undefined) {
      dts = state.dts.push(pts);
      pts = state.dts.pts;
    }
    if (unit.key && state.track.kind === 'video') this.#onKey(nowMs);
    const times = this.#times;
    times.dts = dts + state.offsetTicks;
    times.pts = pts + state.offsetTicks;
    times.wallMs = state.capture.at(unit.rtpTimestamp, nowMs);
    this.#host.append(new StreamSample(unit, times), nowMs);
  }

  /** Tracks of a container share a timeline: where the second one belongs is told by the first, not by its arrival. */
  #lead(state: TrackState, trackIndex: number, { pts, dts }: SourceUnit): void {
    state.hasLead = true;
    const msPerTick = 1000 / state.track.clockRate;
    // Sound of before the first picture may come after it, where pictures are reordered: nothing is before its decoding time.
    this.#unitsAheadMs ??= dts * msPerTick - this.#batchMs;
    const leadMs = pts * msPerTick - this.#batchMs - this.#unitsAheadMs;
    if (Math.abs(leadMs) <= maxLeadMs) this.#timeline.lead(trackIndex, leadMs);
  }

  #offset(nowMs: number, clockRate: number): number {
    this.#offsetMs ??= this.#host.beginMs(nowMs);
    return Math.round((this.#offsetMs * clockRate) / 1000);
  }

  #onKey(nowMs: number): void {
    if (this.#keys++ > 0) this.#longestGopMs = Math.max(this.#longestGopMs, nowMs - this.#lastKeyMs);
    this.#lastKeyMs = nowMs;
  }
}

/** Where the memory of a sample begins that came from the protocol; undefined for a copy, which depacketizers make of some sound. */
function memoryOf(sample: Sample): Uint8Array | undefined {
  const { rtp } = sample;
  // Frames that share a packet are parts of it; the first has the packet.
  if (rtp !== undefined) return rtp[0]?.chunk ?? sample.units[0];
  return sample instanceof StreamSample && sample.unit instanceof PlainUnit ? sample.units[0] : undefined;
}
