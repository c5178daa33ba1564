import {
  type Credentials,
  type DigestAlgorithm,
  equalInConstantTime,
  parseAuthorization,
  randomHex,
  verifyDigest,
} from './digest.ts';
import { headerOf, type RtspHeaders, type RtspRequest } from './message.ts';

/** How a server wants to be logged in to. */
export interface RtspServerAuth {
  readonly realm: string;
  /** In the order of the challenges. FFmpeg knows no SHA-256: offer MD5 as well where it is to play. */
  readonly methods: readonly ('basic' | DigestAlgorithm)[];
  /** The credentials of a user; undefined if there is no such user. Digest needs the password itself. */
  readonly credentialsOf: (username: string) => Credentials | undefined;
}

/** Checks the requests of one connection: its nonce is its own. */
export class ServerLogin {
  readonly #auth: RtspServerAuth;
  readonly #nonce = randomHex(16);
  /** User that the last request proved to be. */
  username: string | undefined;
  /** Wrong answers so far. */
  failures = 0;

  constructor(auth: RtspServerAuth) {
    this.#auth = auth;
  }

  /** True if the request proves who sent it. A request without `Authorization` is no failure: it asks for a challenge. */
  check(request: RtspRequest): boolean {
    const value = headerOf(request, 'Authorization');
    if (value === undefined) return false;
    const authorization = parseAuthorization(value);
    const credentials = authorization && this.#auth.credentialsOf(authorization.username);
    const methods = this.#auth.methods;
    const ok =
      authorization !== undefined &&
      credentials !== undefined &&
      (authorization.scheme === 'basic'
        ? methods.includes('basic') && equalInConstantTime(credentials.password, authorization.password ?? '')
        : verifyDigest(authorization, {
            method: request.method,
            url: request.url,
            realm: this.#auth.realm,
            nonce: this.#nonce,
            credentials,
            algorithms: methods.filter((method) => method !== 'basic'),
          }));
    if (ok) this.username = credentials.username;
    else this.failures += 1;
    return ok;
  }

  /** One `WWW-Authenticate` for each method. MD5 goes without `algorithm`: old clients take it for something new. */
  challenges(): RtspHeaders {
    return this.#auth.methods.map((method) => {
      if (method === 'basic') return ['WWW-Authenticate', `Basic realm="${this.#auth.realm}"`] as const;
      const algorithm = method === 'MD5' ? '' : `, algorithm=${method}`;
      return ['WWW-Authenticate', `Digest realm="${this.#auth.realm}", nonce="${this.#nonce}"${algorithm}`] as const;
    });
  }
}
