import { WatchpostError } from '@watchpost/base/errors.ts';
import type { SourceUrl } from '@watchpost/base/source-url.ts';
import type { ProtocolContext } from '../../hub/types.ts';
import { splitFingerprint } from '../../net/dial-tls.ts';
import { type HttpAnswer, httpGet, readBody } from '../../net/http-get.ts';

/** Counters of all sessions, for the protocol's statistics. */
export interface PullCounters {
  sessions: number;
  bytes: number;
}

/** What a pull is made of. */
export interface HttpPullOptions {
  readonly source: SourceUrl;
  readonly context: ProtocolContext;
  readonly userAgent: string;
  readonly counters: PullCounters;
}

/** Where one source's files come from: its host, its login, its certificate. */
export class HttpSource {
  readonly url: string;
  readonly #options: HttpPullOptions;
  readonly #fingerprint: string | undefined;

  constructor(options: HttpPullOptions) {
    const { url, fingerprint } = splitFingerprint(options.source.url);
    if (!URL.canParse(url)) {
      throw new WatchpostError('the address cannot be read as one of HTTP — check it', {
        kind: 'invalid_argument',
        code: 'URL_INVALID',
      });
    }
    this.url = url;
    this.#options = options;
    this.#fingerprint = fingerprint;
  }

  /** Asks for a file; credentials go to the source's own host only. */
  get(url: string, range?: string): Promise<HttpAnswer> {
    const { source, context, userAgent } = this.#options;
    const { dial, clock, signal } = context;
    const isOwn = new URL(url).host === new URL(this.url).host;
    return httpGet(url, {
      ...{ dial, clock, signal, userAgent },
      ...(range !== undefined && { range }),
      ...(isOwn && {
        fingerprint: this.#fingerprint,
        ...(source.username !== undefined && {
          credentials: { username: source.username, password: source.password ?? '' },
        }),
      }),
    });
  }

  /** A whole file, counted. */
  async read(url: string, maxBytes: number, range?: string): Promise<{ url: string; bytes: Buffer }> {
    const answer = await this.get(url, range);
    const bytes = await readBody(answer, maxBytes);
    this.count(bytes.length);
    return { url: answer.url, bytes };
  }

  /** Bytes that came. */
  count(bytes: number): void {
    this.#options.counters.bytes += bytes;
  }
}
