import type { Socket } from 'node:net';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import { parseSourceUrl, type SourceUrl } from '@watchpost/base/source-url.ts';
import { createDepacketizer } from '@watchpost/media/rtp/depacketize/index-by-codec.ts';
import { RtspClient, type RtspClientHandler } from '@watchpost/media/rtsp/client.ts';
import type { SdpSession } from '@watchpost/media/sdp/sdp.ts';
import { mediaLeftOut, type SdpTrack } from '@watchpost/media/sdp/tracks.ts';
import type { ProtocolContext, Publish, Publisher, SourceDescription } from '../../hub/types.ts';
import { dialError } from '../../net/dial.ts';
import { type ChunkPool, copyBytes, SessionChunks } from './chunk-pool.ts';
import { RtpInput } from './rtp-input.ts';

const defaultPort = 554;
const tickEveryMs = 1000;
/** How long a camera may take to accept our last words. */
const goodbyeMs = 500;
const reportEveryMs = 5000;
const answerTimeoutMs = 10_000;
/** A camera that does not take what we send (requests, reports) for so long is not there any more. */
const maxUnsentBytes = 256 * 1024;

/** Counters of all sessions, for the protocol's statistics. */
export interface PullCounters {
  sessions: number;
  bytes: number;
}

/** What a session with a camera needs. */
export interface RtspSessionOptions {
  readonly source: SourceUrl;
  readonly context: ProtocolContext;
  readonly userAgent: string;
  readonly counters: PullCounters;
  readonly pool: ChunkPool;
}

/** Pulls one camera until its signal aborts or the session ends; rejects with the reason. */
export async function pullRtsp(options: RtspSessionOptions, publish: Publish): Promise<void> {
  await new RtspSession(options, publish).run();
}

/** Connects, reads the description and leaves. */
export async function describeRtsp(options: RtspSessionOptions): Promise<SourceDescription> {
  const session = new RtspSession(options);
  await session.run();
  return {
    tracks: session.description.map((entry) => entry.track),
    ...(session.serverName && { server: session.serverName }),
  };
}

/** One connection (or several, when the camera redirects) with a camera: sockets and time around an `RtspClient`. */
class RtspSession implements RtspClientHandler {
  description: readonly SdpTrack[] = [];
  serverName: string | undefined;
  readonly #options: RtspSessionOptions;
  readonly #publish: Publish | undefined;
  readonly #client: RtspClient;
  readonly #chunks: SessionChunks;
  readonly #inputs: (RtpInput | undefined)[] = [];
  #publisher: Publisher | undefined;
  #socket: Socket | undefined;
  #cancelTick: (() => void) | undefined;
  #nextReportMs = 0;
  /** When the read under way began. */
  #nowMs = 0;
  #settle: ((error: WatchpostError | undefined) => void) | undefined;

  constructor(options: RtspSessionOptions, publish?: Publish) {
    const { source } = options;
    this.#options = options;
    this.#publish = publish;
    this.#chunks = new SessionChunks(options.pool);
    this.#client = new RtspClient(
      {
        url: source.url.replace(/^rtsp\+tunnel:/, 'rtsp:'),
        userAgent: options.userAgent,
        answerTimeoutMs,
        describeOnly: publish === undefined,
        wantTrack: (track, index) => this.#isWanted(track, index),
        allocate: (bytes) => this.#chunks.allocate(bytes),
        copy: copyBytes,
        ...(source.username !== undefined && {
          credentials: { username: source.username, password: source.password ?? '' },
        }),
      },
      this,
    );
  }

  /** Resolves when the session ended as asked, rejects when it failed or was aborted. */
  async run(): Promise<void> {
    const { signal } = this.#options.context;
    const { counters } = this.#options;
    counters.sessions++;
    const onAbort = () => {
      this.#client.teardown();
      // A camera that hangs would not answer that either, and the next attempt should not wait for it.
      if (toWatchpostError(signal.reason).kind === 'timeout') this.#settle?.(undefined);
    };
    const ended = new Promise<WatchpostError | undefined>((resolve) => {
      this.#settle = resolve;
    });
    try {
      await this.#open(this.#options.source.url);
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      const failure = await ended;
      if (signal.aborted) throw toWatchpostError(signal.reason);
      if (failure !== undefined) throw failure;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#cancelTick?.();
      this.#dropSocket();
      counters.sessions--;
    }
  }

  send(bytes: Uint8Array): void {
    const socket = this.#socket;
    if (socket === undefined || socket.destroyed) return;
    socket.write(bytes);
    if (socket.writableLength > maxUnsentBytes) socket.destroy();
  }

  onTracks(tracks: readonly SdpTrack[], sdp: SdpSession): void {
    this.description = tracks;
    this.serverName = sdp.name?.trim() || undefined;
    if (this.#publish === undefined || tracks.some((track, index) => this.#isWanted(track, index))) return;
    this.#settle?.(noUsableTrack(tracks, mediaLeftOut(sdp), this.#options.source));
    this.#client.teardown();
  }

  onPlaying(): void {
    this.#begin();
  }

  onInterleaved(trackIndex: number, isRtcp: boolean, chunk: Uint8Array, start: number, end: number): void {
    // Some cameras send before they answer PLAY.
    if (this.#publisher === undefined) this.#begin();
    const input = this.#inputs[trackIndex];
    if (input === undefined) return;
    if (isRtcp) input.receiveRtcp(chunk, start, end, this.#nowMs);
    else input.receiveRtp(chunk, start, end, this.#nowMs);
  }

  onEnd(error?: WatchpostError): void {
    this.#settle?.(error);
  }

  onGarbage(bytes: number): void {
    this.#publisher?.count('garbage_bytes', bytes);
  }

  connect(url: string): void {
    this.#dropSocket();
    this.#open(url).catch((thrown) => this.#settle?.(toWatchpostError(thrown)));
  }

  /** The first usable video and the first usable sound: what a viewer would see and hear. */
  #isWanted(track: SdpTrack, index: number): boolean {
    if (!isUsable(track)) return false;
    return this.description.findIndex((other) => isUsable(other) && other.track.kind === track.track.kind) === index;
  }

  async #open(url: string): Promise<void> {
    const { context, source } = this.#options;
    const target = parseSourceUrl(url);
    const host = target.host || source.host;
    const port = target.port ?? defaultPort;
    const socket = await context.dial({
      host,
      port,
      signal: context.signal,
      onRead: (bytes, buffer) => this.#receive(bytes, buffer),
    });
    this.#socket = socket;
    let cause: Error | undefined;
    socket.on('error', (error) => {
      cause = dialError(error, { host, port });
    });
    socket.on('close', () => {
      if (this.#socket === socket) this.#client.closed(cause);
    });
    socket.on('end', () => socket.destroy());
    this.#tick();
    this.#client.start();
  }

  #receive(bytes: number, buffer: Uint8Array): void {
    this.#options.counters.bytes += bytes;
    this.#nowMs = this.#options.context.clock.monotonicMs();
    this.#client.receive(buffer, 0, bytes);
    this.#publisher?.flush();
  }

  #begin(): void {
    if (this.#publisher !== undefined || this.#publish === undefined) return;
    const wanted = this.description.filter((track, index) => this.#isWanted(track, index));
    const publisher = this.#publish(
      wanted.map(({ track, format }) => ({ track, format })),
      this.#chunks,
    );
    this.#publisher = publisher;
    for (const [index, track] of wanted.entries()) {
      this.#inputs[this.description.indexOf(track)] = new RtpInput(publisher, {
        index,
        clockRate: track.track.clockRate,
        payloadType: track.payloadType,
      });
    }
  }

  #tick(): void {
    const { clock } = this.#options.context;
    const nowMs = clock.monotonicMs();
    this.#cancelTick?.();
    this.#cancelTick = clock.after(tickEveryMs, () => this.#tick());
    this.#client.tick(nowMs);
    if (this.#publisher === undefined || nowMs < this.#nextReportMs) return;
    this.#nextReportMs = nowMs + reportEveryMs;
    for (const [index, input] of this.#inputs.entries()) {
      const report = input?.writeReceiverReport(nowMs);
      if (report !== undefined) this.#client.writeInterleaved(index, true, report);
    }
  }

  #dropSocket(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    // What was written last (TEARDOWN) still goes out, to a camera that takes it.
    socket.destroySoon();
    const cancel = this.#options.context.clock.after(goodbyeMs, () => socket.destroy());
    socket.once('close', cancel);
  }
}

function isUsable({ track, format, backChannel, profile }: SdpTrack): boolean {
  return !backChannel && !profile.includes('SAVP') && createDepacketizer(track, format, () => {}) !== undefined;
}

function noUsableTrack(tracks: readonly SdpTrack[], others: readonly string[], source: SourceUrl): WatchpostError {
  const names = [...tracks.map((entry) => entry.rtpmapName || entry.track.codec), ...others].join(', ');
  return new WatchpostError(
    names === ''
      ? 'The camera describes no video and no sound — check the path of the address'
      : `The camera sends ${names}, which this build does not take — set its codec to H.264 or H.265, and its sound to AAC or G.711`,
    { kind: 'unsupported', code: 'CODEC_UNSUPPORTED', context: { codecs: names, host: source.host } },
  );
}
