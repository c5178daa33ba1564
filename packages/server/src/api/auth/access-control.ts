import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { AccessControl, AccessRequest } from '../../hub/types.ts';
import { type Authenticator, loginNeeded } from './authenticator.ts';
import { checkMediaToken } from './media-token.ts';
import { crossSiteError, originOf } from './same-origin.ts';

/** What the media routes ask: may this request see this stream? */
export class MediaAccess implements AccessControl {
  readonly #authenticator: Authenticator;
  readonly #mediaKey: Uint8Array;
  readonly #clock: Clock;

  constructor(authenticator: Authenticator, mediaKey: Uint8Array, clock: Clock) {
    this.#authenticator = authenticator;
    this.#mediaKey = mediaKey;
    this.#clock = clock;
  }

  /**
   * Resolves where the answer is yes. A `?token=` decides alone where there is one; an API token may stand in its place,
   * or as the password of `Authorization: Basic`, for players that know nothing else.
   */
  async authorize(request: AccessRequest): Promise<void> {
    if (this.#authenticator.mode === 'none') return;
    const token = request.query.get('token');
    if (token !== null) return this.#checkToken(request, token);
    const password = basicPassword(request);
    if (password !== undefined) {
      if ((await this.#authenticator.bySecret(password))?.via === 'token') return;
      throw new WatchpostError('the password must be an API token', { kind: 'unauthenticated', code: 'TOKEN_INVALID' });
    }
    const principal = await this.#authenticator.identify(request.headers);
    if (!principal) throw loginNeeded();
    // A WebSocket may be opened by any page, and cookies go with it where sites differ in their ports only.
    if (principal.byCookie && originOf(request.headers) === 'other') throw crossSiteError();
  }

  async #checkToken(request: AccessRequest, token: string): Promise<void> {
    if (request.action !== 'publish') {
      const { action, streamId } = request;
      const verdict = checkMediaToken(this.#mediaKey, token, { action, streamId, nowMs: this.#clock.wallMs() });
      if (verdict === 'ok') return;
      if (verdict === 'expired')
        throw new WatchpostError('this address has expired — ask for a new one', {
          kind: 'unauthenticated',
          code: 'TOKEN_EXPIRED',
        });
    }
    if ((await this.#authenticator.bySecret(token))?.via === 'token') return;
    throw new WatchpostError(`this token does not open the stream "${request.streamId}" — ask for a new address`, {
      kind: 'unauthenticated',
      code: 'TOKEN_INVALID',
    });
  }
}

/** Password of `Authorization: Basic` (RFC 7617 §2). */
function basicPassword(request: AccessRequest): string | undefined {
  const field = request.headers['authorization'];
  const encoded = typeof field === 'string' ? /^basic +([\w+/=-]{1,1000})$/i.exec(field.trim())?.[1] : undefined;
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  return text.slice(text.indexOf(':') + 1);
}
