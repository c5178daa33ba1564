import type { AuditAction, AuditActor } from '../../catalog/audit/types.ts';
import type { Rights } from '../../catalog/identity/types.ts';
import type { RouteNeeds } from './route-needs.ts';

/** Who asks: a person by session, a program by token, or anybody where no login is required. */
export interface Principal extends Rights {
  readonly via: 'session' | 'token' | 'none';
  /** Id of the user; undefined where no login is required. */
  readonly userId?: string;
  readonly name: string;
  /** Id of the session, for `via: 'session'`. */
  readonly sessionId?: string;
  /** Id and name of the API token, for `via: 'token'`. */
  readonly tokenId?: string;
  readonly tokenName?: string;
  /** The password that was told, for requests with neither session nor token: changes with it. */
  readonly passwordMark?: string;
  /** When session or token end by themselves, as far as is known now; ms since 1970 UTC. */
  readonly expiresMs?: number;
  /** The credentials came in a cookie, which browsers send along unasked. */
  readonly byCookie: boolean;
}

/** Whoever asks where no login is required. */
export const anybody: Principal = { via: 'none', name: 'anybody', role: 'admin', byCookie: false };

/** May do everything: an administrator, or a token of one that is not limited. */
export function isUnlimitedAdmin(rights: Rights | undefined): boolean {
  return rights?.role === 'admin' && rights.streams === undefined;
}

/** For whom an address is signed; undefined where addresses need no signature. */
export function granteeOf({ userId, tokenId }: Principal): string | undefined {
  if (userId === undefined) return undefined;
  return tokenId === undefined ? `u${userId}` : `t${tokenId}`;
}

/** Who asks, as the audit log has it. */
export function actorOf(
  principal: Principal,
  from: { readonly address: string; readonly userAgent: string | string[] | undefined },
): AuditActor {
  return {
    user: principal.name,
    via: principal.tokenName === undefined ? principal.via : `token ${principal.tokenName}`,
    address: from.address,
    userAgent: String(from.userAgent ?? ''),
  };
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; undefined on public routes for somebody without credentials. */
    principal: Principal | undefined;
  }
  interface FastifyContextConfig {
    /** What a caller must be for this route; without it only administrators come in. */
    needs?: RouteNeeds;
    /** What the audit log calls it when it was done; without it changes are `configure`, and reading is not written down. */
    audit?: AuditAction | 'none';
  }
}
