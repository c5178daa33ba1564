import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problem } from '../schemas/common-fields.ts';

/** A fastify instance whose routes are typed by their zod schemas. */
export type ApiApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

const meanings = {
  400: 'The request is not well formed; `errors` names the fields',
  401: 'No login or token, or not a valid one',
  403: 'Not allowed',
  404: 'There is no such thing',
  409: 'It contradicts what there is',
  413: 'The body is too large',
  415: 'The body is of a type that is not taken here',
  416: 'The range begins behind the end of the file',
  422: 'This server cannot do that',
  429: 'Too many requests; see Retry-After',
  503: 'Not available now',
  504: 'No answer in time',
} as const;

type ProblemStatus = keyof typeof meanings;
type ProblemResponse = {
  readonly description: string;
  readonly content: { readonly 'application/problem+json': { readonly schema: typeof problem } };
};

/** The problem documents that a route may answer with, for its `schema.response`. */
export function problems<const S extends ProblemStatus>(...statuses: readonly S[]): Record<S, ProblemResponse> {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: meanings[status], content: { 'application/problem+json': { schema: problem } } },
    ]),
  ) as unknown as Record<S, ProblemResponse>;
}

/** An answer without a body. */
export const noContent = z.undefined().describe('Done; no body');

/** The answer of a route that sends JSON, or another media type to who asks for that, for its `schema.response`. */
export function jsonOr<S extends z.ZodType, const T extends string>(schema: S, mediaType: T, description: string) {
  return { 200: { description, content: { 'application/json': { schema }, [mediaType]: { schema: z.any() } } } };
}

/** The answers to who asks for a range of a file, or has it, for a route's `schema.response` (RFC 9110 §13.1.2, §14). */
export function rangesOf<const T extends string>(mediaType: T) {
  return {
    206: { description: 'The range', content: { [mediaType]: { schema: z.any() } } },
    304: z.undefined().describe('What `If-None-Match` names is still the file'),
    ...problems(416),
  };
}

/** The answer of a route that sends a file, for its `schema.response`. */
export function file<const T extends string>(mediaType: T, description: string) {
  return { 200: { description, content: { [mediaType]: { schema: z.any() } } } };
}
