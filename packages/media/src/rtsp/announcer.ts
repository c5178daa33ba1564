import { type ErrorKind, WatchpostError } from '@watchpost/base/errors.ts';
import type { SdpSession } from '../sdp/sdp.ts';
import { writeSdp } from '../sdp/write.ts';
import { ClientRequests, type PendingRequest } from './client-requests.ts';
import type { Credentials } from './digest.ts';
import { RtspFramer } from './framing.ts';
import { headerOf, type RtspHeaders, type RtspResponse, sessionOf } from './message.ts';
import { parseTransport } from './transport.ts';

const answerTimeoutMs = 10_000;
const usualTimeoutMs = 60_000;
const marginMs = 5000;

/** What an `RtspAnnouncer` is made of. */
export interface AnnouncerOptions {
  /** Address without credentials. */
  readonly url: string;
  readonly userAgent: string;
  readonly credentials?: Credentials;
  /** What will be sent: medium N has `a=control:trackID=N`. */
  readonly sdp: SdpSession;
}

/** What an `RtspAnnouncer` calls. */
export interface AnnouncerHandler {
  send(bytes: Uint8Array): void;
  /** The server takes it: medium N goes over the channels 2N (RTP) and 2N+1 (RTCP). */
  onRecording(): void;
  /** Over; no error means that it was asked for. */
  onEnd(error?: WatchpostError): void;
}

type Step = 'options' | 'announce' | 'setup' | 'record' | 'recording' | 'teardown' | 'ended';

/** The client's side of sending a stream to a server, over TCP (RFC 2326 §10.3, §10.11), without I/O. */
export class RtspAnnouncer {
  readonly #options: AnnouncerOptions;
  readonly #handler: AnnouncerHandler;
  readonly #framer: RtspFramer;
  readonly #requests: ClientRequests;
  #step: Step = 'options';
  #setUp = 0;
  #nowMs = 0;
  #deadlineMs: number | undefined;
  #nextKeepAliveMs = 0;
  #keepAliveMs = usualTimeoutMs - marginMs;
  #hasGetParameter = false;

  constructor(options: AnnouncerOptions, handler: AnnouncerHandler) {
    const { userAgent, credentials } = options;
    this.#options = options;
    this.#handler = handler;
    this.#requests = new ClientRequests({ userAgent, credentials, send: (bytes) => handler.send(bytes) });
    this.#framer = new RtspFramer({
      // Receiver reports: how well it arrives is seen by how fast the connection takes it.
      onInterleaved: () => {},
      onRequest: () => {},
      onResponse: (response) => this.#onResponse(response),
      onGarbage: () => {},
    });
  }

  /** Begins; the connection stands. */
  start(): void {
    this.#request('options', 'OPTIONS', this.#options.url);
  }

  /** Takes `chunk[start…end)` from the connection; the caller may overwrite it afterwards. */
  receive(chunk: Uint8Array, start: number, end: number): void {
    try {
      this.#framer.receive(chunk, start, end);
    } catch (thrown) {
      if (!(thrown instanceof WatchpostError)) throw thrown;
      this.#end(thrown);
    }
  }

  /** Tells the time, monotonic, every second or so. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    const { main } = this.#requests;
    if (main !== undefined) {
      this.#deadlineMs ??= nowMs + answerTimeoutMs;
      if (nowMs >= this.#deadlineMs)
        this.#fail('timeout', 'RTSP_NO_ANSWER', `the target does not answer ${main.method}`);
      return;
    }
    if (this.#step !== 'recording' || nowMs < this.#nextKeepAliveMs) return;
    this.#nextKeepAliveMs = nowMs + this.#keepAliveMs;
    const method = this.#hasGetParameter ? 'GET_PARAMETER' : 'OPTIONS';
    this.#requests.write({ method, url: this.#options.url, headers: [], main: false, authAttempts: 0 });
  }

  /** Says goodbye; nobody waits for the answer. */
  teardown(): void {
    if (this.#requests.session !== undefined) this.#request('teardown', 'TEARDOWN', this.#options.url);
    this.#end();
  }

  #onResponse(response: RtspResponse): undefined {
    const request = this.#requests.take(response);
    if (request === undefined || this.#step === 'ended') return;
    const { status } = response;
    if (status < 200) return;
    if (!request.main) {
      // A server that has lost the session says so to the keep-alive.
      if (status === 454) this.#refused(response, request);
      return;
    }
    this.#deadlineMs = undefined;
    if (status === 401) return this.#authenticate(response, request);
    // Some servers do not know OPTIONS, or not before a login.
    if (status >= 300 && this.#step !== 'options') return this.#refused(response, request);
    this.#next(response);
  }

  #next(response: RtspResponse): undefined {
    const { url, sdp } = this.#options;
    if (this.#step === 'options') {
      this.#hasGetParameter = /\bGET_PARAMETER\b/.test(headerOf(response, 'Public') ?? '');
      const headers = [['Content-Type', 'application/sdp']] as const;
      return this.#request('announce', 'ANNOUNCE', url, { headers, body: new TextEncoder().encode(writeSdp(sdp)) });
    }
    this.#readSession(response);
    if (this.#step === 'announce') return this.#setUpNext();
    if (this.#step === 'setup') {
      const [rtp, rtcp] = this.#channels(this.#setUp);
      const spec = parseTransport(headerOf(response, 'Transport') ?? '')[0];
      if (spec?.interleaved !== undefined && (spec.interleaved[0] !== rtp || spec.interleaved[1] !== rtcp))
        return this.#fail('unsupported', 'RTSP_CHANNELS', 'the target wants the packets on other channels');
      this.#framer.setChannel(rtcp, 'rtcp');
      if (++this.#setUp < sdp.media.length) return this.#setUpNext();
      return this.#request('record', 'RECORD', url, { headers: [['Range', 'npt=0.000-']] });
    }
    if (this.#step !== 'record') return;
    this.#step = 'recording';
    this.#nextKeepAliveMs = this.#nowMs + this.#keepAliveMs;
    this.#handler.onRecording();
  }

  #setUpNext(): undefined {
    const [path = '', query] = this.#options.url.split('?');
    const control = `${path.replace(/\/+$/, '')}/trackID=${this.#setUp}${query === undefined ? '' : `?${query}`}`;
    const transport = `RTP/AVP/TCP;unicast;interleaved=${this.#channels(this.#setUp).join('-')};mode=record`;
    this.#request('setup', 'SETUP', control, { headers: [['Transport', transport]] });
  }

  #channels(index: number): readonly [rtp: number, rtcp: number] {
    return [2 * index, 2 * index + 1];
  }

  #readSession(response: RtspResponse): void {
    const session = sessionOf(response);
    if (session === undefined) return;
    this.#requests.session = session.id;
    if (session.timeoutMs !== undefined) this.#keepAliveMs = Math.max(1000, session.timeoutMs - marginMs);
  }

  #authenticate(response: RtspResponse, request: PendingRequest): undefined {
    const result = this.#requests.retry(response, request);
    if (result === 'sent') return;
    const why =
      result === 'no_credentials'
        ? 'the target wants a login — write rtsp://USER:PASSWORD@HOST/…'
        : result === 'no_scheme'
          ? 'the target wants a way of logging in that is not supported'
          : 'the target refused the user name or password';
    this.#fail('unauthenticated', 'PUSH_UNAUTHENTICATED', why);
  }

  #refused({ status, reason }: RtspResponse, { method }: PendingRequest): undefined {
    const kind: ErrorKind =
      status === 403 ? 'forbidden' : status === 404 ? 'not_found' : status >= 500 ? 'unavailable' : 'unsupported';
    this.#fail(kind, `RTSP_STATUS_${status}`, `the target answered ${method} with ${status} ${reason}`);
  }

  #request(
    step: Step,
    method: string,
    url: string,
    more: { headers?: RtspHeaders; body?: Uint8Array } = {},
  ): undefined {
    this.#step = step;
    this.#requests.write({
      ...{ method, url, headers: more.headers ?? [], main: true, authAttempts: 0 },
      ...(more.body && { body: more.body }),
    });
  }

  #fail(kind: ErrorKind, code: string, message: string): undefined {
    this.#end(new WatchpostError(message, { kind, code, context: { url: this.#options.url } }));
  }

  #end(error?: WatchpostError): undefined {
    if (this.#step === 'ended') return;
    this.#step = 'ended';
    this.#framer.close();
    this.#handler.onEnd(error);
  }
}
