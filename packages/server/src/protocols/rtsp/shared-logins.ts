import type { Clock } from '@watchpost/base/clock.ts';
import { toWatchpostError, type WatchpostError } from '@watchpost/base/errors.ts';
import type { SourceUrl } from '@watchpost/base/source-url.ts';

/** So long nobody else tries credentials that were refused; doubles with each refusal, as the waits of streams do. */
const firstRefusalMs = 60_000;
const maxRefusalMs = 600_000;
/** More addresses with logins than one server has; the oldest is forgotten. */
const maxLogins = 10_000;

interface Login {
  /** Sessions that were let in, and last. */
  sessions: number;
  /** Settled once the attempt under way is over. */
  trial: PromiseWithResolvers<void> | undefined;
  refusals: number;
  refusedUntilMs: number;
  refusal: WatchpostError | undefined;
  /** Where it was refused last: that stream waits by itself, and may be started anew by hand. */
  refusedUrl: string;
}

/** One attempt to log in, until its session ends. */
export interface LoginAttempt {
  /** The camera let us in. */
  accepted(): void;
  /** The session is over, for this reason if it failed. */
  ended(failure: unknown): void;
}

/**
 * Logins of streams that share a device: recorders have many channels and one account, which they lock after five to
 * seven wrong attempts. While nobody is logged in, one stream tries, and the others hear what came of it.
 */
export class SharedLogins {
  readonly #logins = new Map<string, Login>();

  /**
   * Waits while another stream tries the same credentials on the same device. Throws the refusal where they were refused
   * a short while ago, and the signal's reason once it is aborted. Undefined for a source without credentials.
   */
  async enter(
    source: SourceUrl,
    { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  ): Promise<LoginAttempt | undefined> {
    if (source.username === undefined) return undefined;
    const key = JSON.stringify([source.host, source.port, source.username, source.password]);
    const trial = this.#logins.get(key)?.trial;
    if (trial !== undefined) await untilAborted(trial.promise, signal);
    const login = this.#of(key);
    const { refusal, refusedUrl, refusedUntilMs } = login;
    if (refusal !== undefined && refusedUrl !== source.url && clock.monotonicMs() < refusedUntilMs) throw refusal;
    const own = login.sessions > 0 || login.trial !== undefined ? undefined : Promise.withResolvers<void>();
    login.trial ??= own;
    return this.#attempt(key, { login, own, clock, url: source.url });
  }

  #of(key: string): Login {
    const known = this.#logins.get(key);
    if (known !== undefined) return known;
    if (this.#logins.size >= maxLogins) this.#logins.delete(this.#logins.keys().next().value!);
    const login = { sessions: 0, trial: undefined, refusals: 0, refusedUntilMs: 0, refusal: undefined, refusedUrl: '' };
    this.#logins.set(key, login);
    return login;
  }

  #attempt(
    key: string,
    at: {
      readonly login: Login;
      readonly own: PromiseWithResolvers<void> | undefined;
      readonly clock: Clock;
      readonly url: string;
    },
  ): LoginAttempt {
    const { login, own, clock, url } = at;
    let isIn = false;
    const over = () => {
      if (own === undefined || login.trial !== own) return;
      login.trial = undefined;
      own.resolve();
    };
    return {
      accepted: () => {
        if (isIn) return;
        isIn = true;
        login.sessions++;
        login.refusals = 0;
        login.refusal = undefined;
        over();
      },
      ended: (failure) => {
        if (isIn) login.sessions--;
        const error = failure === undefined ? undefined : toWatchpostError(failure);
        // Where others are let in, it is this channel that the account may not see.
        if (error?.code === 'RTSP_CREDENTIALS_REFUSED' && login.sessions === 0) {
          login.refusal = error;
          login.refusedUrl = url;
          login.refusedUntilMs = clock.monotonicMs() + Math.min(firstRefusalMs * 2 ** login.refusals, maxRefusalMs);
          login.refusals = Math.min(login.refusals + 1, 16);
        }
        over();
        const isUnused = login.sessions === 0 && login.trial === undefined && login.refusal === undefined;
        if (isUnused && this.#logins.get(key) === login) this.#logins.delete(key);
      },
    };
  }
}

/** Resolves with the promise; rejects with the signal's reason once it is aborted. */
async function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
