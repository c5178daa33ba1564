import type { Socket } from 'node:net';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import { parseSourceUrl, type SourceUrl } from '@watchpost/base/source-url.ts';
import { readAmf3 } from '@watchpost/media/container/flv/amf3.ts';
import { RtmpClient } from '@watchpost/media/rtmp/client.ts';
import type { RtmpClientHandler } from '@watchpost/media/rtmp/client-types.ts';
import type { ProtocolContext } from '../../../hub/types.ts';
import { dialError } from '../../../net/dial.ts';
import { dialSecure, splitFingerprint } from '../../../net/dial-tls.ts';
import { BodyMemory, SlabPool } from '../body-memory.ts';

const defaultPorts: Readonly<Record<string, number>> = { rtmp: 1935, rtmps: 443 };
const answerWithinMs = 10_000;
/** How long a server may take to read our goodbye. */
const goodbyeMs = 500;

/** What a dialog is made of. */
export interface DialogOptions {
  readonly source: SourceUrl;
  readonly mode: 'play' | 'publish';
  readonly context: Pick<ProtocolContext, 'dial' | 'clock' | 'signal'>;
  readonly chunkSize: number;
  readonly userAgent: string;
}

/** What a dialog tells. */
export interface DialogHandler {
  /** The server lets us: media flow on `socket`. */
  onActive(socket: Socket, streamId: number): void;
  onMedia?(type: number, timestampMs: number, body: Uint8Array): void;
  /** End of what one read brought. */
  onRead?(bytes: number): void;
}

/** A connection (or several, where the server redirects) with another server: sockets and time around an `RtmpClient`. */
export class Dialog implements RtmpClientHandler {
  /** Of what comes in. */
  readonly memory: BodyMemory;
  readonly #options: DialogOptions;
  readonly #handler: DialogHandler;
  readonly #client: RtmpClient;
  readonly #fingerprint: string | undefined;
  readonly #url: string;
  #socket: Socket | undefined;
  #isSecure = false;
  #cancelTimeout: (() => void) | undefined;
  #settle: ((error: WatchpostError) => void) | undefined;

  /** Throws `invalid_argument` for an address that cannot be. */
  constructor(options: DialogOptions, handler: DialogHandler) {
    const { source, mode, chunkSize, userAgent } = options;
    const { url, fingerprint } = splitFingerprint(source.url);
    this.memory = new BodyMemory(new SlabPool());
    this.#options = options;
    this.#handler = handler;
    this.#url = url;
    this.#fingerprint = fingerprint;
    this.#client = new RtmpClient(
      {
        ...{ url, mode, chunkSize, version: userAgent, readAmf3 },
        allocate: (bytes) => this.memory.allocate(bytes),
        ...(source.username !== undefined && {
          credentials: { username: source.username, password: source.password ?? '' },
        }),
      },
      this,
    );
  }

  /** The connection is inside of TLS; a server may redirect to one that is. */
  get isSecure(): boolean {
    return this.#isSecure;
  }

  /** Runs until it fails or its signal aborts; rejects with the reason. */
  async run(): Promise<never> {
    const { signal } = this.#options.context;
    const { promise, resolve } = Promise.withResolvers<WatchpostError>();
    this.#settle = resolve;
    const onAbort = () => resolve(toWatchpostError(signal.reason));
    try {
      await this.#open(this.#url);
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      throw await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#cancelTimeout?.();
      this.#client.stop();
      this.#dropSocket();
    }
  }

  /** Ends it, as if the server had. */
  end(error: WatchpostError): void {
    this.#settle?.(error);
  }

  send(bytes: Uint8Array): void {
    if (this.#socket?.writable) this.#socket.write(bytes);
  }

  onActive(streamId: number): void {
    this.#cancelTimeout?.();
    this.#handler.onActive(this.#socket!, streamId);
  }

  onMedia(type: number, timestampMs: number, body: Uint8Array): void {
    this.#handler.onMedia?.(type, timestampMs, body);
  }

  connect(url: string): void {
    this.#dropSocket();
    this.#open(url).catch((thrown) => this.end(toWatchpostError(thrown)));
  }

  onEnd(error: WatchpostError): void {
    this.end(error);
  }

  async #open(url: string): Promise<void> {
    const { context } = this.#options;
    const { scheme, host, port = defaultPorts[scheme]! } = parseSourceUrl(url);
    this.#isSecure = scheme === 'rtmps';
    const target = { host, port, tls: this.#isSecure, fingerprint: this.#fingerprint };
    let opened: Socket | undefined;
    const socket = await dialSecure(target, context, (bytes, buffer) => {
      // Who speaks first is no RTMP server.
      if (opened !== undefined && this.#socket === opened) this.#receive(bytes, buffer);
    });
    this.#socket = opened = socket;
    let cause: WatchpostError | undefined;
    socket.on('error', (error) => {
      cause = dialError(error, { host, port });
    });
    socket.on('close', () => {
      if (this.#socket === socket) this.end(cause ?? closed(host));
    });
    socket.on('end', () => socket.destroy());
    this.#cancelTimeout?.();
    this.#cancelTimeout = context.clock.after(answerWithinMs, () => this.end(noAnswer(host, this.#client.state)));
    this.#client.start();
  }

  #receive(bytes: number, buffer: Uint8Array): void {
    try {
      this.#client.receive(buffer, 0, bytes);
      this.#handler.onRead?.(bytes);
    } catch (thrown) {
      this.end(toWatchpostError(thrown));
      this.#dropSocket();
    }
  }

  #dropSocket(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    socket.destroySoon();
    socket.once(
      'close',
      this.#options.context.clock.after(goodbyeMs, () => socket.destroy()),
    );
  }
}

function closed(host: string): WatchpostError {
  return new WatchpostError(`${host} closed the RTMP connection`, { kind: 'unavailable', code: 'RTMP_CLOSED' });
}

function noAnswer(host: string, state: string): WatchpostError {
  return new WatchpostError(
    `${host} did not answer as an RTMP server within ${answerWithinMs / 1000} s (${state}) — check port and stream name`,
    { kind: 'timeout', code: 'RTMP_NO_ANSWER', context: { host, state } },
  );
}
