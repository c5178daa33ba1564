import { type Authorization, parseAuthorization, randomHex, verifyDigest } from './digest.ts';
import { headerOf, type RtspHeaders, type RtspRequest } from './message.ts';

/** Passwords are typed before the challenge, not after it: whoever answers does so at once. */
const nonceLifeMs = 60_000;
/** GStreamer and FFmpeg answer the last challenge, and know MD5 only; others take the strongest. */
const algorithms = ['SHA-256', 'MD5'] as const;

/** A digest that answers the challenge of this connection, made by whoever knows the password of `username`. */
export interface DigestClaim {
  readonly username: string;
  /** True if it was made with this password. */
  matches(password: string): boolean;
}

/**
 * Digest of one connection (RFC 7616 §3) for servers that look passwords up elsewhere. Its nonce is good on this connection
 * only, for a minute, and for one use of each nonce count.
 */
export class ServerDigest {
  readonly #realm: string;
  #nonce = '';
  #madeMs = 0;
  #lastCount = 0;

  constructor(realm: string) {
    this.#realm = realm;
  }

  /**
   * `WWW-Authenticate` for SHA-256 and MD5. `stale` asks for the same login with a new nonce. MD5 goes without `algorithm`:
   * old clients take it for something new.
   */
  challenges(nowMs: number, stale: boolean): RtspHeaders {
    if (stale || !this.#isFresh(nowMs)) {
      this.#nonce = randomHex(16);
      this.#madeMs = nowMs;
      this.#lastCount = 0;
    }
    const common = `Digest realm="${this.#realm}", nonce="${this.#nonce}", qop="auth"${stale ? ', stale=true' : ''}`;
    return algorithms.map((algorithm) => [
      'WWW-Authenticate',
      algorithm === 'MD5' ? common : `${common}, algorithm=${algorithm}`,
    ]);
  }

  /**
   * What a request claims by Digest; `stale` for a nonce that is old or of another connection, and for a nonce count that was
   * used before (RFC 7616 §3.4). Undefined where it claims nothing by Digest. Clients of RFC 2069 (GStreamer) count nothing.
   */
  read(request: RtspRequest, nowMs: number): DigestClaim | 'stale' | undefined {
    const value = headerOf(request, 'Authorization');
    const authorization = value === undefined ? undefined : parseAuthorization(value);
    if (authorization?.scheme !== 'digest') return undefined;
    const { nonce, qop, nc } = authorization.parameters;
    if (!this.#isFresh(nowMs) || nonce !== this.#nonce) return 'stale';
    if (qop !== undefined) {
      const count = /^[0-9a-f]{8}$/i.test(nc ?? '') ? Number.parseInt(nc!, 16) : 0;
      if (count <= this.#lastCount) return 'stale';
      this.#lastCount = count;
    }
    return this.#claim(authorization, request, this.#nonce);
  }

  #claim(authorization: Authorization, { method, url }: RtspRequest, nonce: string): DigestClaim {
    const { username } = authorization;
    const realm = this.#realm;
    return {
      username,
      matches: (password) =>
        verifyDigest(authorization, {
          ...{ method, url, realm, nonce, algorithms },
          credentials: { username, password },
        }),
    };
  }

  #isFresh(nowMs: number): boolean {
    return this.#nonce !== '' && nowMs - this.#madeMs < nonceLifeMs;
  }
}
