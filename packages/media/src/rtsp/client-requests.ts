import type { RequestContext } from './client-errors.ts';
import { type Credentials, DigestAnswerer } from './digest.ts';
import { cseqOf, headersOf, type RtspHeaders, type RtspResponse, writeRtspRequest } from './message.ts';

/** A request to send. */
export interface ClientRequest extends RequestContext {
  /** Those of this request alone: CSeq, User-Agent, Session and Authorization are added. */
  readonly headers: RtspHeaders;
  /** With its `Content-Type` among the headers. */
  readonly body?: Uint8Array;
  /** False for keep-alives, which nobody waits for. */
  readonly main: boolean;
  /** How often it was sent again after a 401. */
  readonly authAttempts: number;
}

/** A request that was sent and not answered yet. */
export interface PendingRequest extends ClientRequest {
  readonly cseq: number;
}

const maxPending = 16;

/** The requests of one client connection: numbers them, signs them, finds the one that a response belongs to. */
export class ClientRequests {
  readonly #userAgent: string;
  readonly #send: (bytes: Uint8Array) => void;
  readonly #credentials: Credentials | undefined;
  #auth: DigestAnswerer;
  #cseq = 0;
  #pending: PendingRequest[] = [];
  /** Session id that is sent with every request, once there is one. */
  session: string | undefined;

  constructor(options: { userAgent: string; credentials: Credentials | undefined; send: (bytes: Uint8Array) => void }) {
    this.#userAgent = options.userAgent;
    this.#credentials = options.credentials;
    this.#send = options.send;
    this.#auth = new DigestAnswerer(options.credentials);
  }

  /** The request that the session is waiting for, if any. */
  get main(): PendingRequest | undefined {
    return this.#pending.find((request) => request.main);
  }

  /** Forgets connection and session; the credentials stay. */
  reset(): void {
    this.#pending = [];
    this.#auth = new DigestAnswerer(this.#credentials);
    this.session = undefined;
  }

  /** Sends a request. */
  write(request: ClientRequest): void {
    const cseq = ++this.#cseq;
    const { method, url } = request;
    const authorization = this.#auth.authorize(method, url);
    this.#pending.push({ ...request, cseq });
    if (this.#pending.length > maxPending) this.#pending.shift();
    const headers: (readonly [string, string])[] = [
      // Exactly so: some cameras compare header names byte by byte.
      ['CSeq', String(cseq)],
      ['User-Agent', this.#userAgent],
      ...request.headers,
    ];
    if (this.session !== undefined) headers.push(['Session', this.session]);
    if (authorization !== undefined) headers.push(['Authorization', authorization]);
    this.#send(writeRtspRequest({ method, url, headers, ...(request.body && { body: request.body }) }));
  }

  /**
   * Takes out the request that a response belongs to; one without CSeq belongs to the request that is waited for.
   * Undefined for answers to nothing: to a keep-alive long forgotten, or the second one of a confused camera.
   */
  take(response: RtspResponse): PendingRequest | undefined {
    const cseq = cseqOf(response);
    const request = this.#pending.find((p) => (cseq === undefined ? p.main : p.cseq === cseq));
    if (request) this.#pending = this.#pending.filter((p) => p !== request);
    return request;
  }

  /**
   * Answers a 401: sends the request again, signed. Otherwise says why not. One retry only, two where the nonce was
   * merely stale: a camera that calls every nonce stale is not asked for ever.
   */
  retry(response: RtspResponse, request: PendingRequest): 'sent' | 'no_credentials' | 'no_scheme' | 'refused' {
    if (!this.#credentials) return 'no_credentials';
    const result = this.#auth.accept(headersOf(response, 'WWW-Authenticate'));
    if (result === 'none') return request.authAttempts > 0 ? 'refused' : 'no_scheme';
    if (request.authAttempts >= (result === 'stale' ? 2 : 1)) return 'refused';
    this.write({ ...request, authAttempts: request.authAttempts + 1 });
    return 'sent';
  }
}
