import type { FastifyRequest } from 'fastify';
import { type MediaAction, signMediaToken } from './auth/media-token.ts';
import { granteeOf } from './auth/principal.ts';
import type { ApiDependencies } from './dependencies.ts';
import { toInstant } from './time-text.ts';

/** How long a signed address works. */
export const mediaTokenLifeMs = 12 * 3_600_000;

/** An address that somebody without a login can use until it expires. */
export interface MediaAddress {
  /** Absolute, as this server was addressed. */
  readonly url: string;
  /** Path and query. */
  readonly path: string;
  /** Null where addresses need no signature. */
  readonly expires: string | null;
}

/** Signs `path` for one stream and action, where logins are required. */
export function mediaAddress(
  deps: ApiDependencies,
  request: FastifyRequest,
  target: { readonly path: string; readonly streamId: string; readonly action: MediaAction; readonly origin?: string },
): MediaAddress {
  const origin = target.origin ?? `${request.protocol}://${request.host}`;
  const { principal } = request;
  const grantee = principal && granteeOf(principal);
  if (grantee === undefined) return { url: origin + target.path, path: target.path, expires: null };
  // It outlives the session that asked, but no token.
  const granteeEndsMs = principal?.via === 'token' ? principal.expiresMs : undefined;
  const expiresMs = Math.min(deps.clock.wallMs() + mediaTokenLifeMs, granteeEndsMs ?? Number.POSITIVE_INFINITY);
  const { streamId, action } = target;
  const token = signMediaToken(deps.identity.mediaKey, { streamId, action, expiresMs, grantee });
  const path = `${target.path}${target.path.includes('?') ? '&' : '?'}token=${token}`;
  return { url: origin + path, path, expires: toInstant(expiresMs) };
}

/** The host that the client named, without its port; brackets around IPv6 stay. */
export function hostnameOf(request: FastifyRequest): string {
  return request.host.replace(/:\d+$/, '');
}
