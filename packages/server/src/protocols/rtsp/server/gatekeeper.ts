import { WatchpostError } from '@watchpost/base/errors.ts';
import { headerOf, type RtspRequest } from '@watchpost/media/rtsp/message.ts';
import type { ServerTarget } from '@watchpost/media/rtsp/server-target.ts';
import type { AccessControl } from '../../../hub/types.ts';

/** What a client wants to do with a stream. */
export type RtspAction = 'live' | 'playback' | 'publish';

/** Asks the access control once for each stream and action of a connection; what it allowed stays allowed there. */
export class Gatekeeper {
  readonly #access: AccessControl;
  readonly #remoteAddress: string;
  readonly #allowed = new Set<string>();

  constructor(access: AccessControl, remoteAddress: string) {
    this.#access = access;
    this.#remoteAddress = remoteAddress;
  }

  /** Resolves where the answer is yes; rejects as `AccessControl.authorize` does. */
  async admit(
    request: RtspRequest,
    target: ServerTarget,
    wanted: { action: RtspAction; streamId: string },
  ): Promise<void> {
    const key = `${wanted.action} ${wanted.streamId}`;
    if (this.#allowed.has(key)) return;
    const authorization = headerOf(request, 'Authorization');
    const userAgent = headerOf(request, 'User-Agent');
    await this.#access.authorize({
      ...wanted,
      // Nothing else of the request: there are no cookies in RTSP.
      headers: {
        ...(authorization === undefined ? {} : { authorization }),
        ...(userAgent === undefined ? {} : { 'user-agent': userAgent }),
      },
      query: new URLSearchParams(target.query),
      remoteAddress: this.#remoteAddress,
      takesPasswords: true,
    });
    this.#allowed.add(key);
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
