import { fromHex } from '@watchpost/base/bytes.ts';
import { type Clock, ManualClock } from '@watchpost/base/clock.ts';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { type Database, openDatabase } from '../catalog/database.ts';
import type { NewEvent } from '../catalog/types.ts';
import { SharedLog } from '../hub/shared-log.ts';
import type { ReaderOptions, SampleReader, StreamState } from '../hub/types.ts';
import type { KeyPictureKeeper } from './key-pictures/key-picture-keeper.ts';
import { MemoryStorage } from './memory-storage.ts';
import { Recorder } from './recorder.ts';
import type { ScheduleSource } from './recording-plan.ts';
import type { RetainedBackend } from './retention.ts';
import type { RecordedStream, StreamChange, StreamSource } from './stream-source.ts';

/** Baseline, 640×360; made with x264. */
const spsBytes = fromHex('6742c01ed901e089f970110000030001000003003c0f162e48');
const ppsBytes = fromHex('68cb83cb20');

/** A video track of 25 frames a second. */
export function videoTrack(): Track {
  return {
    id: 0,
    kind: 'video',
    codec: 'h264',
    clockRate: 90_000,
    width: 640,
    height: 360,
    parameterSets: [spsBytes, ppsBytes],
  };
}

/** G.711, 20 ms to a sample. */
export function audioTrack(): Track {
  return { id: 1, kind: 'audio', codec: 'pcma', clockRate: 8000, sampleRate: 8000, channels: 1, parameterSets: [] };
}

/** A camera for tests: 25 frames a second, a key picture each `gop` frames, time by the test's clock. */
export class FakeStream implements RecordedStream {
  readonly id: string;
  definition: RecordedStream['definition'] = { record: true };
  state: StreamState = 'connecting';
  reason: WatchpostError | undefined;
  tracks: readonly Track[] = [];
  gop = 25;
  frameBytes = 500;
  /** Frames go on being counted, but none is sent. */
  mute = false;
  /** Sound goes on, and no picture comes. */
  hung = false;
  /** The sound is announced, and none is sent. */
  silent = false;
  /** RTP packets lost before the next picture. */
  lost = 0;
  /** How far the camera's clock is off, ms. */
  wallErrorMs = 0;
  readonly log: SharedLog<Sample>;
  readonly #hub: FakeHub;
  #frame = 0;
  #originMs = 0;

  constructor(id: string, hub: FakeHub) {
    this.id = id;
    this.#hub = hub;
    this.#originMs = hub.clock.monotonicMs();
    this.log = new SharedLog<Sample>({ clock: hub.clock, cacheLimitBytes: 1 << 24 });
  }

  get sendingTracks(): readonly Track[] {
    return this.silent ? this.tracks.filter(({ kind }) => kind === 'video') : this.tracks;
  }

  openReader(options: ReaderOptions): SampleReader {
    return this.log.open(options);
  }

  /** A session begins. */
  connect(tracks: readonly Track[] = [videoTrack(), audioTrack()]): void {
    this.tracks = tracks;
    this.#frame = 0;
    this.#become('online');
  }

  /** The session ends. */
  disconnect(reason?: WatchpostError): void {
    this.reason = reason;
    this.#become('offline');
  }

  /** New parameter sets, with the next frame, which is a key picture. */
  change(tracks: readonly Track[]): void {
    this.tracks = tracks;
    this.#frame = 0;
  }

  /** One frame of 40 ms and its two audio samples; `fillOf` its time are its bytes behind the first. */
  frame(): void {
    const { clock } = this.#hub;
    if (this.state !== 'online' || this.mute) return;
    const mediaMs = clock.monotonicMs() - this.#originMs;
    const key = this.#frame++ % this.gop === 0;
    for (const track of this.sendingTracks) {
      if (this.hung && track.kind === 'video') continue;
      const steps = track.kind === 'video' ? [0] : [0, 20];
      for (const step of steps) this.#write(track, mediaMs + step, track.kind === 'audio' || key);
    }
  }

  #write(track: Track, mediaMs: number, key: boolean): void {
    const { clock } = this.#hub;
    const dts = Math.round((mediaMs * track.clockRate) / 1000);
    const unit = new Uint8Array(track.kind === 'video' ? this.frameBytes : 160).fill(fillOf(dts));
    unit[0] = track.kind === 'video' ? (key ? 0x65 : 0x41) : 0x55;
    const wallMs = clock.wallMs() + (this.wallErrorMs ?? 0);
    const sample: Sample = {
      track,
      dts,
      pts: dts,
      key,
      units: [unit],
      byteLength: unit.length,
      wallMs,
      lost: this.lost,
    };
    if (track.kind === 'video') this.lost = 0;
    const randomAccess = key && track.kind === 'video';
    this.log.append(sample, { randomAccess, bytes: unit.length, atMs: clock.monotonicMs() });
  }

  #become(state: StreamState): void {
    if (state === 'online') this.reason = undefined;
    this.state = state;
    this.#hub.tell({ type: 'state', stream: this });
  }
}

/** A hub for tests. */
export class FakeHub implements StreamSource {
  readonly clock: ManualClock;
  readonly streams = new Map<string, FakeStream>();
  readonly #listeners = new Set<(change: StreamChange) => void>();

  constructor(clock: ManualClock) {
    this.clock = clock;
  }

  add(id: string, definition?: RecordedStream['definition']): FakeStream {
    const stream = new FakeStream(id, this);
    if (definition !== undefined) stream.definition = definition;
    this.streams.set(id, stream);
    this.tell({ type: 'defined', stream });
    return stream;
  }

  get(id: string): FakeStream | undefined {
    return this.streams.get(id);
  }

  list(): readonly FakeStream[] {
    return [...this.streams.values()];
  }

  onChange(listener: (change: StreamChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(change: StreamChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** A recorder with everything around it, in memory. */
export interface Bench extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly hub: FakeHub;
  readonly disk: MemoryStorage;
  readonly database: Database;
  readonly events: NewEvent[];
  recorder: Recorder;
  /** Lets `ms` pass, in frames of 40 ms. */
  run(ms: number): Promise<void>;
  /** Ends the recorder, in order or not, and opens another one on the same disk and database. */
  restart(how: 'in order' | 'crash', awayMs: number): Promise<void>;
}

/** Opens a bench; `place` overrides how long and how much is kept. */
export async function openBench(
  place: Partial<RetainedBackend> & {
    segmentSeconds?: number;
    schedules?: ScheduleSource;
    keyPictures?: KeyPictureKeeper;
  } = {},
): Promise<Bench> {
  const clock = new ManualClock(Date.UTC(2026, 1, 11, 10, 0, 0));
  const hub = new FakeHub(clock);
  const disk = (place.backend as MemoryStorage | undefined) ?? new MemoryStorage();
  const database = await openDatabase(':memory:');
  const events: NewEvent[] = [];
  const { segmentSeconds = 10, schedules = new Map(), keyPictures, ...kept } = place;
  let life = { dead: false };
  const open = () => {
    life = { dead: false };
    return Recorder.open({
      hub: mortalHub(hub, life),
      database,
      backends: [{ backend: disk, retentionDays: 7, minFree: { percent: 5 }, ...kept }],
      events: { emit: (event) => events.push({ atMs: clock.wallMs(), ...event }) },
      clock: mortalClock(clock, life),
      logger: silentLogger,
      schedules,
      ...(keyPictures !== undefined && { keyPictures }),
      config: { enabled: true, segmentDurationSeconds: segmentSeconds },
    });
  };
  const run = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 40) {
      for (const stream of hub.list()) stream.frame();
      for (const stream of hub.list()) stream.log.check(clock.monotonicMs());
      clock.advance(40);
      await settle();
    }
  };
  const bench: Bench = {
    clock,
    hub,
    disk,
    database,
    events,
    recorder: await open(),
    run,
    restart: async (how, awayMs) => {
      if (how === 'in order') await dispose(bench.recorder, run);
      else life.dead = true;
      clock.advance(awayMs);
      bench.recorder = await open();
    },
    [Symbol.asyncDispose]: async () => {
      await dispose(bench.recorder, run);
      await database.destroy();
    },
  };
  return bench;
}

/** Lets everything that waits for a promise go on; nothing here waits for anything else. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

async function dispose(recorder: Recorder, run: (ms: number) => Promise<void>): Promise<void> {
  const disposed = recorder[Symbol.asyncDispose]();
  await settle();
  await run(40);
  await disposed;
}

/** As `kill -9` leaves it: no timer of a dead recorder fires again. */
function mortalClock(clock: ManualClock, life: { readonly dead: boolean }): Clock {
  return {
    wallMs: () => clock.wallMs(),
    monotonicMs: () => clock.monotonicMs(),
    after: (delayMs, task) => clock.after(delayMs, () => (life.dead ? undefined : task())),
  };
}

function mortalHub(hub: FakeHub, life: { readonly dead: boolean }): StreamSource {
  return {
    get: (id) => hub.get(id),
    list: () => hub.list(),
    onChange: (listener) => hub.onChange((change) => (life.dead ? undefined : listener(change))),
  };
}

/** Tells a frame from its neighbours. */
export function fillOf(dts: number): number {
  return 1 + ((dts / 90) % 251);
}
