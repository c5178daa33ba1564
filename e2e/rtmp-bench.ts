import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { systemClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { lastingGrant } from '@watchpost/server/hub/grant.ts';
import { PushTargets } from '@watchpost/server/hub/push-targets.ts';
import type { Stream } from '@watchpost/server/hub/stream.ts';
import { StreamHub } from '@watchpost/server/hub/stream-hub.ts';
import type { AccessControl, ListenContext, Protocol, StreamDefinition } from '@watchpost/server/hub/types.ts';
import { dialTcp } from '@watchpost/server/net/dial.ts';
import { createHttpServer } from '@watchpost/server/net/http-server.ts';
import { createFlvProtocol } from '@watchpost/server/protocols/http-flv/protocol.ts';
import { createRtmp } from '@watchpost/server/protocols/rtmp/index.ts';
import { createRtsp } from '@watchpost/server/protocols/rtsp/index.ts';
import { type RtspCamera, startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import type { Played } from './foreign-ffmpeg.ts';
import { freePort, runProgram, wait } from './harness.ts';
import { assertConsecutive } from './live-numbers.ts';

const access: AccessControl = {
  authorize: async ({ headers, query }) => {
    const basic = `Basic ${Buffer.from('obs:secret').toString('base64')}`;
    if (headers['authorization'] === basic || query.get('token') === 'abc.def') return lastingGrant;
    // Pages ask without a login here.
    if (headers['host'] !== undefined) return lastingGrant;
    throw new WatchpostError('name or password is wrong', { kind: 'unauthenticated', code: 'LOGIN_WRONG' });
  },
};

/** Hub, RTSP, RTMP, HTTP-FLV and targets in this process, with a login `obs:secret`, and the cameras of a simulator. */
export class RtmpBench implements AsyncDisposable {
  camera!: RtspCamera;
  hub!: StreamHub;
  port = 0;
  rtspPort = 0;
  httpPort = 0;
  readonly #stack = new AsyncDisposableStack();

  static async open(more: readonly Protocol[] = []): Promise<RtmpBench> {
    const bench = new RtmpBench();
    await bench.#start(more);
    return bench;
  }

  /** Where a stream is played and published. */
  url(name: string, login = '?user=obs&password=secret'): string {
    return `rtmp://127.0.0.1:${this.port}/live/${name}${login}`;
  }

  /** The same over RTSP. */
  rtspUrl(name: string): string {
    return `rtsp://obs:secret@127.0.0.1:${this.rtspPort}/live/${name}`;
  }

  define(definition: Partial<StreamDefinition> & { readonly id: string }): Promise<Stream> {
    return this.hub.define({
      ...{ title: definition.id, protocol: 'rtsp', sources: [], record: false, onDemand: false, stopped: false },
      origin: 'api',
      ...definition,
    });
  }

  /** Pulls an address. */
  pull(id: string, url: string): Promise<Stream> {
    const source = parseSourceUrl(url);
    return this.define({ id, protocol: source.scheme, sources: [source] });
  }

  async online(id: string): Promise<void> {
    for (let i = 0; this.hub.get(id)?.state !== 'online'; i++) {
      assert.ok(i < 200, `${id} did not come online: ${this.hub.get(id)?.reason?.message}`);
      await wait(100);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }

  async #start(more: readonly Protocol[]): Promise<void> {
    const rtmp = createRtmp({ userAgent: 'Watchpost/test' });
    const rtsp = createRtsp({ userAgent: 'Watchpost/test' });
    const protocols = [rtsp, rtmp, ...more];
    const clock = systemClock;
    const logger = silentLogger;
    this.port = await freePort();
    this.rtspPort = await freePort();
    this.camera = this.#stack.use(await startRtspCamera({ port: 0 }));
    // The goodbyes of the hub to its cameras reach them before they are switched off.
    this.#stack.defer(() => wait(300));
    const base = { clock, logger, dial: dialTcp, section: {}, signal: new AbortController().signal };
    const protocolFor = (scheme: string) => protocols.find(({ schemes }) => schemes.includes(scheme));
    this.hub = this.#stack.use(
      new StreamHub({
        ...{ clock, logger, reconnectDelayMs: 500, protocolFor },
        pull: (protocol, source, run) => protocol.pull!(source, run.publish, { ...base, signal: run.signal }),
      }),
    );
    this.#stack.use(
      new PushTargets(this.hub, {
        ...{ clock, logger, protocolFor },
        push: (protocol, run) => protocol.push!(run.stream, run.target, { ...base, ...run }),
      }),
    );
    const http = createHttpServer({ logger });
    this.#stack.defer(() => http.close());
    const context = { ...base, http, access } as unknown as ListenContext;
    const section = { bind: { host: '127.0.0.1', port: this.port } };
    this.#stack.use(await rtmp.listen!(this.hub, { ...context, section }));
    const rtspBind = { bind: { host: '127.0.0.1', port: this.rtspPort } };
    const rtspSection = { ...rtspBind, rtp_port_range: { first: 27_000, last: 27_999 } };
    this.#stack.use(await rtsp.listen!(this.hub, { ...context, section: rtspSection }));
    this.#stack.use(await createFlvProtocol().listen!(this.hub, context));
    this.httpPort = (await http.listen('127.0.0.1:0')).port;
    for (const [id, url] of Object.entries(this.camera.urls)) await this.define({ id, sources: [parseSourceUrl(url)] });
  }
}

/** Decodes pictures to gray ones of 320 by 180. */
export function ffmpegPlays(url: string, count: number, input: readonly string[] = []) {
  const output = ['-an', '-fps_mode', 'passthrough', '-vf', 'scale=320:180', '-f', 'rawvideo', '-pix_fmt', 'gray'];
  const args = ['-v', 'error', ...input, '-i', url, '-frames:v', String(count), ...output, 'pipe:1'];
  return runProgram('ffmpeg', args, 30_000);
}

/** A player that goes on until it is disposed of. */
export interface CountingPlayer extends AsyncDisposable {
  /** Decoded so far. */
  readonly pictures: number;
  /** Resolves once so many are decoded; rejects where it ends before, or takes 20 s. */
  reaches(pictures: number): Promise<void>;
}

/** Decodes pictures with FFmpeg, and counts them. */
export function ffmpegCounts(url: string): CountingPlayer {
  const output = ['-an', '-fps_mode', 'passthrough', '-vf', 'scale=16:16', '-f', 'rawvideo', '-pix_fmt', 'gray'];
  const child = spawn('ffmpeg', ['-v', 'error', '-i', url, ...output, 'pipe:1'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  let bytes = 0;
  child.stdout.on('data', (part: Buffer) => {
    bytes += part.length;
  });
  return {
    get pictures() {
      return Math.floor(bytes / 256);
    },
    async reaches(pictures) {
      for (let i = 0; this.pictures < pictures && i < 200 && child.exitCode === null; i++) await wait(100);
      assert.ok(this.pictures >= pictures, `${this.pictures} of ${pictures} pictures were decoded`);
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** Decodes 70 pictures with GStreamer, of a source that gives FLV. */
export function gstreamerPlays(source: readonly string[]) {
  const decode = ['!', 'flvdemux', 'name=d', 'd.video', '!', 'queue', '!', 'h264parse', '!', 'avdec_h264', '!'];
  const picture = ['videoconvert', '!', 'videoscale', '!', 'video/x-raw,format=GRAY8,width=320,height=180'];
  const sink = ['!', 'identity', 'eos-after=70', '!', 'fdsink', 'fd=1', 'sync=false'];
  return runProgram('gst-launch-1.0', ['-q', ...source, ...decode, ...picture, ...sink], 30_000);
}

const foreignFfmpeg = new URL('foreign-ffmpeg.ts', import.meta.url).pathname;

/** Arguments of `node` that make FFmpeg 8 do something (see there). */
export const ffmpeg8 = (...args: readonly string[]) => [
  '--disable-warning=ExperimentalWarning',
  foreignFfmpeg,
  ...args,
];

/** Decodes pictures, and the sound beside them, with FFmpeg 8, which has nothing to complain of. */
export async function ffmpeg8Plays(url: string, count: number, task: 'play' | 'listen' = 'play'): Promise<Played> {
  const args = ffmpeg8(task, url, `${count}`);
  const { stdout, stderr } = await runProgram(process.execPath, args, 30_000);
  assert.equal(stderr.replace(/^.*RTP\/VP9 support is still experimental\s*/m, ''), '', url);
  return JSON.parse(stdout.toString());
}

/** Consecutive pictures, 40 ms from each to the next, and sound that keeps up with them. */
export function assertPlayed(played: Played, count: number, codecs: readonly [video: string, audio: string]): void {
  const { video, audio } = played;
  assert.deepEqual([video?.codec, audio?.codec], codecs);
  const numbers = video!.numbers.map((number) => number ?? undefined);
  assertConsecutive(numbers, count, codecs[0]);
  const videoTimesMs = timesOf(video!.timesMs);
  const audioTimesMs = timesOf(audio!.timesMs);
  for (const [i, step] of steps(videoTimesMs).entries()) {
    assert.ok(Math.abs(step - 40) <= 2, `${codecs[0]}, picture ${i}: ${step} ms`);
  }
  for (const [i, step] of steps(audioTimesMs).entries()) {
    assert.ok(step > 0 && step < 110, `${codecs[1]}, frame ${i}: ${step} ms`);
  }
  const apartMs = videoTimesMs.at(-1)! - audioTimesMs.at(-1)!;
  assert.ok(Math.abs(apartMs) < 300, `${codecs[0]}: picture and sound end ${apartMs} ms apart`);
}

/** The first one may be missing (see `PlayedStream`). */
function timesOf(timesMs: readonly (number | null)[]): number[] {
  const known = timesMs.filter((time) => time !== null);
  assert.ok(!timesMs.slice(1).includes(null), 'frames without a time');
  return known;
}

const steps = (times: readonly number[]) => times.slice(1).map((time, i) => time - times[i]!);
