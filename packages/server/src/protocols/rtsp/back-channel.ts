import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import { rtpHeaderBytes, writeRtpHeader } from '@watchpost/media/rtp/packet.ts';
import { packetizeAac } from '@watchpost/media/rtp/packetize/aac.ts';
import { writeRtcp } from '@watchpost/media/rtp/rtcp.ts';
import { RtspClient, type RtspClientHandler } from '@watchpost/media/rtsp/client.ts';
import { ClientKeys, type TrackKeys } from '@watchpost/media/rtsp/client-keys.ts';
import { attributeOf, type SdpSession } from '@watchpost/media/sdp/sdp.ts';
import type { SdpTrack } from '@watchpost/media/sdp/tracks.ts';
import { SrtpSender } from '@watchpost/media/srtp/srtp-sender.ts';
import { msToNtp } from '@watchpost/media/time/ntp.ts';
import type { CodecName, Track } from '@watchpost/media/types.ts';
import type { TalkChannel } from '../../hub/types.ts';
import { connectCamera } from './camera-connection.ts';
import type { RtspSessionOptions } from './camera-session.ts';
import type { CameraConnection } from './camera-socket.ts';
import { readSource } from './source-options.ts';
import { srtpCrypto } from './srtp-crypto.ts';

const feature = 'www.onvif.org/ver20/backchannel';
const tickEveryMs = 1000;
const reportEveryMs = 5000;
const answerTimeoutMs = 10_000;
const maxUnsentBytes = 64 * 1024;
const maxPayloadBytes = 1400;

/**
 * Opens the audio back channel of a camera (ONVIF Streaming Specification §5.3) in a session of its own: the pictures
 * go on whatever becomes of it, and cameras that ring or click when it is opened (doorbells) do so only when somebody
 * speaks.
 */
export async function openBackChannel(
  options: Pick<RtspSessionOptions, 'source' | 'context' | 'userAgent'>,
  codecs: readonly CodecName[],
): Promise<TalkChannel> {
  const channel = new BackChannel(options, codecs);
  await channel.open();
  return channel;
}

class BackChannel implements RtspClientHandler, TalkChannel {
  readonly ended: Promise<WatchpostError | undefined>;
  readonly #options: Pick<RtspSessionOptions, 'source' | 'context' | 'userAgent'>;
  readonly #codecs: readonly CodecName[];
  readonly #client: RtspClient;
  #ssrc = (Math.random() * 0xffff_ffff) >>> 0;
  /** Where the camera wants to be spoken to in SRTP. */
  #sender: SrtpSender | undefined;
  readonly #opened = Promise.withResolvers<void>();
  readonly #end: (reason: WatchpostError | undefined) => void;
  #isOver = false;
  #index = -1;
  #takesPictures = false;
  #chosen: SdpTrack | undefined;
  #connection: CameraConnection | undefined;
  #cancelTick: (() => void) | undefined;
  #sequence = (Math.random() * 0x1_0000) & 0xffff;
  /** So that time begins anywhere (RFC 3550 §5.1). */
  readonly #offset = (Math.random() * 0xffff_ffff) >>> 0;
  #packets = 0;
  #bytes = 0;
  #last = { timestamp: 0, wallMs: 0 };
  #nextReportMs = 0;

  constructor(options: Pick<RtspSessionOptions, 'source' | 'context' | 'userAgent'>, codecs: readonly CodecName[]) {
    this.#options = options;
    this.#codecs = codecs;
    const { promise, resolve } = Promise.withResolvers<WatchpostError | undefined>();
    this.ended = promise;
    this.#end = resolve;
    const { source } = options;
    this.#client = new RtspClient(
      {
        url: readSource(source).url,
        ...{ userAgent: options.userAgent, answerTimeoutMs },
        require: { feature, methods: ['DESCRIBE', 'SETUP', 'PLAY', 'TEARDOWN'] },
        wantTrack: (entry, index) => index === this.#index || (this.#takesPictures && !entry.backChannel),
        // No range, as in the example of the specification: GStreamer's server would seek, which fails for what it hears.
        playHeaders: [],
        keys: new ClientKeys({ crypto: srtpCrypto, wallMs: () => options.context.clock.wallMs() }),
        ...(source.username !== undefined && {
          credentials: { username: source.username, password: source.password ?? '' },
        }),
      },
      this,
    );
  }

  get track(): Track {
    return this.#chosen!.track;
  }

  /** Resolves once the camera plays what is sent. */
  async open(): Promise<void> {
    const { signal } = this.#options.context;
    const onAbort = () => this.close();
    signal.addEventListener('abort', onAbort, { once: true });
    void this.ended.then((reason) => {
      signal.removeEventListener('abort', onAbort);
      this.#opened.reject(reason ?? toWatchpostError(signal.reason));
    });
    // Whoever opens is told by the promise that is awaited here.
    this.#opened.promise.catch(() => {});
    try {
      if (signal.aborted) throw signal.reason;
      await this.#connect();
    } catch (thrown) {
      this.#finish(toWatchpostError(thrown));
    }
    await this.#opened.promise;
  }

  write(frame: Uint8Array, timestamp: number, begins: boolean): void {
    const chosen = this.#chosen;
    const connection = this.#connection;
    // A camera that does not take it misses some: sound that is late is worth nothing.
    if (chosen === undefined || connection === undefined || connection.unsentBytes > maxUnsentBytes) return;
    const payloads = chosen.track.codec === 'aac' ? packetizeAac([frame], maxPayloadBytes) : [frame];
    const at = (timestamp + this.#offset) >>> 0;
    for (const payload of payloads) {
      const packet = new Uint8Array(rtpHeaderBytes + payload.length);
      const { payloadType } = chosen;
      const marker = chosen.track.codec === 'aac' || begins;
      writeRtpHeader(packet, 0, { payloadType, marker, sequence: this.#sequence, timestamp: at, ssrc: this.#ssrc });
      packet.set(payload, rtpHeaderBytes);
      this.#sequence = (this.#sequence + 1) & 0xffff;
      this.#packets++;
      this.#bytes += payload.length;
      this.#client.writeInterleaved(this.#index, false, this.#sender?.sealRtp(packet) ?? packet);
    }
    this.#last = { timestamp: at, wallMs: this.#options.context.clock.wallMs() };
  }

  close(): void {
    this.#client.teardown();
    this.#finish(undefined);
  }

  send(bytes: Uint8Array): void {
    this.#connection?.write(bytes);
  }

  onTracks(tracks: readonly SdpTrack[], sdp: SdpSession): void {
    // It stops, at times before it has heard anything, where nobody takes its pictures ("not-linked").
    this.#takesPictures = attributeOf(sdp, 'tool') === 'GStreamer';
    for (const codec of this.#codecs) {
      this.#index = tracks.findIndex((entry) => entry.backChannel && entry.track.codec === codec);
      if (this.#index >= 0) break;
    }
    this.#chosen = tracks[this.#index];
    if (this.#chosen !== undefined) return;
    const offered = tracks.filter(({ backChannel }) => backChannel).map(({ rtpmapName }) => rtpmapName);
    this.#finish(unsupported(offered, this.#codecs));
    this.#client.teardown();
  }

  onKeys(trackIndex: number, { send, ssrc }: TrackKeys): void {
    if (trackIndex !== this.#index) return;
    this.#sender = new SrtpSender(srtpCrypto, send);
    this.#ssrc = ssrc;
  }

  onPlaying(): void {
    this.#opened.resolve();
  }

  onInterleaved(): void {}

  onEnd(error?: WatchpostError): void {
    this.#finish(error?.code === 'RTSP_OPTION_NOT_SUPPORTED' ? unsupported([], this.#codecs) : error);
  }

  connect(): void {
    this.#finish(
      new WatchpostError('the camera redirects whoever speaks — use the address that it redirects to', {
        kind: 'unavailable',
        code: 'TALK_REDIRECTED',
      }),
    );
  }

  async #connect(): Promise<void> {
    const { context, source, userAgent } = this.#options;
    const address = readSource(source);
    const credentials = source.username !== undefined && {
      credentials: { username: source.username, password: source.password ?? '' },
    };
    const path = source.path.replace(/#.*$/s, '');
    this.#connection = await connectCamera({ ...address, path, userAgent, ...credentials }, context, {
      onRead: (bytes, buffer) => this.#client.receive(buffer, 0, bytes),
      onClose: (cause) => this.#client.closed(cause),
    });
    if (this.#isOver) {
      this.#connection.end();
      return;
    }
    this.#tick();
    this.#client.start();
  }

  #tick(): void {
    const { clock } = this.#options.context;
    const nowMs = clock.monotonicMs();
    this.#cancelTick = clock.after(tickEveryMs, () => this.#tick());
    this.#client.tick(nowMs);
    if (this.#packets === 0 || nowMs < this.#nextReportMs) return;
    this.#nextReportMs = nowMs + reportEveryMs;
    const ntp = msToNtp(this.#last.wallMs);
    const report = writeRtcp([
      {
        ...{ type: 'sr', ssrc: this.#ssrc, ntpSeconds: ntp.seconds, ntpFraction: ntp.fraction },
        ...{ rtpTimestamp: this.#last.timestamp, packetCount: this.#packets, octetCount: this.#bytes, reports: [] },
      },
      { type: 'sdes', ssrc: this.#ssrc, cname: 'watchpost' },
    ]);
    this.#client.writeInterleaved(this.#index, true, this.#sender?.sealRtcp(report) ?? report);
  }

  #finish(reason: WatchpostError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelTick?.();
    this.#end(reason);
    this.#connection?.end();
  }
}

function unsupported(offered: readonly string[], wanted: readonly CodecName[]): WatchpostError {
  const what =
    offered.length === 0
      ? 'the camera has no audio back channel — switch its audio output on, if it has a loudspeaker'
      : `the camera takes ${offered.join(', ')}, not ${wanted.join(' or ')} — change the codec of its audio output`;
  return new WatchpostError(what, { kind: 'unsupported', code: 'TALK_UNSUPPORTED' });
}
