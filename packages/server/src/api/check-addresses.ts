import { WatchpostError } from '@watchpost/base/errors.ts';
import type { SourceUrl } from '@watchpost/base/source-url.ts';
import type { ApiStream } from '../catalog/definitions/stream-definitions.ts';
import { FieldError } from '../net/problem.ts';
import type { IngestProtocol } from './dependencies.ts';

/** How addresses of a stream are called in the request that has them. */
export interface AddressFields {
  /** Of the first source. */
  readonly source: string;
  readonly sub: string;
}

/**
 * The stream, once the protocols take its addresses: all that are not `known` are checked. Throws `FieldError` with the
 * field of the one that is wrong.
 */
export function withCheckedAddresses(
  stream: ApiStream,
  { protocols, fields, known }: { protocols: readonly IngestProtocol[]; fields: AddressFields; known?: ApiStream },
): ApiStream {
  const old = known ? [...known.sources, known.subSource, ...known.push] : [];
  const check = (field: string, source: SourceUrl) => {
    if (old.some((one) => one?.url === source.url)) return;
    const protocol = protocols.find(({ schemes }) => schemes.includes(source.scheme));
    try {
      protocol?.checkSource?.(source);
    } catch (error) {
      if (error instanceof WatchpostError) throw new FieldError([{ field, message: error.message }], error.code);
      throw error;
    }
  };
  for (const [i, source] of stream.sources.entries()) check(i === 0 ? fields.source : 'fallback_urls', source);
  if (stream.subSource) check(fields.sub, stream.subSource);
  for (const [i, target] of stream.push.entries()) check(`push.${i}`, target);
  return stream;
}
