import { toWatchpostError, type WatchpostError } from '@watchpost/base/errors.ts';
import { parseSourceUrl, type SourceUrl } from '@watchpost/base/source-url.ts';
import { latmConfigOf } from '@watchpost/media/rtp/depacketize/aac-latm.ts';
import { RtspClient, type RtspClientHandler } from '@watchpost/media/rtsp/client.ts';
import { ClientKeys, type TrackKeys } from '@watchpost/media/rtsp/client-keys.ts';
import { isEncrypted, type MediaTransport } from '@watchpost/media/rtsp/client-setup.ts';
import type { TransportSpec } from '@watchpost/media/rtsp/transport.ts';
import type { SdpSession } from '@watchpost/media/sdp/sdp.ts';
import type { SdpTrack } from '@watchpost/media/sdp/tracks.ts';
import type { ProtocolContext, Publish, Publisher } from '../../hub/types.ts';
import type { RestRounds } from '../../net/rest-rounds.ts';
import { connectCamera } from './camera-connection.ts';
import type { CameraConnection } from './camera-socket.ts';
import { type ChunkPool, copyBytes, SessionChunks } from './chunk-pool.ts';
import { ReplayFeed, replayOver, replayRequest } from './replay.ts';
import { RtpInput } from './rtp-input.ts';
import { SecureRtpInput } from './secure-rtp-input.ts';
import type { UdpPorts } from './server/udp-ports.ts';
import type { RtspSource } from './source-options.ts';
import { srtpCrypto } from './srtp-crypto.ts';
import { groupOf, needsTcp, notOverUdp, udpSilent } from './udp-fallback.ts';
import { UdpMedia } from './udp-media.ts';
import { isWanted, noUsableTrack, warnOfUnusable } from './usable-tracks.ts';

const tickEveryMs = 1000;
const reportEveryMs = 3500; // At the fourth tick, even if that is early: some cameras hang up after 5 s.
const answerTimeoutMs = 10_000;
/** A camera that does not take what we send (requests, reports) for so long is not there any more. */
const maxUnsentBytes = 256 * 1024;
/** Over UDP nothing came for so long: firewalls, mostly. */
const firstPacketMs = 3000;
/** Packets that came early wait for the missing one so long, and a little more. */
const reorderMs = 210;
/** The way through NAT is opened again each so many reports: 28 s. */
const punchEveryReports = 7;

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
  readonly ports: UdpPorts;
  readonly rounds: RestRounds;
}

/** One session's way, of several that may be tried. */
export interface SessionWay {
  readonly address: RtspSource;
  readonly transport: MediaTransport;
  /** Another way is left, if this one does not work. */
  readonly hasNext: boolean;
  /** Media have come this way. */
  readonly onMedia?: () => void;
}

/** One connection (or several, when the camera redirects) with a camera: sockets and time around an `RtspClient`. */
export class CameraSession implements RtspClientHandler {
  description: readonly SdpTrack[] = [];
  serverName: string | undefined;
  readonly #options: RtspSessionOptions;
  readonly #way: SessionWay;
  readonly #publish: Publish | undefined;
  readonly #client: RtspClient;
  readonly #chunks: SessionChunks;
  readonly #feed: ReplayFeed | undefined;
  readonly #inputs: (RtpInput | undefined)[] = [];
  readonly #keys: (TrackKeys | undefined)[] = [];
  #sdp: SdpSession | undefined;
  #publisher: Publisher | undefined;
  #connection: CameraConnection | undefined;
  #udp: UdpMedia | undefined;
  #cancelTick: (() => void) | undefined;
  #cancelFirst: (() => void) | undefined;
  #cancelExpire: (() => void) | undefined;
  #hasMedia = false;
  #nextReportMs = 0;
  #reports = 0;
  #foreignBefore = 0;
  /** When the batch under way began; 0 between two over UDP. */
  #nowMs = 0;
  #settle: ((error: WatchpostError | undefined) => void) | undefined;

  constructor(options: RtspSessionOptions, way: SessionWay, publish?: Publish) {
    const { source } = options;
    this.#options = options;
    this.#way = way;
    this.#publish = publish;
    this.#chunks = new SessionChunks(options.pool);
    const { replay } = way.address;
    this.#feed = replay && new ReplayFeed(options.context.clock, this);
    this.#client = new RtspClient(
      {
        url: way.address.url,
        userAgent: options.userAgent,
        ...{ answerTimeoutMs, readLatm: latmConfigOf, transport: way.transport },
        describeOnly: publish === undefined,
        wantTrack: (_track, index) => isWanted(this.description, index),
        allocate: (bytes) => this.#chunks.allocate(bytes),
        copy: copyBytes,
        keys: new ClientKeys({ crypto: srtpCrypto, wallMs: () => options.context.clock.wallMs() }),
        ...(replay && replayRequest(replay)),
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
      await this.#open(this.#way.address.url);
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      const failure = await ended;
      if (signal.aborted) throw toWatchpostError(signal.reason);
      if (failure !== undefined) throw failure;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#cancelTick?.();
      this.#cancelFirst?.();
      this.#cancelExpire?.();
      this.#feed?.close();
      this.#dropConnection();
      counters.sessions--;
    }
  }

  send(bytes: Uint8Array): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    connection.write(bytes);
    if (connection.unsentBytes > maxUnsentBytes) connection.destroy();
  }

  onTracks(tracks: readonly SdpTrack[], sdp: SdpSession): void {
    this.description = tracks;
    this.serverName = sdp.name?.trim() || undefined;
    this.#sdp = sdp;
    if (this.#publish === undefined) return;
    const wanted = tracks.filter((_track, index) => isWanted(tracks, index));
    if (wanted.length === 0) this.#fail(noUsableTrack(tracks, sdp, this.#options.source));
    else if (this.#way.transport === 'udp' && this.#way.hasNext && wanted.some(needsTcp))
      this.#fail(notOverUdp('its H.264 is not cut into packets (packetization-mode=0)'));
    else if (this.#way.transport !== 'tcp' && this.#way.address.tls && !wanted.every(isEncrypted))
      this.#fail(notOverUdp('its media are not encrypted (SRTP), as those of rtsps:// have to be'));
  }

  onKeys(trackIndex: number, keys: TrackKeys): void {
    this.#keys[trackIndex] = keys;
    if (this.#publisher !== undefined) this.#openInput(this.#publisher, trackIndex);
  }

  openPorts(trackIndex: number, answer: (ports: readonly [rtp: number, rtcp: number]) => void): void {
    const udp = this.#openUdp();
    if (udp !== undefined) udp.open(trackIndex).then(answer, (thrown) => this.#fail(thrown));
  }

  onTransport(trackIndex: number, spec: TransportSpec | undefined): void {
    if (this.#way.transport === 'udp') {
      this.#udp?.agree(trackIndex, spec);
      this.#udp?.punch();
      return;
    }
    const fallback = groupOf(this.#sdp, this.description[trackIndex]);
    this.#openUdp()
      ?.join(trackIndex, spec ?? noSpec, fallback)
      .catch((thrown) => this.#fail(thrown));
  }

  onPlaying(): void {
    if (this.#way.transport === 'tcp') {
      this.#hear();
      this.#begin();
    }
    if (this.#way.transport === 'udp') this.#udp?.punch();
    if (this.#hasMedia) return;
    const { clock } = this.#options.context;
    this.#cancelFirst = clock.after(firstPacketMs, () => this.#fail(udpSilent(this.#way.transport, firstPacketMs)));
  }

  onInterleaved(trackIndex: number, isRtcp: boolean, chunk: Uint8Array, start: number, end: number): void {
    // Some cameras send before they answer PLAY.
    if (this.#publisher === undefined) this.#begin();
    const input = this.#inputs[trackIndex];
    if (input === undefined) return;
    if (isRtcp) input.receiveRtcp(chunk, start, end, this.#nowMs);
    else input.receiveRtp(chunk, start, end, this.#nowMs);
  }

  /** A packet over UDP; like `onInterleaved`, but that nobody told the time. */
  onDatagram(trackIndex: number, isRtcp: boolean, chunk: Uint8Array, start: number, end: number): void {
    if (this.#nowMs === 0) this.#nowMs = this.#options.context.clock.monotonicMs();
    this.#options.counters.bytes += end - start;
    this.#client.countDatagram();
    // A report alone is no stream: the way for it may be open while that for the media is not.
    if (!isRtcp && !this.#hasMedia) this.#hear();
    this.onInterleaved(trackIndex, isRtcp, chunk, start, end);
  }

  onBatchEnd(): void {
    this.#nowMs = 0;
    this.#publisher?.flush();
    if (this.#cancelExpire === undefined && this.#inputs.some((input) => input?.waits))
      this.#cancelExpire = this.#options.context.clock.after(reorderMs, () => this.#expire());
  }

  /** Some bytes of a recording whose time has come. */
  onPiece(chunk: Uint8Array, start: number, end: number): void {
    this.#nowMs = this.#options.context.clock.monotonicMs();
    this.#client.receive(chunk, start, end);
  }

  /** All of a recording has come. */
  onOver(): void {
    this.#fail(replayOver());
  }

  /** A recording is ahead of its pace, or not any more. */
  onHold(holds: boolean): void {
    if (holds) this.#connection?.pause();
    else this.#connection?.resume();
  }

  onEnd(error?: WatchpostError): void {
    this.#settle?.(error);
  }

  onGarbage(bytes: number): void {
    this.#publisher?.count('garbage_bytes', bytes);
  }

  connect(url: string): void {
    this.#dropConnection();
    this.#open(url).catch((thrown) => this.#settle?.(toWatchpostError(thrown)));
  }

  #hear(): void {
    this.#hasMedia = true;
    this.#cancelFirst?.();
    this.#way.onMedia?.();
  }

  #fail(thrown: unknown): void {
    this.#settle?.(toWatchpostError(thrown));
    this.#client.teardown();
  }

  async #open(url: string): Promise<void> {
    const { context, rounds, source, userAgent } = this.#options;
    const { address } = this.#way;
    const to = parseSourceUrl(url);
    const isFirst = url === address.url;
    const target = {
      ...address,
      host: to.host || source.host,
      port: isFirst ? address.port : (to.port ?? address.port),
      tls: isFirst ? address.tls : to.scheme === 'rtsps',
      path: to.path,
      userAgent,
      ...(source.username !== undefined && {
        credentials: { username: source.username, password: source.password ?? '' },
      }),
    };
    let connection: CameraConnection | undefined;
    connection = await connectCamera(
      target,
      { ...context, rounds },
      {
        onRead: (bytes, buffer) => this.#receive(bytes, buffer),
        patienceMs: () => (this.#feed === undefined ? (this.#publisher?.patienceMs ?? 0) : 0),
        onClose: (cause) => {
          if (this.#connection === connection) this.#client.closed(cause);
        },
      },
    );
    this.#connection = connection;
    this.#tick();
    this.#client.start();
  }

  #receive(bytes: number, buffer: Uint8Array): void {
    this.#options.counters.bytes += bytes;
    if (this.#feed !== undefined) {
      this.#feed.push(bytes, buffer);
      return;
    }
    this.#nowMs = this.#options.context.clock.monotonicMs();
    this.#client.receive(buffer, 0, bytes);
    if (this.#udp === undefined) this.#publisher?.flush();
    else this.#nowMs = 0;
  }

  #openUdp(): UdpMedia | undefined {
    if (this.#udp !== undefined) return this.#udp;
    const { localAddress, remoteAddress } = this.#connection ?? {};
    if (localAddress === undefined || remoteAddress === undefined) {
      this.#fail(notOverUdp('the connection has no address of its own'));
      return undefined;
    }
    this.#udp = new UdpMedia({ ports: this.#options.ports, localAddress, remoteAddress }, this);
    return this.#udp;
  }

  #begin(): void {
    if (this.#publisher !== undefined || this.#publish === undefined) return;
    const isUnordered = this.#way.transport !== 'tcp';
    const wanted = this.description.filter((_track, index) => isWanted(this.description, index));
    // Packets that wait to be put in order would lie in chunks that the cache has given back.
    const publisher = this.#publish(
      wanted.map(({ track, format }) => ({ track: this.#feed ? { ...track, isPast: true } : track, format })),
      ...(isUnordered ? [] : [this.#chunks]),
    );
    this.#publisher = publisher;
    warnOfUnusable(this.description, this.#sdp, { ...this.#options, logger: this.#options.context.logger });
    for (const track of wanted) this.#openInput(publisher, this.description.indexOf(track));
  }

  #openInput(publisher: Publisher, trackIndex: number): void {
    const entry = this.description[trackIndex]!;
    const keys = this.#keys[trackIndex];
    const track = {
      index: this.description.slice(0, trackIndex).filter((_track, i) => isWanted(this.description, i)).length,
      ...{ isUnordered: this.#way.transport !== 'tcp', pace: this.#feed?.pace },
      ...{ clockRate: entry.track.clockRate, payloadType: entry.payloadType },
    };
    if (keys !== undefined) this.#inputs[trackIndex] = new SecureRtpInput(publisher, track, keys);
    // Encrypted packets that come before the camera has agreed on keys are of no use.
    else if (!isEncrypted(entry)) this.#inputs[trackIndex] = new RtpInput(publisher, track);
  }

  #expire(): void {
    this.#cancelExpire = undefined;
    const nowMs = this.#options.context.clock.monotonicMs();
    for (const input of this.#inputs) input?.expire(nowMs);
    this.onBatchEnd();
  }

  #tick(): void {
    const { clock } = this.#options.context;
    const nowMs = clock.monotonicMs();
    this.#cancelTick?.();
    this.#cancelTick = clock.after(tickEveryMs, () => this.#tick());
    this.#client.tick(nowMs);
    this.#tickUdp(nowMs);
    const failure = this.#inputs.find((input) => input?.failure !== undefined)?.failure;
    if (failure !== undefined) this.#fail(failure);
    // Cameras that drop what their socket does not take at once.
    if (this.#client.garbageBytes > 0 || this.#inputs.some((input) => input?.hasLost)) this.#connection?.stopResting();
    if (this.#publisher === undefined || nowMs < this.#nextReportMs) return;
    this.#nextReportMs = nowMs + reportEveryMs;
    for (const [index, input] of this.#inputs.entries()) {
      const report = input?.writeReceiverReport(nowMs);
      if (report === undefined) continue;
      if (this.#udp !== undefined) this.#udp.send(index, true, report);
      else this.#client.writeInterleaved(index, true, report);
    }
    if (this.#way.transport === 'udp' && ++this.#reports % punchEveryReports === 0) this.#udp?.punch();
  }

  #tickUdp(nowMs: number): void {
    if (this.#udp === undefined) return;
    this.#udp.tick();
    for (const input of this.#inputs) input?.expire(nowMs);
    const foreign = this.#udp.foreign - this.#foreignBefore;
    if (foreign > 0) this.#publisher?.count('foreign_packets', foreign);
    this.#foreignBefore = this.#udp.foreign;
  }

  #dropConnection(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#udp?.close();
    this.#udp = undefined;
    // What was written last (TEARDOWN) still goes out, to a camera that takes it.
    connection?.end();
  }
}

const noSpec: TransportSpec = { profile: 'RTP/AVP', lower: 'udp', secure: false, multicast: true };
