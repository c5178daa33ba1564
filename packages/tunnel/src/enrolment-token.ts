import { WatchpostError } from '@watchpost/base/errors.ts';
import { fromBase64Url, toBase64Url } from './base64-url.ts';

/** What an enrolment token is made of; as text `wpe_ID_SECRET`. Only the id is ever said over the wire. */
export interface EnrolmentToken {
  /** 12 hexadecimal digits. */
  readonly id: string;
  readonly secret: Uint8Array;
}

const pattern = /^wpe_([0-9a-f]{12})_([A-Za-z0-9_-]{32})$/;

/** Bytes of a token's secret. */
export const tokenSecretBytes = 24;

/** The token as people carry it. */
export function formatEnrolmentToken({ id, secret }: EnrolmentToken): string {
  return `wpe_${id}_${toBase64Url(secret)}`;
}

/** Reads a token; `invalid_argument` (`ENROLMENT_TOKEN_FORMAT`) where it is none. */
export function parseEnrolmentToken(text: string): EnrolmentToken {
  const match = pattern.exec(text.trim());
  if (!match)
    throw new WatchpostError(
      'This is no enrolment token — one begins with "wpe_" and is made by POST /agents/enrolment-tokens',
      {
        kind: 'invalid_argument',
        code: 'ENROLMENT_TOKEN_FORMAT',
      },
    );
  return { id: match[1]!, secret: fromBase64Url(match[2]!) };
}
