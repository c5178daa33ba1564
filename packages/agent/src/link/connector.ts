import { toHex } from '@watchpost/base/bytes.ts';
import { type ErrorKind, toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import { type EnrolmentToken, parseEnrolmentToken } from '@watchpost/tunnel/enrolment-token.ts';
import { maxMessageBytes } from '@watchpost/tunnel/frame.ts';
import { ClientHandshake } from '@watchpost/tunnel/handshake/client-handshake.ts';
import type { Refusal, Welcome } from '@watchpost/tunnel/handshake/messages.ts';
import { reconnectDelayMs } from '@watchpost/tunnel/reconnect-delay.ts';
import type { ResetReason } from '@watchpost/tunnel/reset-reason.ts';
import { TunnelSession } from '@watchpost/tunnel/session.ts';
import { agentLimits, announcedLimits, serverLimits } from '@watchpost/tunnel/session-limits.ts';
import type { LinkLoss, SessionHandler, Transport } from '@watchpost/tunnel/types.ts';
import type { AgentConfig } from '../config/agent-config.ts';
import type { AgentIdentity } from '../identity.ts';
import type { Platform, TlsTrust } from '../platform/platform.ts';
import { clockOffsetMs, sleepUntilSet } from './clock-set.ts';

const attemptTimeoutMs = 10_000;
/** While a session waits an attempt that hangs is given up sooner: what the network lost may flow again by now. */
const graceAttemptTimeoutMs = { min: 1500, max: 4000 };
/** Of TCP, WebSocket and handshake, with room for one that is slower. */
const attemptRoundTrips = 8;
const minReplacedDelayMs = 30_000;

/** What a connector needs. */
export interface ConnectorOptions {
  readonly platform: Platform;
  readonly logger: Logger;
  readonly config: AgentConfig;
  readonly identity: AgentIdentity;
  readonly software: string;
  /** The server's key was seen for the first time and must be kept. */
  readonly pin: (serverKey: Uint8Array) => Promise<void>;
  /** Makes the handler of a new session; called once for each. */
  readonly onSession: (session: TunnelSession, welcome: Welcome) => void;
  readonly handler: Omit<SessionHandler, 'linkLost' | 'closed' | 'goAway'>;
  readonly onSessionClosed: (reason: ResetReason) => void;
}

/** Figures for the report. */
export interface ConnectorState {
  readonly isConnected: boolean;
  readonly connectedSinceMs: number | undefined;
  readonly losses: number;
  readonly session: TunnelSession | undefined;
}

/** Keeps the agent connected, for ever: resumes the session within its grace time, begins a new one after it. */
export class Connector {
  readonly #options: ConnectorOptions;
  readonly #instance: string;
  readonly #token: EnrolmentToken | undefined;
  readonly #trust: TlsTrust;
  #serverKey: Uint8Array | undefined;
  #session: TunnelSession | undefined;
  #sessionId: string | undefined;
  #linkEnded: ((cause: LinkLoss | 'refused') => void) | undefined;
  #connectedSinceMs: number | undefined;
  #losses = 0;
  #failures = 0;
  #url = 0;
  /** Not before this, monotonic: what a server asked for. */
  #notBeforeMs = 0;

  constructor(options: ConnectorOptions, trust: TlsTrust) {
    this.#options = options;
    this.#trust = trust;
    const { token } = options.config.agent;
    this.#token = token === undefined ? undefined : parseEnrolmentToken(token);
    this.#serverKey = options.identity.serverKey;
    this.#instance = toHex(options.platform.crypto.randomBytes(8));
  }

  get state(): ConnectorState {
    return {
      isConnected: this.#connectedSinceMs !== undefined,
      connectedSinceMs: this.#connectedSinceMs,
      losses: this.#losses,
      session: this.#session,
    };
  }

  /** Connects and connects again until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options.platform;
    while (!signal.aborted) {
      let offsetMs = clockOffsetMs(clock);
      try {
        const ended = await this.#connect(signal);
        this.#failures = 0;
        await ended;
        offsetMs = clockOffsetMs(clock);
        this.#losses += 1;
      } catch (thrown) {
        if (signal.aborted) return;
        this.#failures += 1;
        this.#log(toWatchpostError(thrown, 'AGENT_CONNECT'));
      }
      this.#connectedSinceMs = undefined;
      if (!this.#session) this.#url = (this.#url + 1) % this.#options.config.agent.serverUrls.length;
      const waitMs = reconnectDelayMs({
        failures: this.#failures,
        canResume: this.#session !== undefined,
        retryAfterMs: Math.max(this.#notBeforeMs - clock.monotonicMs(), 0),
        random: Math.random(),
      });
      // A machine without a clock of its own gets to know the time some while after its start: certificates hold then.
      await sleepUntilSet(clock, waitMs, { offsetMs, signal }).catch(() => {});
    }
  }

  /** Says good-bye. */
  close(): void {
    this.#session?.close('shutdown');
  }

  /** Resolves to a promise of the connection's end once the server has accepted the agent. */
  async #connect(signal: AbortSignal): Promise<Promise<unknown>> {
    const { platform, config } = this.#options;
    const timeoutMs = this.#session ? graceTimeoutMs(this.#session) : attemptTimeoutMs;
    const url = config.agent.serverUrls[this.#url]!;
    const attempt = new AbortController();
    const abort = () => attempt.abort(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    let isAccepted = false;
    const { promise: ended, resolve: end } = Promise.withResolvers<unknown>();
    const handshake = new HandshakeRun(this.#newHandshake());
    try {
      const transport = await platform.openWebSocket(
        {
          url,
          protocols: ['watchpost-tunnel'],
          timeoutMs,
          maxMessageBytes,
          trust: this.#trust,
          signal: attempt.signal,
          ...(config.agent.proxy !== undefined && { proxy: config.agent.proxy }),
        },
        {
          onMessage: (message) => (isAccepted ? this.#session?.receive(message) : handshake.receive(message)),
          onDrain: () => this.#session?.drained(),
          onClose: (error) => {
            handshake.fail(error);
            if (isAccepted && this.#linkEnded === end) this.#session?.lost();
            end(undefined);
          },
        },
      );
      try {
        const { welcome, serverKey } = await handshake.run(transport, { clock: platform.clock, timeoutMs, signal });
        await this.#pin(serverKey);
        isAccepted = true;
        this.#linkEnded = end;
        this.#accept(transport, welcome, handshake);
      } catch (error) {
        transport.close();
        throw error;
      }
      return ended;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  #newHandshake(): ClientHandshake {
    const { platform, config, identity, software } = this.#options;
    return new ClientHandshake({
      crypto: platform.crypto,
      agentId: identity.agentId,
      keys: identity.keys,
      instance: this.#instance,
      software,
      limits: announcedLimits(
        { ...agentLimits, bufferBytes: config.tunnel.resendBufferBytes },
        serverLimits.maxChannels,
      ),
      ...(this.#token && { token: this.#token }),
      ...(this.#serverKey && { serverKey: this.#serverKey }),
      ...(this.#session &&
        this.#sessionId !== undefined && { resume: { session: this.#sessionId, received: this.#session.received } }),
    });
  }

  async #pin(serverKey: Uint8Array): Promise<void> {
    if (this.#serverKey) return;
    this.#serverKey = serverKey;
    await this.#options.pin(serverKey);
  }

  #accept(transport: Transport, welcome: Welcome, handshake: HandshakeRun): void {
    const { platform, logger, config, handler, onSession } = this.#options;
    this.#connectedSinceMs = platform.clock.monotonicMs();
    this.#notBeforeMs = 0;
    const before = this.#session;
    if (before && welcome.resumed && before.attach(transport, welcome.received)) {
      before.graceMs = welcome.graceMs;
      logger.info('The tunnel goes on where it was', { channels: before.stats.channels });
    } else {
      if (before?.state !== 'closed') before?.close('session_lost');
      const session = new TunnelSession({
        role: 'agent',
        clock: platform.clock,
        limits: { ...agentLimits, bufferBytes: config.tunnel.resendBufferBytes },
        peer: welcome.limits,
        graceMs: welcome.graceMs,
        defer: (task) => platform.defer(task),
        handler: {
          ...handler,
          linkLost: (cause) => {
            this.#linkEnded?.(cause);
            logger.info('The connection to the server is gone', { cause });
          },
          goAway: ({ retryAfterMs }) => this.#notBefore(retryAfterMs),
          closed: (reason) => this.#onClosed(session, reason),
        },
      });
      this.#session = session;
      this.#sessionId = welcome.session;
      session.attach(transport, 0);
      logger.info('Connected to the server', { server: config.agent.serverUrls[this.#url], epoch: welcome.epoch });
      onSession(session, welcome);
    }
    for (const message of handshake.later) this.#session?.receive(message);
  }

  #onClosed(session: TunnelSession, reason: ResetReason): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    this.#sessionId = undefined;
    // Two agents with one identity would throw each other out for ever, many times a second.
    if (reason === 'replaced' || reason === 'revoked') this.#notBefore(minReplacedDelayMs * (1 + Math.random()));
    this.#options.logger.warn('The tunnel session is over; connections through it were closed', { reason });
    this.#options.onSessionClosed(reason);
  }

  #notBefore(delayMs: number): void {
    this.#notBeforeMs = Math.max(this.#notBeforeMs, this.#options.platform.clock.monotonicMs() + delayMs);
  }

  #log(error: WatchpostError): void {
    const retryAfterMs = error.context['retryAfterMs'];
    if (typeof retryAfterMs === 'number') this.#notBefore(retryAfterMs);
    // Hours without a network must not fill the log.
    const isTold = this.#failures <= 3 || this.#failures % 50 === 0;
    const { logger } = this.#options;
    (isTold ? logger.warn : logger.debug)('The server cannot be reached yet', { attempt: this.#failures, error });
  }
}

function graceTimeoutMs(session: TunnelSession): number {
  const { min, max } = graceAttemptTimeoutMs;
  return Math.min(Math.max((session.stats.roundTripMs ?? 0) * attemptRoundTrips, min), max);
}

/** One handshake over one connection. */
class HandshakeRun {
  readonly #handshake: ClientHandshake;
  readonly #done = Promise.withResolvers<{ welcome: Welcome; serverKey: Uint8Array }>();
  /** Messages that came right behind WELCOME. */
  readonly later: Uint8Array[] = [];
  #transport: Transport | undefined;
  #waiting: Uint8Array[] = [];
  #isBusy = false;
  #isDone = false;

  constructor(handshake: ClientHandshake) {
    this.#handshake = handshake;
    this.#done.promise.catch(() => {});
  }

  async run(
    transport: Transport,
    { clock, timeoutMs, signal }: { clock: Platform['clock']; timeoutMs: number; signal: AbortSignal },
  ): Promise<{ welcome: Welcome; serverKey: Uint8Array }> {
    this.#transport = transport;
    const cancel = clock.after(timeoutMs, () =>
      this.fail(
        new WatchpostError('the server did not finish the handshake in time', {
          kind: 'timeout',
          code: 'AGENT_HANDSHAKE',
        }),
      ),
    );
    const onAbort = () => this.fail(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      transport.send(this.#handshake.hello);
      return await this.#done.promise;
    } finally {
      cancel();
      signal.removeEventListener('abort', onAbort);
    }
  }

  receive(message: Uint8Array): void {
    if (this.#isDone) {
      this.later.push(message);
      return;
    }
    this.#waiting.push(message);
    if (this.#waiting.length > 8) this.fail(new Error('the server talks too much'));
    else if (!this.#isBusy) void this.#work();
  }

  fail(error: unknown): void {
    this.#isDone = true;
    this.#done.reject(
      error ??
        new WatchpostError('the server closed the connection during the handshake', {
          kind: 'unavailable',
          code: 'AGENT_HANDSHAKE',
        }),
    );
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    try {
      for (let message = this.#waiting.shift(); message && !this.#isDone; message = this.#waiting.shift()) {
        const outcome = await this.#handshake.receive(message);
        if (outcome.kind === 'send') this.#transport?.send(outcome.message);
        else if (outcome.kind === 'refused') this.fail(refusal(outcome.refused));
        else {
          this.#isDone = true;
          this.later.push(...this.#waiting.splice(0));
          this.#done.resolve(outcome);
        }
      }
    } catch (error) {
      this.fail(error);
    }
    this.#isBusy = false;
  }
}

const refusalKinds: Readonly<Partial<Record<Refusal, ErrorKind>>> = {
  key_mismatch: 'conflict',
  revoked: 'forbidden',
  token_required: 'unauthenticated',
  token_invalid: 'unauthenticated',
  token_expired: 'unauthenticated',
  token_used_up: 'unauthenticated',
};

function refusal({
  reason,
  message,
  retryAfterMs,
}: {
  reason: Refusal;
  message: string;
  retryAfterMs: number;
}): WatchpostError {
  return new WatchpostError(`the server refuses this agent: ${message}`, {
    kind: refusalKinds[reason] ?? 'unavailable',
    code: `AGENT_REFUSED_${reason.toUpperCase()}`,
    context: { retryAfterMs },
  });
}
