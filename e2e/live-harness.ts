import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { readSamples, scanFragments } from '@watchpost/media/container/fmp4/demuxer.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';
import { lastingGrant } from '@watchpost/server/hub/grant.ts';
import { LiveFmp4 } from '@watchpost/server/hub/live-fmp4/live-muxer.ts';
import { StreamHub } from '@watchpost/server/hub/stream-hub.ts';
import type { AccessControl, ListenContext, Protocol, Publisher } from '@watchpost/server/hub/types.ts';
import { createHttpServer } from '@watchpost/server/net/http-server.ts';
import { createFmp4Protocol } from '@watchpost/server/protocols/fmp4/protocol.ts';
import { createHlsProtocol } from '@watchpost/server/protocols/hls/protocol.ts';

const call = promisify(execFile);

/** What a test clip holds. */
export interface ClipOptions {
  readonly video?: 'h264' | 'h265';
  readonly audio?: 'aac' | 'pcma' | 'pcmu';
  readonly seconds: number;
  /** Pictures from key to key; 25 a second. */
  readonly gop: number;
  /** B pictures between two others; their times are not evened out. */
  readonly bFrames?: number;
  readonly bitrate?: string;
  readonly size?: string;
}

/** Tracks and samples in order of decode time. */
export interface Clip {
  readonly tracks: readonly Track[];
  readonly samples: readonly Sample[];
  readonly seconds: number;
}

/** Makes a clip with FFmpeg: a test picture and a tone. */
export async function makeClip(options: ClipOptions): Promise<Clip> {
  const { video = 'h264', audio, bFrames = 0, seconds, gop, bitrate = '600k', size = '320x180' } = options;
  const folder = mkdtempSync(join(tmpdir(), 'clip-'));
  const ffmpeg = (...args: string[]) => call('ffmpeg', ['-v', 'error', '-y', ...args], { timeout: 40_000 });
  try {
    const file = join(folder, 'clip.mp4');
    const picture = ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25:duration=${seconds}`];
    const sound = ['-f', 'lavfi', '-i', `sine=frequency=440:duration=${seconds}`];
    const encoder =
      video === 'h264'
        ? ['-c:v', 'libx264', ...(bFrames > 0 ? [] : ['-tune', 'zerolatency'])]
        : ['-c:v', 'libx265', '-tag:v', 'hvc1'];
    const params =
      video === 'h264'
        ? ['-bf', String(bFrames)]
        : ['-x265-params', `bframes=0:keyint=${gop}:min-keyint=${gop}:log-level=error`];
    const aac = audio === 'aac' ? [...sound, '-c:a', 'aac', '-ar', '48000', '-ac', '1'] : [];
    await ffmpeg(
      ...picture,
      ...aac.slice(0, 4),
      ...['-pix_fmt', 'yuv420p', '-preset', 'ultrafast', ...encoder, ...params],
      ...['-g', String(gop), '-keyint_min', String(gop), '-sc_threshold', '0', '-b:v', bitrate, '-maxrate', bitrate],
      ...['-bufsize', bitrate, ...aac.slice(4), '-movflags', 'frag_keyframe+empty_moov+default_base_moof', file],
    );
    const bytes = new Uint8Array(readFileSync(file));
    const scan = await scanFragments((at, length) => bytes.subarray(at, at + length), bytes.length);
    const samples = scan.fragments.flatMap((one) =>
      readSamples(bytes.subarray(one.offset, one.offset + one.bytes), scan.tracks),
    );
    if (bFrames === 0) evenOut(samples);
    const tracks = scan.tracks.map((one) => one.track);
    if (audio === 'pcma' || audio === 'pcmu') {
      const raw = join(folder, 'sound.raw');
      await ffmpeg(...sound, '-ar', '8000', '-ac', '1', '-f', audio === 'pcma' ? 'alaw' : 'mulaw', raw);
      const track: Track = {
        id: 1,
        kind: 'audio',
        codec: audio,
        clockRate: 8000,
        sampleRate: 8000,
        channels: 1,
        parameterSets: [],
      };
      tracks.push(track);
      samples.push(...packets(track, new Uint8Array(readFileSync(raw))));
    }
    samples.sort((a, b) => a.dts / a.track.clockRate - b.dts / b.track.clockRate);
    return { tracks, samples, seconds };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** FFmpeg delays the pictures after the first one by the priming of AAC; a camera does not. */
function evenOut(samples: Sample[]): void {
  let pictures = 0;
  for (const [index, sample] of samples.entries()) {
    if (sample.track.kind !== 'video') continue;
    const dts = Math.round((pictures++ * sample.track.clockRate) / 25);
    samples[index] = { ...sample, dts, pts: dts };
  }
}

function packets(track: Track, bytes: Uint8Array): Sample[] {
  const samples: Sample[] = [];
  for (let dts = 0; dts + 160 <= bytes.length; dts += 160) {
    const units = [bytes.subarray(dts, dts + 160)];
    samples.push({ track, dts, pts: dts, key: true, units, byteLength: 160, wallMs: 0, lost: 0 });
  }
  return samples;
}

/** A camera made of a clip, played in real time in a loop. */
export class FakeCamera {
  readonly #clip: Clip;
  readonly #publisher: Publisher;
  readonly #trackIndexes: ReadonlyMap<number, number>;
  #startMs = performance.now();
  #index = 0;
  #loops = 0;
  #timer: NodeJS.Timeout;

  constructor(clip: Clip, publish: (announced: { track: Track; format: Record<string, string> }[]) => Publisher) {
    this.#clip = clip;
    // Objects of its own, as each session of a real camera has them.
    this.#publisher = publish(clip.tracks.map((track) => ({ track: { ...track }, format: {} })));
    this.#trackIndexes = new Map(clip.tracks.map((track, index) => [track.id, index]));
    this.#timer = setInterval(() => this.#play(), 5);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#publisher.close();
  }

  #play(): void {
    const nowMs = performance.now() - this.#startMs;
    for (;;) {
      const sample = this.#clip.samples[this.#index]!;
      const { clockRate } = sample.track;
      const offset = this.#loops * this.#clip.seconds * clockRate;
      if (((sample.dts + offset) * 1000) / clockRate > nowMs) return;
      const { key, units } = sample;
      const trackIndex = this.#trackIndexes.get(sample.track.id)!;
      this.#publisher.writeUnit(trackIndex, { pts: sample.pts + offset, dts: sample.dts + offset, key, units });
      this.#publisher.flush();
      this.#index++;
      if (this.#index < this.#clip.samples.length) continue;
      this.#index = 0;
      this.#loops++;
    }
  }
}

/** A server with the live outputs and nothing else. */
export class LiveServer implements AsyncDisposable {
  readonly http = createHttpServer({ logger: silentLogger });
  readonly hub: StreamHub;
  readonly live: LiveFmp4;
  readonly fmp4;
  readonly hls;
  access: AccessControl = { authorize: async () => lastingGrant };
  port = 0;
  #cameras: FakeCamera[] = [];
  #listeners: AsyncDisposable[] = [];

  readonly #more: readonly Protocol[];

  /** Cameras of these clips, which are encoded beside each other. */
  async cameras(clips: Readonly<Record<string, ClipOptions>>): Promise<void> {
    const made = await Promise.all(
      Object.entries(clips).map(async ([id, options]) => [id, await makeClip(options)] as const),
    );
    for (const [id, clip] of made) await this.camera(id, clip);
  }

  /** `more`: protocols besides fMP4 and HLS. */
  constructor(more: readonly Protocol[] = []) {
    this.#more = more;
    this.hub = new StreamHub({
      clock: systemClock,
      logger: silentLogger,
      reconnectDelayMs: 1000,
      protocolFor: () => undefined,
      pull: async () => {},
    });
    this.live = new LiveFmp4({ clock: systemClock, budget: this.hub.budget });
    this.fmp4 = createFmp4Protocol({ live: this.live });
    this.hls = createHlsProtocol({ live: this.live });
  }

  async listen(section: Record<string, unknown> = {}): Promise<void> {
    const access: AccessControl = { authorize: (request) => this.access.authorize(request) };
    const { signal } = new AbortController();
    const dial = () => Promise.reject(new Error('no camera to dial'));
    const context: ListenContext = {
      clock: systemClock,
      logger: silentLogger,
      signal,
      dial,
      section,
      http: this.http,
      access,
    };
    for (const protocol of [this.fmp4, this.hls, ...this.#more])
      this.#listeners.push(await protocol.listen!(this.hub, context));
    this.port = (await this.http.listen('127.0.0.1:0')).port;
  }

  async camera(id: string, clip: Clip): Promise<FakeCamera> {
    const stream =
      this.hub.get(id) ??
      (await this.hub.define({
        ...{
          id,
          title: id,
          protocol: 'test',
          sources: [],
          record: false,
          onDemand: false,
          stopped: false,
          origin: 'api',
        },
      }));
    const camera = new FakeCamera(clip, (announced) => stream.publish(announced));
    this.#cameras.push(camera);
    return camera;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const camera of this.#cameras) camera.stop();
    for (const listener of this.#listeners) await listener[Symbol.asyncDispose]();
    await this.hub[Symbol.asyncDispose]();
    await this.http.close();
  }
}

/** Runs a program to its end; its output, standard error included. */
export function run(program: string, args: readonly string[], timeoutMs = 40_000): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs });
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
    });
    child.stderr.on('data', (data) => {
      output += data;
    });
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`${program} exited with ${code}: ${output.slice(-2000)}`)),
    );
  });
}

/** Resolves after so many milliseconds. */
export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
