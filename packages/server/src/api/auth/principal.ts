import type { Role } from '../../catalog/identity/types.ts';

/** Who asks: a person by session, a program by token, or anybody where no login is required. */
export interface Principal {
  readonly via: 'session' | 'token' | 'none';
  /** Id of the user; undefined where no login is required. */
  readonly userId?: string;
  readonly name: string;
  readonly role: Role;
  /** Id of the session, for `via: 'session'`. */
  readonly sessionId?: string;
  /** The credentials came in a cookie, which browsers send along unasked. */
  readonly byCookie: boolean;
}

/** Whoever asks where no login is required. */
export const anybody: Principal = { via: 'none', name: 'anybody', role: 'admin', byCookie: false };

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; undefined on public routes for somebody without credentials. */
    principal: Principal | undefined;
  }
  interface FastifyContextConfig {
    /** Answers without a login. */
    public?: boolean;
  }
}
