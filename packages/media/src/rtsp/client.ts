import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import { type SdpTrack, tracksFromSdp } from '../sdp/tracks.ts';
import { joinControl, resolveBaseUrl } from './base-url.ts';
import { answerServer } from './client-answer.ts';
import { descriptionOf, noTracksError } from './client-description.ts';
import { connectionClosedError, noAnswerError, statusError, unauthenticatedError } from './client-errors.ts';
import type { ClientKeys } from './client-keys.ts';
import { redirectLoopError, redirectTarget } from './client-redirect.ts';
import { ClientRequests, type PendingRequest } from './client-requests.ts';
import { channelsError, isEncrypted, otherTransportError, writeSetupTransport } from './client-setup.ts';
import {
  type ClientAction,
  type ClientEvent,
  type ClientRule,
  type ClientState,
  clientTable,
  eventOf,
} from './client-states.ts';
import type { RtspClientHandler, RtspClientOptions } from './client-types.ts';
import { RtspFramer, writeInterleavedFrame } from './framing.ts';
import { headerOf, headersOf, type RtspHeaders, type RtspResponse, sessionOf } from './message.ts';
import { parseRtpInfo, type RtpInfo } from './rtp-info.ts';
import { parseTransport } from './transport.ts';

export type { PlayingInfo, RtspClientHandler, RtspClientOptions } from './client-types.ts';

const maxRedirects = 5;
const teardownTimeoutMs = 2000;
const defaultKeepAliveMs = 30_000;
const noTrack = -1;

/** An RTSP client without I/O (RFC 2326): it is told what arrives and what time it is. `SPEC.md` has its rules. */
export class RtspClient {
  readonly #options: RtspClientOptions;
  readonly #handler: RtspClientHandler;
  #state: ClientState = 'idle';
  #rule: ClientRule = clientTable.idle.start;
  #framer: RtspFramer;
  readonly #requests: ClientRequests;
  #url: string;
  #baseUrl: string;
  #hasGetParameter = false;
  #tracks: readonly SdpTrack[] = [];
  #wanted: number[] = [];
  #setUp = 0;
  /** Channels or ports of the last SETUP. */
  #place: readonly [rtp: number, rtcp: number] | undefined;
  readonly #keys: ClientKeys | undefined;
  /** For each channel: track index × 2, plus 1 for RTCP. */
  #channels = new Int16Array(256).fill(noTrack);
  #rtpChannelOf: number[] = [];
  #keepAliveMs = defaultKeepAliveMs;
  #redirects = 0;
  #nowMs: number | undefined;
  #deadlineMs: number | undefined;
  #nextKeepAliveMs: number | undefined;
  #bytes = 0;
  #rateAtMs: number | undefined;
  #packets = 0;

  constructor(options: RtspClientOptions, handler: RtspClientHandler) {
    this.#options = options;
    this.#handler = handler;
    this.#url = options.url;
    this.#baseUrl = options.url;
    this.#keys = options.keys;
    this.#requests = new ClientRequests({
      userAgent: options.userAgent,
      credentials: options.credentials,
      send: (bytes) => handler.send(bytes),
    });
    this.#framer = this.#newFramer();
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Bytes passed over because they were neither packet nor message. */
  get garbageBytes(): number {
    return this.#framer.garbageBytes;
  }

  /** Begins, once the connection stands. */
  start(): void {
    this.#on('start');
  }

  /** Takes `chunk[start…end)` from the connection; the caller may overwrite it afterwards. */
  receive(chunk: Uint8Array, start: number, end: number): void {
    this.#bytes += end - start;
    try {
      this.#framer.receive(chunk, start, end);
    } catch (thrown) {
      if (!(thrown instanceof WatchpostError)) throw thrown;
      this.#end(thrown);
    }
  }

  /** Tells the time, monotonic, every second or so: timeouts and keep-alives hang on it. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#state === 'idle' || this.#state === 'ended') return;
    if (this.#rateAtMs === undefined || nowMs - this.#rateAtMs >= 1000) {
      if (this.#rateAtMs !== undefined) this.#framer.adapt((this.#bytes * 1000) / (nowMs - this.#rateAtMs));
      this.#rateAtMs = nowMs;
      this.#bytes = 0;
    }
    if (this.#state === 'playing') {
      this.#nextKeepAliveMs ??= nowMs + this.#keepAliveMs;
      if (nowMs >= this.#nextKeepAliveMs) this.#keepAlive(nowMs);
      return;
    }
    this.#deadlineMs ??= nowMs + this.#limitMs();
    if (nowMs >= this.#deadlineMs) this.#on('timeout');
  }

  /** Ends the session politely; `onEnd` follows. */
  teardown(): void {
    this.#on('teardown');
  }

  /** The connection is gone; `onEnd` follows unless it was. */
  closed(cause?: unknown): void {
    this.#on('closed', undefined, cause);
  }

  /** A packet came over UDP: a camera that sends without having answered PLAY plays. */
  countDatagram(): void {
    this.#packets += 1;
  }

  /** Sends an RTP or RTCP packet (receiver reports, back channel) on the channel of a track that is set up. */
  writeInterleaved(trackIndex: number, isRtcp: boolean, packet: Uint8Array): void {
    const channel = this.#rtpChannelOf[trackIndex];
    if (channel === undefined || packet.length > 0xffff || (this.#state !== 'playing' && this.#state !== 'play'))
      return;
    this.#handler.send(writeInterleavedFrame(isRtcp ? channel >> 8 : channel & 255, packet));
  }

  #newFramer(): RtspFramer {
    return new RtspFramer(
      {
        onInterleaved: (channel, chunk, start, end) => {
          const track = this.#channels[channel]!;
          if (track === noTrack) return;
          this.#packets += 1;
          this.#handler.onInterleaved(track >> 1, (track & 1) === 1, chunk, start, end);
        },
        onRequest: (request) => this.#handler.send(answerServer(request)),
        onResponse: (response) => this.#onResponse(response),
        onGarbage: (bytes) => this.#handler.onGarbage?.(bytes),
      },
      this.#options,
    );
  }

  #on(event: ClientEvent, reply?: { response: RtspResponse; request: PendingRequest }, cause?: unknown): void {
    this.#rule = clientTable[this.#state][event];
    this.#act(this.#rule.action, reply, cause);
  }

  /** Before any handler is called: it may end the session or start it anew. */
  #enter(state: ClientState): void {
    if (!this.#rule.to.includes(state)) throw new Error(`rule ${this.#rule.id} does not lead to ${state}`);
    this.#state = state;
    this.#deadlineMs = this.#nowMs === undefined ? undefined : this.#nowMs + this.#limitMs();
  }

  #limitMs(): number {
    return this.#state === 'teardown' ? teardownTimeoutMs : (this.#options.answerTimeoutMs ?? 10_000);
  }

  #act(
    action: ClientAction,
    reply: { response: RtspResponse; request: PendingRequest } | undefined,
    cause: unknown,
  ): undefined {
    if (action === 'ignore') return;
    if (action === 'sendOptions') return this.#request('OPTIONS', this.#url, 'options');
    if (action === 'skipOptions') return this.#describe();
    if (action === 'sendTeardown') return this.#sendTeardown();
    if (action === 'finish') return this.#end();
    if (action === 'failTimeout') return this.#endTimeout();
    if (action === 'failClosed') return this.#endClosed(cause);
    if (action === 'playUnanswered') {
      // Some cameras begin to send and never answer PLAY.
      return this.#packets > 0 ? this.#play([], undefined) : this.#endTimeout();
    }
    if (!reply) return;
    const { response, request } = reply;
    if (action === 'readOptions') {
      this.#hasGetParameter = headersOf(response, 'Public').join(',').toUpperCase().includes('GET_PARAMETER');
      return this.#describe();
    }
    if (action === 'readDescription') return this.#readDescription(response, request);
    if (action === 'readSetup') return this.#readSetup(response, request);
    if (action === 'retrySetup') return this.#retrySetup(response, request);
    if (action === 'readPlay') return this.#play(parseRtpInfo(headersOf(response, 'RTP-Info')), response);
    if (action === 'authenticate') return this.#authenticate(response, request);
    if (action === 'redirect') return this.#redirect(response, request);
    if (action === 'fail') return this.#end(statusError(response, request));
    if (action === 'keepAliveFailed') return this.#keepAliveFailed(response, request);
  }

  #onResponse(response: RtspResponse): void {
    if (response.status < 200) return;
    const request = this.#requests.take(response);
    if (!request || (!request.main && this.#state !== 'playing')) return;
    this.#on(eventOf(response.status), { response, request });
  }

  #describe(): undefined {
    return this.#request('DESCRIBE', this.#url, 'describe', [['Accept', 'application/sdp']]);
  }

  #readDescription(response: RtspResponse, request: PendingRequest): undefined {
    const sdp = descriptionOf(response, request);
    this.#baseUrl = resolveBaseUrl({
      requestUrl: this.#url,
      sessionControl: sdp.control,
      contentBase: headerOf(response, 'Content-Base'),
      contentLocation: headerOf(response, 'Content-Location'),
    });
    this.#tracks = tracksFromSdp(sdp, this.#options.readLatm);
    this.#handler.onTracks(this.#tracks, sdp);
    // The handler may have ended the session.
    if (this.#state === 'ended') return;
    if (this.#options.describeOnly) return this.#end();
    const want = this.#options.wantTrack ?? ((track: SdpTrack) => !track.backChannel);
    this.#wanted = this.#tracks.flatMap((track, i) =>
      (this.#keys || !isEncrypted(track)) && want(track, i) ? [i] : [],
    );
    if (this.#wanted.length > 0) return this.#setup();
    return this.#end(noTracksError(this.#tracks, request));
  }

  #setup(): undefined {
    this.#enter('setup');
    const index = this.#wanted[this.#setUp]!;
    const { transport = 'tcp' } = this.#options;
    if (transport === 'tcp') return this.#sendSetup(index, [this.#setUp * 2, this.#setUp * 2 + 1]);
    if (transport === 'multicast') return this.#sendSetup(index, undefined);
    const framer = this.#framer;
    this.#handler.openPorts?.(index, (ports) => {
      // The session may have ended meanwhile, or begun anew.
      if (this.#state === 'setup' && this.#framer === framer) this.#sendSetup(index, ports);
    });
  }

  #sendSetup(index: number, place: readonly [number, number] | undefined): undefined {
    const track = this.#tracks[index]!;
    const transport = writeSetupTransport(track, this.#options.transport ?? 'tcp', place);
    const url = joinControl(this.#baseUrl, track.control);
    this.#place = place;
    try {
      const keys = isEncrypted(track) ? this.#keys!.setupHeaders(index, track, url) : [];
      return this.#write('SETUP', url, [['Transport', transport], ...keys]);
    } catch (thrown) {
      // Ports come whenever they come: there may be no `receive` around this.
      return this.#end(toWatchpostError(thrown));
    }
  }

  #retrySetup(response: RtspResponse, request: PendingRequest): undefined {
    if (!this.#keys?.refuse(response)) return this.#end(statusError(response, request));
    this.#enter('setup');
    return this.#sendSetup(this.#wanted[this.#setUp]!, this.#place);
  }

  #readSetup(response: RtspResponse, request: PendingRequest): undefined {
    const { transport = 'tcp' } = this.#options;
    const spec = parseTransport(headerOf(response, 'Transport') ?? '')[0];
    const refusal = otherTransportError(transport, spec, request);
    if (refusal) return this.#end(refusal);
    const index = this.#wanted[this.#setUp]!;
    if (transport === 'tcp') {
      const channels = spec?.interleaved ?? ([this.#setUp * 2, this.#setUp * 2 + 1] as const);
      if (!this.#takeChannels(index, channels)) return this.#end(channelsError(channels, request));
    } else this.#handler.onTransport?.(index, spec);
    this.#readSession(response);
    if (isEncrypted(this.#tracks[index]!)) this.#handler.onKeys?.(index, this.#keys!.agree(index, response));
    // The handler may have ended the session.
    if (this.#state !== 'setup') return;
    this.#setUp += 1;
    if (this.#setUp < this.#wanted.length) return this.#setup();
    const { playHeaders = [['Range', 'npt=0.000-']] } = this.#options;
    return this.#request('PLAY', this.#baseUrl, 'play', playHeaders);
  }

  #takeChannels(index: number, [rtp, rtcp]: readonly [number, number]): boolean {
    if (rtcp !== rtp + 1 || this.#channels[rtp] !== noTrack || this.#channels[rtcp] !== noTrack) return false;
    this.#channels[rtp] = index * 2;
    this.#channels[rtcp] = index * 2 + 1;
    this.#rtpChannelOf[index] = rtp | (rtcp << 8);
    this.#framer.setChannel(rtp, 'rtp');
    this.#framer.setChannel(rtcp, 'rtcp');
    return true;
  }

  #readSession(response: RtspResponse): void {
    const session = sessionOf(response);
    if (!session) return;
    this.#requests.session = session.id;
    // FLIR/Siqura: 20 s, so a fixed 30 s is too late.
    if (session.timeoutMs !== undefined) this.#keepAliveMs = Math.max(session.timeoutMs - 5000, 1000);
  }

  #play(rtpInfo: readonly RtpInfo[], response: RtspResponse | undefined): undefined {
    if (response) this.#readSession(response);
    this.#nextKeepAliveMs = this.#nowMs === undefined ? undefined : this.#nowMs + this.#keepAliveMs;
    this.#enter('playing');
    this.#handler.onPlaying({
      baseUrl: this.#baseUrl,
      ...(this.#requests.session === undefined ? {} : { sessionId: this.#requests.session }),
      keepAliveMs: this.#keepAliveMs,
      trackIndices: this.#wanted,
      rtpInfo,
    });
  }

  #keepAlive(nowMs: number): void {
    this.#nextKeepAliveMs = nowMs + this.#keepAliveMs;
    // To the base URL: some cameras answer nowhere else. Nobody waits for the answer: some never give one.
    this.#requests.write({
      method: this.#hasGetParameter ? 'GET_PARAMETER' : 'OPTIONS',
      url: this.#baseUrl,
      headers: [],
      main: false,
      authAttempts: 0,
    });
  }

  #keepAliveFailed(response: RtspResponse, request: PendingRequest): undefined {
    if (response.status === 454) return this.#end(statusError(response, request));
    if (request.method === 'GET_PARAMETER') this.#hasGetParameter = false;
  }

  #authenticate(response: RtspResponse, request: PendingRequest): undefined {
    const result = this.#requests.retry(response, request);
    if (result !== 'sent') return this.#end(unauthenticatedError(result, request));
    this.#deadlineMs = undefined;
  }

  #redirect(response: RtspResponse, request: PendingRequest): undefined {
    const target = redirectTarget(this.#url, headerOf(response, 'Location')?.trim() ?? '', request);
    if (typeof target !== 'string') return this.#end(target);
    this.#redirects += 1;
    if (this.#redirects > maxRedirects) return this.#end(redirectLoopError(maxRedirects, request));
    this.#reset(target);
    this.#enter('idle');
    this.#handler.connect(target);
  }

  #reset(url: string): void {
    this.#framer.close();
    this.#framer = this.#newFramer();
    this.#requests.reset();
    this.#keys?.reset();
    this.#url = url;
    this.#baseUrl = url;
    this.#channels.fill(noTrack);
    this.#rtpChannelOf = [];
    this.#setUp = 0;
    this.#deadlineMs = undefined;
  }

  #sendTeardown(): undefined {
    if (this.#requests.session === undefined) return this.#end();
    return this.#request('TEARDOWN', this.#baseUrl, 'teardown');
  }

  #endTimeout(): undefined {
    return this.#end(noAnswerError(this.#requests.main));
  }

  #endClosed(cause: unknown): undefined {
    const request = { method: this.#requests.main?.method ?? this.#state, url: this.#url };
    return this.#end(connectionClosedError(request, this.#state === 'playing', cause));
  }

  #end(error?: WatchpostError): undefined {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#framer.close();
    this.#handler.onEnd(error);
  }

  #request(method: string, url: string, state: ClientState, headers: RtspHeaders = []): undefined {
    this.#enter(state);
    this.#write(method, url, headers);
  }

  #write(method: string, url: string, headers: RtspHeaders): undefined {
    const { require } = this.#options;
    const all = require?.methods.includes(method) ? [...headers, ['Require', require.feature] as const] : headers;
    this.#requests.write({ method, url, headers: all, main: true, authAttempts: 0 });
  }
}
