import { WatchpostError } from '@watchpost/base/errors.ts';
import { redactUrl } from '@watchpost/base/source-url.ts';
import type { SdpSession } from '../sdp/sdp.ts';
import { writeSdp } from '../sdp/write.ts';
import { answerServer } from './client-answer.ts';
import { ClientRequests, type PendingRequest } from './client-requests.ts';
import type { Credentials } from './digest.ts';
import { RtspFramer } from './framing.ts';
import { headerOf, type RtspHeaders, type RtspResponse, sessionOf } from './message.ts';

/** What an `RtspPublishClient` is made of. */
export interface RtspPublishOptions {
  /** Address without credentials: `rtsp://192.0.2.1:8554/live/gate`. */
  readonly url: string;
  readonly credentials?: Credentials;
  readonly userAgent: string;
  /** What will be sent: medium N is sent on the channels 2N and 2N+1, and must have `a=control:trackID=N`. */
  readonly sdp: SdpSession;
}

/** What an `RtspPublishClient` calls. */
export interface RtspPublishHandler {
  send(bytes: Uint8Array): void;
  /** Packets may follow. */
  onRecording(): void;
  /** The session is over; no error means that it was asked for. */
  onEnd(error?: WatchpostError): void;
}

/** Where an `RtspPublishClient` is. */
export type PublishState = 'idle' | 'options' | 'announce' | 'setup' | 'record' | 'recording' | 'ended';

const answerTimeoutMs = 10_000;
const keepAliveMs = 25_000;

/** Publishes over one connection (RFC 2326 §10.3 ANNOUNCE, §10.11 RECORD, interleaved §10.12), without I/O. */
export class RtspPublishClient {
  readonly #options: RtspPublishOptions;
  readonly #handler: RtspPublishHandler;
  readonly #requests: ClientRequests;
  readonly #framer: RtspFramer;
  #state: PublishState = 'idle';
  #setUp = 0;
  #deadlineMs: number | undefined;
  #keepAliveAtMs = 0;

  constructor(options: RtspPublishOptions, handler: RtspPublishHandler) {
    this.#options = options;
    this.#handler = handler;
    this.#requests = new ClientRequests({
      userAgent: options.userAgent,
      credentials: options.credentials,
      send: (bytes) => handler.send(bytes),
    });
    this.#framer = new RtspFramer({
      // Receiver reports of the server.
      onInterleaved: () => {},
      onRequest: (request) => handler.send(answerServer(request)),
      onResponse: (response) => this.#onResponse(response),
      onGarbage: () => {},
    });
  }

  get state(): PublishState {
    return this.#state;
  }

  /** Begins, once the connection stands. */
  start(): void {
    if (this.#state === 'idle') this.#ask('options', 'OPTIONS');
  }

  /** Takes `chunk[start…end)` from the connection. */
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
    if (this.#state === 'idle' || this.#state === 'ended') return;
    if (this.#state === 'recording') {
      if (nowMs >= this.#keepAliveAtMs) {
        if (this.#keepAliveAtMs > 0) this.#write('OPTIONS', { main: false });
        this.#keepAliveAtMs = nowMs + keepAliveMs;
      }
      return;
    }
    this.#deadlineMs ??= nowMs + answerTimeoutMs;
    if (nowMs >= this.#deadlineMs)
      this.#end(
        publishError('RTSP_NO_ANSWER', 'timeout', `the server did not answer ${this.#state.toUpperCase()} in time`),
      );
  }

  /** Ends politely; `onEnd` follows at once. */
  teardown(): void {
    if (this.#state === 'recording') this.#write('TEARDOWN', { main: false });
    this.#end();
  }

  /** The connection is gone. */
  closed(cause?: unknown): void {
    this.#end(
      new WatchpostError('the server closed the connection while it was published to', {
        kind: 'unavailable',
        code: 'RTSP_CONNECTION_CLOSED',
        cause,
      }),
    );
  }

  #ask(
    state: PublishState,
    method: string,
    more: { headers?: RtspHeaders; body?: Uint8Array; url?: string } = {},
  ): undefined {
    this.#state = state;
    this.#deadlineMs = undefined;
    this.#write(method, { ...more, main: true });
  }

  #write(
    method: string,
    { headers = [], body, url, main }: { headers?: RtspHeaders; body?: Uint8Array; url?: string; main: boolean },
  ): void {
    const target = url ?? this.#options.url;
    this.#requests.write({ method, url: target, headers, main, authAttempts: 0, ...(body && { body }) });
  }

  #onResponse(response: RtspResponse): undefined {
    if (response.status < 200 || this.#state === 'ended') return;
    const request = this.#requests.take(response);
    if (!request?.main) return;
    if (response.status === 401) return this.#authenticate(response, request);
    // OPTIONS is asked for its login only: what it answers does not matter.
    if (response.status >= 300 && this.#state !== 'options') return this.#refused(response, request);
    const session = sessionOf(response);
    if (session) this.#requests.session = session.id;
    this.#next();
  }

  #next(): undefined {
    if (this.#state === 'options') {
      const body = new TextEncoder().encode(writeSdp(this.#options.sdp));
      return this.#ask('announce', 'ANNOUNCE', { headers: [['Content-Type', 'application/sdp']], body });
    }
    if (this.#state === 'setup') this.#setUp += 1;
    if (this.#state === 'record') {
      this.#state = 'recording';
      this.#handler.onRecording();
      return;
    }
    if (this.#setUp >= this.#options.sdp.media.length)
      return this.#ask('record', 'RECORD', { headers: [['Range', 'npt=0.000-']] });
    const channel = this.#setUp * 2;
    const transport = `RTP/AVP/TCP;unicast;interleaved=${channel}-${channel + 1};mode=record`;
    this.#ask('setup', 'SETUP', {
      url: `${this.#options.url.replace(/\/$/, '')}/trackID=${this.#setUp}`,
      headers: [['Transport', transport]],
    });
  }

  #authenticate(response: RtspResponse, request: PendingRequest): undefined {
    const result = this.#requests.retry(response, request);
    this.#deadlineMs = undefined;
    if (result === 'sent') return;
    const why = result === 'no_credentials' ? 'wants a user and password' : 'refuses user and password';
    this.#end(publishError('RTSP_CREDENTIALS_REFUSED', 'unauthenticated', `the server ${why} for publishing`));
  }

  #refused(response: RtspResponse, { method }: PendingRequest): undefined {
    const { status, reason } = response;
    const kind = status === 403 ? 'forbidden' : status === 404 ? 'not_found' : 'unavailable';
    const cure =
      status < 400
        ? `redirects of what is published are not followed: set the address to where it takes the stream (${redactUrl(headerOf(response, 'Location') ?? 'it names none').slice(0, 200)})`
        : 'check that publishing under this path is allowed and nobody else does it';
    const text = `the server answered ${method} with ${status} ${reason} — ${cure}`;
    this.#end(publishError('RTSP_PUBLISH_REFUSED', kind, text));
  }

  #end(error?: WatchpostError): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#handler.onEnd(error);
  }
}

function publishError(
  code: string,
  kind: 'timeout' | 'unauthenticated' | 'forbidden' | 'not_found' | 'unavailable',
  message: string,
) {
  return new WatchpostError(message, { kind, code });
}

/** A description to announce: the chosen media of a camera's, payload types as they are, with controls of our own. */
export function announcedSdp(sdp: SdpSession, mediaIndices: readonly number[], name: string): SdpSession {
  return {
    origin: '- 0 0 IN IP4 0.0.0.0',
    name,
    address: '0.0.0.0',
    control: '*',
    attributes: [['control', '*']],
    media: mediaIndices.map((index, i) => {
      const medium = sdp.media[index]!;
      const { address: _, ...rest } = medium;
      const control = `trackID=${i}`;
      const kept = medium.attributes.filter(([key]) => !['control', 'sendonly', 'recvonly', 'sendrecv'].includes(key));
      return { ...rest, port: 0, profile: 'RTP/AVP', control, attributes: [...kept, ['control', control] as const] };
    }),
  };
}
