import type { Clock } from '@watchpost/base/clock.ts';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import { headerOf, type RtspHeaders, type RtspRequest } from '@watchpost/media/rtsp/message.ts';
import { type DigestClaim, ServerDigest } from '@watchpost/media/rtsp/server-digest.ts';
import type { ServerTarget } from '@watchpost/media/rtsp/server-target.ts';
import type { AccessControl, Grant } from '../../../hub/types.ts';

/** What a client wants to do with a stream. */
export type RtspAction = 'live' | 'playback' | 'publish';

const realm = 'Watchpost';
/** The nonce is not one to answer with (any more): it takes a new one, not a new password. */
const staleCode = 'RTSP_NONCE_STALE';

/** Who is at the door, and how they may log in. */
export interface GatekeeperOptions {
  readonly access: AccessControl;
  readonly remoteAddress: string;
  readonly clock: Clock;
  /**
   * Digest is asked for before Basic. Passwords of users are kept as hashes that Digest cannot be computed from; it is for
   * RTSP logins of API tokens.
   */
  readonly digest: boolean;
  /** Leave that this connection was given is withdrawn. */
  readonly onWithdrawn: (reason: WatchpostError) => void;
}

interface Allowed {
  readonly grant: Grant;
  readonly forget: () => void;
}

/** Asks the access control once for each stream and action of a connection; what it allowed stays allowed there until it is withdrawn. */
export class Gatekeeper {
  readonly #options: GatekeeperOptions;
  readonly #digest: ServerDigest | undefined;
  readonly #allowed = new Map<string, Allowed>();
  #closed = false;

  constructor(options: GatekeeperOptions) {
    this.#options = options;
    this.#digest = options.digest ? new ServerDigest(realm) : undefined;
  }

  /** What a 401 asks for, because of what was thrown. */
  challengesFor(thrown: unknown): RtspHeaders {
    const stale = toWatchpostError(thrown).code === staleCode;
    const digests = this.#digest?.challenges(this.#options.clock.monotonicMs(), stale) ?? [];
    return [...digests, ['WWW-Authenticate', `Basic realm="${realm}"`]];
  }

  /** Resolves to the leave where the answer is yes; rejects as `AccessControl.authorize` does. */
  async admit(
    request: RtspRequest,
    target: ServerTarget,
    wanted: { action: RtspAction; streamId: string },
  ): Promise<Grant> {
    const key = `${wanted.action} ${wanted.streamId}`;
    const known = this.#allowed.get(key);
    if (known !== undefined) return known.grant;
    const authorization = headerOf(request, 'Authorization');
    const userAgent = headerOf(request, 'User-Agent');
    const proof = this.#proofOf(request);
    const grant = await this.#options.access.authorize({
      ...wanted,
      // Nothing else of the request: there are no cookies in RTSP.
      headers: {
        ...(authorization === undefined ? {} : { authorization }),
        ...(userAgent === undefined ? {} : { 'user-agent': userAgent }),
      },
      query: new URLSearchParams(target.query),
      remoteAddress: this.#options.remoteAddress,
      takesPasswords: true,
      ...(proof && { proof }),
    });
    if (this.#closed) return grant;
    const forget = grant.onEnd((reason) => {
      this.#allowed.delete(key);
      this.#options.onWithdrawn(reason);
    });
    this.#allowed.set(key, { grant, forget });
    return grant;
  }

  /** The connection is gone. */
  close(): void {
    this.#closed = true;
    for (const { forget } of this.#allowed.values()) forget();
    this.#allowed.clear();
  }

  #proofOf(request: RtspRequest): DigestClaim | undefined {
    const claim = this.#digest?.read(request, this.#options.clock.monotonicMs());
    if (claim !== 'stale') return claim;
    throw new WatchpostError('answer the new challenge', { kind: 'unauthenticated', code: staleCode });
  }
}

/** The stream that a path names: `/live/ID`, `/recordings/ID` or `/ID`. Undefined where it names none. */
export function streamIdOf(path: string): string | undefined {
  return /^\/(?:(?:live|recordings)\/)?([^/]+)$/.exec(path)?.[1];
}

/** The answer to a path that names no stream. */
export function noSuchStream(name: string): WatchpostError {
  return new WatchpostError(`there is no stream "${name}"`, { kind: 'not_found', code: 'STREAM_NOT_FOUND' });
}
