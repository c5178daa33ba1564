import { equalBytes } from '@watchpost/base/bytes.ts';
import type { Clock } from '@watchpost/base/clock.ts';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { Track } from '@watchpost/media/types.ts';
import type { ChunkRecycler, Publish, Publisher, SourceUnit } from './types.ts';

/** A stream that shows one kind of track is waited with for so long: the other one may follow. */
const usualWaitMs = 700;
/**
 * A picture that was announced is waited for so long: nginx-rtmp sends what it has of sound at once, and pictures from the
 * next key picture on.
 */
const pictureWaitMs = 8000;
const maxHeldUnits = 512;
const maxHeldBytes = 8 * 1024 * 1024;
/** A second track of a kind takes over once the first one has been silent for so long. */
const takeOverMs = 3000;

/** The kinds of track of which one each goes into a stream. */
type Kind = 'video' | 'audio';

interface Lane {
  track: Track;
  /** Another object with the same content. */
  same: Track;
  /** Its place in the session; -1 while it has none. */
  index: number;
  lastUnitMs: number;
}

/**
 * Publishes what a demultiplexer finds, whose tracks turn up one after the other: the first picture and the first sound.
 * It is a sink of the demultiplexers in `media`. A new codec, or a kind of track that comes late, begins a new session;
 * for sound that waits for the next key picture, so that no picture is lost.
 */
export class UnitInput {
  readonly #publish: Publish;
  readonly #clock: Clock;
  readonly #recycler: ChunkRecycler | undefined;
  readonly #lanes: Partial<Record<Kind, Lane>> = {};
  #expected: Readonly<Record<Kind, boolean>> | undefined;
  #publisher: Publisher | undefined;
  /** Sound waits for a new session. */
  #isDue = false;
  #held: { readonly track: Track; readonly unit: SourceUnit }[] = [];
  #heldBytes = 0;
  #heldSinceMs = 0;
  #waitMs = usualWaitMs;
  #nowMs = 0;
  #closed = false;

  /** `recycler`: where the memory of the units comes from, if it can go back. */
  constructor(publish: Publish, clock: Clock, recycler?: ChunkRecycler) {
    this.#publish = publish;
    this.#clock = clock;
    this.#recycler = recycler;
  }

  /** True once something was published. */
  get hasBegun(): boolean {
    return this.#publisher !== undefined;
  }

  /** What the source says that it will send, and how long that is waited for, ms. */
  expect(kinds: Readonly<Record<Kind, boolean>>, waitMs = usualWaitMs): void {
    this.#expected = kinds;
    this.#waitMs = waitMs;
  }

  /** A track is there, or has new codec data. */
  track(track: Track): void {
    if (track.kind === 'data' || this.#closed) return;
    const lane = this.#lanes[track.kind];
    if (lane === undefined) this.#add(track, track.kind);
    else if (lane.track.id === track.id) this.#renew(lane, track);
  }

  /** A picture or a frame of sound of a track that was told. */
  unit(track: Track, unit: SourceUnit): void {
    if (track.kind === 'data' || this.#closed) return;
    if (this.#nowMs === 0) this.#nowMs = this.#clock.monotonicMs();
    const lane = this.#lanes[track.kind];
    if (lane === undefined || lane.track.id !== track.id) {
      this.#takeOver(track, track.kind);
      return;
    }
    lane.lastUnitMs = this.#nowMs;
    if (this.#isDue && this.#mayBegin(unit, track.kind)) this.#begin();
    if (this.#publisher === undefined) this.#hold(track, unit);
    else this.#write(lane, track, unit);
  }

  /** End of what one read brought. */
  flush(): void {
    this.#nowMs = 0;
    if (this.#held.length > 0 && this.#clock.monotonicMs() - this.#heldSinceMs >= this.#patienceMs) this.#begin();
    this.#publisher?.flush();
  }

  /** Counts under a stable name; nothing before anything was published. */
  count(name: string, n: number): void {
    this.#publisher?.count(name, n);
  }

  /** Ends the session. */
  close(reason?: WatchpostError): void {
    if (this.#closed) return;
    if (this.#held.length > 0) this.#begin();
    this.#closed = true;
    this.#publisher?.close(reason);
  }

  get #patienceMs(): number {
    const isPictureDue = this.#expected?.video === true && this.#lanes.video === undefined;
    return isPictureDue ? Math.max(this.#waitMs, pictureWaitMs) : this.#waitMs;
  }

  #add(track: Track, kind: Kind): void {
    this.#lanes[kind] = { track, same: track, index: -1, lastUnitMs: this.#nowMs };
    this.#changed(kind);
  }

  /** A session that is open lacks a track. */
  #changed(kind: Kind): void {
    if (this.#publisher === undefined) return;
    const { video, audio } = this.#lanes;
    this.#isDue = kind === 'audio' && video !== undefined;
    if (this.#isDue) audio!.index = -1;
    else this.#begin();
  }

  #mayBegin(unit: SourceUnit, kind: Kind): boolean {
    return kind === 'video' ? unit.key : this.#nowMs - this.#lanes.video!.lastUnitMs >= takeOverMs;
  }

  #renew(lane: Lane, track: Track): void {
    const isSame = lane.track.codec === track.codec && lane.track.clockRate === track.clockRate;
    // Once published, new codec data go with the first unit that has them.
    if (isSame && this.#publisher !== undefined) return;
    lane.track = lane.same = track;
    this.#changed(track.kind as Kind);
  }

  #takeOver(track: Track, kind: Kind): void {
    const lane = this.#lanes[kind];
    if (lane !== undefined && this.#nowMs - lane.lastUnitMs < takeOverMs) return;
    this.#add(track, kind);
  }

  #hold(track: Track, unit: SourceUnit): void {
    if (this.#held.length === 0) this.#heldSinceMs = this.#nowMs;
    this.#held.push({ track, unit });
    for (const part of unit.units) this.#heldBytes += part.length;
    const isFull = this.#held.length >= maxHeldUnits || this.#heldBytes > maxHeldBytes;
    if (isFull || this.#isComplete()) this.#begin();
  }

  #isComplete(): boolean {
    const { video, audio } = this.#lanes;
    const expected = this.#expected ?? { video: true, audio: true };
    return (video !== undefined || !expected.video) && (audio !== undefined || !expected.audio);
  }

  /** A session with the tracks that are known now. */
  #begin(): void {
    const lanes = [this.#lanes.video, this.#lanes.audio].filter((lane) => lane !== undefined);
    const held = this.#held;
    this.#isDue = false;
    this.#held = [];
    this.#heldBytes = 0;
    this.#publisher = this.#publish(
      lanes.map(({ track }, index) => ({ track: numbered(track, index), format: {} })),
      this.#recycler,
    );
    for (const [index, lane] of lanes.entries()) lane.index = index;
    // In order of time, so that the earliest one is where the stream begins.
    const timeOf = ({ track, unit }: (typeof held)[number]) => unit.dts / track.clockRate;
    held.sort((a, b) => timeOf(a) - timeOf(b));
    const picture = held.find(({ track }) => track.kind === 'video');
    // Sound that waited long for the first picture is sound that nobody is shown anything with.
    const from = picture === undefined ? Number.NEGATIVE_INFINITY : timeOf(picture) - usualWaitMs / 1000;
    for (const { track, unit } of held.filter((one) => timeOf(one) >= from)) {
      const lane = track.kind === 'data' ? undefined : this.#lanes[track.kind];
      if (lane?.track.codec === track.codec && lane.track.clockRate === track.clockRate) this.#write(lane, track, unit);
    }
  }

  #write(lane: Lane, track: Track, unit: SourceUnit): void {
    if (lane.index < 0) return;
    if (lane.track === track || lane.same === track) {
      this.#publisher?.writeUnit(lane.index, unit);
      return;
    }
    // Demultiplexers that begin anew, as at each segment of HLS, bring the same codec data again.
    lane.same = track;
    if (hasSameData(lane.track, track)) {
      this.#publisher?.writeUnit(lane.index, unit);
      return;
    }
    lane.track = track;
    const { dts, pts, key, units } = unit;
    this.#publisher?.writeUnit(lane.index, { dts, pts, key, units, track: numbered(track, lane.index) });
  }
}

/**
 * Numbers of containers (PIDs) stay outside: the files of one stream number their tracks alike, whatever they came by.
 * FFmpeg 5.1 ends a playlist where a segment has other ones, in spite of its EXT-X-MAP.
 */
function numbered(track: Track, id: number): Track {
  return { ...track, id };
}

function hasSameData(a: Track, b: Track): boolean {
  const { parameterSets } = a;
  if (a.channels !== b.channels || parameterSets.length !== b.parameterSets.length) return false;
  return parameterSets.every((set, i) => equalBytes(set, b.parameterSets[i]!));
}
