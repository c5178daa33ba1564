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

/** The answer of a route that sends a file, for its `schema.response`. */
export function file<const T extends string>(mediaType: T, description: string) {
  return { 200: { description, content: { [mediaType]: { schema: z.any() } } } };
}
