import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { AuditSink } from '../../catalog/audit/types.ts';
import { apiTokenPrefix } from '../../catalog/identity/api-tokens.ts';
import { rtspPasswordOf } from '../../catalog/identity/media-login.ts';
import { equalSecrets } from '../../catalog/identity/secrets.ts';
import type { Rights } from '../../catalog/identity/types.ts';
import type { AccessControl, AccessRequest, Grant, PasswordProof } from '../../hub/types.ts';
import { type Authenticator, loginNeeded, ofUser, tokenInvalid } from './authenticator.ts';
import type { GrantWatch } from './grant-watch.ts';
import { needRole, needStream } from './guard.ts';
import { checkMediaToken } from './media-token.ts';
import type { PasswordLogin } from './password-login.ts';
import { actorOf, type Principal } from './principal.ts';
import { crossSiteError, crossSiteMediaError, isReadElsewhere, originOf } from './same-origin.ts';

const tokenIdPattern = /^[\w-]{1,40}$/;

/** What media access is decided with. */
export interface MediaAccessOptions {
  readonly authenticator: Authenticator;
  /** HMAC key of signed addresses. */
  readonly mediaKey: Uint8Array;
  readonly clock: Clock;
  readonly audit: AuditSink;
  /** For players and publishers that have names and passwords. */
  readonly passwords: PasswordLogin;
  /** Tells those that were let in when their right ends. */
  readonly watch: GrantWatch;
}

/** What the media routes ask: may this request see this stream, or send one? */
export class MediaAccess implements AccessControl {
  readonly #options: MediaAccessOptions;

  constructor(options: MediaAccessOptions) {
    this.#options = options;
  }

  /**
   * Resolves where the answer is yes: viewers look, operators publish and talk, each with their own streams. A `?token=` decides
   * alone where there is one; an API token may stand in its place, or as the password of `Authorization: Basic`, for
   * players that know nothing else. Its RTSP login may be told, or proven. What is played of a signed address goes on past
   * its expiry, but not past the rights of whom it was signed for.
   */
  async authorize(request: AccessRequest): Promise<Grant> {
    const { action, streamId, headers, remoteAddress: address } = request;
    const { audit, watch } = this.#options;
    const changes = watch.changes;
    const principal = await this.#identify(request);
    const actor = { ...actorOf(principal, { address, userAgent: headers['user-agent'] }), streamId };
    const check = (rights: Rights) => {
      needRole(rights, action === 'publish' || action === 'talk' ? 'operator' : 'viewer');
      needStream(rights, streamId);
    };
    try {
      check(principal);
    } catch (error) {
      audit.record({ ...actor, action: 'denied', detail: action });
      throw error;
    }
    audit.record({ ...actor, action });
    return watch.grant(principal, { check, changes });
  }

  async #identify(request: AccessRequest): Promise<Principal> {
    const { authenticator } = this.#options;
    // No page of another site speaks through a camera, whoever looks at that page.
    if (request.action === 'talk' && originOf(request.headers) === 'other') throw crossSiteError();
    const isElsewhere = isReadElsewhere(request.headers);
    const token = request.query.get('token');
    if (authenticator.mode === 'none' && !isElsewhere) return this.#anybody(request, token);
    if (token !== null) return this.#byToken(request, token);
    // Who looks at that page is on our network, but did not ask for this; browsers add logins of their own accord.
    if (isElsewhere && (authenticator.mode === 'none' || basicCredentials(request))) throw crossSiteMediaError();
    if (request.proof) return this.#byProof(request.proof);
    const basic = basicCredentials(request);
    if (basic !== undefined) {
      const principal = await authenticator.bySecret(basic.password);
      if (principal?.via === 'token') return principal;
      const { name: username, password } = basic;
      const holder = await this.#holderOf({ username, matches: (expected) => equalSecrets(password, expected) });
      if (holder) return holder;
      if (request.takesPasswords) return this.#byPassword(request, basic);
      throw basicWrong(basic);
    }
    const principal = await authenticator.identify(request.headers);
    if (!principal) throw loginNeeded(request.takesPasswords);
    // A WebSocket may be opened by any page, and cookies go with it where sites differ in their ports only.
    if (principal.byCookie && originOf(request.headers) === 'other') throw crossSiteError();
    return principal;
  }

  /** A token speaks for itself under any name of this server. */
  async #anybody(request: AccessRequest, token: string | null): Promise<Principal> {
    try {
      return this.#options.authenticator.anybody(request.headers);
    } catch (error) {
      if (token !== null) return this.#byToken(request, token);
      throw error;
    }
  }

  async #byProof(proof: PasswordProof): Promise<Principal> {
    const holder = await this.#holderOf(proof);
    if (holder) return holder;
    throw new WatchpostError(
      'name or password is wrong, or those of a user, which Digest cannot check - ' +
        'users log in over rtsps, or by Basic; Digest takes the id and the RTSP password of an API token',
      { kind: 'unauthenticated', code: 'LOGIN_WRONG' },
    );
  }

  /** Whose RTSP login of an API token it is. */
  async #holderOf({ username, matches }: PasswordProof): Promise<Principal | undefined> {
    const { authenticator, mediaKey } = this.#options;
    if (!tokenIdPattern.test(username) || !matches(rtspPasswordOf(mediaKey, username))) return undefined;
    return authenticator.byTokenId(username);
  }

  async #byPassword(request: AccessRequest, given: BasicCredentials): Promise<Principal> {
    const { passwords, audit } = this.#options;
    const { remoteAddress: address, action: detail } = request;
    try {
      const user = await passwords.check({ ...given, address });
      return { ...ofUser(user), passwordMark: user.passwordMark };
    } catch (error) {
      if (error instanceof WatchpostError && error.code === 'LOGIN_WRONG') {
        const userAgent = String(request.headers['user-agent'] ?? '');
        audit.record({ action: 'login_failed', user: given.name, via: 'password', address, userAgent, detail });
      }
      throw error;
    }
  }

  async #byToken(request: AccessRequest, token: string): Promise<Principal> {
    const { authenticator, mediaKey, clock } = this.#options;
    const { action, streamId } = request;
    if (action !== 'publish' && action !== 'talk') {
      const verdict = checkMediaToken(mediaKey, token, { action, streamId, nowMs: clock.wallMs() });
      if (verdict === 'expired')
        throw new WatchpostError('this address has expired — ask for a new one', {
          kind: 'unauthenticated',
          code: 'TOKEN_EXPIRED',
        });
      const grantee = verdict === 'wrong' ? undefined : await authenticator.byGrantee(verdict.grantee);
      if (grantee) return grantee;
    }
    const principal = await authenticator.bySecret(token);
    if (principal?.via === 'token') return principal;
    if (token.startsWith(apiTokenPrefix)) throw tokenInvalid();
    const cure =
      action === 'publish' || action === 'talk' ? 'it takes an API token of an operator' : 'ask for a new address';
    throw new WatchpostError(`this token does not open the stream "${streamId}" — ${cure}`, {
      kind: 'unauthenticated',
      code: 'TOKEN_INVALID',
    });
  }
}

interface BasicCredentials {
  readonly name: string;
  readonly password: string;
}

/** The answer where passwords of users are not looked at. */
function basicWrong({ password }: BasicCredentials): WatchpostError {
  if (password.startsWith(apiTokenPrefix)) return tokenInvalid();
  return new WatchpostError(
    'name or password is wrong — media over HTTP take an API token as the password, under any name, or the RTSP login ' +
      'of one; the password of a user does not do',
    { kind: 'unauthenticated', code: 'TOKEN_INVALID' },
  );
}

/** What `Authorization: Basic` says (RFC 7617 §2). */
function basicCredentials(request: AccessRequest): BasicCredentials | undefined {
  const field = request.headers['authorization'];
  const encoded = typeof field === 'string' ? /^basic +([\w+/=-]{1,1000})$/i.exec(field.trim())?.[1] : undefined;
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return { name: text.slice(0, Math.max(colon, 0)), password: text.slice(colon + 1) };
}
